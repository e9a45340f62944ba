/**
 * The path lock: calls that use a path and calls that change what paths mean.
 *
 * Between the tracer's look at a path and the kernel's own, another tracee
 * could put a link in its way. So while a checked path call is in flight, a
 * call that can make, move or remove a link (symlink, link, rename, unlink of
 * one) waits, stopped at its entry; and the other way round. Opens need not wait
 * for those: they go through openat2(2) with `RESOLVE_NO_SYMLINKS`. But a
 * directory that is moved can bring a device to where a file was, so that waits
 * for opens, too.
 *
 * Some calls may wait in the kernel for what another tracee does, such as
 * connect(2) for accept(2), and that one may wait for the lock. So whoever wants
 * the lock has them interrupted: they fail before they have done anything, and
 * the kernel makes them again, from the program's own registers, with a new look
 * behind whoever waits.
 *
 * Of a tracee that shares nothing nobody needs to see the call end: it holds the
 * lock until its next stop, or its end, though its call is over long before. Who
 * wants the lock looks whether it waits in another call by then, and has it
 * stopped where that is not sure. It holds nothing from then on, so that no more
 * is looked for than there were calls.
 */

import type { Tracee } from "../tracee/tracee.ts";

/** How a call holds the lock. */
export type Hold =
  /** It opens a path, and follows no link. */
  | "open"
  /** It uses a path. */
  | "shared"
  /** It makes, moves or removes a link, or changes the very file that has a name. */
  | "exclusive"
  /** It moves a directory. */
  | "tree";

/** The path lock of one jail. */
export class PathLock {
  readonly #interrupt: (tracee: Tracee) => void;
  readonly #isElsewhere: (tracee: Tracee) => boolean;
  /** Holders whose calls are in the kernel, and may wait there. */
  readonly #waiting: Set<Tracee> = new Set();
  #open = 0;
  #shared = 0;
  /** The holder that makes or moves something. */
  #mover: Tracee | undefined;
  /** The tracee that waits for the lock, and how it wants to hold it. */
  #wanted: { readonly tracee: Tracee; readonly hold: Hold } | undefined;

  /**
   * Makes one.
   *
   * @param interrupt interrupts the call of a tracee
   * @param isElsewhere whether a tracee surely has left the call that nobody sees
   * end
   */
  constructor(
    interrupt: (tracee: Tracee) => void,
    isElsewhere: (tracee: Tracee) => boolean,
  ) {
    this.#interrupt = interrupt;
    this.#isElsewhere = isElsewhere;
  }

  /** Whether a call is in the kernel that moves a directory. */
  get movesTree(): boolean {
    return this.#mover?.lock === "tree";
  }

  /**
   * Takes the lock where that is possible at once.
   *
   * @param tracee who takes it, and has it at most as `exclusive`, to have it as
   * `tree`
   * @param hold how
   */
  take(tracee: Tracee, hold: Hold): boolean {
    if (!this.#isFree(tracee, hold)) {
      if (hold !== "exclusive" && hold !== "tree") return false;
      this.#want(tracee, hold);
      if (!this.#isFree(tracee, hold)) return false;
    }
    this.forget(tracee);
    if (hold === "open") this.#open++;
    else if (hold === "shared") this.#shared++;
    else this.#mover = tracee;
    tracee.lock = hold;
    return true;
  }

  /** The call of a holder goes into the kernel, where it may wait. */
  mayWait(tracee: Tracee): void {
    if (this.#isInTheWay(tracee)) this.#interrupt(tracee);
    else if (tracee.lock !== undefined) this.#waiting.add(tracee);
  }

  /**
   * The call of a holder goes into the kernel, and nobody sees it end.
   *
   * @param nr the number of the call
   */
  leaveUnseen(tracee: Tracee, nr: number): void {
    tracee.unseen = nr;
    this.mayWait(tracee);
  }

  /** Gives it back, where a tracee has it. */
  give(tracee: Tracee): void {
    if (tracee.lock === undefined) return;
    if (tracee.lock === "open") this.#open--;
    else if (tracee.lock === "shared") this.#shared--;
    else this.#mover = undefined;
    tracee.lock = undefined;
    tracee.unseen = -1;
    this.#waiting.delete(tracee);
  }

  /** A tracee does not want it now. */
  forget(tracee: Tracee): void {
    if (this.#wanted?.tracee === tracee) this.#wanted = undefined;
  }

  #isFree(tracee: Tracee, hold: Hold): boolean {
    if (hold === "open") return this.#mover?.lock !== "tree";
    if (this.#mover !== undefined && this.#mover !== tracee) return false;
    return hold === "shared" ||
      this.#shared === 0 && (hold === "exclusive" || this.#open === 0);
  }

  #want(tracee: Tracee, hold: Hold): void {
    this.#wanted = { tracee, hold };
    for (const holder of this.#waiting) {
      if (!this.#isInTheWay(holder)) continue;
      this.#waiting.delete(holder);
      if (holder.unseen >= 0 && this.#isElsewhere(holder)) this.give(holder);
      else this.#interrupt(holder);
    }
  }

  /** Whether who wants the lock waits for a tracee. */
  #isInTheWay({ lock }: Tracee): boolean {
    if (this.#wanted === undefined) return false;
    return lock === "shared" || lock === "open" && this.#wanted.hold === "tree";
  }
}
