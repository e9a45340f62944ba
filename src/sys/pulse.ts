/**
 * A pulse for a thread that waits: a signal that does nothing but end the wait.
 *
 * The tracer is blocked in wait4(2) and has to look at the clock now and then. A
 * timer of the kernel sends its thread a signal; a wait that is interrupted
 * returns `EINTR`.
 */

import { errnoName } from "../abi/errno.ts";
import { get, getBig, set } from "../abi/layout.ts";
import {
  SA_RESTORER,
  SIG_BLOCK,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SIGACTION,
  SIGRTMAX,
  SIGSET_SIZE,
} from "../abi/signal.ts";
import {
  CLOCK_MONOTONIC,
  ITIMERSPEC,
  SIGEV_THREAD_ID,
  SIGEVENT,
} from "../abi/time.ts";
import { SystemCallError } from "../errors.ts";
import { lastingCode } from "./code_page.ts";
import { callNumber } from "./host.ts";
import { libc, outcome } from "./libc.ts";
import { changeMask, setOf } from "./signal_mask.ts";
import { tgkill } from "./wait.ts";

/** Nobody else sends it: it is neither the C library's nor Deno's. */
const SIGNAL = SIGRTMAX;

/** A pulse that beats. */
export interface Pulse {
  /** Ends it. Must be called on the thread that it interrupts. */
  stop(): void;
}

/**
 * Interrupts what the calling thread waits for, again and again.
 *
 * What is not a wait for a change may be interrupted too: whoever makes a call
 * that blocks has to make it again at `EINTR`. A beat that comes just before a
 * wait is lost, the next one is not.
 *
 * @param first milliseconds until the first beat, more than 0
 * @param every milliseconds from one to the next, more than 0
 * @returns what ends it
 * @throws {SystemCallError} where the kernel has no timer left
 */
export function startPulse(first: number, every: number): Pulse {
  handle();
  const event = new Uint8Array(SIGEVENT.size);
  set(SIGEVENT, event, "sigev_signo", SIGNAL);
  set(SIGEVENT, event, "sigev_notify", SIGEV_THREAD_ID);
  set(
    SIGEVENT,
    event,
    "sigev_notify_thread_id",
    libc().syscallIII(callNumber("gettid"), 0, 0, 0),
  );
  const id = new Int32Array(1);
  const made = outcome(
    libc().syscallIBBI(
      callNumber("timer_create"),
      CLOCK_MONOTONIC,
      event,
      id,
      0,
    ),
  );
  if (made < 0) throw timerError("timer_create()", made);
  const timer = id[0] as number;
  const before = unblock();
  const time = new Uint8Array(ITIMERSPEC.size);
  setTime(time, "it_value", first);
  setTime(time, "it_interval", every);
  const started = outcome(
    libc().syscallIIBB(callNumber("timer_settime"), timer, 0, time, null),
  );
  const stop = (): void => {
    libc().syscallIII(callNumber("timer_delete"), timer, 0, 0);
    changeMask(SIG_SETMASK, before, null);
  };
  if (started >= 0) return { stop };
  stop();
  throw timerError("timer_settime()", started);
}

/** A thread that can be poked. */
export interface Poked {
  /** The thread. */
  readonly tid: number;
  /** From now on it is not poked any more. Must be called on it. */
  stop(): void;
}

/** Lets others end the waits of the calling thread, as a pulse does. */
export function heedPokes(): Poked {
  handle();
  const before = unblock();
  return {
    tid: libc().syscallIII(callNumber("gettid"), 0, 0, 0),
    stop: () => changeMask(SIG_SETMASK, before, null),
  };
}

/**
 * Ends what a thread of this process waits for. One that is about to wait is not
 * kept from it.
 *
 * @param tid the thread
 */
export function poke(tid: number): void {
  tgkill(Deno.pid, tid, SIGNAL);
}

function timerError(call: string, result: number): SystemCallError {
  return new SystemCallError(
    "watch the limits",
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

/**
 * Has the signal handled, once for the whole process and for good: it may still
 * be on its way when a pulse has ended.
 */
function handle(): void {
  const old = new Uint8Array(SIGACTION.size);
  action(null, old);
  const flags = get(SIGACTION, old, "sa_flags");
  // Neither SIG_DFL nor SIG_IGN: another thread of this process was first.
  if (getBig(SIGACTION, old, "sa_handler") > 1n && flags === SA_RESTORER) {
    return;
  }
  const code = lastingCode();
  const now = new Uint8Array(SIGACTION.size);
  set(SIGACTION, now, "sa_handler", code.nothing);
  set(SIGACTION, now, "sa_restorer", code.restorer);
  // No SA_RESTART: that would go on with the wait.
  set(SIGACTION, now, "sa_flags", SA_RESTORER);
  action(now, null);
}

function action(now: Uint8Array | null, old: Uint8Array | null): void {
  libc().syscallIBBI(
    callNumber("rt_sigaction"),
    SIGNAL,
    now,
    old,
    SIGSET_SIZE,
  );
}

/** Lets the signal through to this thread; returns the mask as it was. */
function unblock(): BigUint64Array {
  const before = new BigUint64Array(1);
  changeMask(SIG_BLOCK, null, before);
  changeMask(SIG_UNBLOCK, setOf(SIGNAL), null);
  return before;
}
