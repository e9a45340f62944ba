/**
 * What a jail has used so far: all that runs, and all that is gone.
 *
 * Who is gone is counted while it is a zombie still, so that many that live for
 * a moment count as much as one that lives long. Of who runs, the kernel is
 * asked when somebody wants to know.
 */

import { isOver } from "../../sys/task/task.ts";
import { cpuOf, writtenBy } from "../../sys/task/usage.ts";
import type { Family } from "../family.ts";
import type { Process, Tracee } from "../tracee/tracee.ts";
import { Memory } from "./memory.ts";

/** How much was used, and by whom the most. */
export interface Used {
  /** Milliseconds, or bytes. */
  readonly amount: number;
  /** The process that used the most of it, of those that run. */
  readonly by: Process | undefined;
}

/** What a jail used from its start to its end. */
export interface Usage {
  /** Milliseconds that passed. */
  readonly wall: number;
  /**
   * Milliseconds of processor time, of everything in the jail; with the engine
   * `kernel`, of the program and of those that were waited for in there.
   */
  readonly cpu: number;
  /**
   * The most memory in use at once, in bytes, as far as that was seen: by a look
   * fifty times a second, and by the kernel of each process but the first. What
   * processes share may be counted twice. `undefined` where nobody looked, as with
   * the engine `kernel`; so are the next two, and `denials`.
   */
  readonly memory: number | undefined;
  /** How many processes there were. */
  readonly processes: number | undefined;
  /** How many processes and threads there were at once, at most. */
  readonly tasks: number | undefined;
  /** How often the tracer was asked. */
  readonly stops: number;
  /** How many calls were refused. */
  readonly denials: number | undefined;
  /** How often each call stopped to be looked at, by its name. */
  readonly calls: Readonly<Record<string, number>>;
}

/** What a jail used that never ran. */
export const NOTHING_USED: Usage = {
  wall: 0,
  cpu: 0,
  memory: 0,
  processes: 0,
  tasks: 0,
  stops: 0,
  denials: 0,
  calls: {},
};

/** The accounts of one jail. */
export class Accounts {
  readonly #family: Family;
  readonly #inUse: Memory;
  readonly #limited: boolean;
  /** Whether what is written is counted: then each task tells that it ends. */
  readonly counts: boolean;
  /** What each task has written, when it was last seen. */
  readonly #seen = new WeakMap<Tracee, number>();
  /** Tasks that write no more, and whose bytes are in the account. */
  readonly #over = new WeakSet<Tracee>();
  /** What those have used who are gone: milliseconds, and bytes. */
  #cpu = 0;
  #written = 0;
  /** A negative errno where somebody is gone who could not be counted; else 0. */
  #uncounted = 0;
  #memory = 0;
  #processes = 0;
  #tasks = 0;
  #program = 0;
  /** How often the tracer was asked. */
  stops = 0;

  /**
   * Opens the accounts of a jail.
   *
   * @param family the tracees
   * @param limited whether memory is limited
   * @param counts whether what is written is
   */
  constructor(family: Family, limited: boolean, counts: boolean) {
    this.#family = family;
    this.#limited = limited;
    this.counts = counts;
    this.#inUse = new Memory(family);
  }

  /** The program's process was made. */
  started(pid: number): void {
    this.#program = pid;
    this.added(true);
  }

  /** A tracee was added to the family. */
  added(process: boolean): void {
    if (process) this.#processes++;
    this.#tasks = Math.max(this.#tasks, this.#family.tracees.size);
  }

  /**
   * A process was made with a copy of its maker's memory.
   *
   * @param tracee its first thread
   * @param ran whether it may have run already
   */
  copied(tracee: Tracee, ran: boolean): void {
    if (this.#limited) this.#inUse.made(tracee, ran);
  }

  /** A task has ended, and is a zombie. */
  leaving(tid: number): void {
    this.#family.ends(tid);
    const tracee = this.#family.tracees.get(tid);
    if (tracee !== undefined) this.ends(tracee);
    // A thread's share is its process's, and stays there.
    const process = this.#family.processes.get(tid);
    if (process === undefined) return;
    process.counted = true;
    this.#cpu += cpuOf(tid);
  }

  /**
   * A task is about to end, and writes no more. Of a zombie some kernels tell nobody
   * without privilege what it has written.
   */
  ends(tracee: Tracee): void {
    if (!this.counts || this.#over.has(tracee)) return;
    const bytes = this.#writtenBy(tracee);
    if (bytes < 0) this.#uncounted = bytes;
    else this.#written += bytes;
    this.#over.add(tracee);
  }

  /** A task is gone, whose process had this many bytes at most. */
  gone(tid: number, peak: number): void {
    // The launcher's memory was jail's own until its exec. Of a thread the kernel
    // tells what its process had, and that ends last.
    if (tid === this.#program || !this.#family.processes.has(tid)) return;
    this.#memory = Math.max(this.#memory, peak);
  }

  /** The processor time that was used, in milliseconds. */
  cpu(): Used {
    const amounts = new Map<Process, number>();
    for (const process of this.#family.processes.values()) {
      if (!process.counted) amounts.set(process, cpuOf(process.pid));
    }
    return total(this.#cpu, amounts);
  }

  /**
   * The bytes that were written.
   *
   * @returns how many, or a negative errno where somebody cannot be counted, or could not
   */
  written(): Used | number {
    if (this.#uncounted < 0) return this.#uncounted;
    const amounts = new Map<Process, number>();
    for (const tracee of this.#family.tracees.values()) {
      if (this.#over.has(tracee)) continue;
      const bytes = this.#writtenBy(tracee);
      if (bytes < 0) return bytes;
      const { process } = tracee;
      amounts.set(process, (amounts.get(process) ?? 0) + bytes);
    }
    return total(this.#written, amounts);
  }

  /**
   * What a task itself has written, as far as it is known: the kernel adds that of
   * a process to its parent's once that has waited for it.
   */
  #writtenBy(tracee: Tracee): number {
    const { tid, process: { pid } } = tracee;
    const bytes = writtenBy(pid, tid);
    if (bytes >= 0) this.#seen.set(tracee, bytes);
    else if (!isOver(tid)) return bytes;
    return this.#seen.get(tracee) ?? 0;
  }

  /**
   * The memory that is in use, in bytes. What processes share is told apart only
   * where it would be too much otherwise, since that takes long.
   *
   * @param limit how much is too much
   * @param end when there is something more urgent, by `performance.now()`
   */
  memory(limit: number, end: number): Used {
    // Until its exec the program's memory is jail's own.
    if (!this.#family.started) return { amount: 0, by: undefined };
    const used = this.#inUse.used(limit, end);
    this.#memory = Math.max(this.#memory, used.amount);
    return used;
  }

  /**
   * What was used from the start to the end.
   *
   * @param wall milliseconds that passed
   * @param denials how many calls were refused
   * @param calls how often each call was looked at
   */
  usage(wall: number, denials: number, calls: Usage["calls"]): Usage {
    return {
      wall,
      cpu: this.cpu().amount,
      memory: this.#memory,
      processes: this.#processes,
      tasks: this.#tasks,
      stops: this.stops,
      denials,
      calls,
    };
  }
}

/** What is used by all, with those who are gone, and who uses most of it. */
function total(gone: number, amounts: ReadonlyMap<Process, number>): Used {
  let amount = gone;
  let most = 0;
  let by: Process | undefined;
  for (const [process, own] of amounts) {
    amount += own;
    if (own > most) [most, by] = [own, process];
  }
  return { amount, by };
}
