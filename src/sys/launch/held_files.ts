/** Files that this process holds for a program that it is about to start. */

import { toCString } from "../../abi/bytes.ts";
import { close, duplicate } from "../files.ts";
import { OWN_VIEW } from "../view.ts";

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
