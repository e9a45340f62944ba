/** Where the memory of tracees is of files. */

import { fromBytes, toCString } from "../../abi/bytes.ts";
import { EFBIG, ENOENT } from "../../abi/errno.ts";
import { O_CLOEXEC, O_RDONLY } from "../../abi/fcntl.ts";
import { set } from "../../abi/layout.ts";
import {
  PROCMAP,
  PROCMAP_QUERY,
  PROCMAP_QUERY_FILE_BACKED_VMA,
} from "../../abi/procmap.ts";
import { readFile } from "../files.ts";
import { KeptFile } from "../kept.ts";
import { libc } from "../libc.ts";

const query = new Uint8Array(PROCMAP.size);

/** Most of `/proc/<pid>/maps` that is looked at, in bytes. */
const MAPS_SIZE = 1 << 20;

/**
 * What a task has mapped: the lines of proc_pid_maps(5).
 *
 * A program chooses how many there are, and how long: a file of a thousand segments
 * with a long name. What comes last must not go unseen, so all are told or none.
 *
 * @param tid the task
 * @returns byte strings, or a negative errno: `-EFBIG` where there is too much
 */
export function mappingsOf(tid: number): readonly string[] | number {
  const maps = readFile(`/proc/${tid}/maps`, MAPS_SIZE + 1);
  if (typeof maps === "number") return maps;
  return maps.length > MAPS_SIZE ? -EFBIG : fromBytes(maps).split("\n");
}

/**
 * The mappings of one address space: of the one that a task had when it was
 * first asked about here. After an exec a new one is needed.
 */
export class TraceeMaps {
  readonly #file = new KeptFile(openMaps);

  /**
   * Whether memory is of a file, or shared, which is of a file without a name.
   *
   * @param tid a task of the address space, stopped
   * @param address where, in memory that is mapped
   * @returns `undefined` where that cannot be told, as before Linux 6.11
   */
  isOfFile(tid: number, address: number): boolean | undefined {
    const fd = this.#file.of(tid);
    if (fd < 0) return undefined;
    query.fill(0);
    set(PROCMAP, query, "size", PROCMAP.size);
    set(PROCMAP, query, "query_flags", PROCMAP_QUERY_FILE_BACKED_VMA);
    set(PROCMAP, query, "query_addr", address);
    const result = libc.ioctl(fd, PROCMAP_QUERY, query);
    return result === -ENOENT ? false : result < 0 ? undefined : true;
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
  return libc.open(path, O_RDONLY | O_CLOEXEC, 0);
}
