/** The permission flags of the command line, Deno's, made a layer. */

import { fromText } from "../abi/bytes.ts";
import { UnsupportedError, UsageError } from "../errors.ts";
import type { RuleRef } from "./decision.ts";
import { joinPath } from "./extend.ts";
import { escapeGlob } from "./glob.ts";
import {
  type AllOrNone,
  type Effect,
  EFFECTS,
  EMPTY_LAYER,
  type Layer,
  type NameRule,
  PATH_SECTIONS,
  type PathRule,
  type PathSection,
} from "./policy.ts";

/** What flags say of one thing: nothing, all of it, or a list. */
export interface FlagValues {
  /** `--allow-…` */
  readonly allow?: true | readonly string[] | undefined;
  /** `--deny-…` */
  readonly deny?: true | readonly string[] | undefined;
  /** `--ignore-…` */
  readonly ignore?: true | readonly string[] | undefined;
}

/** The permission flags of a command line. */
export interface Flags {
  /** `-A`, `--allow-all`. */
  readonly allowAll?: boolean | undefined;
  /** Files that may be read. */
  readonly read?: FlagValues | undefined;
  /** Files that may be written. */
  readonly write?: FlagValues | undefined;
  /** Programs that may be run. */
  readonly run?: FlagValues | undefined;
  /** The network. */
  readonly net?: FlagValues | undefined;
  /** Environment variables. */
  readonly env?: FlagValues | undefined;
  /** Facts about the system. */
  readonly sys?: FlagValues | undefined;
}

/** What has to be known to read the values of flags. */
export interface FlagOptions {
  /** The directory that paths are relative to, as a byte string. */
  readonly cwd: string;
  /** Finds a program in PATH, as byte strings. */
  readonly which: (name: string) => string | undefined;
  /** Where the rules stand; made of flags unless it says otherwise. */
  readonly ref?: (
    section: string,
    effect: Effect,
    index: number | undefined,
    text: string,
  ) => RuleRef;
}

/**
 * Makes a layer of permission flags.
 *
 * Their values are plain paths, as with Deno: a `*` in one is a `*` in a name.
 *
 * @param flags the flags
 * @param options what to know about the machine
 * @returns the layer
 * @throws {UsageError} when a program is not found in PATH
 * @throws {UnsupportedError} for a list of hosts, which is not enforced yet
 */
export function flagsLayer(flags: Flags, options: FlagOptions): Layer {
  const ref = options.ref ?? flagRef;
  const all = flags.allowAll === true;
  const allRef = flagRef("all", "allow", undefined, "");
  const rules = <Rule>(
    section: string,
    one: (value: string) => string,
    everything: string,
    make: (pattern: string, ref: RuleRef) => Rule,
  ): Record<Effect, Rule[]> => {
    const values = flags[section as keyof Flags] as FlagValues | undefined;
    const made: Record<Effect, Rule[]> = { allow: [], deny: [], ignore: [] };
    if (all) made.allow.push(make(everything, allRef));
    for (const effect of EFFECTS) {
      const list = values?.[effect];
      if (list === true) {
        made[effect].push(make(everything, ref(section, effect, undefined, "")));
      } else if (list !== undefined) {
        list.forEach((text, index) => {
          made[effect].push(make(one(text), ref(section, effect, index, text)));
        });
      }
    }
    return made;
  };
  const paths = (section: PathSection): Record<Effect, PathRule[]> =>
    rules(
      section,
      (text) => escapeGlob(toPath(text, section, options)),
      "/",
      (pattern, ref) => ({ pattern, ref }),
    );
  const [read, write, run] = PATH_SECTIONS.map(paths) as [
    Layer["read"],
    Layer["write"],
    Layer["run"],
  ];
  return {
    ...EMPTY_LAYER,
    read,
    write,
    run,
    env: rules<NameRule>(
      "env",
      fromText,
      "*",
      (pattern, ref) => ({ pattern, ref }),
    ),
    net: allOrNone(flags.net, "net", all),
    sys: allOrNone(flags.sys, "sys", all),
  };
}

/** Where a rule of a flag stands. */
function flagRef(
  section: string,
  effect: Effect,
  index: number | undefined,
  text: string,
): RuleRef {
  const source = `--${effect}-${section}`;
  return {
    source,
    keys: index === undefined ? [] : [index],
    text: text === "" ? source : `${source}=${text}`,
  };
}

/** The absolute path that a flag's value means. */
function toPath(
  text: string,
  section: PathSection,
  options: FlagOptions,
): string {
  const name = fromText(text);
  if (name === "") {
    throw new UsageError(`Cannot use an empty path for ${section}`, "name a file or a directory");
  }
  if (section !== "run" || name.includes("/")) {
    return joinPath(options.cwd, name);
  }
  const found = options.which(name);
  if (found !== undefined) return joinPath(options.cwd, found);
  throw new UsageError(
    `Cannot find "${text}" in PATH`,
    `write the program's whole path, or "./${text}"`,
  );
}

/** All, nothing, or not said. */
function allOrNone(
  values: FlagValues | undefined,
  section: "net" | "sys",
  all: boolean,
): AllOrNone | undefined {
  for (const effect of EFFECTS) {
    if (values?.[effect] !== undefined && values[effect] !== true) {
      throw new UnsupportedError(
        `Cannot enforce a list for --${effect}-${section} yet`,
        `write --${effect}-${section} for all of it`,
      );
    }
  }
  if (values?.deny === true || values?.ignore === true) return "none";
  return all || values?.allow === true ? "all" : undefined;
}
