/** What the launcher is told of a program: how it starts, and what holds it then. */

import { toCString } from "../abi/bytes.ts";
import {
  RLIMIT_AS,
  RLIMIT_CPU,
  RLIMIT_DATA,
  RLIMIT_FSIZE,
  RLIMIT_NOFILE,
} from "../abi/resource.ts";
import { SIGPIPE } from "../abi/signal.ts";
import type { Limits } from "../policy/limits.ts";
import { restrictSelf } from "../sys/landlock.ts";
import { confinement } from "../sys/launch/confine.ts";
import type { Root } from "../sys/launch/root.ts";
import type { LaunchPlan, Step } from "../sys/launch/spawn.ts";
import { isIgnoredByShell, originalOpenFiles } from "../sys/origin.ts";
import { limitStep } from "../sys/rlimits.ts";
import { outlivedSignals } from "../sys/signals.ts";
import type { FoundProgram, Program } from "./program.ts";

/** What holds a program from its start on. */
export interface LaunchBounds {
  /** Its filter, or `undefined` where the kernel gets none. */
  readonly filter: Uint8Array | undefined;
  /** The fds of the Landlock rulesets that it submits to, last of all. */
  readonly rulesets: readonly number[];
  /** Its limits, of which the kernel holds some. */
  readonly limits: Limits;
  /** What it does besides, before it submits to those. */
  readonly steps?: readonly Step[];
  /** What it has as its root directory. */
  readonly root: Root | undefined;
  /** The directory of the control group that it is made in, as an fd. */
  readonly cgroup?: number | undefined;
}

/**
 * Makes the launcher's plan of a program.
 *
 * @param program what was asked to run
 * @param found where it is
 * @param env the part of its environment that it gets
 * @param bounds what holds it
 * @returns the plan
 */
export function planLaunch(
  program: Program,
  found: FoundProgram,
  env: readonly string[],
  { filter, rulesets, limits, steps = [], root, cgroup }: LaunchBounds,
): LaunchPlan {
  return {
    root: root?.steps,
    file: toCString(found.path),
    argv: [program.name, ...program.args],
    env,
    cwd: program.cwd,
    stdio: program.stdio,
    keepFds: program.keepFds,
    // Deno ignores it, and what is ignored stays so over an exec.
    resetSignals: [
      ...isIgnoredByShell(SIGPIPE) ? [] : [SIGPIPE],
      ...outlivedSignals(),
    ],
    nofile: originalOpenFiles(),
    extra: [
      // Before privilege is given up, and after the limit of open files that
      // jail was started with.
      ...limitSteps(limits),
      ...confinement(root?.kind === "user namespace"),
      ...steps,
      ...rulesets.map(restrictSelf),
    ],
    filter,
    cgroup,
  };
}

/** What a program may map beyond twice its memory limit, in bytes. */
const DATA_SPARE = 2 ** 30;

/** The calls by which the program limits itself. */
function limitSteps(limits: Limits): Step[] {
  const steps: Step[] = [];
  const add = (resource: number, most: number | undefined): void => {
    if (most !== undefined) steps.push(limitStep(resource, most));
  };
  const { cpu, memory } = limits;
  // What the watch holds of the whole jail the kernel holds of each process, some
  // way above, in case that the watch comes late.
  add(RLIMIT_CPU, cpu && Math.ceil(cpu.most / 1000) + 1);
  // Not RLIMIT_AS, unless it is asked for: V8, Go and Java reserve far more than
  // they use. What is reserved and cannot be written does not count here.
  add(RLIMIT_DATA, memory && 2 * memory.most + DATA_SPARE);
  add(RLIMIT_AS, limits["address-space"]?.most);
  add(RLIMIT_NOFILE, limits["open-files"]?.most);
  add(RLIMIT_FSIZE, limits["file-size"]?.most);
  return steps;
}
