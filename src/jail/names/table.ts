/**
 * What is known of names, in memory that two threads share: the one that answers
 * in place of resolvers writes, the tracer reads.
 *
 * There is room for a number of addresses. Each is kept as long as its answer says
 * and for {@linkcode KEPT_MS} at least, since programs keep what they were told.
 * Where there is no room, those that were kept for that long make some, the oldest
 * first; where none was, a new address is not taken, and its answer not given.
 */

import { fromBytes } from "../../abi/bytes.ts";

/** How many addresses of names there is room for. */
const MOST_ADDRESSES = 4096;

/** How long an address is kept whatever its answer says: programs keep it, too. */
const KEPT_MS = 5 * 60_000;

/** How long it is kept at most: a day. */
const MOST_MS = 24 * 3_600_000;

/** How many questions the tracer may not have heard of yet. */
const MOST_QUESTIONS = 256;

const NAME_SIZE = 256;

// The words that both threads share.
/** Changes before and after each write of an address: odd while there is one. */
const VERSION = 0;
/** How many addresses were written. */
const COUNT = 1;
/** How many questions were asked, and heard of. */
const ASKED = 2;
const HEARD = 3;
/** The thread to poke; 0 before there is one. */
const POKED = 4;
/** Whether it is over: because it should be, or because something failed. */
const STATE = 5;
const WORDS = 8;

const STOPPED = 1;
const FAILED = 2;

// An address: when it was learned, and until when it is kept, how long it is, it,
// how long its name is, and that.
const LEARNED_AT = 0;
const UNTIL = 8;
const LENGTH = 16;
const ADDRESS = 17;
const NAME_LENGTH = 33;
const NAME = 34;
const ADDRESS_SIZE = 296;

// A question: its type, its resolver, the length of its name, and that.
const QUESTION_TYPE = 0;
const QUESTION_RESOLVER = 2;
const QUESTION_LENGTH = 3;
const QUESTION_NAME = 4;
const QUESTION_SIZE = QUESTION_NAME + NAME_SIZE;

const FIRST_QUESTION = 4 * WORDS + MOST_ADDRESSES * ADDRESS_SIZE;
const SIZE = FIRST_QUESTION + MOST_QUESTIONS * QUESTION_SIZE;

/** A question for a name, and of which type. */
export interface NameQuestion {
  /** The name. */
  readonly name: string;
  /** The type of records. */
  readonly type: number;
  /** Which resolver was asked, by its place in their list. */
  readonly resolver: number;
}

