/** How much of each rule about files a floor holds. */

import {
  LANDLOCK_ACCESS_FS_EXECUTE,
  LANDLOCK_ACCESS_FS_WRITE_FILE,
} from "../../abi/landlock.ts";
import { realGlobs, type Realpath } from "../path/rules.ts";
import {
  EFFECTS,
  PATH_SECTIONS,
  type PathRule,
  type PathSection,
  type Policy,
} from "../policy.ts";
import type { Floor } from "./floor.ts";
import {
  allGrants,
  type FloorFacts,
  type Grant,
  isProc,
  READ_FILE,
  REFER,
  rootOf,
} from "./grants.ts";
import { Paths } from "./paths.ts";

/** How much of a rule the floor holds. */
export interface Held {
  /** All that Landlock can see of it, a part, or nothing. */
  readonly extent: "exactly" | "partly" | "no";
  /** Why not all. */
  readonly why: string;
}

/** What tells that a file may be used so. */
const MARKS: Readonly<Record<PathSection, number>> = {
  read: READ_FILE,
  write: LANDLOCK_ACCESS_FS_WRITE_FILE,
  run: LANDLOCK_ACCESS_FS_EXECUTE,
};

const EXACTLY: Held = { extent: "exactly", why: "" };

/**
 * Finds how much of each rule a floor holds.
 *
 * @param policy the policy
 * @param facts what the floor was made from
 * @param floor its floor
 * @returns an entry for each rule about files
 */
export function heldRules(
  policy: Policy,
  facts: FloorFacts,
  floor: Floor,
): ReadonlyMap<PathRule, Held> {
  const held = new Map<PathRule, Held>();
  const { realpath } = facts;
  const grants = allGrants(policy, facts);
  const written = pathsOf(floor, REFER);
  for (const section of PATH_SECTIONS) {
    const mark = MARKS[section];
    const own = new Paths(
      policy[section].allow.flatMap((rule) => grants.get(rule) ?? [])
        .map(({ path }) => path),
    );
    const beyond = floor.rules.find(({ path, access }) =>
      (access & mark) !== 0 && !own.hold(path)
    )?.path;
    const closed = new Paths(rootsOf([
      ...policy[section].deny,
      ...policy[section].ignore,
      ...policy.read.ignore,
    ], realpath));
    const open = pathsOf(floor, mark);
    for (const effect of EFFECTS) {
      for (const rule of policy[section][effect]) {
        held.set(
          rule,
          (mark & floor.handledFs) === 0
            ? no("the floor does not hold this section")
            : effect === "allow"
            ? allowed(rule, grants.get(rule) ?? [], realpath, {
              open,
              written,
              closed,
              beyond,
            })
            : refused(rootsOf([rule], realpath), open),
        );
      }
    }
  }
  return held;
}

/** What matters of a section for each of its rules. */
interface Section {
  /** Where the floor lets files be used so. */
  readonly open: Paths;
  /** Where the floor lets files be moved. */
  readonly written: Paths;
  /** Where rules begin that refuse. */
  readonly closed: Paths;
  /** A place that the section's rules do not name, and that is allowed as well. */
  readonly beyond: string | undefined;
}

/** How well something is held that is allowed. */
function allowed(
  rule: PathRule,
  grants: readonly Grant[],
  realpath: Realpath,
  { open, written, closed, beyond }: Section,
): Held {
  const roots: string[] = [];
  for (const glob of realGlobs(rule.pattern, realpath)) {
    const { path, plain } = rootOf(glob);
    roots.push(path);
    if (isProc(path)) return partly("all of /proc, whose files come and go");
    if (!plain) return partly(`all beneath ${path}, without wildcards`);
    if (!glob.beneath) return partly("directories beneath it too");
  }
  const wider = roots.map((root) => open.above(root))
    .find((path) => path !== undefined);
  if (wider !== undefined) return partly(`all beneath ${wider}`);
  if (!grants.some(({ path }) => open.has(path))) {
    return partly("nothing is there, and what comes is refused");
  }
  const moved = roots.some((root) => written.meet(root)) ? beyond : undefined;
  if (moved !== undefined) {
    return partly(`${moved} too, where files can be moved`);
  }
  return roots.some((root) => closed.meet(root))
    ? partly("all of it, without exceptions")
    : EXACTLY;
}

/** How well something is held that is refused. */
function refused(roots: readonly string[], open: Paths): Held {
  if (roots.some((root) => open.hold(root))) {
    return no("it lies in what is allowed");
  }
  return roots.some((root) => open.isAround(root))
    ? partly("but for what is allowed beneath it")
    : EXACTLY;
}

/** Where a floor allows an access, or some of it. */
function pathsOf(floor: Floor, access: number): Paths {
  return new Paths(
    floor.rules.filter((rule) => (rule.access & access) !== 0)
      .map(({ path }) => path),
  );
}

/** Where rules begin. */
function rootsOf(rules: readonly PathRule[], realpath: Realpath): string[] {
  return rules.flatMap(({ pattern }) => realGlobs(pattern, realpath))
    .map((glob) => rootOf(glob).path);
}

function partly(why: string): Held {
  return { extent: "partly", why };
}

function no(why: string): Held {
  return { extent: "no", why };
}
