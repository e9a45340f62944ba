/** Looks at one path of a stopped call: which file it means, and to which rules. */

import { fromBytes } from "../../abi/bytes.ts";
import { EBADF, EFAULT, ENOENT } from "../../abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  IN_DONT_FOLLOW,
} from "../../abi/fcntl.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import { RESOLVE_CACHED } from "../../abi/openat2.ts";
import type { PathKind } from "../../abi/syscalls.ts";
import type { Access, Use } from "../../policy/call.ts";
import { readCString } from "../../sys/task/memory.ts";
import { resolveName } from "../path/entry_names.ts";
import { resolveBase, resolveMagic } from "../path/magic.ts";
import { formerPath, linkTo, type Place, processOf } from "../path/place.ts";
import { resolve } from "../path/resolve.ts";
import { resolveHow } from "../path/resolve_how.ts";
import type { Registers } from "../tracee/registers.ts";
import { ownerOf, type Tracee } from "../tracee/tracee.ts";
import type { IsOwn, Looked } from "./looked.ts";
import { creates, type OpenRequest } from "./open_flags.ts";
import type { CallSpec, PathArg } from "./spec.ts";

const pathBytes = new Uint8Array(PATH_MAX);

/** Reads a path from a tracee; a negated errno where that cannot be done. */
export function readPath(tid: number, address: number): string | number {
  if (address === 0) return -EFAULT;
  const length = readCString(tid, address, pathBytes);
  return length < 0 ? length : fromBytes(pathBytes, 0, length);
}

/** A path as rules see it: the jail's own processes are `/proc/self`. */
export function rulePath(path: string, isOwn: IsOwn): string {
  const pid = processOf(path);
  if (pid === 0 || !isOwn(pid)) return path;
  return `/proc/self${path.slice(`/proc/${pid}`.length)}`;
}

/**
 * What a call would do to a file, as rules see it. A file that was removed is
 * what it was, by the name that it had: its other links may allow more, or its
 * name, as the kernel spells it now, may be one that somebody chose.
 */
export function useOf(place: Place, access: Access, isOwn: IsOwn): Use {
  const { was } = place;
  return {
    access,
    path: rulePath(was === undefined ? place.path : formerPath(place), isOwn),
    kind: was ?? place.kind,
  };
}

/**
 * What writing a directory means where it is not the directory that changes:
 * something is made in it, whose name is not known.
 */
export function within(use: Use): Use {
  return use.kind === "directory" ? inside(use) : use;
}

/** The same, where nothing else can be meant, whatever is there or is not. */
export function inside(use: Use): Use {
  if (use.access !== "write") return use;
  return { ...use, path: `${use.path === "/" ? "" : use.path}/.` };
}

/**
 * Adds that a path may lead through what `..` leads out of again, and that it may tell
 * of where it leads no further.
 */
export function lookAtCrossed(
  looked: Looked,
  { crossed, end }: Place,
  isOwn: IsOwn,
): void {
  const seen = (path: string): Use => ({
    access: "stat",
    path: rulePath(path, isOwn),
    kind: "directory",
  });
  for (const path of crossed ?? []) looked.uses.push(seen(path));
  if (end !== undefined) looked.uses.push({ ...seen(end), told: true });
}

/**
 * What a descriptor is of, where the tracer answers what is asked of it: who has
 * something open may look at it, whatever it is and is called.
 */
const OPENED: Place = {
  ...{ path: "", kind: "object", errno: 0, slash: false, via: "" },
};

/** Whether a path means a file that is only looked at. */
export function asksOfFile(kind: PathKind): boolean {
  return kind === "stat-path" || kind === "stat-link";
}

/** Looks at one path argument. */
export function lookAtPath(
  looked: Looked,
  tracee: Tracee,
  registers: Registers,
  path: PathArg,
  kind: PathKind,
  follow: boolean,
  isOwn: IsOwn,
  how?: OpenRequest,
): Place | undefined {
  const flags = path.flags < 0 ? 0 : registers.uint(path.flags);
  const address = registers.address(path.arg);
  // readlinkat(2) takes "" without a flag.
  const empty = kind === "stat-link" && path.flags < 0 && path.dirfd >= 0 ||
    (flags & AT_EMPTY_PATH) !== 0 && kind !== "open-path";
  const dirfd = path.dirfd < 0 ? AT_FDCWD : registers.int(path.dirfd);
  const byDescriptor = address === 0 &&
    (path.takesNull === "flagged"
      ? empty
      : path.takesNull === "descriptor" && dirfd !== AT_FDCWD);
  const written = byDescriptor ? "" : readPath(tracee.tid, address);
  if (typeof written === "number") {
    looked.errno ||= -written;
    return undefined;
  }
  const owner = ownerOf(tracee);
  let place: Place;
  if (written === "" && (empty || byDescriptor)) {
    place = dirfd === AT_FDCWD
      ? resolveBase(owner, dirfd)
      : tracee.waits && asksOfFile(kind)
      ? OPENED
      : resolveMagic(tracee.view, `/proc/${tracee.tid}/fd/${dirfd}`);
    // Nothing is open there: no file is meant, and no rule is asked about one.
    if (place.errno === ENOENT) place = { ...place, errno: EBADF, path: "" };
    // Of readlinkat(2): a working directory is no link.
    if (kind === "stat-link" && path.flags < 0 && dirfd === AT_FDCWD) {
      looked.errno ||= ENOENT;
    }
    if (dirfd !== AT_FDCWD) looked.descriptorsOf = tracee.process.pid;
  } else {
    place = path.names
      ? resolveName(owner, dirfd, written, isOwn)
      : how === undefined || (how.resolve & ~RESOLVE_CACHED) === 0 ||
          written === ""
      ? resolve(owner, dirfd, written, follow, isOwn)
      : resolveHow(
        owner,
        dirfd,
        written,
        follow,
        creates(how),
        how.resolve,
        isOwn,
      );
    const leads = kind === "run-path" ? place.via : linkTo(place);
    if (leads !== "") looked.descriptorsOf = processOf(leads);
  }
  const { arg, dirfd: from } = path;
  looked.paths.push({ arg, dirfd: from, written, follows: follow, place });
  looked.errno ||= place.errno;
  lookAtCrossed(looked, place, isOwn);
  return place;
}

/** Whether the kernel would follow a link in the last place of a path. */
export function follows(
  registers: Registers,
  spec: CallSpec,
  path: PathArg,
): boolean {
  if (path.flags < 0) return path.follow;
  const flags = registers.uint(path.flags);
  switch (spec.syscall.args[path.flags]) {
    case "at-flags-follow":
      return (flags & AT_SYMLINK_FOLLOW) !== 0;
    case "inotify-mask":
      return (flags & IN_DONT_FOLLOW) === 0;
    default:
      return path.follow && (flags & AT_SYMLINK_NOFOLLOW) === 0;
  }
}
