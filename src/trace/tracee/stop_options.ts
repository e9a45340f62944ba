/** Which stops the kernel is asked for. */

import {
  PTRACE_O_EXITKILL,
  PTRACE_O_TRACECLONE,
  PTRACE_O_TRACEEXEC,
  PTRACE_O_TRACEEXIT,
  PTRACE_O_TRACEFORK,
  PTRACE_O_TRACESECCOMP,
  PTRACE_O_TRACESYSGOOD,
  PTRACE_O_TRACEVFORK,
} from "../../abi/ptrace.ts";

/** What is asked for of every tracee. */
export const OPTIONS: number = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD |
  PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
  PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP;

/**
 * A thread tells that it ends: the first one of a process is not reported to be
 * gone before the last one is, and nobody may wait for it until then.
 */
export const THREAD_OPTIONS: number = OPTIONS | PTRACE_O_TRACEEXIT;
