/**
 * Paths of calls that make, move or remove a name in a directory.
 *
 * The kernel looks up the directory and takes the last name as it is: it follows no
 * link there, whatever slashes stand behind it, and refuses what is no name (`.`,
 * `..` and the root directory). A real path has none of these, so they are looked at
 * here: else `mv link/ new` would move what the link leads to.
 */

import { EBUSY, EEXIST, EINVAL, EISDIR, ENOTEMPTY } from "../../abi/errno.ts";
import { AT_REMOVEDIR, RENAME_NOREPLACE } from "../../abi/fcntl.ts";
import type { CallSpec, PathArg } from "../look/spec.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Owner, Place } from "./place.ts";
import { resolve } from "./resolve.ts";

/**
 * Finds what such a path means, as {@linkcode resolve} does for others.
 *
 * @param owner whose path it is
 * @param dirfd the directory's descriptor, or `AT_FDCWD`
 * @param path the path as the tracee wrote it, as a byte string
 * @param isOwn whether a process id is one of the jail's
 * @returns the name; whether something else than a directory may have slashes
 * behind it the kernel says
 */
export function resolveName(
  owner: Owner,
  dirfd: number,
  path: string,
  isOwn: (pid: number) => boolean,
): Place {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end--;
  if (end === 0 || end === path.length) {
    return resolve(owner, dirfd, path, false, isOwn);
  }
  const place = resolve(owner, dirfd, path.slice(0, end), false, isOwn);
  return place.errno === 0 ? { ...place, slash: true } : place;
}

/**
 * What such a call fails with where its path ends in no name.
 *
 * @param registers the tracee's registers
 * @param spec the call
 * @param path which of its paths it is
 * @param written that path as the tracee wrote it, as a byte string
 * @returns the errno, or 0 where there is a name
 */
export function namelessErrno(
  registers: Registers,
  { syscall: { name, args } }: CallSpec,
  { kind, flags: at }: PathArg,
  written: string,
): number {
  const last = lastOf(written);
  if (!NAMELESS.includes(last)) return 0;
  switch (name) {
    case "rename":
    case "renameat":
      return EBUSY;
    case "renameat2": {
      const flags = registers.uint(args.indexOf("rename-flags"));
      const keeps = (flags & RENAME_NOREPLACE) !== 0;
      return kind === "rename-to" && keeps ? EEXIST : EBUSY;
    }
    case "unlinkat":
      return (registers.uint(at) & AT_REMOVEDIR) !== 0
        ? undeletable(last)
        : EISDIR;
    case "unlink":
      return EISDIR;
    case "rmdir":
      return undeletable(last);
    default:
      return EEXIST;
  }
}

const NAMELESS: readonly string[] = ["", ".", ".."];

/** What stands last in a path, without slashes behind it. */
function lastOf(path: string): string {
  return path.split("/").findLast((part) => part !== "") ?? "";
}

/** Whether a path ends in a name with a slash behind it. */
export function isSlashed(path: string): boolean {
  return path.endsWith("/") && !NAMELESS.includes(lastOf(path));
}

/** What rmdir(2) says. */
function undeletable(last: string): number {
  switch (last) {
    case "..":
      return ENOTEMPTY;
    case ".":
      return EINVAL;
    default:
      return EBUSY;
  }
}
