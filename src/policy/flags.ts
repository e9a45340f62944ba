/** The permission flags of the command line, Deno's, made a layer. */

import { fromText, printable } from "../abi/bytes.ts";
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
export interface PermissionFlags {
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
export function flagsLayer(
  flags: PermissionFlags,
  options: FlagOptions,
): Layer {
  const ref = options.ref ?? flagRef;
  const all = flags.allowAll === true;
  const allRef = flagRef("all", "allow", undefined, "");
  const rules = <Rule>(
    section: PathSection | "env",
    one: (value: string) => string,
    everything: string,
    make: (pattern: string, ref: RuleRef) => Rule,
  ): Record<Effect, Rule[]> => {
    const values = flags[section];
    const made: Record<Effect, Rule[]> = { allow: [], deny: [], ignore: [] };
    if (all) made.allow.push(make(everything, allRef));
    for (const effect of EFFECTS) {
      const list = values?.[effect];
      if (list === true) {
        made[effect].push(
          make(everything, ref(section, effect, undefined, "")),
        );
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
      (text) => escapeGlob(toPath(fromText(text), section, options)),
      "/",
      (pattern, ref) => ({ pattern, ref }),
    );
  return {
    ...EMPTY_LAYER,
    read: paths("read"),
    write: paths("write"),
    run: paths("run"),
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
    text: index === undefined ? source : `${source}=${plain(text)}`,
  };
}

/** A text as a person may safely see it. */
function plain(text: string): string {
  return printable(fromText(text)).slice(1, -1);
}

/** The absolute path that a flag's value means. */
function toPath(
  name: string,
  section: PathSection,
  options: FlagOptions,
): string {
  if (name === "") {
    throw new UsageError(
      `Cannot use an empty path for ${section}`,
      "name a file or a directory",
    );
  }
  if (section !== "run" || name.includes("/")) {
    return joinPath(options.cwd, name);
  }
  const found = options.which(name);
  if (found !== undefined) return joinPath(options.cwd, found);
  throw new UsageError(
    `Cannot find ${printable(name)} in PATH`,
    `write the program's whole path, such as ${printable(`./${name}`)}`,
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
