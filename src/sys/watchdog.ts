/**
 * Kills processes at a time, whatever the thread that watches them does by then, and
 * where this process is killed but cannot end.
 *
 * A look at a process's memory waits in the kernel for whoever changes its
 * mappings, and that may be a thread that hardly ever gets a processor. Signals do
 * not end such a wait. So a timer sends one to the other threads of this process:
 * its handler, a few instructions of machine code, kills all that a table names. Where
 * no thread is left that could have a signal, the heir kills them (`heir.ts`).
 */

import { set } from "../abi/layout.ts";
import { MAP_NORESERVE } from "../abi/mman.ts";
import { PID_MAX_LIMIT } from "../abi/sched.ts";
import {
  SA_RESTART,
  SA_RESTORER,
  SIG_BLOCK,
  SIG_SETMASK,
  SIGACTION,
  SIGRTMAX,
  SIGSET_SIZE,
} from "../abi/signal.ts";
import { SystemCallError } from "../errors.ts";
import { codePage } from "./code_page.ts";
import { callNumber } from "./host.ts";
import { standBy } from "./heir.ts";
import { HANDLER_WORD } from "./launch_code.ts";
import { libc } from "./libc.ts";
import { mapMemory } from "./mapping.ts";
import { type OwnTimer, startTimer } from "./own_timer.ts";
import { changeMask, setOf } from "./signal_mask.ts";

/** Nobody else sends it: it is neither the C library's nor Deno's. */
const SIGNAL = SIGRTMAX - 1;

/** Bytes of a place in the table, and of all of them; most are never touched. */
const PLACE_BYTES = 4;
const TABLE_BYTES = PID_MAX_LIMIT * PLACE_BYTES;

/**
 * How many signals come before the one that kills. Where this process was stopped
 * when it was time, the first comes when it goes on, and the second at once or as
 * late as any: so one of them alone would be no grace.
 */
const WARNINGS = 3;

/** The table stays: a signal may come late. */
let table: Int32Array | undefined;

/**
 * Kills processes at a time, or after this one. There is one at once, in a process
 * that is jail's own: the signal has one handler for all of it.
 */
export class Watchdog {
  readonly #words: Int32Array;
  readonly #table: Int32Array;
  readonly #places = new Map<number, number>();
  readonly #free: number[] = [];
  readonly #before = new BigUint64Array(1);
  readonly #timer: OwnTimer | undefined;
  readonly #heir = standBy();

  /**
   * Starts it. Must be called on the thread that may be held up, from which
   * nothing is started until it is stopped: this thread blocks the signal.
   *
   * @param after milliseconds until it is time; Infinity for never
   * @param grace milliseconds from then until it kills; two thirds of them at
   *   least where this process is stopped when it is time, and goes on later
   * @throws {SystemCallError} where there is no memory, or no timer left
   */
  constructor(after: number, grace: number) {
    const { words } = codePage();
    this.#words = words;
    this.#table = table ??= makeTable(words);
    Atomics.store(words, HANDLER_WORD.places, 0);
    Atomics.store(words, HANDLER_WORD.bites, 0);
    Atomics.store(words, HANDLER_WORD.late, 1 - WARNINGS);
    this.#timer = after === Infinity
      ? undefined
      : this.#start(after, grace / WARNINGS);
  }

  #start(after: number, every: number): OwnTimer {
    const { late, restorer } = codePage();
    const action = new Uint8Array(SIGACTION.size);
    set(SIGACTION, action, "sa_handler", late);
    set(SIGACTION, action, "sa_restorer", restorer);
    set(SIGACTION, action, "sa_flags", SA_RESTART | SA_RESTORER);
    const number = callNumber("rt_sigaction");
    libc.syscallIBBI(number, SIGNAL, action, null, SIGSET_SIZE);
    changeMask(SIG_BLOCK, setOf(SIGNAL), this.#before);
    return startTimer({ signal: SIGNAL }, after, every);
  }

  /** Whether it has killed. */
  get hasBitten(): boolean {
    return Atomics.load(this.#words, HANDLER_WORD.bites) > 0;
  }

  /** Adds a process, which this process alone can wait for. */
  add(pid: number): void {
    if (this.#places.has(pid)) return;
    const place = this.#free.pop() ?? this.#places.size;
    this.#places.set(pid, place);
    Atomics.store(this.#table, place, pid);
    const used = Atomics.load(this.#words, HANDLER_WORD.places);
    if (place >= used) {
      Atomics.store(this.#words, HANDLER_WORD.places, place + 1);
    }
  }

  /**
   * A process has ended. Must be called before it is waited for where there is a time;
   * else as soon as it was, before this thread may be held up.
   *
   * Race: from then on its id may be another's. The handler says first that it is
   * there, then looks at a place; this frees the place first, then looks whether
   * the handler is there. So it has seen the place free, or is waited for.
   */
  remove(pid: number): void {
    const place = this.#places.get(pid);
    if (place === undefined) return;
    this.#places.delete(pid);
    Atomics.store(this.#table, place, 0);
    while (Atomics.load(this.#words, HANDLER_WORD.busy) !== 0);
    this.#free.push(place);
  }

  /** From now on it kills nobody. */
  stop(): void {
    this.#timer?.stop();
    for (const pid of [...this.#places.keys()]) this.remove(pid);
    this.#heir.stop();
    if (this.#timer !== undefined) changeMask(SIG_SETMASK, this.#before, null);
  }
}

/** Makes the table, and tells the handler where it is. */
function makeTable(words: Int32Array): Int32Array {
  const mapped = mapMemory(TABLE_BYTES, MAP_NORESERVE);
  if (mapped === undefined) {
    throw new SystemCallError("watch the limits", "mmap()", "ENOMEM");
  }
  const { pointer, address } = mapped;
  words.set(
    new Int32Array(new BigUint64Array([address]).buffer),
    HANDLER_WORD.table,
  );
  return new Int32Array(
    Deno.UnsafePointerView.getArrayBuffer(pointer, TABLE_BYTES),
  );
}
