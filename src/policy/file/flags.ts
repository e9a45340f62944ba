/** The permission flags of the command line, Deno's, made a layer. */

import { fromText, printable } from "../../abi/bytes.ts";
import type { RuleRef } from "../decision.ts";
import { isVariable } from "../env.ts";
import { listenable } from "../net/names.ts";
import { type Net, type NetRule, NO_NET_RULES } from "../net/net.ts";
import { EVERYTHING, type NetPattern, parseNet } from "../net/pattern.ts";
import { escapeGlob, GlobError, parseGlob } from "../path/glob.ts";
import { parseSegment } from "../path/segment.ts";
import {
  type Effect,
  EFFECTS,
  EMPTY_LAYER,
  type Layer,
  type NameRule,
  type PathRule,
  type PathSection,
} from "../policy.ts";
import { joinPath } from "./extend.ts";
import { mustBeSeen } from "./seen.ts";
import { sysFlags } from "./sys_flags.ts";
import { understood } from "./understood.ts";

/** What flags say of one thing: nothing, all of it, or a list. */
export interface FlagValues {
  /**
   * `--allow-…`; `false`, which no flag can say, allows nothing, as an empty list
   * does.
   */
  readonly allow?: boolean | readonly string[] | undefined;
  /** `--deny-…` */
  readonly deny?: true | readonly string[] | undefined;
  /** `--ignore-…` */
  readonly ignore?: true | readonly string[] | undefined;
}

