/**
 * The file system tree that holds a policy's rules about files without a question.
 *
 * Where a rule begins, something is mounted: what may be read as it is, what may
 * not be written so that it cannot be, what is closed with nothing behind its name.
 * What no rule allows is not there. The tree is of the moment at which it is made:
 * it holds what the program does, and knows nothing of what others do meanwhile.
 */

import * as landlock from "../../abi/landlock.ts";
import type { TreeNode } from "../../tree_node.ts";
import type { Floor } from "../floor/floor.ts";
import { FILE_ACCESS, type Grant, READ, RUN, WRITE } from "../floor/grants.ts";
import type { Unheld } from "../plan/unasked.ts";
import type { Policy } from "../policy.ts";
import type { TreeFacts } from "./facts.ts";
import { NEW_TERMINAL, nodesOf, TERMINALS } from "./maker.ts";
import { type Stricter, TreeRules } from "./rules.ts";

export type { TreeFacts } from "./facts.ts";

/** A tree, and what goes with it. */
export interface PolicyTree {
  /** What is in it. */
  readonly nodes: readonly TreeNode[];
  /** What may be done with that, for Landlock; paths are of the tree. */
  readonly floor: Pick<Floor, "handledFs" | "rules">;
  /** Whether every file may be executed. */
  readonly runsEverything: boolean;
  /** Whether there is a file in it that may be changed, and is no device. */
  readonly changes: boolean;
  /** Whether terminals can be made in it. */
  readonly makesTerminals: boolean;
  /** What it does not hold. */
  readonly unheld: readonly Unheld[];
  /** What it holds by refusing more than is said. */
  readonly stricter: readonly Stricter[];
}

/**
 * Makes the tree of a policy.
 *
 * @param policy the merged policy
 * @param facts what to know about the machine
 * @returns the tree
 */
export function treeOf(policy: Policy, facts: TreeFacts): PolicyTree {
  const rules = new TreeRules(policy, facts);
  const nodes = nodesOf(rules, facts);
  return {
    nodes,
    floor: floorOfTree(rules, facts),
    runsEverything: rules.granted.run.has("/") && rules.refused.run.size === 0,
    changes: nodes.some((node) =>
      node.kind === "bind" && node.write && node.is !== "device"
    ),
    makesTerminals: nodes.some(({ kind }) => kind === "terminals"),
    unheld: rules.unheld,
    stricter: rules.stricter,
  };
}

/** What may be done with what is in a tree: all of that may be read. */
function floorOfTree(
  rules: TreeRules,
  { abi, kind, loaders }: TreeFacts,
): Pick<Floor, "handledFs" | "rules"> {
  const access = new Map<string, number>([["/", READ]]);
  const add = (path: string, more: number): void => {
    access.set(path, (access.get(path) ?? 0) | more);
  };
  for (const [section, more] of [["write", WRITE], ["run", RUN]] as const) {
    for (const path of rules.granted[section].keys()) {
      // By another name of the same file Landlock would allow what is refused here.
      if (kind(path) === "missing" || !rules.state(path)[section]) continue;
      add(
        path === NEW_TERMINAL ? TERMINALS : path,
        kind(path) === "directory" ? more : more & FILE_ACCESS,
      );
    }
  }
  for (const path of loaders) if (rules.state(path).read) add(path, RUN);
  const handledFs = landlock.accessesOfAbi(abi) &
    ~landlock.LANDLOCK_ACCESS_FS_IOCTL_DEV;
  const grants: Grant[] = [...access].map(([path, access]) => ({
    path,
    access: access & handledFs,
  }));
  return { handledFs, rules: grants };
}
