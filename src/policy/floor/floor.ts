/**
 * What the kernel itself can hold of a policy: its floor, for Landlock.
 *
 * Landlock allows accesses to whole hierarchies and knows no exception inside
 * one, so the floor is wider than the policy, never narrower: a rule with a
 * wildcard is held where its first names lead, and what is refused beneath
 * something allowed is left to the stops. Landlock knows a file by its inode, not
 * by its name, so what may be removed and made anew is held by its directory.
 */

import * as landlock from "../../abi/landlock.ts";
import {
  above,
  directoriesAbove,
  isWithin,
  nearest,
  outermost,
  parentOf,
} from "../path/within.ts";
import type { PathRule, Policy } from "../policy.ts";
import {
  allGrants,
  FILE_ACCESS,
  type FloorFacts,
  type Grant,
  READ_DIR,
  READ_FILE,
  REFER,
  RUN,
  WRITE,
} from "./grants.ts";
import { netFloor, type PortGrant } from "./net_floor.ts";

/** A floor, as one Landlock ruleset. */
export interface Floor {
  /** `LANDLOCK_ACCESS_FS_*` that are refused where no rule allows them. */
  readonly handledFs: number;
  /** `LANDLOCK_ACCESS_NET_*` that are refused. */
  readonly handledNet: number;
  /** `LANDLOCK_SCOPE_*`. */
  readonly scoped: number;
  /** The TCP ports that are allowed. */
  readonly ports: readonly PortGrant[];
  /** What is allowed. */
  readonly rules: readonly Grant[];
}

/** No policy says which devices may be controlled, apart from opened. */
const UNHANDLED = landlock.LANDLOCK_ACCESS_FS_IOCTL_DEV;

/** A floor that holds nothing: what there is without Landlock. */
export const NO_FLOOR: Floor = {
  handledFs: 0,
  handledNet: 0,
  scoped: 0,
  ports: [],
  rules: [],
};

/** Whether a floor holds nothing, so that no ruleset can be made of it. */
export function holdsNothing(floor: Floor): boolean {
  return (floor.handledFs | floor.handledNet | floor.scoped) === 0;
}

/** The same floor, where connections by TCP may go to these ports as well. */
export function withPorts(floor: Floor, ports: readonly number[]): Floor {
  const access = landlock.LANDLOCK_ACCESS_NET_CONNECT_TCP;
  if ((floor.handledNet & access) === 0) return floor;
  const more = ports.map((port) => ({ port, access }));
  return { ...floor, ports: [...floor.ports, ...more] };
}

/**
 * Makes the floor of a policy.
 *
 * Whatever the policy allows the floor allows, but for two things: a name that
 * stays, by the facts, cannot be removed; and a file outside of what may be
 * written is the one that was there at the start.
 *
 * @param policy the merged policy
 * @param facts what to know about the machine
 * @returns the floor
 */
export function floorOf(policy: Policy, facts: FloorFacts): Floor {
  const { abi } = facts;
  if (abi < 1) return NO_FLOOR;
  const net = netFloor(policy, abi);
  const grants = allGrants(policy, facts);
  const { handledFs, rules } = files(grants, facts);
  return {
    handledFs,
    handledNet: net.handledNet,
    scoped: abi < 6 ? 0 : landlock.LANDLOCK_SCOPE_SIGNAL |
      (net.scoped ? landlock.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET : 0),
    ports: net.ports,
    rules,
  };
}

/** Joins hierarchies, and finds what is refused elsewhere. */
function files(
  grants: ReadonlyMap<PathRule, readonly Grant[]>,
  facts: FloorFacts,
): { handledFs: number; rules: Grant[] } {
  const known = landlock.accessesOfAbi(facts.abi) & ~UNHANDLED;
  const all = [...grants.values()].flat();
  const written = outermost(
    all.filter(({ access }) => (access & REFER) !== 0).map(({ path }) => path),
  );
  // Without ABI 2 nothing can be moved between directories.
  if ((known & REFER) === 0 && written.length > 0) {
    return { handledFs: 0, rules: [] };
  }
  const others = all.filter(({ access }) => (access & REFER) === 0);
  for (const path of facts.loaders) {
    const used = others.some((grant) =>
      (grant.access & READ_FILE) !== 0 && isWithin(path, grant.path)
    );
    if (used) others.push({ path, access: RUN });
  }
  // A file must not gain an access by a move, or the move is refused: so every
  // hierarchy that is written allows what is allowed in any of them. What is in
  // one may be removed and made again, and is another file then.
  const roots = new Set(written);
  const around = new Set(written.flatMap(directoriesAbove));
  const shared = others
    .filter(({ path }) =>
      around.has(path) || nearest(roots, path) !== undefined
    )
    .reduce((access, grant) => access | grant.access, WRITE);
  const byPath = new Map<string, number>();
  for (const path of written) byPath.set(path, shared);
  for (const { path, access, alone } of others) {
    const kind = facts.kind(path);
    if (kind === "missing" || kind === "link") continue;
    // Listing a directory alone cannot be told from listing those beneath it.
    const fit = access &
      (kind !== "directory" ? FILE_ACCESS : alone === true ? READ_DIR : ~0);
    byPath.set(path, (byPath.get(path) ?? 0) | fit);
  }
  return handled(byPath, known);
}

/** What is handled: an access that is allowed everywhere is not. */
function handled(
  byPath: ReadonlyMap<string, number>,
  known: number,
): { handledFs: number; rules: Grant[] } {
  const everywhere = byPath.get("/") ?? 0;
  const rest = known & ~everywhere;
  if ((rest & ~REFER) === 0) return { handledFs: 0, rules: [] };
  // Unless it is handled and allowed, this one is always refused.
  const handledFs = rest | (known & REFER);
  const rules: Grant[] = [];
  const allowed = new Map<string, number>();
  for (const path of [...byPath.keys()].sort()) {
    const access = (byPath.get(path) ?? 0) & handledFs;
    const inherited = path === "/" ? 0 : above(allowed, parentOf(path)) ?? 0;
    allowed.set(path, access | inherited);
    const own = access & ~inherited;
    if (own !== 0) rules.push({ path, access: own });
  }
  return { handledFs, rules };
}

/**
 * Whether a floor allows an access to a path, by the names of the start.
 *
 * @param floor the floor
 * @param path a real path
 * @param access `LANDLOCK_ACCESS_FS_*`
 * @returns whether all of it is allowed
 */
export function floorAllows(
  floor: Pick<Floor, "handledFs" | "rules">,
  path: string,
  access: number,
): boolean {
  let missing = access & floor.handledFs;
  for (const rule of floor.rules) {
    if (isWithin(path, rule.path)) missing &= ~rule.access;
  }
  return missing === 0;
}
