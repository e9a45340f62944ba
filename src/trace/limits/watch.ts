/**
 * Holds a jail to what is limited over all of it: time, processor time, memory,
 * bytes written.
 *
 * The tracer looks between two stops, and a pulse ends its wait where nobody
 * stops, so neither a program that never makes a call nor one that makes calls
 * all the time escapes it. Between two looks a program may use more than its
 * limit: as much as it can in {@linkcode NEAR_MS}, if it did not come near all at
 * once, or while a look takes longer, and in its rest.
 */

import { errnoName } from "../../abi/errno.ts";
import { SIGKILL } from "../../abi/signal.ts";
import { SystemCallError } from "../../errors.ts";
import { type LimitName, NO_ENDING_RULE, type Outcome } from "../../outcome.ts";
import type { Limit, Limits } from "../../policy/limits.ts";
import type { ControlGroup } from "../../sys/cgroup.ts";
import { type Pulse, startPulse } from "../../sys/pulse.ts";
import type { Process } from "../tracee/tracee.ts";
import type { Accounts, Used } from "./accounts.ts";

/** How often it looks at what was used, in milliseconds. */
const EVERY_MS = 20;

/**
 * The same where memory or what was written is near its limit, which a program
 * uses by gigabytes a second: at a quarter of it.
 */
const NEAR_MS = 5;
const NEAR = 1 / 4;

/**
 * Where what was used is to be told: how long a jail is young, and how often it
 * is looked at then, if it stops as often. Many programs do not live longer.
 */
const YOUNG_MS = 100;
const YOUNG_EVERY_MS = 1;

/** How long a program has from SIGTERM at its time limit to SIGKILL. */
export const GRACE_MS = 500;

/**
 * Of the tracer's time no more than a part of this is spent on looking, unless
 * it would rest for longer than this many milliseconds.
 */
const SHARE = 5;
const REST_MS = 250;

/** How a jail ended that used more than a limit. */
export type Limited = Extract<Outcome, { readonly kind: "limited" }>;

/** What a look has found. */
export type Found =
  /** Everything in the jail is to be told to end. */
  | { readonly kind: "terminate"; readonly outcome: Limited }
  /** Everything in the jail is to be ended. */
  | { readonly kind: "kill"; readonly outcome: Outcome };

/** How a jail ends for whose end nobody waits. */
const ABANDONED: Outcome = { kind: "signaled", signal: SIGKILL };

/** Watches one jail. */
export class Watch {
  readonly #limits: Limits;
  readonly #accounts: Accounts;
  readonly #program: () => Process | undefined;
  readonly #often: boolean;
  readonly #group: ControlGroup | undefined;
  readonly #abandoned: () => boolean;
  readonly #start = performance.now();
  #deadline: number;
  #sample: number;
  #near = false;
  /** The process that had the most memory at the last look. */
  #largest: Process | undefined;
  #overtime: Limited | undefined;
  #pulse: Pulse | undefined;

  /**
   * Begins to watch, and to count the time.
   *
   * @param limits what must hold
   * @param accounts what was used
   * @param program who is blamed for the time that passes
   * @param often whether what was used is to be told
   * @param group what holds memory beside it
   * @param abandoned whether nobody waits for the end any more
   */
  constructor(
    limits: Limits,
    accounts: Accounts,
    program: () => Process | undefined,
    often: boolean,
    group?: ControlGroup,
    abandoned: () => boolean = () => false,
  ) {
    this.#limits = limits;
    this.#accounts = accounts;
    this.#program = program;
    this.#deadline = this.#start + (limits.time?.most ?? Infinity);
    const { cpu, memory, written } = limits;
    const sampled = often || (cpu ?? memory ?? written) !== undefined;
    this.#often = often;
    this.#group = group;
    this.#abandoned = abandoned;
    this.#sample = sampled ? this.#start : Infinity;
    const first = Math.min(
      this.#deadline - this.#start,
      sampled ? EVERY_MS : Infinity,
    );
    const fast = (memory ?? written) !== undefined;
    this.#pulse = startPulse(first, fast ? NEAR_MS : EVERY_MS);
  }

