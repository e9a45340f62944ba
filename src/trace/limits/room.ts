/**
 * Whether there is room in a jail for one more process or thread.
 *
 * It is asked before a fork is let go on, so what is being made counts already,
 * and so does who is gone and not yet waited for by its parent: the kernel keeps
 * its id.
 */

import { ESRCH } from "../../abi/errno.ts";
import { isZombie } from "../../sys/task/task.ts";
import { kill } from "../../sys/task/wait.ts";
import type { Family } from "../family.ts";
import type { Tracee } from "../tracee/tracee.ts";

/** How often ids are looked at that another process might have by now. */
const DEEP_MS = 1000;

/** The room in one jail. */
export class Room {
  readonly #family: Family;
  readonly #most: number;
  /** Tracees that have a fork in the kernel which may succeed. */
  readonly #making = new Set<Tracee>();
  /** Processes that are gone, or were when this was last looked at. */
  readonly #zombies = new Set<number>();
  #looked = 0;

  /**
   * Makes one.
   *
   * @param family the tracees
   * @param most how many processes and threads there may be
   */
  constructor(family: Family, most: number) {
    this.#family = family;
    this.#most = most;
  }

  /**
   * Takes the room for what a tracee is about to make.
   *
   * @param tracee who makes it
   * @param strangers how many have been made that nobody has told of
   * @returns whether there was room
   */
  take(tracee: Tracee, strangers: number): boolean {
    // Of a stranger its maker has yet to tell, unless it is dead.
    const made = Math.max(this.#making.size, strangers);
    const running = this.#family.tracees.size + made;
    if (running + this.#zombies.size >= this.#most) {
      this.#sweep();
      if (running + this.#zombies.size >= this.#most) return false;
    }
    this.#making.add(tracee);
    return true;
  }

  /** A tracee has stopped: its fork is over, and what it made is told of next. */
  over(tracee: Tracee): void {
    this.#making.delete(tracee);
  }

  /** A tracee is gone. */
  gone(tracee: Tracee): void {
    this.#making.delete(tracee);
    const { tid, process } = tracee;
    if (tid === process.pid) this.#zombies.add(tid);
  }

  /** Forgets those whose parents have waited for them. */
  #sweep(): void {
    const now = performance.now();
    const deep = now - this.#looked > DEEP_MS;
    if (deep) this.#looked = now;
    for (const pid of this.#zombies) {
      const over = this.#family.processes.has(pid) ||
        kill(pid, 0) === -ESRCH || deep && !isZombie(pid);
      if (over) this.#zombies.delete(pid);
    }
  }
}
