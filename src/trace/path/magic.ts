/** Magic links of /proc: what a descriptor, a working directory or a root is. */

import {
  EACCES,
  EBADF,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
} from "../../abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_NOFOLLOW, O_PATH } from "../../abi/fcntl.ts";
import { get } from "../../abi/layout.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import { RESOLVE_NO_SYMLINKS } from "../../abi/openat2.ts";
import { isOfSameFile, STAT } from "../../abi/stat.ts";
import type { FileKind } from "../../policy/call.ts";
import { close, fstat, openat2 } from "../../sys/files.ts";
import type { View } from "../../sys/view.ts";
import { isGuarded } from "./automount.ts";
import { descriptorsOf, nameOfDescriptor } from "./descriptors.ts";
import { isMemory, kindIfMounted, nameOfFile } from "./foreign.ts";
import {
  cString,
  isRemovedName,
  kindOf,
  type Owner,
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
 * @param view where the path begins
 * @param path an absolute path, a byte string
 * @returns a descriptor, or a negated errno: `-ELOOP` where there is a link on
 *   the way; a link in the last place is opened itself
 */
export function look(view: View, path: string): number {
  if (path.length >= PATH_MAX) return -ENAMETOOLONG;
  if (isGuarded(view, path)) return -EACCES;
  return view.open(cString(path), LOOK, RESOLVE_NO_SYMLINKS);
}

/**
 * Finds the path of what a magic link leads to.
 *
 * What the kernel calls by a path is judged by that path, even where it cannot
 * be looked up there: a directory on the way may be closed, or renamed just now.
 *
 * What lies outside the root of the jail, or in mounts of somebody else's, has no
 * path there: it is judged by a name that no rule means but one that means
 * everything.
 *
 * @param view where paths begin
 * @param link a path such as `/proc/12/fd/3`, of a process of the jail
 * @returns where it leads; an `object` only where that surely has no path
 */
export function resolveMagic(view: View, link: string): Place {
  const fd = openat2(AT_FDCWD, cString(link), O_PATH | O_CLOEXEC, 0, 0);
  if (fd < 0) return place(link, "missing", false, -fd);
  try {
    const result = fstat(fd, stat);
    if (result < 0) return place(link, "missing", false, -result);
    const kind = kindOf(get(STAT, stat, "st_mode"));
    for (let reads = 0; reads < MAX_READS; reads++) {
      const outer = readName(fd);
      if (typeof outer === "number") {
        return place(link, "missing", false, -outer);
      }
      const name = nameOfFile(view, fd, outer);
      // Mounted nowhere that can be seen: there is no name to judge it by.
      if (name.startsWith("(")) break;
      if (outer !== name && !name.startsWith("/")) {
        return outside(view, name, kind, link);
      }
      if (!name.startsWith("/")) return place(name, "object", false, 0, link);
      if (!isRemovedName(name)) return found(name, kind, link);
      const removed = isRemoved(view, name);
      // One rename can be in the kernel meanwhile, of a directory above. What
      // has the same name before and after was looked up by its own.
      if (readName(fd) !== outer) continue;
      if (removed === undefined) break;
      if (!removed) return found(name, kind, link);
      const gone = place(name, "object", false, 0, link);
      return isMemory(fd, name) ? gone : { ...gone, was: kind };
    }
    return place(link, "missing", false, EACCES);
  } finally {
    close(fd);
  }
}

/**
 * What has a path. A link that was opened itself is meant itself, so that it is
 * named by the magic link: whoever is given its path follows it.
 */
function found(name: string, kind: FileKind, link: string): Place {
  return place(name, kind, false, 0, kind === "link" ? link : "");
}

/**
 * What a file outside is. One that is inside as well, as a device is, is judged
 * by its path there; the mounts beneath a directory could differ.
 */
function outside(
  view: View,
  name: string,
  kind: FileKind,
  link: string,
): Place {
  const path = view.likelyPath(name);
  const same = path !== undefined && kind !== "directory" && kind !== "link" &&
    isRemoved(view, path) === false;
  return same ? place(path, kind) : place(name, kind, false, 0, link);
}

/**
 * Where a relative path starts.
 *
 * @param owner whose path it is
 * @param dirfd the directory's descriptor, or `AT_FDCWD`
 * @returns its real path; an object where it was removed; or an errno
 */
export function resolveBase(owner: Owner, dirfd: number): Place {
  const kept = dirfd === AT_FDCWD ? whereIs(owner) : undefined;
  if (kept !== undefined) return place(kept, "directory");
  const isOpen = dirfd !== AT_FDCWD;
  if (isOpen && dirfd < 0) return place("", "missing", false, EBADF);
  const { tid } = owner;
  const link = isOpen ? `/proc/${tid}/fd/${dirfd}` : `/proc/${tid}/cwd`;
  const from = isOpen ? descriptorsOf(tid) : AT_FDCWD;
  const name = isOpen
    ? nameOfDescriptor(from, tid, dirfd)
    : readLink(AT_FDCWD, link);
  if (typeof name === "number") {
    const errno = -name === ENOENT && isOpen ? EBADF : -name;
    return place("", "missing", false, errno);
  }
  if (!name.startsWith("/")) return place(name, "object", false, 0, link);
  let path = owner.view.nameOf(name);
  if (isRemovedName(path)) return resolveMagic(owner.view, link);
  const at = from === AT_FDCWD ? link : `${dirfd}`;
  let kind = kindIfMounted(owner.view, from, at, path);
  if (kind === undefined) {
    const found = resolveMagic(owner.view, link);
    const isPath = found.via === "" || found.kind === "link";
    if (found.errno !== 0 || !isPath) return found;
    ({ path, kind } = found);
  }
  // A link that was opened itself is followed no more: nothing starts there.
  if (kind === "link") return place(path, "missing", false, ENOTDIR);
  if (!path.startsWith("/")) return place(path, "directory", false, 0, link);
  // A call that moves it, as all that stop, may be looked at before it has.
  if (!isOpen && owner.keeps === true) {
    owner.cwd?.keep(owner.pid, tid, path);
  }
  return place(path, "directory");
}

/** The path of a working directory that is kept, where it has one still. */
function whereIs({ cwd, view }: Owner): string | undefined {
  const name = cwd?.name();
  if (typeof name !== "string" || !name.startsWith("/")) return undefined;
  const path = view.nameOf(name);
  return isRemovedName(path) || cwd?.isStillAt(path) !== true
    ? undefined
    : path;
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
 * @param view where the name begins
 * @param name what the kernel calls the file that `stat` was read from
 * @returns `undefined` where that cannot be told
 */
function isRemoved(view: View, name: string): boolean | undefined {
  const there = look(view, name);
  if (there === -ENOENT || there === -ENOTDIR) return true;
  if (there < 0) return get(STAT, stat, "st_nlink") === 0 ? true : undefined;
  const result = fstat(there, other);
  close(there);
  if (result < 0) return undefined;
  return !isOfSameFile(stat, other);
}
