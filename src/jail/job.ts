/** One run of one program under one policy, on the calling thread. */

import { UnsupportedError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import type { Policy } from "../policy/policy.ts";
import { readLink } from "../sys/files.ts";
import type { Root } from "../sys/launch/root.ts";
import { keepFlags } from "../sys/shared_flags.ts";
import type { Usage } from "../trace/limits/accounts.ts";
import type {
  EngineChoice,
  LogFile,
  NameOptions,
  Observation,
  Watcher,
} from "../trace/options.ts";
import type { Ask } from "./ask.ts";
import { checkRing } from "./handed.ts";
import { runByKernel } from "./kernel.ts";
import { handedTo, type Program } from "./program.ts";
import type { TemporaryDirectory } from "./temporary.ts";
import { runTraced } from "./traced.ts";

/** What to run, under what. */
export interface Job {
  /** What to run. */
  readonly program: Program;
  /** The policy, with everything that it extends. */
  readonly policy: Policy;
  /** What the program has as its root directory. */
  readonly root: Root;
  /** How calls are caught; `auto` takes what this kernel has. */
  readonly engine: EngineChoice;
  /** What a refusal does: what the rule says, end the jail, or ask first. */
  readonly onDeny: "errno" | "kill" | "ask";
  /** Wait for everything that the program started. */
  readonly waitAll: boolean;
  /** What `${tmp}` stands for in the policy, and the program's then. */
  readonly temporary?: TemporaryDirectory;
  /** What is known of names, where rules name hosts. */
  readonly names?: NameOptions | undefined;
  /** Put what Landlock can hold under the stops; so unless it says false. */
  readonly landlock?: boolean;
  /** The audit log, if there is one. */
  readonly log?: LogFile | undefined;
  /** Whether this process tells of refusals by its standard error. */
  readonly reports?: boolean;
  /**
   * Whether this process is jail's own, and its SIGCHLD the tracer's: then calls
   * may wait for an answer in place of a stop.
   */
  readonly owned?: boolean;
}

/** What the one who runs a job wants to hear, while the thread is blocked. */
export interface JobHooks {
  /** Told of decisions; calls that the filter alone refuses stop for it too. */
  readonly observe?: ((observation: Observation) => void) | undefined;
  /** Told of what a person should know before the program runs. */
  readonly warn?: ((text: string) => void) | undefined;
  /** Asks a person, where the job says so. */
  readonly ask?: Ask | undefined;
  /** Told at the end what was used; refusals stop for it, to be counted. */
  readonly measured?: ((usage: Usage) => void) | undefined;
  /** Whether nobody waits for the end any more; asked now and then. */
  readonly abandoned?: (() => boolean) | undefined;
  /** The program is about to run. */
  readonly started?: ((pid: number) => Watcher) | undefined;
  /** The program was stopped by a job-control signal, and `still` is, or not. */
  readonly stopped?:
    | ((signal: number, still: () => boolean) => void)
    | undefined;
}

/**
 * Runs a program. The calling thread is blocked until it is gone.
 *
 * @param job what to run, under what
 * @param hooks what to hear of it
 * @returns how it ended
 * @throws {LaunchError} where the program could not be started
 * @throws {UnsupportedError} where this machine cannot enforce the policy
 */
export function runJob(job: Job, hooks: JobHooks): Outcome {
  const { engine: wanted, program } = job;
  checkProcesses();
  handedTo(program).forEach(checkRing);
  const setBack = keepFlags(sharedBy(program));
  try {
    return wanted === "kernel"
      ? runByKernel(job, hooks)
      : runTraced(job, wanted, hooks);
  } finally {
    setBack();
  }
}

/**
 * The descriptors whose open files whoever started this process has as well. What is
 * piped has other numbers, and another thread closes it.
 */
function sharedBy({ stdio, keepFds }: Program): readonly number[] {
  return [...stdio.filter((fd, at) => fd === at), ...keepFds];
}

/**
 * Sees to it that a number means the same process to the kernel and in /proc, where
 * jail looks at the program, and writes to its memory.
 */
function checkProcesses(): void {
  if (readLink("/proc/self") === String(Deno.pid)) return;
  throw new UnsupportedError(
    "Cannot run a program: /proc is not that of this PID namespace",
    "mount its own there: mount -t proc proc /proc, or unshare --mount-proc",
  );
}
