/**
 * Keeps the tracer, and the tracees whose stops keep it busy, on one processor.
 *
 * At a stop the tracee sleeps and the tracer wakes, and the other way round. On
 * one processor that is a switch; on two it is a processor that has to be woken
 * from its sleep, which takes three times as long. The tracer serves one stop at a
 * time, so where stops come one upon the other nothing is lost by it: whoever stops
 * waits for the tracer all the same. Stops are counted in rounds; who had no part in
 * one is let go. Those that compute between their stops could do so side by side
 * (`trial.ts`): all are let go where they take longer so, or nobody stops for a moment.
 *
 * The program does not see it: it ends before a call that asks for processors or
 * sets them, and before a look at a `status` in /proc, which tells them. What a
 * tracee makes inherits its processors, and is kept as its maker is, or gets the
 * maker's own ones.
 */

import {
  cpuMask,
  cpusOf,
  currentCpu,
  isFairlyScheduled,
  MASK_BYTES,
  readAffinity,
  writeAffinity,
} from "../sys/cpus.ts";
import type { Tracee } from "./tracee/tracee.ts";
import { Trial } from "./trial.ts";

/** How many stops are a round. */
const ROUND = 64;

/** How many of a round's stops it takes for a tracee to be kept. */
const SHARE = 4;

/** How many are kept at most. */
const MOST_KEPT = 64;

/**
 * After how many rounds all are let go, so that the kernel can choose another
 * processor.
 */
const CHOOSE_AFTER = 128;

/** What {@linkcode Affinity} needs. */
export interface AffinityOptions {
  /** Whether the tracer sees each call that would show it. */
  readonly hidden: boolean;
  /** Whether several may be kept: {@linkcode Affinity.paused} is told then. */
  readonly together: boolean;
  /** Whether a task was waited for, so that its id may be another's. */
  readonly isOver: (tid: number) => boolean;
  /** What time it is, in milliseconds. */
  readonly now?: () => number;
}

/** Where tracees and the tracer run. */
export class Affinity {
  readonly #options: AffinityOptions;
  readonly #now: () => number;
  readonly #own = new Uint8Array(MASK_BYTES);
  readonly #seen = new Uint8Array(MASK_BYTES);
  /** The tracees that are kept, each with the processors that it had before. */
  readonly #kept = new Map<Tracee, Uint8Array>();
  /** The processors that the one had before which was kept last. */
  #mask: Uint8Array | undefined;
  /** Tracees that were ever kept: what they make may have inherited that. */
  readonly #were = new WeakSet<Tracee>();
  /**
   * How often each has stopped in this round; the stops of the last one in a row
   * are added later.
   */
  readonly #counts = new Map<Tracee, number>();
  /** Whether several have stopped in this round, even if they are gone by now. */
  #several = false;
  #last: Tracee | undefined;
  #run = 0;
  #stops = 0;
  #rounds = 0;
  #since = 0;
  readonly #trial = new Trial();
  #cpu = -1;
  #one = new Uint8Array(0);
  #off: boolean;

