/** Magic links of /proc: what a descriptor, a working directory or a root is. */

import { EACCES, EBADF, ENAMETOOLONG, ENOENT, ENOTDIR } from "../abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_NOFOLLOW, O_PATH } from "../abi/fcntl.ts";
import { get, getBig } from "../abi/layout.ts";
import { RESOLVE_NO_SYMLINKS } from "../abi/openat2.ts";
import { STAT } from "../abi/stat.ts";
import { close, fstat, openat2 } from "../sys/files.ts";
import {
  cString,
  isRemovedName,
  kindOf,
  type Owner,
  PATH_MAX,
  type Place,
  place,
  readLink,
} from "./place.ts";

const LOOK = O_PATH | O_NOFOLLOW | O_CLOEXEC;

const stat = new Uint8Array(STAT.size);
const other = new Uint8Array(STAT.size);

/** How often a name is read that a rename changes meanwhile. */
const MAX_READS = 3;

/**
 * Opens a path that has no link in it, for looking alone.
 *
 * @param path an absolute path, a byte string
 * @returns a descriptor, or a negated errno: `-ELOOP` where there is a link on
 *   the way; a link in the last place is opened itself
 */
export function look(path: string): number {
  if (path.length >= PATH_MAX) return -ENAMETOOLONG;
  return openat2(AT_FDCWD, cString(path), LOOK, 0, RESOLVE_NO_SYMLINKS);
}

/**
 * Finds the path of what a magic link leads to.
 *
 * What the kernel calls by a path is judged by that path, even where it cannot
 * be looked up there: a directory on the way may be closed, or renamed just now.
 *
 * @param link a path such as `/proc/12/fd/3`, of a process of the jail
 * @returns where it leads; an `object` only where that surely has no path
 */
export function resolveMagic(link: string): Place {
  const fd = openat2(AT_FDCWD, cString(link), O_PATH | O_CLOEXEC, 0, 0);
  if (fd < 0) return place(link, "missing", false, -fd);
  try {
    const result = fstat(fd, stat);
    if (result < 0) return place(link, "missing", false, -result);
    const kind = kindOf(get(STAT, stat, "st_mode"));
    for (let reads = 0; reads < MAX_READS; reads++) {
      const name = readName(fd);
      if (typeof name === "number") {
        return place(link, "missing", false, -name);
      }
      // Mounted nowhere that can be seen: there is no name to judge it by.
      if (name.startsWith("(")) break;
      if (!name.startsWith("/")) return place(name, "object", false, 0, link);
      if (!isRemovedName(name)) return place(name, kind);
      const removed = isRemoved(name);
      // One rename can be in the kernel meanwhile, of a directory above. What
      // has the same name before and after was looked up by its own.
      if (readName(fd) !== name) continue;
      if (removed === undefined) break;
      if (!removed) return place(name, kind);
      const gone = place(name, "object", false, 0, link);
      return name.startsWith("/memfd:") ? gone : { ...gone, was: kind };
    }
    return place(link, "missing", false, EACCES);
  } finally {
    close(fd);
  }
}

/**
 * Where a relative path starts.
 *
 * @param owner whose path it is
 * @param dirfd the directory's descriptor, or `AT_FDCWD`
 * @returns its real path; an object where it was removed; or an errno
 */
export function resolveBase(owner: Owner, dirfd: number): Place {
  const link = dirfd === AT_FDCWD
    ? `/proc/${owner.tid}/cwd`
    : `/proc/${owner.tid}/fd/${dirfd}`;
  const name = dirfd < 0 && dirfd !== AT_FDCWD
    ? -ENOENT
    : readLink(AT_FDCWD, link);
  if (typeof name === "number") {
    const errno = -name === ENOENT && dirfd !== AT_FDCWD ? EBADF : -name;
    return place("", "missing", false, errno);
  }
  if (!name.startsWith("/")) return place(name, "object", false, 0, link);
  if (isRemovedName(name)) return resolveMagic(link);
  return place(name, "directory");
}

/** What the kernel calls an open file, as a byte string, or a negated errno. */
function readName(fd: number): string | number {
  return readLink(AT_FDCWD, `/proc/self/fd/${fd}`);
}

/**
 * Whether the name by which a file was opened is gone. A file's own name may end
 * like that of one that was removed, and a file that was removed may have other
 * links still: what the name leads to says which it is.
 *
 * @param name what the kernel calls the file that `stat` was read from
 * @returns `undefined` where that cannot be told
 */
function isRemoved(name: string): boolean | undefined {
  const there = look(name);
  if (there === -ENOENT || there === -ENOTDIR) return true;
  if (there < 0) return get(STAT, stat, "st_nlink") === 0 ? true : undefined;
  const result = fstat(there, other);
  close(there);
  if (result < 0) return undefined;
  return getBig(STAT, stat, "st_dev") !== getBig(STAT, other, "st_dev") ||
    getBig(STAT, stat, "st_ino") !== getBig(STAT, other, "st_ino");
}
