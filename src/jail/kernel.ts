/** A run that the kernel alone holds: no call is caught, nobody is asked. */

import { printable } from "../abi/bytes.ts";
import { LaunchError, UnsupportedError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import { passed, withValues } from "../policy/env.ts";
import { NO_FLOOR } from "../policy/floor/floor.ts";
import { remembered } from "../policy/path/remembered.ts";
import type { Realpath } from "../policy/path/rules.ts";
import { close } from "../sys/files.ts";
import { hostArch } from "../sys/host.ts";
import { createRuleset, landlockAbi } from "../sys/landlock.ts";
import { wasReplaced } from "../sys/launch/root.ts";
import { openTree, type Tree, type TreeOptions } from "../sys/launch/tree.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";
import { assemble } from "../trace/bpf/filter.ts";
import { runUntraced } from "../trace/untraced.ts";
import { compileHere } from "./compiled.ts";
import { checkHanded } from "./handed.ts";
import type { Job, JobHooks } from "./job.ts";
import { holdByKernel, stricterText, UnheldError } from "./kernel_plan.ts";
import {
  findProgram,
  type FoundProgram,
  fromDirectory,
  orAsScript,
  planLaunch,
  type Program,
  variable,
} from "./program.ts";
import { whyNot } from "./root.ts";
import { holdToStrict } from "./strict.ts";
import { treeRulesets } from "./tree_rulesets.ts";

/** Landlock holds signals, and abstract sockets, from Linux 6.12 on. */
export const LEAST_ABI = 6;

/**
 * Runs a program. The calling thread is blocked until it is gone.
 *
 * @param job what to run, under what
 * @param hooks what to hear of it
 * @returns how it ended
 * @throws {LaunchError} where the program could not be started
 * @throws {UnsupportedError} where the kernel of this machine does not hold it
 */
export function runByKernel(job: Job, hooks: JobHooks): Outcome {
  checkHooks(job, hooks);
  const found = findProgram(job.program, OWN_VIEW);
  return orAsScript(
    job.program,
    found,
    OWN_VIEW,
    (program, _, hint) => runIn(job, hooks, program, hint ?? WHICH_RULE),
  );
}

const WHICH_RULE =
  "where the policy is the reason, --engine=auto --report shows which rule";

/** Finds a program in the tree, which was found outside. */
function findInside(program: Program, view: View): FoundProgram {
  try {
    return findProgram(program, view);
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    const { call, errno, exitCode } = error;
    const name = printable(program.name);
    throw new LaunchError(name, call, errno, exitCode, WHICH_RULE);
  }
}

function runIn(
  job: Job,
  hooks: JobHooks,
  program: Program,
  hint: string,
): Outcome {
  const { policy } = job;
  const realpath = remembered((path) => OWN_VIEW.meant(path));
  compileHere(policy, OWN_VIEW, realpath);
  const inside = (env: readonly string[]): readonly string[] =>
    job.temporary?.environment(env) ?? env;
  const fds = [...program.stdio, ...program.keepFds];
  fds.forEach(checkHanded);
  const found = findProgram(program, OWN_VIEW);
  const at = {
    env: inside(program.env),
    cwd: program.cwd,
    program: found.real,
    view: OWN_VIEW,
    realpath,
  };
  const { plan, tree: { floor, nodes, stricter }, unheld } = holdByKernel(
    policy,
    at,
    [
      ...OWN_VIEW.links(fromDirectory(program.cwd, found.path)),
      ...OWN_VIEW.links(workedIn(program, realpath)),
    ],
  );
  if (unheld.length > 0) throw new UnheldError(unheld);
  // What Landlock holds here is of the tree; no rule is a best effort without it.
  holdToStrict(policy, plan, NO_FLOOR, at, true);
  const warning = stricterText(stricter);
  if (warning !== undefined) hooks.warn?.(warning);
  using tree = makeTree({ nodes, alone: policy.net === "none" });
  const { view } = tree;
  if (view.realpath(program.cwd) === undefined) {
    throw new UnsupportedError(
      `Cannot work in ${printable(program.cwd)}: no rule lets it be read, ` +
        "so it is not there",
      "--allow-read=. lets it be read, --cwd=DIR works in another one",
    );
  }
  const where = findInside(program, view);
  const most = Math.max(2, ...program.keepFds);
  const rulesets: number[] = [];
  try {
    for (const ruleset of treeRulesets({ floor, policy, fds })) {
      rulesets.push(createRuleset(ruleset, most, view));
    }
    const env = withValues(
      policy.env,
      inside(passed(policy.env, program.env)),
    );
    return runUntraced({
      launch: planLaunch(program, where, env, {
        filter: assemble(plan, hostArch()),
        rulesets,
        limits: policy.limits,
        root: tree,
      }),
      tree,
      program: printable(program.name),
      hint,
      limits: policy.limits,
      waitAll: job.waitAll,
      started: hooks.started,
      stopped: hooks.stopped,
      measured: hooks.measured,
      abandoned: hooks.abandoned,
    });
  } finally {
    rulesets.forEach(close);
  }
}

/** The name of the working directory: shells keep the one with links in PWD. */
function workedIn({ env, cwd }: Program, realpath: Realpath): string {
  const pwd = variable(env, "PWD");
  return pwd?.startsWith("/") && realpath(pwd) === realpath(cwd) ? pwd : cwd;
}

/**
 * What of a run nobody can do who is not asked.
 *
 * @param run how it is to be run
 * @param observed whether somebody is to hear of decisions
 */
export function beyondKernel(
  { onDeny, landlock, root }: Pick<Job, "onDeny" | "landlock" | "root">,
  observed: boolean,
): string | undefined {
  return observed
    ? "tell of decisions"
    : onDeny !== "errno"
    ? `do --on-deny=${onDeny}`
    : landlock === false
    ? "do without Landlock"
    : !root.view.isOwn
    ? "give the program a root directory"
    : undefined;
}

/** Sees to it that nothing is wanted that somebody would have to be asked for. */
function checkHooks(job: Job, { observe }: JobHooks): void {
  const needs = beyondKernel(job, observe !== undefined);
  if (needs !== undefined) {
    throw new UnsupportedError(
      `Cannot ${needs} with --engine=kernel: no call is caught`,
      "--engine=auto catches those that have to be looked at",
    );
  }
  const abi = landlockAbi();
  if (abi >= LEAST_ABI) return;
  throw new UnsupportedError(
    `Cannot use --engine=kernel: Landlock's version is ${abi} here, and ` +
      `${LEAST_ABI} is needed`,
    "use Linux 6.12 or newer, with landlock in the kernel's lsm= list",
  );
}

function makeTree(options: TreeOptions): Tree {
  const tree = openTree(options);
  if ("steps" in tree) return tree;
  throw new UnsupportedError(
    `Cannot use --engine=kernel: ${whyNot(tree)}`,
    tree.some(wasReplaced)
      ? "a file that a rule means was removed or replaced meanwhile: start again"
      : "start jail as root, or let users make namespaces " +
        "(user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)",
  );
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
