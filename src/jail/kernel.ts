/** A run that the kernel alone holds: no call is caught, nobody is asked. */

import { printable } from "../abi/bytes.ts";
import { LaunchError, UnsupportedError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import { close } from "../sys/files.ts";
import { hostArch } from "../sys/host.ts";
import { createRuleset, landlockAbi } from "../sys/landlock.ts";
import type { Step } from "../sys/launch/steps.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";
import { assemble } from "../trace/bpf/filter.ts";
import { runUntraced } from "../trace/untraced.ts";
import { givenEnvironment, programEnvironment } from "./environment.ts";
import { checkHanded, checkUnmounted, ownNull } from "./handed.ts";
import { holdInTree } from "./held_tree.ts";
import type { Job, JobHooks } from "./job.ts";
import { stricterText } from "./kernel_plan.ts";
import { planLaunch } from "./launch.ts";
import {
  findProgram,
  type FoundProgram,
  handedTo,
  orAsScript,
  type Program,
} from "./program.ts";
import { isOutOfReach } from "./reach.ts";
import { closeTreeFiles, openTreeFiles } from "./tree_files.ts";
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
  const given = handedTo(program);
  given.forEach(checkHanded);
  const { made } = job.temporary ?? {};
  const held = holdInTree(policy, program, givenEnvironment(job), made);
  using tree = held.tree;
  const warning = stricterText(held.stricter);
  if (warning !== undefined) hooks.warn?.(warning);
  const { view } = tree;
  if (view.realpath(program.cwd) === undefined) {
    if (job.owned === true && isOutOfReach(program.cwd, OWN_VIEW)) {
      throw new UnsupportedError(
        `Cannot work in ${printable(program.cwd)}: a directory above it may ` +
          "not be searched",
        "--cwd=DIR works in another directory",
      );
    }
    throw new UnsupportedError(
      `Cannot work in ${printable(program.cwd)}: no rule lets it be read, ` +
        "so it is not there",
      "--allow-read=. lets it be read, --cwd=DIR works in another one",
    );
  }
  const where = findInside(program, view);
  const most = Math.max(2, ...program.keepFds);
  const [stdin, stdout, stderr] = program.stdio;
  const own = openTreeFiles(held.files, view);
  const ownFile = (fd: number): number => own.get(fd) ?? ownNull(fd, view);
  const stdio = [ownFile(stdin), ownFile(stdout), ownFile(stderr)] as const;
  const rulesets: number[] = [];
  try {
    for (const { fd, write } of held.files) {
      if (!write && !own.has(fd)) checkUnmounted(fd);
    }
    for (
      const ruleset of treeRulesets({
        ...{ ...held, policy, fds: given, ofTree: own },
      })
    ) {
      rulesets.push(createRuleset(ruleset, most, view));
    }
    const env = programEnvironment(job, policy.env);
    return runUntraced({
      launch: planLaunch({ ...program, stdio }, where, env, {
        filter: assemble(held.plan, hostArch()),
        rulesets,
        limits: policy.limits,
        root: tree,
        steps: program.keepFds.flatMap((fd): Step[] => {
          const file = own.get(fd);
          return file === undefined
            ? []
            : [{ call: "dup3", args: [file, fd, 0] }];
        }),
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
    const opened = [...own.values()];
    stdio.filter((fd, at) => fd !== program.stdio[at] && !opened.includes(fd))
      .forEach(close);
    closeTreeFiles(own);
  }
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
