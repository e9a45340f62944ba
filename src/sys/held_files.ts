/** Files that this process holds for a program that it is about to start. */

import { toCString } from "../abi/bytes.ts";
import { getBig } from "../abi/layout.ts";
import { STAT } from "../abi/stat.ts";
import { close, duplicate, fstat } from "./files.ts";
import { OWN_VIEW } from "./view.ts";

// The launcher puts the program's own fds in place before these are used; a
// program that keeps fds has them already.
const FIRST_FD = 10;

/**
 * Opens a file by a descriptor that is none of the first.
 *
 * @param path its path, a byte string
 * @param flags `O_*`
 * @param resolve `RESOLVE_*`
 * @returns an fd, or a negative errno
 */
export function openAbove(path: string, flags: number, resolve = 0): number {
  const fd = OWN_VIEW.open(toCString(path), flags, resolve);
  if (fd < 0 || fd >= FIRST_FD) return fd;
  const moved = duplicate(fd, FIRST_FD);
  close(fd);
  return moved;
}

/** Whether two descriptors are of one file. */
export function isSameFile(one: number, other: number): boolean {
  const file = fileOf(one);
  return file !== undefined && file === fileOf(other);
}

/**
 * Which file a descriptor is of.
 *
 * @param fd a descriptor of this process
 * @returns the same for each descriptor of a file, and for no other; `undefined`
 * where it cannot be told
 */
export function fileOf(fd: number): string | undefined {
  const stat = new Uint8Array(STAT.size);
  return fstat(fd, stat) < 0
    ? undefined
    : `${getBig(STAT, stat, "st_dev")} ${getBig(STAT, stat, "st_ino")}`;
}
