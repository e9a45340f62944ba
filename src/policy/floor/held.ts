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
import { type Floor, floorAllows } from "./floor.ts";
import {
  allGrants,
  type FloorFacts,
  type Grant,
  isProc,
  isWithin,
  overlap,
  READ_FILE,
  REFER,
  rootOf,
} from "./grants.ts";

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
  for (const section of PATH_SECTIONS) {
    const mark = MARKS[section];
    const own = policy[section].allow.flatMap((rule) => grants.get(rule) ?? []);
    const beyond = floor.rules.find(({ path, access }) =>
      (access & mark) !== 0 && !own.some((grant) => isWithin(path, grant.path))
    )?.path;
    const closed = rootsOf([
      ...policy[section].deny,
      ...policy[section].ignore,
      ...policy.read.ignore,
    ], realpath);
    for (const effect of EFFECTS) {
      for (const rule of policy[section][effect]) {
        held.set(
          rule,
          (mark & floor.handledFs) === 0
            ? no("the floor does not hold this section")
            : effect === "allow"
            ? allowed(rule, grants.get(rule) ?? [], realpath, {
              mark,
              closed,
              beyond,
              floor,
            })
            : refused(rootsOf([rule], realpath), mark, floor),
        );
      }
    }
  }
  return held;
}

/** What matters of a section for each of its rules. */
interface Section {
  /** What tells that a file may be used so. */
  readonly mark: number;
  /** Where rules begin that refuse. */
  readonly closed: readonly string[];
  /** A place that the section's rules do not name, and that is allowed as well. */
  readonly beyond: string | undefined;
  /** The floor. */
  readonly floor: Floor;
}

/** How well something is held that is allowed. */
function allowed(
  rule: PathRule,
  grants: readonly Grant[],
  realpath: Realpath,
  { mark, closed, beyond, floor }: Section,
): Held {
  const roots: string[] = [];
  for (const glob of realGlobs(rule.pattern, realpath)) {
    const { path, plain } = rootOf(glob);
    roots.push(path);
    if (isProc(path)) return partly("all of /proc, whose files come and go");
    if (!plain) return partly(`all beneath ${path}, without wildcards`);
    if (!glob.beneath) return partly("directories beneath it too");
  }
  const wider = floor.rules.find((rule) =>
    (rule.access & mark) !== 0 &&
    roots.some((root) => root !== rule.path && isWithin(root, rule.path))
  );
  if (wider !== undefined) return partly(`all beneath ${wider.path}`);
  const there = grants.some(({ path }) =>
    floor.rules.some((rule) => rule.path === path && (rule.access & mark) !== 0)
  );
  if (!there) return partly("nothing is there, and what comes is refused");
  const written = floor.rules.filter(({ access }) => (access & REFER) !== 0);
  const moved =
    roots.some((root) => written.some(({ path }) => overlap(root, path)))
      ? beyond
      : undefined;
  if (moved !== undefined) {
    return partly(`${moved} too, where files can be moved`);
  }
  const excepted = closed.some((path) =>
    roots.some((root) => overlap(path, root))
  );
  return excepted ? partly("all of it, without exceptions") : EXACTLY;
}

/** How well something is held that is refused. */
function refused(roots: readonly string[], mark: number, floor: Floor): Held {
  if (roots.some((root) => floorAllows(floor, root, mark))) {
    return no("it lies in what is allowed");
  }
  const open = floor.rules.some(({ path, access }) =>
    (access & mark) !== 0 && roots.some((root) => isWithin(path, root))
  );
  return open ? partly("but for what is allowed beneath it") : EXACTLY;
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
