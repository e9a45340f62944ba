/** Timers of jail itself, which send it signals: timer_create(2). */

import { errnoName } from "../abi/errno.ts";
import { set } from "../abi/layout.ts";
import {
  CLOCK_MONOTONIC,
  ITIMERSPEC,
  SIGEV_SIGNAL,
  SIGEV_THREAD_ID,
  SIGEVENT,
} from "../abi/time.ts";
import { SystemCallError } from "../errors.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";

/** Whom a timer sends what. */
export interface TimerSignal {
  /** The signal. */
  readonly signal: number;
  /** The thread of this process; `undefined` for any that does not block it. */
  readonly tid?: number;
}

/** A timer that runs. */
export interface OwnTimer {
  /** Ends it. A signal of it may still be on its way. */
  stop(): void;
}

/**
 * Makes a timer, which does not run.
 *
 * The kernel sets its signal aside by now: it comes also where no more may wait.
 *
 * @param sent whom it sends what
 * @returns its number
 * @throws {SystemCallError} where the kernel has no timer left
 */
export function makeTimer({ signal, tid }: TimerSignal): number {
  const event = new Uint8Array(SIGEVENT.size);
  set(SIGEVENT, event, "sigev_signo", signal);
  set(SIGEVENT, event, "sigev_notify", tid ? SIGEV_THREAD_ID : SIGEV_SIGNAL);
  set(SIGEVENT, event, "sigev_notify_thread_id", tid ?? 0);
  const id = new Int32Array(1);
  const made = libc.syscallIBBI(
    callNumber("timer_create"),
    CLOCK_MONOTONIC,
    event,
    id,
    0,
  );
  if (made < 0) throw timerError("timer_create()", made);
  return id[0] as number;
}

/**
 * Starts a timer.
 *
 * @param sent whom it sends what
 * @param first milliseconds until the first signal, more than 0
 * @param every milliseconds from one to the next, more than 0
 * @returns what ends it
 * @throws {SystemCallError} where the kernel has no timer left
 */
export function startTimer(
  sent: TimerSignal,
  first: number,
  every: number,
): OwnTimer {
  const timer = makeTimer(sent);
  const started = runTimer(timer, first, every);
  if (started >= 0) return { stop: () => removeTimer(timer) };
  removeTimer(timer);
  throw timerError("timer_settime()", started);
}

/**
 * Lets a timer run, from any thread.
 *
 * @param timer its number
 * @param first milliseconds until the first signal, more than 0
 * @param every milliseconds from one to the next; 0 for no other
 * @returns 0, or a negated errno
 */
export function runTimer(timer: number, first: number, every: number): number {
  const time = new Uint8Array(ITIMERSPEC.size);
  setTime(time, "it_value", first);
  if (every > 0) setTime(time, "it_interval", every);
  return libc.syscallIIBB(callNumber("timer_settime"), timer, 0, time, null);
}

/** Has a timer run no more; a signal of it may still be on its way. */
export function haltTimer(timer: number): void {
  const none = new Uint8Array(ITIMERSPEC.size);
  libc.syscallIIBB(callNumber("timer_settime"), timer, 0, none, null);
}

/** Removes a timer. */
export function removeTimer(timer: number): void {
  libc.syscallIII(callNumber("timer_delete"), timer, 0, 0);
}

function timerError(call: string, result: number): SystemCallError {
  return new SystemCallError(
    "set a timer",
    call,
    errnoName(-result),
    "raise the limit of pending signals: ulimit -i",
  );
}

function setTime(
  into: Uint8Array,
  field: "it_value" | "it_interval",
  milliseconds: number,
): void {
  const seconds = Math.floor(milliseconds / 1000);
  const rest = Math.max(1, Math.round((milliseconds - seconds * 1000) * 1e6));
  set(ITIMERSPEC, into, `${field}_sec`, seconds);
  set(ITIMERSPEC, into, `${field}_nsec`, Math.min(rest, 999_999_999));
}
