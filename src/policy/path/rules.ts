/** The path rules of a policy in the form that decisions are made from. */

import { PolicyError } from "../../errors.ts";
import type { Decision, Refusal, RuleRef } from "../decision.ts";
import { CONSENT, NO_CONSENT } from "../fixed.ts";
import {
  type Effect,
  EFFECTS,
  PATH_SECTIONS,
  type PathRule,
  type PathSection,
  type Policy,
} from "../policy.ts";
import { escapeGlob, type Glob, parseGlob, type Segment } from "./glob.ts";
import { PathMatcher } from "./match.ts";
import { matchSegment, parseSegment } from "./segment.ts";
import { isWithin, pathIn } from "./within.ts";

/**
 * Finds the real path of a file, or where a link leads to what is not there;
 * `undefined` where there is neither.
 */
export type Realpath = (path: string) => string | undefined;

/** One pattern of one rule, with its decisions made beforehand. */
export interface CompiledRule {
  /** What it does with what it matches. */
  readonly effect: Effect;
  /** Its first names, up to the first wildcard: `/usr/lib`. */
  readonly root: string;
  /** The rule that it comes from. */
  readonly rule: PathRule;
  /** The decision for the use with the index; made once, given out often. */
  decision(use: number): Decision;
}

const EACCES: Refusal = { kind: "errno", errno: "EACCES" };
const ENOENT: Refusal = { kind: "errno", errno: "ENOENT" };

// The numbers of accesses and effects: PATH_SECTIONS, EFFECTS.
/** To read a file, or list a directory. */
export const READ = 0;
/** To change it. */
export const WRITE = 1;
/** To execute it. */
export const RUN = 2;
/** It may be done. */
export const ALLOW = 0;
/** It may not. */
export const DENY = 1;
/** It may not, and is as if nothing were there. */
export const IGNORE = 2;

/** The slot of a kind of rules: `access` and `effect` as indices. */
export function slotOf(access: number, effect: number): number {
  return access * EFFECTS.length + effect;
}

/** All rules that allow something, as bits. */
export const ALLOW_SLOTS = (1 << slotOf(READ, ALLOW)) |
  (1 << slotOf(WRITE, ALLOW)) | (1 << slotOf(RUN, ALLOW));

/** The rule that a walk found for an access: deny, then ignore, then allow; or -1. */
export function bestRule(matcher: PathMatcher, access: number): number {
  const deny = matcher.best(slotOf(access, DENY));
  if (deny >= 0) return deny;
  const ignore = matcher.best(slotOf(access, IGNORE));
  if (ignore >= 0) return ignore;
  const hidden = matcher.best(slotOf(READ, IGNORE));
  if (hidden < 0) return matcher.best(slotOf(access, ALLOW));
  const closed = matcher.best(slotOf(READ, DENY));
  return closed >= 0 ? closed : hidden;
}

/** What a person says of a path, which leads through no link. */
export interface Said {
  /** Whether it is allowed, with all beneath, or it alone is denied. */
  readonly effect: "allow" | "deny";
  /** What may be done with it, or may not. */
  readonly section: PathSection;
  /** The path. */
  readonly path: string;
}

/**
 * Puts the path rules of a policy into a tree.
 *
 * @param policy the merged policy
 * @param realpath finds the real paths that its rules mean
 * @param said what a person says besides
 * @param spell how their names are spelled in the tree
 */
export function compileRules(
  policy: Policy,
  realpath: Realpath,
  said: readonly Said[] = [],
  spell: (glob: Glob) => Glob = (glob) => glob,
): { rules: CompiledRule[]; matcher: PathMatcher } {
  const entries: {
    glob: Glob;
    slot: number;
    depth: number;
    rule: CompiledRule;
  }[] = [];
  PATH_SECTIONS.forEach((section, access) => {
    EFFECTS.forEach((effect, index) => {
      const add = (rule: PathRule, globs: readonly Glob[]): void => {
        for (const written of globs) {
          const glob = spell(written);
          const names = literalRoot(glob);
          entries.push({
            glob,
            slot: slotOf(access, index),
            depth: names.length,
            rule: compileRule(rule, effect, `/${names.join("/")}`),
          });
        }
      };
      for (const rule of policy[section][effect]) {
        const globs = realGlobs(rule.pattern, realpath);
        if (effect !== "allow") globs.push(...globs.flatMap(ofThreads));
        add(rule, globs);
      }
      for (const one of said) {
        if (one.section !== section || one.effect !== effect) continue;
        add(ruleOf(one, policy), [globOf(one)]);
      }
    });
  });
  // Where several rules match, the one with the longest root is the most
  // specific; among those the last one wins, as later layers do.
  entries.sort((a, b) => a.depth - b.depth);
  const matcher = new PathMatcher();
  entries.forEach(({ glob, slot }, number) => matcher.add(glob, slot, number));
  return { rules: entries.map((entry) => entry.rule), matcher };
}

