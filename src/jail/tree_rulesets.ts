/** What Landlock holds where mounts hold a program's files. */

import {
  LANDLOCK_ACCESS_FS_READ_DIR,
  LANDLOCK_ACCESS_FS_READ_FILE,
  LANDLOCK_ACCESS_FS_TRUNCATE,
  LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET,
  LANDLOCK_SCOPE_SIGNAL,
} from "../abi/landlock.ts";
import type { Engine } from "../policy/decide.ts";
import type { Decision } from "../policy/decision.ts";
import { writesEverything } from "../policy/everything.ts";
import type { Policy } from "../policy/policy.ts";
import type { PolicyTree } from "../policy/tree/tree.ts";
import { isSameFile } from "../sys/files.ts";
import type { Ruleset } from "../sys/landlock.ts";
import { handed, handedFile, leadsNowhere } from "./handed.ts";

/** What does not leave the jail, not even to the program's process group. */
const SCOPED = LANDLOCK_SCOPE_SIGNAL | LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET;

/**
 * What Landlock looks for along the whole path of every open, where it is to hold
 * it, whatever the open is for: half as long again as the open takes.
 */
const AT_EVERY_OPEN = LANDLOCK_ACCESS_FS_READ_FILE |
  LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_TRUNCATE;

/** What the rulesets of a tree are made of. */
export interface TreeRulesetOptions
  extends Pick<PolicyTree, "floor" | "runsEverything"> {
  /** What the policy says of calls. */
  readonly engine: Engine;
  /** The policy. */
  readonly policy: Policy;
  /** The descriptors that are handed to the program. */
  readonly fds: readonly number[];
  /** Those in whose place it gets files of the tree, of which nothing is executed. */
  readonly ofTree?: ReadonlyMap<number, unknown>;
}

/**
 * The rulesets that a program in a tree submits to. In the tree the mounts hold what
 * is read, and what is cut off as well as what is written. A descriptor that comes
 * from outside leads to what is outside, perhaps by the names of the tree: where the
 * program may have such a one, nothing is opened that is not beneath the tree's own
 * root.
 *
 * @param options the floor of the tree, and what the program has besides
 */
export function treeRulesets(
  { floor, runsEverything, engine, policy, fds, ofTree }: TreeRulesetOptions,
): Ruleset[] {
  const open = fds.flatMap((fd) => {
    const same = fds.filter((other) => other === fd || isSameFile(other, fd));
    const isRead = runsEverything || mayBeMapped(fd, same, engine) ||
      same.every((one) => ofTree?.has(one) === true);
    return handed(fd, isRead);
  });
  const { handledFs } = floor;
  if (!fds.every(leadsNowhere) || isSentDescriptors(policy)) {
    const beneath = [{ path: "/", access: handledFs }];
    return [
      { handledFs, handledNet: 0, scoped: 0, rules: beneath, open },
      { ...floor, handledNet: 0, scoped: SCOPED, open },
    ];
  }
  const rest = handledFs & ~AT_EVERY_OPEN;
  const fit = <T extends { readonly access: number }>(
    rules: readonly T[],
  ): T[] =>
    rules.flatMap((rule) => {
      const access = rule.access & rest;
      return access === 0 ? [] : [{ ...rule, access }];
    });
  return [{
    handledFs: rest,
    handledNet: 0,
    scoped: SCOPED,
    rules: fit(floor.rules),
    open: fit(open),
  }];
}

/**
 * Whether a dynamic loader may run what a descriptor is of; others are of the same
 * file, and Landlock knows the file alone.
 */
function mayBeMapped(
  fd: number,
  same: readonly number[],
  engine: Engine,
): boolean {
  const file = handedFile(fd);
  if (file === undefined) return true;
  const decide = (access: "run" | "write"): Decision => {
    const uses = [{ access, path: file.path, kind: "file" }] as const;
    return engine.decide({ name: "openat", uses });
  };
  const run = decide("run");
  const isWritten = file.isNamed && decide("write").kind === "allow" ||
    same.some((one) => handedFile(one)?.isWritten === true);
  // What no rule means a loader may run, as what may be read in the tree.
  return run.kind === "allow" ||
    run.kind === "refuse" && run.uncovered === true && !isWritten;
}

/** Whether the program may make sockets that reach somebody who sends descriptors. */
function isSentDescriptors(policy: Policy): boolean {
  return policy.net !== "none" && writesEverything(policy);
}