/** The shared memory, as either thread sees it. */
export class NameTable {
  /** The memory, which can be sent to another thread. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  // Of the thread that writes: where each address of a name is, and what is where.
  // An answer has four thousand, so no names are read to find one.
  readonly #places = new Map<string, number>();
  readonly #keys = new Map<number, string>();

  /** Makes it anew, or of the memory of another thread's. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(SIZE)) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, WORDS);
    this.#view = new DataView(memory);
    this.#bytes = new Uint8Array(memory);
  }

  /**
   * Takes note of an address of a name.
   *
   * @param name the name
   * @param address four bytes, or sixteen
   * @param ttl how long its answer is good for, in seconds
   * @param now milliseconds of a clock that never goes back, the same for both
   * @returns whether there was room
   */
  learn(
    name: string,
    address: readonly number[],
    ttl: number,
    now: number,
  ): boolean {
    const key = `${name} ${address.join(".")}`;
    const at = this.#places.get(key) ?? this.#room(now);
    if (at === undefined) return false;
    this.#places.delete(this.#keys.get(at) ?? key);
    this.#places.set(key, at);
    this.#keys.set(at, key);
    const view = this.#view;
    const kept = Math.min(Math.max(ttl * 1000, KEPT_MS), MOST_MS);
    Atomics.add(this.#words, VERSION, 1);
    view.setFloat64(at + LEARNED_AT, now);
    view.setFloat64(at + UNTIL, now + kept);
    view.setUint8(at + LENGTH, address.length);
    for (let i = 0; i < address.length; i++) {
      view.setUint8(at + ADDRESS + i, address[i] as number);
    }
    view.setUint8(at + NAME_LENGTH, name.length);
    this.#writeName(at + NAME, name);
    if (at === this.#addressAt(this.#count)) {
      Atomics.add(this.#words, COUNT, 1);
    }
    Atomics.add(this.#words, VERSION, 1);
    return true;
  }

  /**
   * The names of an address that are kept.
   *
   * @param address four bytes, or sixteen
   * @param now milliseconds of the clock that they were learned by
   */
  namesOf(address: readonly number[], now: number): readonly string[] {
    const names: string[] = [];
    for (let i = 0; i < this.#count; i++) {
      const name = this.#nameAt(this.#addressAt(i), address, now);
      if (name !== undefined) names.push(name);
    }
    return names;
  }

  /**
   * The name that a place has for an address.
   *
   * Race: the other thread may write meanwhile, and does all the time where the
   * program asks all the time. So it is one place that is read again, and not all
   * of them: that is over long before the next write.
   */
  #nameAt(
    at: number,
    address: readonly number[],
    now: number,
  ): string | undefined {
    for (;;) {
      const version = Atomics.load(this.#words, VERSION);
      const name = this.#isAddress(at, address) &&
          this.#view.getFloat64(at + UNTIL) > now
        ? this.#readName(at + NAME, at + NAME_LENGTH)
        : undefined;
      const whole = version % 2 === 0 &&
        Atomics.load(this.#words, VERSION) === version;
      if (whole) return name;
    }
  }

  /** How many questions the tracer has not heard of. */
  get unheard(): number {
    const asked = Atomics.load(this.#words, ASKED);
    return (asked - Atomics.load(this.#words, HEARD)) >>> 0;
  }

  /** Takes note of a question; false where the tracer has heard of too few. */
  ask({ name, type, resolver }: NameQuestion): boolean {
    const asked = Atomics.load(this.#words, ASKED);
    if (this.unheard >= MOST_QUESTIONS) return false;
    const at = this.#questionAt(asked);
    this.#view.setUint16(at + QUESTION_TYPE, type);
    this.#view.setUint8(at + QUESTION_RESOLVER, resolver);
    this.#view.setUint8(at + QUESTION_LENGTH, name.length);
    this.#writeName(at + QUESTION_NAME, name);
    Atomics.add(this.#words, ASKED, 1);
    return true;
  }

  /**
   * Hears of the next question, where the tracer has not heard of it.
   *
   * @param tell tells of it; it is heard of once that is done
   * @returns whether there was one
   */
  hear(tell: (question: NameQuestion) => void): boolean {
    const heard = Atomics.load(this.#words, HEARD);
    if (heard === Atomics.load(this.#words, ASKED)) return false;
    const at = this.#questionAt(heard);
    tell({
      name: this.#readName(at + QUESTION_NAME, at + QUESTION_LENGTH),
      type: this.#view.getUint16(at + QUESTION_TYPE),
      resolver: this.#view.getUint8(at + QUESTION_RESOLVER),
    });
    Atomics.add(this.#words, HEARD, 1);
    Atomics.notify(this.#words, HEARD);
    return true;
  }

  /** Waits for the tracer to hear of a question, for some milliseconds at most. */
  waitForHearing(most: number): void {
    const heard = Atomics.load(this.#words, HEARD);
    if (heard === Atomics.load(this.#words, ASKED)) return;
    Atomics.wait(this.#words, HEARD, heard, most);
  }

  /** What the other thread is poked by when there is something to hear, if it is. */
  get poked(): number | undefined {
    const poked = Atomics.load(this.#words, POKED);
    return poked === 0 ? undefined : poked - 1;
  }

  set poked(timer: number | undefined) {
    Atomics.store(this.#words, POKED, timer === undefined ? 0 : timer + 1);
  }

  /** Whether it should be over. */
  get stopped(): boolean {
    return Atomics.load(this.#words, STATE) !== 0;
  }

  /** Whether the other thread answers no more, because something failed. */
  get failed(): boolean {
    return Atomics.load(this.#words, STATE) === FAILED;
  }

  /** Says that it should be over. */
  stop(): void {
    Atomics.compareExchange(this.#words, STATE, 0, STOPPED);
  }

  /** Says that something failed. */
  fail(): void {
    Atomics.compareExchange(this.#words, STATE, 0, FAILED);
  }

  get #count(): number {
    return Atomics.load(this.#words, COUNT);
  }

  #addressAt(index: number): number {
    return 4 * WORDS + index * ADDRESS_SIZE;
  }

  #questionAt(number: number): number {
    return FIRST_QUESTION + (number >>> 0) % MOST_QUESTIONS * QUESTION_SIZE;
  }

  /** Where there is room for an address. */
  #room(now: number): number | undefined {
    const count = this.#count;
    let oldest = -1;
    let age = KEPT_MS;
    for (let i = 0; i < count; i++) {
      const at = this.#addressAt(i);
      const isOver = this.#view.getFloat64(at + UNTIL) <= now;
      const since = isOver
        ? Infinity
        : now - this.#view.getFloat64(at + LEARNED_AT);
      if (since > age) {
        oldest = at;
        age = since;
      }
    }
    if (oldest >= 0 && (age === Infinity || count === MOST_ADDRESSES)) {
      return oldest;
    }
    return count < MOST_ADDRESSES ? this.#addressAt(count) : undefined;
  }

  #isAddress(at: number, address: readonly number[]): boolean {
    if (this.#view.getUint8(at + LENGTH) !== address.length) return false;
    for (let i = 0; i < address.length; i++) {
      if (this.#view.getUint8(at + ADDRESS + i) !== address[i]) return false;
    }
    return true;
  }

  #writeName(at: number, name: string): void {
    for (let i = 0; i < name.length; i++) {
      this.#bytes[at + i] = name.charCodeAt(i);
    }
  }

  #readName(at: number, lengthAt: number): string {
    return fromBytes(this.#bytes, at, at + this.#view.getUint8(lengthAt));
  }
}
