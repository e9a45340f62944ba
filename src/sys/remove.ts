/**
 * Removing a directory with all that is in it, whatever a hostile program made
 * of it: a million levels, names that are no text, directories closed to their
 * owner.
 *
 * What is deep is moved to the top before it is emptied, so that neither the
 * stack nor the number of open files depends on the depth. Nobody may change
 * anything in there meanwhile: whoever could is gone.
 */

import { fromText, toCString } from "../abi/bytes.ts";
import { EISDIR, ENOENT } from "../abi/errno.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
} from "../abi/fcntl.ts";
import { nextNames } from "./directory.ts";
import {
  close,
  fchmodat,
  openat,
  renameat,
  rewind,
  unlinkat,
} from "./files.ts";

const OWN = 0o700;

/**
 * Removes a directory with all that is in it.
 *
 * @param path the directory, a byte string; not a link
 * @returns 0, or the negative errno of the first thing that stays
 */
export function removeTree(path: string): number {
  const name = toCString(path);
  const top = enter(AT_FDCWD, name);
  if (top < 0) return top === -ENOENT ? 0 : top;
  // Names that the program cannot have made.
  const prefix = fromText(`.${crypto.randomUUID()}-`);
  let moved = 0;
  const toTop = (dirfd: number, name: Uint8Array): number => {
    // Its "..", which is in it, changes.
    fchmodat(dirfd, name, OWN);
    return renameat(dirfd, name, top, toCString(`${prefix}${moved++}`));
  };
  try {
    const failed = eachName(top, (name) => {
      const fd = enter(top, name);
      if (fd < 0) return fd;
      try {
        const stays = eachName(fd, (inner) => toTop(fd, inner));
        return stays < 0 ? stays : unlinkat(top, name, AT_REMOVEDIR);
      } finally {
        close(fd);
      }
    });
    if (failed < 0) return failed;
  } finally {
    close(top);
  }
  return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

/**
 * Removes all that is in a directory: files and empty directories at once,
 * others by what is given.
 *
 * @returns 0, or a negative errno
 */
function eachName(
  dirfd: number,
  full: (name: Uint8Array) => number,
): number {
  for (;;) {
    // What was moved in and out is seen from the start again.
    rewind(dirfd);
    const names = nextNames(dirfd);
    if (typeof names === "number") return names;
    if (names === undefined || names.length === 0) return 0;
    for (const text of names) {
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

function enter(dirfd: number, name: Uint8Array): number {
  fchmodat(dirfd, name, OWN);
  return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}
