/** From which files the memory of tracees is mapped. */

import { fromBytes, toCString } from "../abi/bytes.ts";
import { ENOENT } from "../abi/errno.ts";
import { O_CLOEXEC, O_RDONLY } from "../abi/fcntl.ts";
import { getBig, set } from "../abi/layout.ts";
import {
  PROCMAP,
  PROCMAP_QUERY,
  PROCMAP_QUERY_FILE_BACKED_VMA,
} from "../abi/procmap.ts";
import { addressOf } from "./address.ts";
import { KeptFile } from "./kept.ts";
import { libc, outcome } from "./libc.ts";

/** A file of which memory is mapped. */
export interface MappedFile {
  /** What the kernel calls it to this process, as a byte string. */
  readonly name: string;
  /** Its inode's number. */
  readonly inode: bigint;
}

const query = new Uint8Array(PROCMAP.size);
const name = new Uint8Array(4096);

/**
 * The mappings of one address space: of the one that a task had when it was
 * first asked about here. After an exec a new one is needed.
 */
export class TraceeMaps {
  readonly #file = new KeptFile(openMaps);

  /**
   * The file that is mapped at an address.
   *
   * @param tid a task of the address space, stopped
   * @param address where, in memory that is mapped
   * @returns the file; `none` where it is memory alone; `undefined` where that
   *   cannot be told, as before Linux 6.11
   */
  fileAt(tid: number, address: number): MappedFile | "none" | undefined {
    const fd = this.#file.of(tid);
    if (fd < 0) return undefined;
    query.fill(0);
    set(PROCMAP, query, "size", PROCMAP.size);
    set(PROCMAP, query, "query_flags", PROCMAP_QUERY_FILE_BACKED_VMA);
    set(PROCMAP, query, "query_addr", address);
    set(PROCMAP, query, "vma_name_size", name.length);
    set(PROCMAP, query, "vma_name_addr", addressOf(name));
    const result = outcome(libc().ioctl(fd, PROCMAP_QUERY, query));
    if (result === -ENOENT) return "none";
    if (result < 0) return undefined;
    return {
      name: fromBytes(name, 0, name.indexOf(0)),
      inode: getBig(PROCMAP, query, "inode"),
    };
  }

  /** Closes it. The next use opens what the task has then. */
  close(): void {
    this.#file.close();
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function openMaps(tid: number): number {
  const path = toCString(`/proc/${tid}/maps`);
  return outcome(libc().open(path, O_RDONLY | O_CLOEXEC, 0));
}
