/** The wall clock that a policy gives, beside the real one. */

import { get } from "../../abi/layout.ts";
import { CLOCK_REALTIME, TIMESPEC } from "../../abi/time.ts";
import type { TimeRule } from "../../policy/sys.ts";

const SECOND = 1e9;

/** Reads the real clock into the bytes of a `TIMESPEC`. */
export type ReadClock = (clock: number, into: Uint8Array) => void;

/**
 * A clock of a policy: all tracees see the same one.
 *
 * A time is kept as whole seconds and nanoseconds, since both together are no
 * exact number.
 */
export class WallClock {
  readonly #rule: TimeRule;
  readonly #read: ReadClock;
  readonly #now = new Uint8Array(TIMESPEC.size);
  readonly #start: readonly [seconds: number, nanoseconds: number];

  /** The seconds of the time that was asked for last. */
  seconds = 0;
  /** Its nanoseconds. */
  nanoseconds = 0;

  /**
   * Starts one.
   *
   * @param rule what it says
   * @param read reads the real clock
   */
  constructor(rule: TimeRule, read: ReadClock) {
    this.#rule = rule;
    this.#read = read;
    this.#readReal();
    this.#start = [this.seconds, this.nanoseconds];
  }

  /** Asks for the time that the program sees, never before the epoch. */
  read(): void {
    const { kind } = this.#rule;
    if (kind === "fixed" || kind === "deny") {
      return this.#set(kind === "fixed" ? this.#rule.at : 0, 0);
    }
    this.#readReal();
    if (kind === "offset") {
      return this.#set(this.#rule.by, this.nanoseconds, this.seconds);
    }
    const { rate, from } = this.#rule;
    const passed = this.#passed() * rate;
    const [seconds, nanoseconds] = this.#start;
    return from === undefined
      ? this.#set(0, nanoseconds + passed, seconds)
      : this.#set(from, passed);
  }

  /**
   * Asks for the real time at which the program's clock will say something. A
   * clock that stands still is taken to run from now on, or whoever waits would
   * do so for ever.
   *
   * @param seconds the seconds of the program's time
   * @param nanoseconds its nanoseconds
   */
  readReal(seconds: number, nanoseconds: number): void {
    this.read();
    const wait = (seconds - this.seconds) * SECOND + nanoseconds -
      this.nanoseconds;
    this.#readReal();
    const { rate } = this.#rule.kind === "rate" ? this.#rule : { rate: 1 };
    this.#set(0, this.nanoseconds + wait / rate, this.seconds);
  }

  /** Nanoseconds since the start, exact for a hundred days. */
  #passed(): number {
    const [seconds, nanoseconds] = this.#start;
    return (this.seconds - seconds) * SECOND + this.nanoseconds - nanoseconds;
  }

  #readReal(): void {
    this.#read(CLOCK_REALTIME, this.#now);
    this.seconds = get(TIMESPEC, this.#now, "tv_sec");
    this.nanoseconds = get(TIMESPEC, this.#now, "tv_nsec");
  }

  /** Sums up milliseconds, nanoseconds and seconds. */
  #set(milliseconds: number, nanoseconds: number, seconds = 0): void {
    const whole = Math.floor(milliseconds / 1000);
    const rest = (milliseconds - whole * 1000) * 1e6 + nanoseconds;
    const carried = Math.floor(rest / SECOND);
    this.seconds = Math.max(0, seconds + whole + carried);
    this.nanoseconds = Math.floor(rest - carried * SECOND);
  }
}