/** The permission flags of a command line. */
export interface PermissionFlags {
  /** `-A`, `--allow-all`; what one of the others allows is all of its kind. */
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

/** What one kind of flags is about. */
type PermissionSection = Exclude<keyof PermissionFlags, "allowAll">;

/** What has to be known to read the values of flags. */
export interface FlagOptions {
  /** The directory that paths are relative to, as a byte string. */
  readonly cwd: string;
  /** Finds the programs of a name in PATH, as byte strings; the first one is run. */
  readonly which: (name: string) => readonly string[];
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
 * Their values are plain paths, as with Deno: a `*` in one is a `*` in a name. What
 * was hardly meant so is refused: it would refuse nothing.
 *
 * @param flags the flags
 * @param options what to know about the machine
 * @returns the layer
 * @throws {UsageError} when an address or a path makes no sense, or a program is
 *   not found in PATH
 * @throws {Fault} for that where {@linkcode FlagOptions.ref} says that they are a
 *   file's
 * @throws {UnsupportedError} for a fact about the system that jail can neither
 *   hide nor show
 */
export function flagsLayer(
  flags: PermissionFlags,
  options: FlagOptions,
): Layer {
  const ref = options.ref ?? flagRef;
  // As with Deno, a list of what is allowed means that alone, an empty one too.
  const all = (section: PermissionSection): boolean =>
    flags.allowAll === true && flags[section]?.allow === undefined;
  const allRef = flagRef("all", "allow", undefined, "");
  const rules = <Rule>(
    section: PathSection | "env",
    each: (value: string, refuses: boolean) => readonly string[],
    everything: string,
    make: (pattern: string, ref: RuleRef, all: boolean) => Rule,
  ): Record<Effect, Rule[]> => {
    const values = flags[section];
    const made: Record<Effect, Rule[]> = { allow: [], deny: [], ignore: [] };
    if (all(section)) made.allow.push(make(everything, allRef, true));
    for (const effect of EFFECTS) {
      const list = listOf(values, effect);
      if (list === true) {
        made[effect].push(
          make(everything, ref(section, effect, undefined, ""), true),
        );
      } else if (list !== undefined) {
        list.forEach((text, index) => {
          const at = ref(section, effect, index, text);
          const refuses = effect !== "allow";
          const patterns = understood(at, options, () => {
            const made = each(text, refuses);
            if (refuses) mustBeSeen(text);
            return made;
          });
          made[effect].push(
            ...patterns.map((pattern) => make(pattern, at, false)),
          );
        });
      }
    }
    return made;
  };
  const paths = (section: PathSection): Record<Effect, PathRule[]> =>
    rules(
      section,
      (text, refuses) => {
        mustBeMeant(text, refuses);
        return toPaths(fromText(text), section, refuses, options)
          .map(escapeGlob);
      },
      "/",
      (pattern, ref) => pathRule(pattern, ref, options),
    );
  return {
    ...EMPTY_LAYER,
    read: paths("read"),
    write: paths("write"),
    run: paths("run"),
    env: {
      ...rules<NameRule>(
        "env",
        (text) => [fromText(text)],
        "*",
        (pattern, ref, all) => envRule(pattern, ref, options, all),
      ),
      set: [],
    },
    net: netOf(flags.net, options, all("net"), ref),
    sys: sysFlags(flags.sys, flags.allowAll === true, ref, options),
    nothing: LISTED.flatMap((section) => {
      const { allow, deny } = flags[section] ?? {};
      return allow === false && deny !== true
        ? [{
          keys: [section],
          ref: ref(section, "allow", undefined, "false"),
        }]
        : [];
    }),
  };
}

/** The kinds whose rules add up, so that none takes back what a policy allows. */
const LISTED = ["read", "write", "run", "env", "net"] as const;

/** What flags list of what they allow, deny or ignore. */
export function listOf(
  values: FlagValues | undefined,
  effect: Effect,
): true | readonly string[] | undefined {
  const list = values?.[effect];
  return list === false ? [] : list;
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

/**
 * Refuses a path that is hardly meant as it is written: with what only a shell acts
 * on, before a `=` not even that; and where it refuses, a word for everything, a
 * wildcard, what may hold two together, or a quote that no shell has taken off.
 */
function mustBeMeant(path: string, refuses: boolean): void {
  const shown = printable(fromText(path));
  if (/^[~$!\s]/.test(path)) {
    throw new GlobError(
      `${shown} begins with what no shell has replaced`,
      `write the whole path, or ${
        printable(fromText(`./${path}`))
      } for a file of that name`,
    );
  }
  if (refuses && /^(?:all|any|everything|true|yes)$/i.test(path)) {
    throw new GlobError(
      `${shown} is the name of a file here`,
      `leave the list out for everything, or write ${
        printable(fromText(`./${path}`))
      } for a file of that name`,
    );
  }
  if (refuses && /[*?{]|\([^/(|]*\||(?:^|[/.])[!@+]\([^/()]*\)/.test(path)) {
    throw new GlobError(
      `${shown} has a wildcard, which means itself here`,
      "write the rule in a policy, where it has a meaning, and take that by -p",
    );
  }
  const odd =
    /^["'`\u2018-\u201f]|[\n\r]|[\s,;]$|(?:[\s,;]|[^/:]{2}:)(?:\.{0,2}\/|~)/;
  if (refuses && odd.test(path)) {
    throw new GlobError(
      `${shown} has a quote in front, a blank or comma behind, or is several paths`,
      "write commas between paths and nothing else, or the rule in a policy",
    );
  }
}

/**
 * The absolute paths that a flag's value means. A bare name of a program means the
 * one that is run by it; where it refuses, all of that name: who cannot run the
 * first one in PATH goes on to the next.
 */
function toPaths(
  name: string,
  section: PathSection,
  refuses: boolean,
  options: FlagOptions,
): readonly string[] {
  if (name === "") {
    throw new GlobError("a path is empty", "name a file or a directory");
  }
  if (section !== "run" || name.includes("/")) {
    return [pathOf(name, refuses, options)];
  }
  const found = options.which(name);
  if (found.length > 0) {
    return found.slice(0, refuses ? undefined : 1)
      .map((file) => joinPath(options.cwd, file));
  }
  throw new GlobError(
    `${printable(name)} is not in PATH`,
    `write the program's whole path, such as ${printable(`./${name}`)}`,
  );
}

/**
 * The absolute path that a value means. One that is refused keeps its `..`: behind a
 * link that leads elsewhere, which is found out later.
 */
function pathOf(name: string, refuses: boolean, { cwd }: FlagOptions): string {
  const path = joinPath(cwd, name);
  if (!refuses || !name.includes("..")) return path;
  const names: string[] = [];
  let depth = 0;
  for (const one of (name[0] === "/" ? name : `${cwd}/${name}`).split("/")) {
    if (one === "" || one === "." || (one === ".." && depth === 0)) continue;
    depth += one === ".." ? -1 : 1;
    names.push(one);
  }
  return `/${names.join("/")}`;
}

/**
 * What flags say of the network. As with Deno, who may reach an address may
 * listen at it as well; at the name of a host nobody listens.
 */
function netOf(
  values: FlagValues | undefined,
  options: FlagOptions,
  all: boolean,
  ref: NonNullable<FlagOptions["ref"]>,
): Net | undefined {
  const refused = (["deny", "ignore"] as const)
    .find((effect) => values?.[effect] === true);
  if (refused !== undefined) {
    // Unlike "none" it stays, whatever is said later, and nobody is asked.
    const at = ref("net", refused, undefined, "");
    const rules = {
      ...NO_NET_RULES,
      deny: [{ patterns: EVERYTHING, ref: at }],
    };
    return { connect: rules, listen: rules };
  }
  const lists = EFFECTS.some((effect) => {
    const list = listOf(values, effect);
    return list !== undefined && list !== true && list.length > 0;
  });
  if (!lists) return all || values?.allow === true ? "all" : undefined;
  const made: Record<Effect, NetRule[]> = { allow: [], deny: [], ignore: [] };
  if (all || values?.allow === true) {
    const source = all ? "all" : "net";
    const where = all ? flagRef : ref;
    made.allow.push({
      patterns: EVERYTHING,
      ref: where(source, "allow", undefined, ""),
    });
  }
  for (const effect of EFFECTS) {
    const list = listOf(values, effect);
    if (list === undefined || list === true) continue;
    list.forEach((text, index) => {
      const at = ref("net", effect, index, text);
      const patterns = netPatterns(text, at, effect !== "allow", options);
      made[effect].push({ patterns, ref: at });
    });
  }
  return { connect: made, listen: listenable(made) };
}

function netPatterns(
  text: string,
  ref: RuleRef,
  refuses: boolean,
  options: FlagOptions,
): readonly NetPattern[] {
  return understood(ref, options, () => {
    if (refuses) mustBeSeen(text);
    // A path is plain, as those of files are.
    return parseNet(
      text,
      (path) => {
        mustBeMeant(path, refuses);
        return escapeGlob(pathOf(fromText(path), refuses, options));
      },
      refuses,
    );
  });
}

function pathRule(
  pattern: string,
  ref: RuleRef,
  options: FlagOptions,
): PathRule {
  understood(ref, options, () => parseGlob(pattern));
  return { pattern, ref };
}

function envRule(
  pattern: string,
  ref: RuleRef,
  options: FlagOptions,
  all: boolean,
): NameRule {
  understood(ref, options, () => {
    if (!isVariable(pattern)) {
      throw new GlobError(
        "it cannot be the name of a variable",
        "write the name alone",
      );
    }
    parseSegment(pattern);
  });
  return { pattern, ref, all };
}