/** What a person says as a rule; a no fails as what no rule covers. */
function ruleOf({ section, effect, path }: Said, policy: Policy): PathRule {
  const otherwise = section === "read" ? policy.unseen : policy.default;
  return effect === "allow" ? { pattern: path, ref: CONSENT } : {
    pattern: path,
    ref: NO_CONSENT,
    refusal: otherwise?.refusal,
  };
}

/** What a person's rule covers. No pattern has as many bytes as some paths need. */
function globOf({ effect, path }: Said): Glob {
  const names = path.split("/").filter((name) => name !== "");
  return {
    segments: names.map((name) => ({ kind: "name", name })),
    beneath: effect === "allow",
  };
}

/** Makes the decisions of a rule. */
function compileRule(
  rule: PathRule,
  effect: Effect,
  root: string,
): CompiledRule {
  const { ref } = rule;
  return {
    effect,
    root,
    rule,
    decision: effect === "allow"
      ? always({ kind: "allow", rule: ref })
      : perUse((use) => ({
        kind: "refuse",
        refusal: rule.refusal ?? (effect === "ignore" ? ENOENT : EACCES),
        rule: ref,
        use,
      })),
  };
}

/** The same decision for every use. */
function always(decision: Decision): (use: number) => Decision {
  return () => decision;
}

/** A decision for each use, made when first asked for. */
export function perUse(
  make: (use: number) => Decision,
): (use: number) => Decision {
  const made: Decision[] = [];
  return (use) => made[use + 1] ??= make(use);
}

/** The names in front of the first wildcard. */
export function literalRoot(glob: Glob): string[] {
  const names: string[] = [];
  for (const segment of glob.segments) {
    if (segment.kind !== "name") break;
    names.push(segment.name);
  }
  return names;
}

/** The globs of a pattern, and those of where its links lead. */
export function realGlobs(pattern: string, realpath: Realpath): Glob[] {
  return parseGlob(pattern).flatMap((glob) => {
    const real = realGlob(glob, realpath);
    return real === undefined ? [glob] : [glob, real];
  });
}

/** What a glob means by its links, if that has another name. */
function realGlob(glob: Glob, realpath: Realpath): Glob | undefined {
  const names = literalRoot(glob);
  if (names[0] === "proc") {
    const own = ofCaller(glob);
    return own === undefined ? undefined : replaced(glob, 2, own);
  }
  const real = realRoot(names, realpath);
  if (real === `/${names.join("/")}`) return undefined;
  // A link into the directory of this process leads into that of whoever asks.
  const own = real.replace(/^\/proc\/[0-9]+(?=\/|$)/, "/proc/self");
  return replaced(glob, names.length, escapeGlob(own));
}

/** A glob that begins by a pattern in place of so many names. */
function replaced(glob: Glob, count: number, pattern: string): Glob {
  const [{ segments }] = parseGlob(pattern) as readonly [Glob];
  return { ...glob, segments: [...segments, ...glob.segments.slice(count)] };
}

/**
 * What stands in /proc for whoever asks, as rules see it. All other links there
 * lead elsewhere for each process, for jail to its own files.
 */
const OF_CALLER: ReadonlyMap<string, string> = new Map([
  ["mounts", "/proc/self/mounts"],
  ["net", "/proc/self/net"],
  ["thread-self", "/proc/self/task/*"],
]);

/**
 * What the first two names of a glob in /proc mean: one's own process, by number as
 * well.
 */
function ofCaller({ segments: [, second] }: Glob): string | undefined {
  if (second?.kind === "name") return OF_CALLER.get(second.name);
  return second?.kind === "pattern" && mayBeNumber(second.pattern.text)
    ? "/proc/self"
    : undefined;
}

/** Whether a pattern of a name may mean a process by its number: each part a digit. */
function mayBeNumber(pattern: string): boolean {
  const parts = pattern.match(/\\[^]|\[[!^]?\]?(?:\\[^]|[^\]\\])*\]|[^]/g) ??
    [];
  return parts.every((part) => {
    const one = parseSegment(part);
    return Array.from("0123456789").some((digit) =>
      matchSegment(one, digit, 0, 1)
    );
  });
}

/** What is refused of a process is refused of its threads, which tell the same. */
function ofThreads(glob: Glob): Glob[] {
  const [first, second, third] = glob.segments;
  const isOwn = isName(first, "proc") && isName(second, "self");
  return !isOwn || third === undefined || third.kind === "any-depth" ||
      isName(third, "task")
    ? []
    : [replaced(glob, 2, "/proc/self/task/*")];
}

