/**
 * A pulse for a thread that waits: a signal that does nothing but end the wait.
 *
 * The tracer is blocked in wait4(2) and has to look at the clock now and then. A
 * timer of the kernel sends its thread a signal; a wait that is interrupted
 * returns `EINTR`.
 */

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
import { lastingCode } from "./code_page.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";
import {
  haltTimer,
  makeTimer,
  removeTimer,
  runTimer,
  startTimer,
} from "./own_timer.ts";
import { changeMask, setOf } from "./signal_mask.ts";
import { ownThread } from "./thread.ts";

/** Nobody else sends it: it is neither the C library's nor Deno's. */
const SIGNAL = SIGRTMAX;

/** When a thread is poked, in milliseconds: as good as at once. */
const SOON_MS = 0.001;

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
  const tid = ownThread();
  const before = unblock();
  const restore = (): void => changeMask(SIG_SETMASK, before, null);
  try {
    const timer = startTimer({ signal: SIGNAL, tid }, first, every);
    return {
      stop(): void {
        timer.stop();
        restore();
      },
    };
  } catch (error) {
    restore();
    throw error;
  }
}

/**
 * Has calls of this thread wait no longer than a moment.
 *
 * The timer is made by now: later a program of the same user can see to it that there
 * is none left.
 *
 * @param most how long a call waits, in milliseconds
 * @returns makes a call, which fails with `EINTR` where it would have to wait longer.
 *   Must be called on the same thread
 * @throws {SystemCallError} where the kernel has no timer left
 */
export function makeImpatient(
  most: number,
): (call: () => number) => number {
  handle();
  const timer = makeTimer({ signal: SIGNAL, tid: ownThread() });
  return (call) => {
    const before = unblock();
    runTimer(timer, most, most);
    try {
      return call();
    } finally {
      haltTimer(timer);
      changeMask(SIG_SETMASK, before, null);
    }
  };
}

/** A thread that can be poked. */
export interface Poked {
  /** What it is poked by. */
  readonly timer: number;
  /** From now on it is not poked any more. Must be called on it. */
  stop(): void;
}

/**
 * Lets others end the waits of the calling thread, as a pulse does.
 *
 * By a timer, since a signal of this kind that is sent is refused where the user
 * has as many waiting as may be, which any program of his can see to.
 *
 * @throws {SystemCallError} where the kernel has no timer left
 */
export function heedPokes(): Poked {
  handle();
  const timer = makeTimer({ signal: SIGNAL, tid: ownThread() });
  const before = unblock();
  return {
    timer,
    stop(): void {
      removeTimer(timer);
      changeMask(SIG_SETMASK, before, null);
    },
  };
}

/**
 * Ends what a thread of this process waits for. One that is about to wait is not
 * kept from it.
 *
 * @param timer what it is poked by
 */
export function poke(timer: number): void {
  runTimer(timer, SOON_MS, 0);
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
  libc.syscallIBBI(
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