  /**
   * Makes it; nobody is kept yet.
   *
   * @param options what it needs
   */
  constructor(options: AffinityOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    // Of two tasks of the same real-time priority one runs until it sleeps: a
    // program that never does would hold off its own limits (sched(7)).
    this.#off = !options.hidden || !isFairlyScheduled() ||
      readAffinity(0, this.#own) < 0 || cpusOf(this.#own).length < 2;
  }

  /** Whether several are kept, who could compute side by side. */
  get crowded(): boolean {
    return this.#kept.size > 1;
  }

  /** A tracee has stopped. */
  stopped(tracee: Tracee): void {
    if (this.#off) return;
    if (tracee !== this.#last) {
      this.#count();
      this.#several = this.#stops > 0;
      this.#last = tracee;
    }
    this.#run++;
    if (++this.#stops === ROUND) this.#judge();
  }

  /** Nobody has stopped for a moment. */
  paused(): void {
    if (!this.crowded) return;
    this.release();
    this.#trial.fail();
  }

  /** Whoever is kept may run where it likes again. */
  release(): void {
    this.#begin();
    this.#rounds = 0;
    if (this.#kept.size === 0) return;
    this.#giveBack(0, this.#own);
    for (const [tracee, mask] of this.#kept) this.#letGo(tracee, mask);
    this.#kept.clear();
  }

  /** From now on nobody is kept: the program could see it at any time. */
  end(): void {
    this.release();
    this.#off = true;
  }

  /** A tracee is gone. */
  gone(tracee: Tracee): void {
    this.#counts.delete(tracee);
    if (tracee === this.#last) {
      this.#last = undefined;
      this.#run = 0;
    }
    if (!this.#kept.delete(tracee) || this.#kept.size > 0) return;
    this.#giveBack(0, this.#own);
  }

  /**
   * A tracee has made another one, which has run nothing yet.
   *
   * @param maker who made it; `undefined` where that is not known, and gone
   * @param child what it made
   */
  made(maker: Tracee | undefined, child: Tracee): void {
    const { tid } = child;
    if (maker === undefined) {
      if (this.#mask === undefined || readAffinity(tid, this.#seen) < 0) return;
      if (this.#isOne(this.#seen)) writeAffinity(tid, this.#mask);
      return;
    }
    const mask = this.#kept.get(maker);
    if (mask !== undefined) {
      // It may have been made before its maker was kept.
      const joins = this.#options.together && this.#kept.size < MOST_KEPT;
      if (joins && writeAffinity(tid, this.#one) >= 0) {
        this.#take(child, mask);
        return;
      }
      this.release();
    }
    if (!this.#were.has(maker)) return;
    // It may have been made before others stopped, and its maker was let go.
    if (readAffinity(maker.tid, this.#seen) >= 0) {
      writeAffinity(tid, this.#seen);
    }
  }

  /** Adds the last one's stops to its others. */
  #count(): void {
    if (this.#last === undefined) return;
    const before = this.#counts.get(this.#last) ?? 0;
    this.#counts.set(this.#last, before + this.#run);
    this.#run = 0;
  }

  /** Begins a round. */
  #begin(): void {
    this.#counts.clear();
    this.#several = false;
    this.#last = undefined;
    this.#run = 0;
    this.#stops = 0;
  }

  /** A round is over. */
  #judge(): void {
    this.#count();
    const before = this.#since;
    this.#since = this.#now();
    const may = !this.#several || this.#options.together &&
        this.#trial.goesOn(this.#since - before, this.#kept.size > 0);
    if (!may || ++this.#rounds === CHOOSE_AFTER) return this.release();
    for (const [tracee, mask] of this.#kept) {
      if (this.#counts.has(tracee)) continue;
      this.#letGo(tracee, mask);
      this.gone(tracee);
    }
    for (const [tracee, stops] of this.#counts) {
      if (stops >= SHARE && !this.#kept.has(tracee)) this.#keep(tracee);
    }
    this.#begin();
  }

  #keep(tracee: Tracee): void {
    const mask = new Uint8Array(MASK_BYTES);
    if (this.#off || this.#kept.size >= MOST_KEPT) return;
    if (readAffinity(tracee.tid, mask) < 0) return;
    const cpus = cpusOf(mask);
    if (cpus.length < 2) return;
    const isFirst = this.#kept.size === 0;
    if (isFirst && !this.#choose(cpus) || !cpus.includes(this.#cpu)) return;
    // A tracee with another user id may not be moved.
    if (writeAffinity(tracee.tid, this.#one) < 0) return this.end();
    this.#take(tracee, mask);
    if (isFirst) writeAffinity(0, this.#one);
  }

  /** Chooses a processor of some; whether there is one. */
  #choose(cpus: readonly number[]): boolean {
    if (readAffinity(0, this.#own) < 0) return false;
    const both = cpusOf(this.#own).filter((cpu) => cpus.includes(cpu));
    const current = currentCpu();
    const chosen = both.includes(current) ? current : both[0];
    if (chosen === undefined) return false;
    if (chosen !== this.#cpu) this.#one = cpuMask([chosen]);
    this.#cpu = chosen;
    return true;
  }

  #take(tracee: Tracee, mask: Uint8Array): void {
    this.#were.add(tracee);
    this.#kept.set(tracee, mask);
    this.#mask = mask;
  }

  /** Gives a tracee its own processors back. */
  #letGo({ tid }: Tracee, mask: Uint8Array): void {
    if (!this.#options.isOver(tid)) this.#giveBack(tid, mask);
  }

  /** Gives a task its own processors back, or the tracer, which is 0. */
  #giveBack(tid: number, mask: Uint8Array): void {
    // Who sits at the machine may have moved it meanwhile.
    const moved = readAffinity(tid, this.#seen) < 0 || !this.#isOne(this.#seen);
    if (!moved) writeAffinity(tid, mask);
  }

  #isOne(mask: Uint8Array): boolean {
    return this.#one.every((bits, at) => bits === mask[at]);
  }
}
