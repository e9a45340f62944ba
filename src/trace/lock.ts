/**
 * The path lock: calls that use a path and calls that change what paths mean.
 *
 * Between the tracer's look at a path and the kernel's own, another tracee
 * could put a link in its way. So while a checked path call is in flight, a
 * call that can make or move a link (symlink, link, rename) waits, stopped at
 * its entry; and the other way round. Opens need no lock: they go through
 * openat2(2) with `RESOLVE_NO_SYMLINKS`.
 *
 * Some calls may wait in the kernel for what another tracee does, such as
 * connect(2) for accept(2), and that one may wait for the lock. So whoever wants
 * the lock has them interrupted: they fail before they have done anything, and
 * the kernel makes them again, from the program's own registers, with a new look
 * behind whoever waits.
 */

import type { Tracee } from "./tracee.ts";

/** How a call holds the lock. */
export type Hold = "shared" | "exclusive";

/** The path lock of one jail. */
export class PathLock {
  readonly #interrupt: (tracee: Tracee) => void;
  /** Holders whose calls are in the kernel, and may wait there. */
  readonly #waiting: Set<Tracee> = new Set();
  #shared = 0;
  #exclusive = false;
  #wanted: Tracee | undefined;

  /**
   * Makes one.
   *
   * @param interrupt interrupts the call of a tracee
   */
  constructor(interrupt: (tracee: Tracee) => void) {
    this.#interrupt = interrupt;
  }

  /** Takes the lock where that is possible at once. */
  take(tracee: Tracee, hold: Hold): boolean {
    if (this.#exclusive || hold === "exclusive" && this.#shared > 0) {
      if (hold === "exclusive") this.#want(tracee);
      return false;
    }
    this.forget(tracee);
    if (hold === "shared") this.#shared++;
    else this.#exclusive = true;
    tracee.lock = hold;
    return true;
  }

  /** The call of a holder goes into the kernel, where it may wait. */
  mayWait(tracee: Tracee): void {
    if (tracee.lock !== "shared") return;
    if (this.#wanted === undefined) this.#waiting.add(tracee);
    else this.#interrupt(tracee);
  }

  /** Gives it back, where a tracee has it. */
  give(tracee: Tracee): void {
    if (tracee.lock === undefined) return;
    if (tracee.lock === "shared") this.#shared--;
    else this.#exclusive = false;
    tracee.lock = undefined;
    this.#waiting.delete(tracee);
  }

  /** A tracee does not want it now. */
  forget(tracee: Tracee): void {
    if (this.#wanted === tracee) this.#wanted = undefined;
  }

  #want(tracee: Tracee): void {
    this.#wanted = tracee;
    for (const holder of this.#waiting) this.#interrupt(holder);
    this.#waiting.clear();
  }
}
