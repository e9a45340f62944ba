/** Paths of openat2(2) with `RESOLVE_*`: the kernel itself looks them up. */

import { fromText } from "../abi/bytes.ts";
import { EACCES, ENOENT } from "../abi/errno.ts";
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
} from "../abi/fcntl.ts";
import { RESOLVE_CACHED, RESOLVE_NO_MAGICLINKS } from "../abi/openat2.ts";
import { close, openat2 } from "../sys/files.ts";
import { resolveBase, resolveMagic } from "./magic.ts";
import { cString, normalize, type Owner, type Place } from "./place.ts";

/**
 * Finds which file a path of openat2(2) names under its `resolve` flags.
 *
 * @param owner whose path it is
 * @param dirfd where it starts, or `AT_FDCWD`
 * @param path the path, as a byte string
 * @param follow whether a link in the last place is followed
 * @param creates whether a missing last name is wanted
 * @param flags `open_how.resolve`
 * @returns the file, or the error of the kernel with the path as written
 */
export function resolveHow(
  owner: Owner,
  dirfd: number,
  path: string,
  follow: boolean,
  creates: boolean,
  flags: number,
): Place {
  const base = resolveBase(owner, dirfd);
  if (base.errno !== 0) return base;
  const start = dirfd === AT_FDCWD
    ? `/proc/${owner.tid}/cwd`
    : `/proc/${owner.tid}/fd/${dirfd}`;
  const directory = openat2(
    AT_FDCWD,
    cString(fromText(start)),
    O_PATH | O_CLOEXEC,
    0,
    0,
  );
  if (directory < 0) return failed(base.path, path, -directory);
  try {
    const found = find(directory, path, follow, flags);
    if (typeof found !== "number") return found;
    if (found !== -ENOENT || !creates) return failed(base.path, path, -found);
    const at = path.lastIndexOf("/");
    const last = path.slice(at + 1);
    if (last === "" || last === "." || last === "..") {
      return failed(base.path, path, ENOENT);
    }
    const parent = find(
      directory,
      path.slice(0, at + 1) || ".",
      true,
      flags,
      O_DIRECTORY,
    );
    if (typeof parent === "number") return failed(base.path, path, -parent);
    // A link that hangs would lead somewhere else: refused.
    if (typeof find(directory, path, false, flags) !== "number") {
      return failed(base.path, path, EACCES);
    }
    const real = parent.path === "/" ? `/${last}` : `${parent.path}/${last}`;
    return { path: real, kind: "missing", errno: 0, slash: false, via: "" };
  } finally {
    close(directory);
  }
}

function find(
  directory: number,
  path: string,
  follow: boolean,
  flags: number,
  extra = 0,
): Place | number {
  const fd = openat2(
    directory,
    cString(path),
    O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW) | extra,
    0,
    // The tracer's own magic links are not the tracee's.
    flags & ~RESOLVE_CACHED | RESOLVE_NO_MAGICLINKS,
  );
  if (fd < 0) return fd;
  try {
    const place = resolveMagic(`/proc/self/fd/${fd}`);
    if (place.errno !== 0) return -place.errno;
    // By the tracer's descriptor the tracee would reach one of its own.
    return place.kind === "object" ? -EACCES : place;
  } finally {
    close(fd);
  }
}

function failed(base: string, path: string, errno: number): Place {
  return {
    path: normalize(`${base}/${path}`),
    kind: "missing",
    errno,
    slash: false,
    via: "",
  };
}
