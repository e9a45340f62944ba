/**
 * The path lock: calls that use a path and calls that change what paths mean.
 *
 * Between the tracer's look at a path and the kernel's own, another tracee
 * could put a link in its way. So while a checked path call is in flight, a
 * call that can make or move a link (symlink, link, rename) waits, stopped at
 * its entry; and the other way round. Opens need no lock: they go through
 * openat2(2) with `RESOLVE_NO_SYMLINKS`, and may block for long.
 */

/** How a call holds the lock. */
export type Hold = "shared" | "exclusive";

/** The path lock of one jail. */
export class PathLock {
  #shared = 0;
  #exclusive = false;

  /** Takes the lock where that is possible at once. */
  take(hold: Hold): boolean {
    if (this.#exclusive) return false;
    if (hold === "shared") {
      this.#shared++;
      return true;
    }
    if (this.#shared > 0) return false;
    this.#exclusive = true;
    return true;
  }

  /** Gives it back. */
  give(hold: Hold): void {
    if (hold === "shared") this.#shared--;
    else this.#exclusive = false;
  }
}
