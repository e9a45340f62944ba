/**
 * Paths of openat2(2) with `RESOLVE_*`: the kernel itself looks them up.
 *
 * With `..` in one that must not lead out it says EAGAIN where anything has been
 * renamed or mounted meanwhile, anywhere on the machine: it is asked again, so that
 * nobody is told of what others do.
 */

import { fromText } from "../../abi/bytes.ts";
import { EACCES, EAGAIN, ENAMETOOLONG, ENOENT } from "../../abi/errno.ts";
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
} from "../../abi/fcntl.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import {
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from "../../abi/openat2.ts";
import { isWithin } from "../../policy/path/within.ts";
import { close, openat2 } from "../../sys/files.ts";
import type { IsOwn } from "../look/looked.ts";
import { leadsToGuarded } from "./automount.ts";
import { look, resolveBase, resolveMagic } from "./magic.ts";
import {
  cString,
  normalize,
  type Owner,
  type Place,
  readLink,
} from "./place.ts";
import { withCrossed } from "./resolve.ts";
import { isProcfs } from "./walk.ts";

/** How often a path is looked up, at most, while others rename something. */
const MAX_TRIES = 64;

/**
 * Finds which file a path of openat2(2) names under its `resolve` flags.
 *
 * @param owner whose path it is
 * @param dirfd where it starts, or `AT_FDCWD`
 * @param path the path, as a byte string
 * @param follow whether a link in the last place is followed
 * @param creates whether a missing last name is wanted
 * @param flags `open_how.resolve`
 * @param isOwn whether a process id is one of the jail's
 * @returns the file, or the error of the kernel with the path as written
 */
export function resolveHow(
  owner: Owner,
  dirfd: number,
  path: string,
  follow: boolean,
  creates: boolean,
  flags: number,
  isOwn: IsOwn,
): Place {
  const isAbsolute = path.startsWith("/") && (flags & RESOLVE_IN_ROOT) === 0;
  // No descriptor is looked at then, which may be none.
  const from = isAbsolute ? AT_FDCWD : dirfd;
  const base = resolveBase(owner, from);
  if (base.errno !== 0) return base;
  // Beneath a directory outside nothing has a path that could be judged.
  if (base.via !== "" && base.kind === "directory") {
    return failed(base.path, path, EACCES);
  }
  const walked = (found: Place): Place =>
    withCrossed(found, owner, base.path, path, follow, isOwn, flags);
  const closed = failed(isAbsolute ? "" : base.path, path, EACCES);
  if (leadsToGuarded(owner.view, () => walked(closed))) return walked(closed);
  const own = ofOwner(owner, base.path, path, flags);
  return walked(ask(owner, from, base.path, own, follow, creates, flags));
}

/**
 * A path with the owner's ids in place of `self` and `thread-self`, where that is
 * the first name in /proc: the kernel would find the tracer, which may have no file
 * that the owner has (`fdinfo/20`).
 */
function ofOwner(
  { pid, tid, view }: Owner,
  base: string,
  path: string,
  flags: number,
): string {
  const isAbsolute = path.startsWith("/");
  // In a root directory of its own it means something else.
  const isScoped = isAbsolute && (flags & RESOLVE_IN_ROOT) !== 0;
  if (isAbsolute ? isScoped && base !== "/" : base !== "/proc") return path;
  const start = isAbsolute ? "/proc/" : "";
  const [name, ...rest] = path.slice(start.length).split("/");
  const isLink = name === "self" || name === "thread-self";
  // A link that is all of the path may be meant itself.
  if (!isLink || !path.startsWith(start) || rest.length === 0) return path;
  if ((flags & RESOLVE_NO_SYMLINKS) !== 0 || !isProcfs(view)) return path;
  const id = name === "self" ? pid : `${pid}/task/${tid}`;
  return `${start}${[id, ...rest].join("/")}`;
}

