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
import { startTimer } from "./own_timer.ts";
import { changeMask, setOf } from "./signal_mask.ts";
import { ownThread } from "./thread.ts";
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
    tid: ownThread(),
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
