/**
 * How much memory a jail has in use, told soon however much of it is shared.
 *
 * What a process has in full the kernel knows at once; what of it is shared it
 * finds out by walking through all pages. So shares are read only where the full
 * sum would be too much, no longer at a time than a moment, and remembered:
 * between two reads a process counts as its share and all that it grew by.
 * First those are read of which the least is sure, and the sum is too much once
 * that is sure of shares that were read in one look.
 *
 * None is read where it is too much without all that can be shared: what a process
 * had when it was made, and shared memory. A read waits for a process that changes
 * its memory meanwhile, which waits for a processor perhaps.
 */

import {
  cpuOf,
  memoryOf,
  mergesPages,
  ownOf,
  shareOf,
} from "../../sys/task/usage.ts";
import type { Family } from "../family.ts";
import type { Process, Space, Tracee } from "../tracee/tracee.ts";
import type { Used } from "./accounts.ts";

/** How long shares are read in one look, in milliseconds. */
const LOOK_MS = 25;

/** How many looks on end are not believed since processes ended meanwhile. */
const MOST_DOUBTS = 3;

/** What a share was when it was read. */
interface Share {
  readonly share: number;
  /** The memory in full at that time. */
  readonly memory: number;
  /** The processor time of its process at that time, in milliseconds. */
  readonly cpu: number;
  /** In which round it was read. */
  readonly round: number;
}

/** An address space in one look. */
interface Entry {
  readonly tid: number;
  readonly space: Space;
  readonly process: Process;
  /** Its memory in full. */
  readonly memory: number;
}

/** The memory of one jail. */
export class Memory {
  readonly #family: Family;
  readonly #shares = new WeakMap<Space, Share>();
  /** What an address space was made with, in bytes, where that is not nothing. */
  readonly #inherited = new WeakMap<Space, number>();
  /** Grows with each look, unless the one before was not told in its time. */
  #round = 0;
  /** Whether the round began in a look before. */
  #goesOn = false;
  /** How many looks on end found too much while processes ended. */
  #doubts = 0;

  /** Makes one. */
  constructor(family: Family) {
    this.#family = family;
  }

  /**
   * A process was made that may share memory with its maker.
   *
   * @param tracee its first thread
   * @param ran whether it may have run already
   */
  made({ tid, space }: Tracee, ran: boolean): void {
    this.#inherited.set(space, ran ? Infinity : memoryOf(tid) ?? 0);
  }

  /**
   * How much is in use, in bytes: not more than the limit unless that is sure.
   *
   * @param limit how much is too much
   * @param end when there is something more urgent, by `performance.now()`
   */
  used(limit: number, end: number): Used {
    const entries = this.#entries();
    const full = sum(entries, ({ memory }) => memory);
    const by = entries.reduce<Entry | undefined>(
      (most, entry) => most && most.memory >= entry.memory ? most : entry,
      undefined,
    )?.process;
    if (full <= limit) {
      this.#goesOn = false;
      this.#doubts = 0;
      return { amount: full, by };
    }
    const own = sum(entries, (entry) => this.#own(entry));
    if (own > limit) return { amount: own, by };
    if (!this.#goesOn) this.#round++;
    const until = Math.min(performance.now() + LOOK_MS, end);
    const doubt = new Map(
      entries.map((entry) => [entry, this.#guess(entry) - this.#sure(entry)]),
    );
    const order = [...doubt].sort(([, a], [, b]) => b - a);
    for (const [entry, unsure] of order) {
      if (this.#isTold(entries, limit) || unsure <= 0) break;
      this.#read(entry);
      if (performance.now() > until) break;
    }
    if (sum(entries, (entry) => this.#guess(entry)) <= limit) {
      this.#round++;
      this.#refresh(entries, limit, until);
    } else if (
      this.#goesOn && sum(entries, (entry) => this.#sure(entry)) > limit
    ) {
      // A fork since then has made shares smaller: once more, all at a time.
      this.#round++;
      this.#refresh(entries, limit, end);
    }
    const sure = sum(entries, (entry) => this.#sure(entry));
    // Who has ended meanwhile made the shares larger that were read after that:
    // some pages were counted twice. Not for ever: others could end all the time.
    const doubted = sure > limit && this.#doubts < MOST_DOUBTS &&
      entries.some(({ tid }) => memoryOf(tid) === undefined);
    if (doubted) {
      this.#doubts++;
      this.#goesOn = false;
      return { amount: limit, by };
    }
    if (sure > limit) return { amount: sure, by };
    const guess = sum(entries, (entry) => this.#guess(entry));
    this.#goesOn = guess > limit;
    return { amount: Math.min(guess, limit), by };
  }

  /**
   * Reads shares again, which grow by the end of others and by writes to what
   * was shared: first of who has run the most since.
   */
  #refresh(entries: readonly Entry[], limit: number, until: number): void {
    const ran = entries.map((entry) => {
      const before = this.#shares.get(entry.space)?.cpu ?? 0;
      return [entry, cpuOf(entry.process.pid) - before] as const;
    });
    ran.sort(([, a], [, b]) => b - a);
    for (const [entry] of ran) {
      if (performance.now() > until) return;
      this.#read(entry);
      if (sum(entries, (other) => this.#sure(other)) > limit) return;
    }
  }

  /** Whether it is told by now if the sum is too much. */
  #isTold(entries: readonly Entry[], limit: number): boolean {
    return sum(entries, (entry) => this.#sure(entry)) > limit ||
      sum(entries, (entry) => this.#guess(entry)) <= limit;
  }

  #read({ tid, space, process, memory }: Entry): void {
    // It may be gone by now.
    const share = shareOf(tid) ?? memoryOf(tid) ?? 0;
    const cpu = cpuOf(process.pid);
    this.#shares.set(space, { share, memory, cpu, round: this.#round });
  }

  /**
   * What nobody can share. Of what a process had from its maker it may have lost
   * some, so this is the least.
   */
  #own({ tid, space }: Entry): number {
    if (mergesPages()) return 0;
    return Math.max(0, (ownOf(tid) ?? 0) - (this.#inherited.get(space) ?? 0));
  }

  /** The most that a share can be, as far as is known. */
  #guess({ space, memory }: Entry): number {
    const known = this.#shares.get(space);
    if (known === undefined) return memory;
    const grown = Math.max(0, memory - known.memory);
    return Math.min(memory, known.share + grown);
  }

  /** What of a share is known by this round. */
  #sure({ space, memory }: Entry): number {
    const known = this.#shares.get(space);
    return known?.round === this.#round ? Math.min(known.share, memory) : 0;
  }

  #entries(): Entry[] {
    const seen = new Set<Space>();
    const entries: Entry[] = [];
    for (const { tid, space, process } of this.#family.tracees.values()) {
      if (seen.has(space)) continue;
      // A first thread that has left has no memory; its process's others do.
      const memory = memoryOf(tid);
      if (memory === undefined) continue;
      seen.add(space);
      entries.push({ tid, space, process, memory });
    }
    return entries;
  }
}

function sum(
  entries: readonly Entry[],
  of: (entry: Entry) => number,
): number {
  let total = 0;
  for (const entry of entries) total += of(entry);
  return total;
}