/** Asks the kernel. */
function ask(
  owner: Owner,
  dirfd: number,
  base: string,
  path: string,
  follow: boolean,
  creates: boolean,
  flags: number,
): Place {
  const { view } = owner;
  const isAbsolute = path.startsWith("/") && (flags & RESOLVE_IN_ROOT) === 0;
  const fail = (errno: number): Place =>
    failed(isAbsolute ? "" : base, path, errno);
  const scoped = (flags & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) !== 0;
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
  if (directory < 0) return fail(-directory);
  try {
    const from: Start = view.isOwn || scoped
      ? { owner, directory, above: "", flags }
      // An absolute path, a link and `..` lead no further than to the jail's root.
      : {
        ...{ owner, directory: view.fd, above: `${base}/` },
        flags: flags | RESOLVE_IN_ROOT,
      };
    const found = find(from, path, follow);
    if (typeof found !== "number") return found;
    if (found !== -ENOENT || !creates) return fail(-found);
    const at = path.lastIndexOf("/");
    const last = path.slice(at + 1);
    if (last === "" || last === "." || last === "..") {
      return fail(ENOENT);
    }
    const parent = find(from, path.slice(0, at + 1) || ".", true, O_DIRECTORY);
    if (typeof parent === "number") return fail(-parent);
    // A link that hangs would lead somewhere else: refused.
    if (typeof find(from, path, false) !== "number") {
      return fail(EACCES);
    }
    const real = parent.path === "/" ? `/${last}` : `${parent.path}/${last}`;
    return { path: real, kind: "missing", errno: 0, slash: false, via: "" };
  } finally {
    close(directory);
  }
}

/** Where the kernel starts to look up a path. */
interface Start {
  readonly owner: Owner;
  readonly directory: number;
  /** What comes in front of a relative path. */
  readonly above: string;
  /** `RESOLVE_*`. */
  readonly flags: number;
}

function find(
  { owner, directory, above, flags }: Start,
  path: string,
  follow: boolean,
  extra = 0,
): Place | number {
  const whole = path.startsWith("/") ? path : `${above}${path}`;
  if (whole.length >= PATH_MAX) return -ENAMETOOLONG;
  const wanted = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW) | extra;
  // The tracer's own magic links are not the tracee's.
  const resolve = flags & ~RESOLVE_CACHED | RESOLVE_NO_MAGICLINKS;
  let fd = -EAGAIN;
  for (let tries = 0; fd === -EAGAIN && tries < MAX_TRIES; tries++) {
    fd = openat2(directory, cString(whole), wanted, 0, resolve);
  }
  if (fd < 0) return fd;
  try {
    const { view } = owner;
    const found = resolveMagic(view, `/proc/self/fd/${fd}`);
    if (found.errno !== 0) return -found.errno;
    const place = { ...found, path: ownedBy(owner, found.path) };
    if (place.path !== found.path) {
      const there = look(view, place.path);
      if (there < 0) return there;
      close(there);
    }
    // A link that is not followed is opened by its path.
    if (place.kind === "link" && place.path.startsWith("/")) {
      return { ...place, via: "" };
    }
    // By the tracer's descriptor the tracee would reach one of its own.
    return place.via !== "" ? -EACCES : place;
  } finally {
    close(fd);
  }
}

/**
 * A path as its owner means it: by `/proc/self` and `/proc/thread-self`, which the
 * tracer has looked up, that finds itself.
 */
function ownedBy({ pid, tid }: Owner, path: string): string {
  if (!path.startsWith("/proc/")) return path;
  const self = readLink(AT_FDCWD, "/proc/thread-self");
  if (typeof self === "number") return path;
  const thread = `/proc/${self}`;
  const process = thread.slice(0, thread.indexOf("/task/"));
  if (isWithin(path, thread)) {
    return `/proc/${pid}/task/${tid}${path.slice(thread.length)}`;
  }
  return isWithin(path, process)
    ? `/proc/${pid}${path.slice(process.length)}`
    : path;
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
