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
  const maps = readMaps(tid);
  return typeof maps === "number" ? maps : fromBytes(maps).split("\n");
}

/**
 * The files that a task has mapped, as proc_pid_maps(5) spells their paths. The
 * segments of one mostly follow each other, and it is told once for these.
 *
 * @param tid the task
 * @returns byte strings, or a negative errno: `-EFBIG` where there is too much
 */
export function mappedFiles(tid: number): readonly string[] | number {
  const maps = readMaps(tid);
  return typeof maps === "number" ? maps : pathsOf(maps);
}

/**
 * The paths in the text of proc_pid_maps(5): a line of it is
 * `address perms offset dev inode   path`.
 *
 * @returns byte strings, no two alike that follow each other
 */
export function pathsOf(maps: Uint8Array): readonly string[] {
  const paths: string[] = [];
  let last = maps.subarray(0, 0);
  for (let start = 0; start < maps.length;) {
    const newline = maps.indexOf(NEWLINE, start);
    const end = newline < 0 ? maps.length : newline;
    let at = start;
    for (let field = 0; field < FIELDS && at < end; field++) {
      while (at < end && maps[at] !== SPACE) at++;
      while (at < end && maps[at] === SPACE) at++;
    }
    start = end + 1;
    if (maps[at] !== SLASH || at >= end) continue;
    const path = maps.subarray(at, end);
    if (isSame(path, last)) continue;
    last = path;
    paths.push(fromBytes(path));
  }
  return paths;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const SLASH = 0x2f;

/** How many fields are before the path. */
const FIELDS = 5;

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  // Names of libraries differ at their ends.
  for (let i = one.length - 1; i >= 0; i--) {
    if (one[i] !== other[i]) return false;
  }
  return true;
}

/** All of a task's maps; `-EFBIG` where there is too much. */
function readMaps(tid: number): Uint8Array | number {
  const maps = readFile(`/proc/${tid}/maps`, MAPS_SIZE + 1);
  return typeof maps !== "number" && maps.length > MAPS_SIZE ? -EFBIG : maps;
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
