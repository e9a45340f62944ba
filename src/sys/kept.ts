/**
 * Descriptors of this process that are kept open to be used again: a few of them.
 *
 * There is one for the memory of each process, of which a jail may have any
 * number. Without a descriptor left this process could not see any more what the
 * jail uses.
 */

import { close } from "./files.ts";
import { ownOpenFiles } from "./origin.ts";

/** How many are kept open at most. */
const MOST = 64;
/** Which part of the descriptors that this process may have is used with them. */
const PART = 1 / 4;

const open = new Set<KeptFile>();
let most = 0;

/** How many are kept open at most: what else is to be opened needs room as well. */
function mostOpen(): number {
  const room = Math.floor((ownOpenFiles()?.soft ?? Infinity) * PART);
  return Math.max(1, Math.min(MOST, room));
}

/** A file of a task in /proc: whoever opened one first closes it for another. */
export class KeptFile {
  readonly #open: (tid: number) => number;
  #fd = -1;

  /**
   * Makes it; nothing is open yet.
   *
   * @param open opens the file of a task: its descriptor, or a negative errno
   */
  constructor(open: (tid: number) => number) {
    this.#open = open;
  }

  /** Its descriptor, which is that of the task that was there when it was opened. */
  of(tid: number): number {
    if (this.#fd >= 0) return this.#fd;
    const fd = this.#open(tid);
    if (fd < 0) return fd;
    this.#fd = fd;
    open.add(this);
    most ||= mostOpen();
    const [first] = open.size > most ? open : [];
    first?.close();
    return fd;
  }

  /** Closes it. The next use opens what the task has then. */
  close(): void {
    if (this.#fd < 0) return;
    close(this.#fd);
    this.#fd = -1;
    open.delete(this);
  }
}
