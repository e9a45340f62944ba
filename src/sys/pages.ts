/** What kind of memory the pages of tracees are. */

import { toCString } from "../abi/bytes.ts";
import { O_CLOEXEC, O_RDONLY } from "../abi/fcntl.ts";
import { PAGE_SIZE } from "../abi/mman.ts";
import { PM_FILE, PM_PRESENT } from "../abi/pagemap.ts";
import { KeptFile } from "./kept.ts";
import { libc, outcome } from "./libc.ts";
import { reachable } from "./memory.ts";

/** Bytes of a page's entry in `/proc/<pid>/pagemap`. */
const ENTRY = 8;
const ENTRY_SIZE = BigInt(ENTRY);

/**
 * What kind of memory the pages of one address space are.
 *
 * It is the memory that a task had when it was first asked about here: after an
 * exec a new one is needed.
 */
export class TraceePages {
  readonly #entry = new Uint8Array(ENTRY);
  readonly #file = new KeptFile(openPagemap);

  /**
   * Whether memory is private and anonymous: a file has no part in it, so that
   * nobody without this address space can change it.
   *
   * @param tid a task of the address space, stopped: one that is gone could have
   *   left its id to another
   * @param address where it starts
   * @param length its bytes, at least 1
   * @returns `false` where that is not sure
   */
  arePrivate(tid: number, address: number, length: number): boolean {
    if (!reachable(address)) return false;
    const last = Math.floor((address + length - 1) / PAGE_SIZE);
    for (let page = Math.floor(address / PAGE_SIZE); page <= last; page++) {
      const fd = this.#file.of(tid);
      if (fd < 0) return false;
      const read = outcome(
        libc().pread64(fd, this.#entry, ENTRY_SIZE, BigInt(page * ENTRY)),
      );
      if (read !== ENTRY) return false;
      const flags = this.#entry[ENTRY - 1] as number;
      if ((flags & PM_PRESENT) === 0 || (flags & PM_FILE) !== 0) return false;
    }
    return true;
  }

  /** Closes it. The next use opens what the task has then. */
  close(): void {
    this.#file.close();
  }
}

function openPagemap(tid: number): number {
  const path = toCString(`/proc/${tid}/pagemap`);
  return outcome(libc().open(path, O_RDONLY | O_CLOEXEC, 0));
}