  /** Milliseconds since the start. */
  get elapsed(): number {
    return performance.now() - this.#start;
  }

  /** Milliseconds until the time is over, or the grace after it is. */
  get left(): number {
    return Math.max(0, this.#deadline - performance.now());
  }

  /** Ends the pulse; it may look no more. */
  stop(): void {
    this.#pulse?.stop();
    this.#pulse = undefined;
    this.#deadline = Infinity;
    this.#sample = Infinity;
  }

  /**
   * Looks at the clock, and at what was used where it is time for that.
   *
   * @returns what there is to do about it
   * @throws {SystemCallError} where somebody cannot be counted
   */
  look(): Found | undefined {
    const now = performance.now();
    if (now >= this.#deadline) return this.#late();
    if (now < this.#sample) return undefined;
    if (this.#abandoned()) return { kind: "kill", outcome: ABANDONED };
    const outcome = this.#overused();
    const end = performance.now();
    const every = this.#often && this.elapsed < YOUNG_MS
      ? YOUNG_EVERY_MS
      : this.#near
      ? NEAR_MS
      : EVERY_MS;
    const rest = Math.min(REST_MS, (end - now) * (SHARE - 1));
    this.#sample = end + Math.max(every, rest);
    return outcome === undefined ? undefined : { kind: "kill", outcome };
  }

  /**
   * Whether the kernel had to keep memory from the jail, and so ended it.
   *
   * @returns how it ends then
   */
  overheld(): Limited | undefined {
    if (this.#group?.isExceeded() !== true) return undefined;
    const amount = this.#limits.memory?.most ?? 0;
    return this.#ended("memory", {
      amount,
      by: this.#largest ?? this.#program(),
    });
  }

  /** How a jail ends whose time is over. */
  overtime(): Limited {
    return this.#overtime ??= this.#ended("time", {
      amount: this.elapsed,
      by: this.#program(),
    });
  }

  /** The time is over, or the grace after it is. */
  #late(): Found {
    if (this.#overtime !== undefined) {
      return { kind: "kill", outcome: this.#overtime };
    }
    // Counted from now: jail itself may have been stopped until long after it.
    this.#deadline = performance.now() + GRACE_MS;
    return { kind: "terminate", outcome: this.overtime() };
  }

  #overused(): Limited | undefined {
    const { cpu, memory, written } = this.#limits;
    if (cpu !== undefined) {
      const used = this.#accounts.cpu();
      if (used.amount > cpu.most) return this.#ended("cpu", used);
    }
    this.#near = false;
    const overheld = this.overheld();
    if (overheld !== undefined) return overheld;
    if (memory !== undefined || this.#often) {
      const used = this.#accounts.memory(
        memory?.most ?? Infinity,
        // A look at processes that wait for a processor may take seconds.
        this.#deadline,
      );
      this.#largest = used.by ?? this.#largest;
      if (memory !== undefined && this.#exceeds(used, memory)) {
        return this.#ended("memory", used);
      }
    }
    if (written === undefined) return undefined;
    const bytes = this.#accounts.written();
    if (typeof bytes === "number") {
      throw new SystemCallError(
        "count what the program writes",
        "open(/proc/PID/io)",
        errnoName(-bytes),
        "who may be executed and not read, or has changed its user, cannot be " +
          "counted",
      );
    }
    return this.#exceeds(bytes, written)
      ? this.#ended("written", bytes)
      : undefined;
  }

  /** Whether more was used than may be; takes note where it is near. */
  #exceeds({ amount }: Used, { most }: Limit): boolean {
    this.#near ||= amount > most * NEAR;
    return amount > most;
  }

  #ended(limit: LimitName, { amount, by }: Used): Limited {
    return {
      kind: "limited",
      limit,
      most: this.#limits[limit]?.most ?? 0,
      used: amount,
      rule: this.#limits[limit]?.ref ?? NO_ENDING_RULE,
      program: by?.program ?? "",
      pid: by?.pid ?? 0,
    };
  }
}
