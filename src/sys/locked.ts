/**
 * Directories that jail makes for a run, locked for as long as that lasts. The kernel
 * lets go of a lock however jail ends, so the next jail knows which of them nobody
 * uses any more.
 */

import { toCString } from "../abi/bytes.ts";
import { EAGAIN } from "../abi/errno.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_RDLCK,
  F_UNLCK,
  F_WRLCK,
  FLOCK,
  LOCK_EX,
  LOCK_NB,
  LOCK_UN,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
} from "../abi/fcntl.ts";
import { get, set } from "../abi/layout.ts";
import { STAT } from "../abi/stat.ts";
import { close, fstatat, open } from "./files.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";

/**
 * Opens a directory and locks it, by flock(2).
 *
 * @param path the directory, a byte string; not a link
 * @param isWanted asked before and after: what is not wanted is not locked
 * @returns an fd, or a negative errno: `-EAGAIN` where it is locked or not wanted,
 *   `-ENOENT` where it is gone
 */
export function openLocked(
  path: string,
  isWanted: (fd: number) => boolean = () => true,
): number {
  const name = toCString(path);
  const fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fd;
  const result = lock(fd, name, isWanted);
  if (result < 0) close(fd);
  return result < 0 ? result : fd;
}

function lock(
  fd: number,
  name: Uint8Array,
  isWanted: (fd: number) => boolean,
): number {
  if (!isWanted(fd)) return -EAGAIN;
  const locked = flock(fd, LOCK_EX | LOCK_NB);
  if (locked < 0) return locked;
  // Who had it before may have removed it, or has it in use by now.
  const status = new Uint8Array(STAT.size);
  const there = fstatat(AT_FDCWD, name, status, AT_SYMLINK_NOFOLLOW);
  return there < 0 || isWanted(fd) ? there : -EAGAIN;
}

/**
 * Has a directory that was opened so be known as in use, by a lock that keeps nobody
 * from locking it: the program may do that, and no directory be locked to be written.
 *
 * @param fd the directory, from {@linkcode openLocked}
 */
export function keepInUse(fd: number): void {
  fcntlLock(fd, F_OFD_SETLK, F_RDLCK);
  flock(fd, LOCK_UN);
}

/** Whether somebody has that directory in use. */
export function isInUse(fd: number): boolean {
  return fcntlLock(fd, F_OFD_GETLK, F_WRLCK) !== F_UNLCK;
}

function flock(fd: number, operation: number): number {
  return libc.syscallIII(callNumber("flock"), fd, operation, 0);
}

/** Locks a file of any length, or asks who has; the kind of lock, or an errno. */
function fcntlLock(fd: number, command: number, kind: number): number {
  const lock = new Uint8Array(FLOCK.size);
  set(FLOCK, lock, "l_type", kind);
  const number = callNumber("fcntl");
  const result = libc.syscallIIBB(number, fd, command, lock, null);
  return result < 0 ? result : get(FLOCK, lock, "l_type");
}
