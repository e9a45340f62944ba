/** Waiting for tasks, and sending signals to them. */

import { EINTR } from "../../abi/errno.ts";
import { get } from "../../abi/layout.ts";
import { RUSAGE } from "../../abi/resource.ts";
import { SIGINFO } from "../../abi/signal.ts";
import {
  __WALL,
  __WCLONE,
  __WNOTHREAD,
  CLD_DUMPED,
  P_ALL,
  P_PID,
  W_STOPCODE,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WUNTRACED,
} from "../../abi/wait.ts";
import { callNumber } from "../host.ts";
import { libc, rareLibc } from "../libc.ts";

let tgkillNumber = 0;

/**
 * Waits for a change in any tracee of the calling thread. Children that this process
 * was started with are nobody's here: a shell makes way for it by an exec, and has
 * made others before.
 *
 * @param status where the wait status goes
 * @param flags `WNOHANG` and the like
 * @returns the tid; 0 where `WNOHANG` found nothing; or a negative errno
 */
export function waitAny(status: Int32Array, flags = 0): number {
  return libc.wait4(-1, status, __WCLONE | __WNOTHREAD | flags, null);
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
  return libc.wait4(
    tid,
    status,
    __WALL | __WNOTHREAD | flags,
    null,
  );
}

const status = new Int32Array(1);

/** Waits until a child of the calling thread is gone, however many signals come. */
export function reap(pid: number): void {
  while (waitFor(pid, status) === -EINTR);
}

/**
 * As {@linkcode waitFor}, and tells what the task used, once it has ended.
 *
 * @param tid the task
 * @param status where the wait status goes
 * @param flags `WNOHANG` and the like
 * @param usage a `RUSAGE`: of the task, and of those that it waited for
 * @returns the tid; 0 where `WNOHANG` found nothing; or a negative errno
 */
export function waitUsage(
  tid: number,
  status: Int32Array,
  flags: number,
  usage: Uint8Array,
): number {
  return libc.wait4(tid, status, __WALL | __WNOTHREAD | flags, usage);
}

/** Sends a signal to a process, or to a group where `pid` is negative. */
export function kill(pid: number, signal: number): number {
  return libc.syscallIII(callNumber("kill"), pid, signal, 0);
}

/** Sends a signal to one thread. */
export function tgkill(tgid: number, tid: number, signal: number): number {
  tgkillNumber ||= callNumber("tgkill");
  return libc.syscallIII(tgkillNumber, tgid, tid, signal);
}

const info = new Uint8Array(SIGINFO.size);
const usage = new Uint8Array(RUSAGE.size);

/** Who keeps the accounts of tasks that have ended. */
export interface Accountant {
  /** A task has ended, and is a zombie still: what it used can be read. */
  leaving(tid: number): void;
  /**
   * The same task is gone. `peak` is the most memory, in bytes, that its process or
   * a child of that has had.
   */
  gone(tid: number, peak: number): void;
}

/**
 * Waits as {@linkcode waitAny}, or as {@linkcode waitFor} where a task is named,
 * and shows each task that has ended before it is gone. That costs one more call.
 *
 * @param tid the task, or -1 for any
 * @param status where the wait status goes
 * @param flags `WNOHANG` and the like
 * @param accountant told of each task that has ended
 * @returns the tid; 0 where `WNOHANG` found nothing; or a negative errno
 */
export function waitSeeing(
  tid: number,
  status: Int32Array,
  flags: number,
  accountant: Accountant,
): number {
  for (;;) {
    const who = tid < 0 ? P_ALL : P_PID;
    const found = changed(who, Math.max(tid, 0), WEXITED | WNOWAIT | flags);
    if (found <= 0) return found;
    if (get(SIGINFO, info, "si_code") <= CLD_DUMPED) {
      accountant.leaving(found);
      const gone = libc.wait4(
        found,
        status,
        __WALL | __WNOTHREAD | flags,
        usage,
      );
      if (gone === found) {
        accountant.gone(found, get(RUSAGE, usage, "ru_maxrss") * 1024);
      }
      return gone;
    }
    // What has stopped may have been killed since: then it is looked at again.
    if (changed(P_PID, found, WNOHANG) !== found) continue;
    // The kernel tells the upper half of a wait status: wait_task_stopped().
    status[0] = W_STOPCODE(get(SIGINFO, info, "si_status"));
    return found;
  }
}

/**
 * Takes a stop that there is already; who has ended stays a zombie, and its id is
 * not used again.
 *
 * @param tid the task, or -1 for any
 * @param status where the wait status goes
 * @returns the tid; 0 where nobody has stopped; or a negative errno
 */
export function takeStop(tid: number, status: Int32Array): number {
  const found = changed(tid < 0 ? P_ALL : P_PID, Math.max(tid, 0), WNOHANG);
  if (found > 0) status[0] = W_STOPCODE(get(SIGINFO, info, "si_status"));
  return found;
}

/**
 * Whether a task is one that this thread traces, or made, and has not waited for since
 * it ended.
 *
 * @param tid the task
 */
export function isToWaitFor(tid: number): boolean {
  return changed(P_PID, tid, WEXITED | WNOWAIT | WNOHANG) >= 0;
}

/** Waits for a stop, and what the flags add; the task is told in `info`. */
function changed(who: number, id: number, flags: number): number {
  const kind = who === P_ALL ? __WCLONE : __WALL;
  const options = WUNTRACED | kind | __WNOTHREAD | flags;
  const result = rareLibc().waitid(who, id, info, options);
  return result < 0 ? result : get(SIGINFO, info, "si_pid");
}
