/** Whether a signal would have no effect on a process. */

import { SIGCHLD, SIGCONT, SIGURG, SIGWINCH } from "../../abi/signal.ts";
import { hasSignal, statusOf } from "../../sys/task/status.ts";

/** signal(7): what is ignored where nothing else was asked for. */
const IGNORED_BY_DEFAULT: readonly number[] = [
  SIGCHLD,
  SIGCONT,
  SIGURG,
  SIGWINCH,
];

/** Whether a process has a handler for a signal, which ends a call that waits. */
export function isHandled(pid: number, signal: number): boolean {
  return hasSignal(statusOf(pid), "SigCgt", signal);
}

/**
 * Whether a process ignores a signal.
 *
 * @param pid the process
 * @param signal the signal's number
 * @returns whether it does; `false` where that cannot be told
 */
export function isIgnored(pid: number, signal: number): boolean {
  const status = statusOf(pid);
  if (typeof status === "number") return false;
  if (hasSignal(status, "SigIgn", signal)) return true;
  return IGNORED_BY_DEFAULT.includes(signal) &&
    !hasSignal(status, "SigCgt", signal);
}
