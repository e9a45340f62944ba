/**
 * Removing a directory with all that is in it, whatever a hostile program made
 * of it: a million levels, names that are no text, directories closed to their
 * owner.
 *
 * What is deep is moved to the top before it is emptied, so that neither the
 * stack nor the number of open files depends on the depth. The programs that
 * worked in there are gone, but others may still move what lies where they write:
 * so no link is followed, and nothing is done by a path.
 */

import { fromText, toCString } from "../abi/bytes.ts";
import { EINTR, EISDIR, ENOENT } from "../abi/errno.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
} from "../abi/fcntl.ts";
import { isOfSameFile, STAT } from "../abi/stat.ts";
import { nextNames } from "./directory.ts";
import {
  chmodHeld,
  close,
  fstat,
  fstatat,
  openat,
  readLink,
  renameat,
  rewind,
  unlinkat,
} from "./files.ts";

const OWN = 0o700;
const HERE = toCString(".");
const ABOVE = toCString("..");

/**
 * Holds a directory, to find it again wherever it is moved.
 *
 * @param path the directory, a byte string; not a link
 * @returns an fd that stands for its place alone, or a negative errno
 */
export function holdDirectory(path: string): number {
  return hold(AT_FDCWD, toCString(path));
}

/**
 * Removes a directory with all that is in it, wherever it is by now. What may
 * have taken its name stays.
 *
 * @param held the directory, from {@linkcode holdDirectory}; it stays open
 * @param giveUp asked again and again whether to leave the rest
 * @returns 0, or the negative errno of the first thing that stays; `-EINTR`
 *   where it gave up
 */
export function removeTree(
  held: number,
  giveUp: () => boolean = () => false,
): number {
  const top = enter(held);
  if (top < 0) return top;
  try {
    const failed = empty(top, giveUp);
    return failed < 0 ? failed : removeHeld(held);
  } finally {
    close(top);
  }
}

/** Removes all that is in a directory. */
function empty(top: number, giveUp: () => boolean): number {
  // Names that the program cannot have made.
  const prefix = fromText(`.${crypto.randomUUID()}-`);
  let moved = 0;
  const toTop = (dirfd: number, name: Uint8Array): number => {
    const held = hold(dirfd, name);
    if (held < 0) return held;
    // Its "..", which is in it, changes.
    chmodHeld(held, OWN);
    close(held);
    return renameat(dirfd, name, top, toCString(`${prefix}${moved++}`));
  };
  return removeEach(top, giveUp, (name) => {
    const held = hold(top, name);
    if (held < 0) return held;
    const fd = enter(held);
    close(held);
    if (fd < 0) return fd;
    try {
      const stays = removeEach(fd, giveUp, (inner) => toTop(fd, inner));
      return stays < 0 ? stays : unlinkat(top, name, AT_REMOVEDIR);
    } finally {
      close(fd);
    }
  });
}

/**
 * Removes all that is in a directory: files and empty directories at once,
 * others by what is given.
 *
 * @returns 0, or a negative errno
 */
function removeEach(
  dirfd: number,
  giveUp: () => boolean,
  full: (name: Uint8Array) => number,
): number {
  for (;;) {
    // What was moved in and out is seen from the start again.
    rewind(dirfd);
    const names = nextNames(dirfd);
    // It is removed already.
    if (names === -ENOENT) return 0;
    if (typeof names === "number") return names;
    if (names === undefined || names.length === 0) return 0;
    for (const text of names) {
      if (giveUp()) return -EINTR;
      const name = toCString(text);
      const file = unlinkat(dirfd, name, 0);
      if (file >= 0 || file === -ENOENT) continue;
      if (file !== -EISDIR) return file;
      if (unlinkat(dirfd, name, AT_REMOVEDIR) >= 0) continue;
      const failed = full(name);
      if (failed < 0) return failed;
    }
  }
}

/** Removes an empty directory from wherever it is. */
function removeHeld(held: number): number {
  const path = readLink(`/proc/self/fd/${held}`);
  if (typeof path === "number") return path;
  const above = openat(held, ABOVE, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (above < 0) return above;
  try {
    const name = toCString(path.slice(path.lastIndexOf("/") + 1));
    if (isHeld(held, above, name)) return unlinkat(above, name, AT_REMOVEDIR);
    // proc(5) puts that after a name that is no more.
    return path.endsWith(" (deleted)") ? 0 : -ENOENT;
  } finally {
    close(above);
  }
}

/** Whether a name means the very directory that is held. */
function isHeld(held: number, dirfd: number, name: Uint8Array): boolean {
  const [one, other] = [new Uint8Array(STAT.size), new Uint8Array(STAT.size)];
  return fstat(held, one) >= 0 &&
    fstatat(dirfd, name, other, AT_SYMLINK_NOFOLLOW) >= 0 &&
    isOfSameFile(one, other);
}

/** Opens the place of a directory, which need not be open to its owner. */
function hold(dirfd: number, name: Uint8Array): number {
  return openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/** Opens a directory that is held, to read it and to change what is in it. */
function enter(held: number): number {
  chmodHeld(held, OWN);
  return openat(held, HERE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