function isName(segment: Segment | undefined, name: string): boolean {
  return segment?.kind === "name" && segment.name === name;
}

/** A link by which a rule leads to a file, or what a link there would lead astray. */
export interface RuleLink {
  /** Where it is, without links on the way. */
  readonly path: string;
  /**
   * Whether it must not be removed: the rule refuses something, or names another link,
   * which would lead to whatever is put there.
   */
  readonly stays: boolean;
}

/**
 * The links by which rules lead to files, also those that other links lead to,
 * which no rule names.
 *
 * @param roots where the rules begin
 * @param realpath finds real paths
 * @param links finds the links that a path leads through, and where others would
 *   lead it elsewhere
 */
export function linksOfRules(
  roots: readonly RuleRoot[],
  realpath: Realpath,
  links: (path: string) => readonly string[],
): readonly RuleLink[] {
  return roots.flatMap(({ path, effect }) => {
    const root = `/${path.join("/")}`;
    if (realRoot(path, realpath) === root) return [];
    return links(root).map((link) => {
      const stays = effect !== "allow" || !isWithin(root, link);
      return { path: link, stays };
    });
  });
}

/** Where one pattern of a rule begins. */
export interface RuleRoot {
  /** The names in front of its first wildcard. */
  readonly path: readonly string[];
  /** What the rule does. */
  readonly effect: Effect;
  /** Which rule it is. */
  readonly ref: RuleRef;
  /** Paths that it leads out of again by `..`. */
  readonly left: readonly string[];
}

/** The most patterns of a policy: more of them no person wrote. */
const MAX_PATTERNS = 65_536;

/**
 * Where the rules of a policy begin that name files, those about sockets as well.
 *
 * @param policy the merged policy
 * @throws {PolicyError} where their alternatives (`{a,b}`) stand for more than can
 *   be held, with the first rule that is too much
 */
export function ruleRoots(policy: Policy): readonly RuleRoot[] {
  const roots: RuleRoot[] = [];
  for (const root of eachRoot(policy)) {
    roots.push(root);
    if (roots.length <= MAX_PATTERNS) continue;
    const { source, text } = root.ref;
    throw new PolicyError(
      `Cannot use "${text}" of "${source}": with those before it, it stands ` +
        `for more than ${MAX_PATTERNS} patterns`,
      { hint: "write fewer alternatives in braces, or a wildcard" },
    );
  }
  return roots;
}

/** The paths that the rules of a policy name, up to their first wildcards. */
export function pathsOfRules(policy: Policy): readonly string[] {
  return ruleRoots(policy).map(pathOfRoot);
}

/** The path that a pattern begins with. */
export function pathOfRoot({ path }: RuleRoot): string {
  return `/${path.join("/")}`;
}

function* eachRoot(policy: Policy): Iterable<RuleRoot> {
  for (const effect of EFFECTS) {
    for (const section of PATH_SECTIONS) {
      for (const { pattern, ref } of policy[section][effect]) {
        yield* rootsOf(pattern, effect, ref);
      }
    }
    if (typeof policy.net === "string") continue;
    for (const { [effect]: rules } of [policy.net.connect, policy.net.listen]) {
      for (const { patterns, ref } of rules) {
        for (const pattern of patterns) {
          if (pattern.kind !== "unix") continue;
          yield* rootsOf(pattern.pattern, effect, ref);
        }
      }
    }
  }
}

function* rootsOf(
  pattern: string,
  effect: Effect,
  ref: RuleRef,
): Iterable<RuleRoot> {
  for (const glob of parseGlob(pattern)) {
    const path = literalRoot(glob);
    // Links of /proc lead elsewhere for each process.
    if (path[0] !== "proc") yield { path, effect, ref, left: glob.left ?? [] };
  }
}

/** The real path of a path, as names, whose end may not exist yet. */
export function realRoot(names: readonly string[], realpath: Realpath): string {
  const { known, real } = furthest(names, realpath);
  const rest = names.slice(known);
  return rest.length === 0 ? real : pathIn(real, rest.join("/"));
}

/**
 * Finds how far a path, as names, leads somewhere.
 *
 * @param names the names in it
 * @param realpath finds real paths
 * @returns how many of the names do, and the real path of where they lead
 */
export function furthest(
  names: readonly string[],
  realpath: Realpath,
): { readonly known: number; readonly real: string } {
  let real = "/";
  // From above: what is missing at the top is asked about once, and nothing beneath.
  for (let known = 0; known < names.length; known++) {
    const next = realpath(`/${names.slice(0, known + 1).join("/")}`);
    if (next === undefined) return { known, real };
    real = next;
  }
  return { known: names.length, real };
}
