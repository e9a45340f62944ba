/** What waitpid() reported of a tracee. */

import {
  PTRACE_EVENT_CLONE,
  PTRACE_EVENT_EXEC,
  PTRACE_EVENT_EXIT,
  PTRACE_EVENT_FORK,
  PTRACE_EVENT_SECCOMP,
  PTRACE_EVENT_STOP,
  PTRACE_EVENT_VFORK,
} from "../../abi/ptrace.ts";
import { SIGTRAP, STOP_SIGNALS } from "../../abi/signal.ts";
import {
  WEXITSTATUS,
  WIFEXITED,
  WIFSTOPPED,
  WSTOPSIG,
  WTERMSIG,
} from "../../abi/wait.ts";

/** The signal of a stop for a call, under `PTRACE_O_TRACESYSGOOD`. */
const SYSCALL_STOP = SIGTRAP | 0x80;

/** One reason a tracee stopped, or that it is gone. */
export type StopKind =
  /** It exited; {@linkcode stopValue} is its code. */
  | "exited"
  /** A signal ended it; {@linkcode stopValue} is the signal. */
  | "killed"
  /** A call that the filter sends to the tracer, at its entry. */
  | "seccomp"
  /** The entry or the exit of a call, where it was asked for. */
  | "syscall"
  /** It has a new image, of which nothing has run yet. */
  | "exec"
  /** It ends: it runs no more, and makes no call. */
  | "leaving"
  /** It made a new process or thread: fork, vfork or clone. */
  | "new"
  /** The whole process was stopped by a job-control signal. */
  | "group"
  /** It was attached, interrupted, or continued after a group stop. */
  | "trap"
  /** It is about to get a signal; {@linkcode stopValue} is which. */
  | "signal";

/**
 * What a wait status says, as <sys/wait.h> and ptrace(2) have it.
 *
 * @param status the status that wait4(2) stored
 * @returns the reason
 * @throws {RangeError} where it is none that a seized tracee can report
 */
export function stopKind(status: number): StopKind {
  if (WIFEXITED(status)) return "exited";
  if (!WIFSTOPPED(status)) return "killed";
  const signal = WSTOPSIG(status);
  const event = status >>> 16;
  if (event === 0) return signal === SYSCALL_STOP ? "syscall" : "signal";
  switch (event) {
    case PTRACE_EVENT_SECCOMP:
      return "seccomp";
    case PTRACE_EVENT_EXEC:
      return "exec";
    case PTRACE_EVENT_EXIT:
      return "leaving";
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      return "new";
    case PTRACE_EVENT_STOP:
      return isStopSignal(signal) ? "group" : "trap";
  }
  throw new RangeError(
    `Cannot tell what wait status 0x${status.toString(16)} says`,
  );
}

/** The exit code or the signal in a wait status, whichever it has. */
export function stopValue(status: number): number {
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return WIFSTOPPED(status) ? WSTOPSIG(status) : WTERMSIG(status);
}

/** Whether a signal stops a process by default. */
export function isStopSignal(signal: number): boolean {
  return STOP_SIGNALS.includes(signal);
}
