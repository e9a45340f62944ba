/** Waiting for tasks, and sending signals to them. */

import { __WALL, __WNOTHREAD } from "../abi/wait.ts";
import { callNumber } from "./host.ts";
import { libc, outcome } from "./libc.ts";

let tgkillNumber = 0;

/**
 * Waits for a change in any child or tracee of the calling thread.
 *
 * @param status where the wait status goes
 * @param flags `WNOHANG` and the like
 * @returns the tid; 0 where `WNOHANG` found nothing; or a negative errno
 */
export function waitAny(status: Int32Array, flags = 0): number {
  return outcome(
    libc().wait4(-1, status, __WALL | __WNOTHREAD | flags, null),
  );
}

/**
 * Waits for a change in one child or tracee of the calling thread.
 *
 * @param tid the task
 * @param status where the wait status goes
 * @param flags `WNOHANG` and the like
 * @returns the tid; 0 where `WNOHANG` found nothing; or a negative errno
 */
export function waitFor(tid: number, status: Int32Array, flags = 0): number {
  return outcome(
    libc().wait4(
      tid,
      status,
      __WALL | __WNOTHREAD | flags,
      null,
    ),
  );
}

/** Sends a signal to a process, or to a group where `pid` is negative. */
export function kill(pid: number, signal: number): number {
  return outcome(libc().kill(pid, signal));
}

/** Sends a signal to one thread. */
export function tgkill(tgid: number, tid: number, signal: number): number {
  tgkillNumber ||= callNumber("tgkill");
  return outcome(libc().syscallIII(tgkillNumber, tgid, tid, signal));
}
