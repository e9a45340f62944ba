/**
 * Keeps the tracer and the one tracee that stops on one processor.
 *
 * At a stop the tracee sleeps and the tracer wakes, and the other way round. On
 * one processor that is a switch; on two it is a processor that has to be woken
 * from its sleep, which takes three times as long. So once all stops come from
 * one tracee it is kept where the tracer runs, and the tracer there. As soon as
 * another one stops, both may run where they like again.
 *
 * The program does not see it: it ends before a call that asks for processors or
 * sets them, and before a look at a `status` in /proc, which tells them. What a
 * tracee makes inherits its processors, and gets the maker's own ones.
 */

import type { SyscallName } from "../abi/syscalls.ts";
import type { CallPlan } from "../policy/plan.ts";
import {
  cpuMask,
  cpusOf,
  currentCpu,
  isFairlyScheduled,
  MASK_BYTES,
  readAffinity,
  writeAffinity,
} from "../sys/cpus.ts";
import type { Tracee } from "./tracee.ts";

/** The calls that tell or set where a task may run. */
export const SHOWS_CPUS: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "sched_getaffinity",
  "sched_setaffinity",
]);

const OPENS: readonly SyscallName[] = ["open", "openat", "openat2"];

/**
 * Whether a plan lets the tracer see each call that tells where a task may run.
 * The `status` of a process in /proc tells it to whoever opens that.
 */
export function isHidden(plan: CallPlan): boolean {
  return [...SHOWS_CPUS, ...OPENS].every((name) => {
    const entry = plan.get(name);
    return entry !== undefined &&
      [entry, ...entry.guards].every(({ action }) => action.kind !== "allow");
  });
}

/** Whether a file tells where a task may run. */
export function tellsCpus(path: string | undefined): boolean {
  return path !== undefined && path.endsWith("/status") &&
    path.startsWith("/proc/");
}

/** After how many stops of one tracee alone it is kept. */
const KEEP_AFTER = 64;

/** After how many it is let go, so that the kernel can choose another processor. */
const CHOOSE_AFTER = 8192;

/** Where a tracee and the tracer run. */
export class Affinity {
  readonly #own = new Uint8Array(MASK_BYTES);
  readonly #tracees = new Uint8Array(MASK_BYTES);
  readonly #seen = new Uint8Array(MASK_BYTES);
  /** Who was ever kept: what they make may have inherited it. */
  readonly #were = new WeakSet<Tracee>();
  #one = new Uint8Array(0);
  #last: Tracee | undefined;
  #stops = 0;
  #kept: Tracee | undefined;
  #off: boolean;
  readonly #isOver: (tid: number) => boolean;

  /**
   * Makes it; nobody is kept yet.
   *
   * @param hidden whether the tracer sees each call that would show it
   * @param isOver whether a task was waited for, and its id may be another's
   */
  constructor(hidden: boolean, isOver: (tid: number) => boolean) {
    this.#isOver = isOver;
    // Of two tasks of the same real-time priority one runs until it sleeps: a
    // program that never does would hold off its own limits (sched(7)).
    this.#off = !hidden || !isFairlyScheduled() ||
      readAffinity(0, this.#own) < 0 || cpusOf(this.#own).length < 2;
  }

  /** A tracee has stopped at a call. */
  stopped(tracee: Tracee): void {
    if (this.#off) return;
    if (tracee !== this.#last) {
      if (this.#kept !== undefined) this.release();
      this.#last = tracee;
      this.#stops = 0;
      return;
    }
    this.#stops++;
    if (this.#stops === KEEP_AFTER) this.#keep(tracee);
    else if (this.#stops === CHOOSE_AFTER) this.release();
  }

  /** Whoever is kept may run where it likes again. */
  release(): void {
    this.#stops = 0;
    const kept = this.#kept;
    if (kept === undefined) return;
    this.#kept = undefined;
    writeAffinity(0, this.#own);
    if (this.#isOver(kept.tid)) return;
    // Who sits at the machine may have moved it meanwhile.
    const moved = readAffinity(kept.tid, this.#seen) < 0 ||
      !this.#isOne(this.#seen);
    if (!moved) writeAffinity(kept.tid, this.#tracees);
  }

  /** From now on nobody is kept: the program could see it at any time. */
  end(): void {
    this.release();
    this.#off = true;
  }

  /** A tracee is gone. */
  gone(tracee: Tracee): void {
    if (tracee === this.#last) this.#last = undefined;
    if (tracee !== this.#kept) return;
    this.#kept = undefined;
    writeAffinity(0, this.#own);
  }

  /**
   * A tracee has made another one, which has run nothing yet.
   *
   * @param maker who made it; `undefined` where that is not known, and gone
   * @param tid what it made
   */
  made(maker: Tracee | undefined, tid: number): void {
    if (maker === undefined) {
      if (this.#one.length === 0 || readAffinity(tid, this.#seen) < 0) return;
      if (this.#isOne(this.#seen)) writeAffinity(tid, this.#tracees);
      return;
    }
    if (maker === this.#kept) this.release();
    if (!this.#were.has(maker)) return;
    // It may have been made before others stopped, and its maker was let go.
    if (readAffinity(maker.tid, this.#seen) >= 0) {
      writeAffinity(tid, this.#seen);
    }
  }

  #keep(tracee: Tracee): void {
    if (readAffinity(tracee.tid, this.#tracees) < 0) return;
    const both = cpusOf(
      this.#tracees.map((bits, at) => bits & (this.#own[at] as number)),
    );
    const cpu = currentCpu();
    const chosen = both.includes(cpu) ? cpu : both[0];
    if (chosen === undefined || cpusOf(this.#tracees).length < 2) return;
    this.#one = cpuMask([chosen]);
    this.#were.add(tracee);
    // A tracee with another user id may not be moved.
    if (writeAffinity(tracee.tid, this.#one) < 0) {
      this.#off = true;
      return;
    }
    writeAffinity(0, this.#one);
    this.#kept = tracee;
  }

  #isOne(mask: Uint8Array): boolean {
    return this.#one.every((bits, at) => bits === mask[at]);
  }
}
