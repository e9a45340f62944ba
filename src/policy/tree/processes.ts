/** What of /proc is closed in a tree whose processes are the program's own. */

import { jailRule } from "../fixed.ts";
import type { Glob } from "../path/glob.ts";
import { PathMatcher } from "../path/match.ts";
import { isWithin } from "../path/within.ts";
import type { Unheld } from "../plan/unasked.ts";
import type { PathRule } from "../policy.ts";
import type { TreeFacts } from "./facts.ts";

/** What a policy says of /proc. */
export interface ProcessRules {
  /** What may be read, and all that is beneath. */
  readonly allowed: readonly string[];
  /** What may not. */
  readonly refused: ReadonlyMap<string, PathRule>;
  /** The same with wildcards. */
  readonly patterns: readonly {
    readonly glob: Glob;
    readonly rule: PathRule;
  }[];
  /** What to know about the machine. */
  readonly facts: Pick<TreeFacts, "alone" | "kind" | "names">;
}

/** A name that is closed. */
export interface ClosedName {
  readonly path: string;
  readonly is: "directory" | "file";
}

const SELF = "/proc/self";
/** All sockets of the network that a process is in, also of others. */
const NETWORK = `${SELF}/net`;
/** The directories that each process has, but for those that lead elsewhere. */
const DIRECTORIES: readonly string[] = [
  ...["attr", "fd", "fdinfo", "map_files", "net", "ns"],
];

/**
 * Finds what is to be closed. The directories of processes are not: whoever is in
 * there is of the program, and each may look at the others.
 *
 * @param rules what a policy says
 * @returns the names, and the rules that cannot be held
 */
export function closedProcesses(
  { allowed, refused, patterns, facts }: ProcessRules,
): {
  readonly nodes: readonly ClosedName[];
  readonly unheld: readonly Unheld[];
} {
  const nodes: ClosedName[] = [];
  const matcher = new PathMatcher();
  patterns.forEach(({ glob }, number) => matcher.add(glob, 0, number));
  const isRefused = (path: string): boolean => {
    matcher.walk(path, path.length, 1);
    return refused.has(path) || matcher.best(0) >= 0;
  };
  const look = (directory: string): void => {
    for (const name of facts.names(directory)) {
      const path = `${directory}/${name}`;
      const kind = facts.kind(path);
      if (/^\d+$/.test(name) || kind === "link" || kind === "missing") continue;
      const is = kind === "directory" ? "directory" : "file";
      const open = allowed.some((above) => isWithin(path, above));
      if (isRefused(path)) nodes.push({ path, is });
      else if (is === "directory" && (open || leadsTo(path))) look(path);
      else if (!open) nodes.push({ path, is });
    }
  };
  const leadsTo = (path: string): boolean =>
    allowed.some((beneath) => isWithin(beneath, path));
  look("/proc");
  const unheld: Unheld[] = [];
  for (const { ref } of rulesOfEach({ refused, patterns, facts }, matcher)) {
    unheld.push({ rule: ref, why: "each process has another one" });
  }
  if (!facts.alone && !allowed.some((above) => isWithin(NETWORK, above))) {
    unheld.push({
      rule: jailRule(["proc"], NETWORK),
      why: "it tells of the machine's network, and no rule lets it be read",
    });
  }
  return { nodes, unheld };
}

/** The rules that refuse something which each process has for itself. */
function rulesOfEach(
  { refused, patterns, facts }: Omit<ProcessRules, "allowed">,
  matcher: PathMatcher,
): ReadonlySet<PathRule> {
  const isOfEach = (path: string): boolean =>
    isWithin(path, SELF) && !(facts.alone && isNetwork(path));
  const rules = new Set<PathRule>();
  // Wildcards that mean any place may mean files of each process, too.
  for (const name of namesOfEach(facts.names)) {
    for (const path of [`${SELF}${name}`, `${SELF}/task/1${name}`]) {
      matcher.walk(path, path.length, 1);
      const rule = patterns[matcher.best(0)]?.rule;
      if (rule !== undefined && isOfEach(path)) rules.add(rule);
    }
  }
  for (const [path, rule] of refused) if (isOfEach(path)) rules.add(rule);
  for (const { glob, rule } of patterns) {
    // Those were found by the names that there are.
    if (glob.segments[0]?.kind === "any-depth") continue;
    const names = glob.segments.map((segment) =>
      segment.kind === "name" ? segment.name : "*"
    );
    if (isOfEach(`/${names.join("/")}`)) rules.add(rule);
  }
  return rules;
}

/**
 * Whether a wildcard means something in /proc, by the names that are there.
 *
 * @param glob the wildcard
 * @param facts what to know about the machine
 */
export function meansProcesses(
  glob: Glob,
  { names, walk }: Pick<TreeFacts, "names" | "walk">,
): boolean {
  const matcher = new PathMatcher();
  matcher.add(glob, 0, 0);
  let found = false;
  const look = (path: string): void => {
    matcher.walk(path, path.length, 1);
    found ||= matcher.best(0) >= 0;
  };
  look("/proc");
  for (const name of namesOfEach(names)) {
    look(`${SELF}${name}`);
    look(`${SELF}/task/1${name}`);
  }
  walk("/proc", (directory, name) => {
    if (directory === "/proc" && /^\d+$/.test(name)) return false;
    look(`${directory}/${name}`);
    return !found;
  }, () => {});
  return found;
}

/** What each process has: itself, its names, and those in its directories. */
function* namesOfEach(
  names: (path: string) => readonly string[],
): Generator<string> {
  yield "";
  for (const name of names(SELF)) {
    yield `/${name}`;
    if (!DIRECTORIES.includes(name)) continue;
    for (const inner of names(`${SELF}/${name}`)) yield `/${name}/${inner}`;
  }
}

/** Whether a path is about the network of a process. */
function isNetwork(path: string): boolean {
  return path.split("/").includes("net");
}
