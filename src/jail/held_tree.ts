/** The tree that holds a policy on this machine, made while files come and go. */

import { UnsupportedError } from "../errors.ts";
import type { Engine } from "../policy/decide.ts";
import { NO_FLOOR } from "../policy/floor/floor.ts";
import type { Realpath } from "../policy/path/rules.ts";
import type { CallPlan } from "../policy/plan/plan.ts";
import type { Policy } from "../policy/policy.ts";
import type { PolicyTree } from "../policy/tree/tree.ts";
import { type RootFailure, wasReplaced } from "../sys/launch/root.ts";
import { openTree, type Tree, type TreeOptions } from "../sys/launch/tree.ts";
import { OWN_VIEW } from "../sys/view.ts";
import { compileHere, realPathsIn } from "./compiled.ts";
import { handedFile } from "./handed.ts";
import { holdByKernel, UnheldError } from "./kernel_plan.ts";
import {
  findProgram,
  fromDirectory,
  handedTo,
  type Program,
  variable,
} from "./program.ts";
import { whyNot } from "./root.ts";
import { holdToStrict } from "./strict.ts";
import { type TreeFile, treeFiles } from "./tree_files.ts";

/** A tree, and what goes with it. */
export interface HeldTree
  extends Pick<PolicyTree, "floor" | "runsEverything" | "stricter"> {
  /** What the policy says of calls. */
  readonly engine: Engine;
  /** What happens to each call. */
  readonly plan: CallPlan;
  /** Files that are handed in, and have a place in the tree. */
  readonly files: readonly TreeFile[];
  /** The tree, to be closed when the program is gone. */
  readonly tree: Tree;
}

/** How often all is looked for anew. A busy machine makes and removes files. */
const MOST_TRIES = 10;

/**
 * Makes the tree that holds a policy. Where something was removed or replaced
 * since it was looked for, all is looked for anew.
 *
 * @param policy the policy; it is compiled
 * @param program the program
 * @param env the environment that the policy's variables are of
 * @param temporary the temporary directory of the run, a real path, if it has one
 * @returns the tree
 * @throws {UnsupportedError} where the kernel of this machine does not hold it
 */
export function holdInTree(
  policy: Policy,
  program: Program,
  env: readonly string[],
  temporary: string | undefined,
): HeldTree {
  for (let tries = 1;; tries++) {
    const { made, ...held } = tryOnce(policy, program, env, temporary);
    if ("steps" in made) return { ...held, tree: made };
    if (!made.some(wasReplaced) || tries === MOST_TRIES) throw cannot(made);
  }
}

function tryOnce(
  policy: Policy,
  program: Program,
  env: readonly string[],
  temporary: string | undefined,
): Omit<HeldTree, "tree"> & { readonly made: ReturnType<typeof openTree> } {
  const realpath = realPathsIn(OWN_VIEW, program.cwd, [temporary]);
  const engine = compileHere(policy, OWN_VIEW, realpath);
  const found = findProgram(program, OWN_VIEW);
  const { cwd } = program;
  const at = { env, cwd, program: found.real, view: OWN_VIEW, realpath };
  const given = handedTo(program);
  const handed = given.map(handedFile);
  const { plan, tree: { nodes, ...tree }, unheld } = holdByKernel(
    policy,
    at,
    [
      ...OWN_VIEW.links(fromDirectory(cwd, found.path)),
      ...OWN_VIEW.links(workedIn(program, realpath)),
    ],
    handed.flatMap((file) => file?.isWritten === true ? [file.path] : []),
  );
  if (unheld.length > 0) throw new UnheldError(unheld);
  // What Landlock holds here is of the tree; no rule is a best effort without it.
  holdToStrict(policy, plan, NO_FLOOR, at, true);
  // Where nothing may be changed, no call does so.
  const own = treeFiles(tree.changes ? given : [], engine);
  const made = openTree({
    nodes: [...nodes, ...own.nodes],
    passing: own.files.map(({ path }) => path),
    alone: policy.net === "none",
  });
  return { ...tree, engine, plan, files: own.files, made };
}

/** The name of the working directory: shells keep the one with links in PWD. */
function workedIn({ env, cwd }: Program, realpath: Realpath): string {
  const pwd = variable(env, "PWD");
  return pwd?.startsWith("/") && realpath(pwd) === realpath(cwd) ? pwd : cwd;
}

function cannot(failures: readonly RootFailure[]): UnsupportedError {
  return new UnsupportedError(
    `Cannot use --engine=kernel: ${whyNot(failures)}`,
    failures.some(wasReplaced)
      ? "a file that a rule means was removed or replaced meanwhile: start again"
      : failures.some(isRefusedMount)
      ? "a container that hides parts of /proc lets no other one be mounted " +
        "(docker: --security-opt systempaths=unconfined)"
      : "start jail as root, or let users make namespaces " +
        "(user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)",
  );
}

/**
 * Whether something new could not be mounted, by who has the right to mount: a procfs,
 * where a part of each that is there is hidden (mount_namespaces(7)).
 */
function isRefusedMount({ call, errno }: RootFailure): boolean {
  return call === "mount" && errno === "EPERM";
}

/**
 * Why this machine makes no tree for a policy, found out by making it.
 *
 * @param options what is in it
 * @returns what was tried in vain; `undefined` where it is made
 */
export function whyNoTree(options: TreeOptions): string | undefined {
  const tree = openTree(options);
  if (!("steps" in tree)) return whyNot(tree);
  tree.close();
  return undefined;
}
