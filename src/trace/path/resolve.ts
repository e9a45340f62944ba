/**
 * Which file a path of a tracee really names.
 *
 * The kernel of this machine does the looking up, from the tracer: one
 * openat2(2) with `RESOLVE_NO_SYMLINKS` that succeeds proves that a path has no
 * link in it, and then the path as written is the real path. Only where there
 * is a link is the path walked by hand, since `/proc/self`, `/dev/fd` and the
 * like mean the tracee's, not the tracer's.
 *
 * Races: what is found here may change before the kernel acts on the call.
 * The caller closes that by handing the kernel the real path, not the
 * tracee's, and by holding the path lock where a link could be put in its way.
 */

import {
  EACCES,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
} from "../../abi/errno.ts";
import { get } from "../../abi/layout.ts";
import { MAXSYMLINKS, PATH_MAX } from "../../abi/limits.ts";
import { RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS } from "../../abi/openat2.ts";
import { STAT } from "../../abi/stat.ts";
import type { FileKind } from "../../policy/call.ts";
import { parentOf } from "../../policy/floor/grants.ts";
import { close, fstat } from "../../sys/files.ts";
import type { View } from "../../sys/view.ts";
import { look, resolveBase, resolveMagic } from "./magic.ts";
import {
  kindOf,
  normalize,
  type Owner,
  type Place,
  place,
  processOf,
  readLink,
} from "./place.ts";
import { linksAt, quick, type Way, wayFrom } from "./quick.ts";
import { behindLink, rememberLink } from "./root_links.ts";
import { isGuardedLink } from "./sticky.ts";
import { straightNames } from "./straight.ts";

const stat = new Uint8Array(STAT.size);

const MAGIC_REGEXP =
  /^\/proc\/[1-9][0-9]*(?:\/task\/[1-9][0-9]*)?\/(?:cwd|root|exe|fd\/[0-9]+|map_files\/[^/]+|ns\/[^/]+)$/;

/**
 * Finds which file a path of a tracee really names.
 *
 * @param owner whose path it is
 * @param dirfd the directory that a relative path starts from, or `AT_FDCWD`
 * @param path the path as the tracee wrote it, as a byte string
 * @param follow whether a link in the last place is followed
 * @param isOwn whether a process id is one of the jail's
 * @returns the file, as far as the path leads
 */
export function resolve(
  owner: Owner,
  dirfd: number,
  path: string,
  follow: boolean,
  isOwn: (pid: number) => boolean,
): Place {
  if (path === "") return place("", "missing", false, ENOENT);
  let full = path;
  let start = "/";
  if (!path.startsWith("/")) {
    const base = resolveBase(owner, dirfd);
    if (base.errno !== 0) return base;
    if (base.via !== "") return inObject(base, path);
    start = base.path;
    full = start === "/" ? `/${path}` : `${start}/${path}`;
  }
  const way = wayFrom(start, "/");
  const found =
    quick(owner, behindLink(owner.view, full) ?? full, follow, way) ??
      walk(owner, full, follow, isOwn, way);
  return ended(found, way);
}

/** What a walk has found, with what it met. */
function ended(found: Place, { magic, crossed, known }: Way): Place {
  const untold = crossed.untold(found.path, known);
  if (!magic && untold.length === 0) return found;
  const seen = {
    ...found,
    ...magic && { magic },
    ...untold.length > 0 && { crossed: untold },
  };
  return crossed.isTooMuch
    ? { ...seen, kind: "missing", errno: ENAMETOOLONG }
    : seen;
}

/**
 * Adds what `..` leads out of where the kernel looks up a path with `RESOLVE_*`, and
 * where it leads that fails: that must not tell what is where nobody may look.
 *
 * @param found what the kernel has found
 * @param owner whose path it is
 * @param start where it starts: a real path, or the name of what has none
 * @param path the path, as a byte string
 * @param follow whether a link in the last place is followed
 * @param isOwn whether a process id is one of the jail's
 * @param resolveFlags `open_how.resolve`
 * @returns the place, with {@linkcode Place.crossed}
 */
export function withCrossed(
  found: Place,
  owner: Owner,
  start: string,
  path: string,
  follow: boolean,
  isOwn: (pid: number) => boolean,
  resolveFlags: number,
): Place {
  const isRoot = (resolveFlags & RESOLVE_IN_ROOT) !== 0;
  const way = wayFrom(start, isRoot ? start : "/");
  const full = isRoot || path.startsWith("/") ? path : `${start}/${path}`;
  const walked = walk({ ...owner, keeps: false }, full, follow, isOwn, way);
  // At the first link it failed by the names as written.
  const isWritten = found.errno === ELOOP &&
    (resolveFlags & RESOLVE_NO_SYMLINKS) !== 0;
  const leads = found.errno !== 0 && !isWritten && walked.via === "" &&
    (start.startsWith("/") || path.startsWith("/"));
  const place = leads ? { ...found, path: walked.path } : found;
  return ended(place, { ...way, magic: false });
}

/**
 * What can be named from a directory that was removed, from one outside the root
 * of the jail, or from no directory.
 */
function inObject(base: Place, path: string): Place {
  const slash = path.endsWith("/");
  const nothing = (errno: number): Place =>
    place(base.path, "missing", slash, errno);
  if ((base.was ?? base.kind) !== "directory") return nothing(ENOTDIR);
  if (/^[./]+$/.test(path) && !path.includes("..")) {
    return { ...base, slash };
  }
  return base.kind === "directory"
    ? place(`${base.path}/${path}`, "missing", slash, EACCES)
    : nothing(ENOENT);
}

/**
 * Whether procfs is at /proc. Another root may have a directory there, with
 * links that only look like those of the kernel.
 */
function isProcfs(view: View): boolean {
  if (view.isOwn) return true;
  const fd = look(view, "/proc");
  if (fd < 0) return false;
  const isThere = linksAt(fd) === "procfs";
  close(fd);
  return isThere;
}

/**
 * Walks a path by hand, one name at a time up to a link where there are few, and
 * then straight on, if there is no other; tells of magic links on the way.
 */
function walk(
  owner: Owner,
  full: string,
  follow: boolean,
  isOwn: (pid: number) => boolean,
  way: Way,
): Place {
  let slash = full.endsWith("/");
  let todo = full.split("/").reverse();
  let real = way.root;
  let links = 0;
  while (todo.length > 0) {
    const count = way.root === "/" ? straightNames(owner.view, real, todo) : 0;
    if (count > 0) {
      const names = todo.splice(todo.length - count).reverse();
      const straight = `${real}/${names.join("/")}`;
      way.crossed.follow(straight);
      real = normalize(straight);
    }
    const name = todo.pop() as string;
    if (name === "") continue;
    if (name === "." || name === "..") {
      if (isClosed(owner.view, real)) {
        todo.push(name);
        return stuck(way, real, todo, false, slash, EACCES);
      }
      if (name === "." || real === way.root) continue;
      way.crossed.add(real);
      real = parentOf(real);
      continue;
    }
    const last = todo.every((part) => part === "");
    const next = real === "/" ? `/${name}` : `${real}/${name}`;
    const stay = last && !follow && !slash;
    if (real === "/proc" && !stay && isProcfs(owner.view)) {
      if (name === "self") {
        todo.push(String(owner.pid));
        continue;
      }
      if (name === "thread-self") {
        todo.push(String(owner.tid), "task", String(owner.pid));
        continue;
      }
    }
    const fd = look(owner.view, next);
    if (fd < 0) {
      const where = stuck(way, next, todo, last, slash, -fd);
      const parent = owner.keeps === true ? look(owner.view, real) : -1;
      return parent < 0 ? where : { ...where, fd: parent };
    }
    let kind: FileKind;
    let text: string | number = "";
    let proc = false;
    try {
      const result = fstat(fd, stat);
      if (result < 0) return stuck(way, next, todo, last, slash, -result);
      kind = kindOf(get(STAT, stat, "st_mode"));
      if (kind === "link" && !stay) {
        const links = linksAt(fd);
        proc = links === "procfs";
        if (isGuardedLink(stat, real, owner)) {
          return stuck(way, next, todo, last, slash, EACCES);
        }
        if (links === "never followed") {
          return stuck(way, next, todo, last, slash, ELOOP);
        }
        text = readLink(fd, "");
      }
    } finally {
      close(fd);
    }
    if (kind !== "link" || stay) {
      if (kind !== "directory" && (!last || slash) && kind !== "link") {
        return stuck(way, next, todo, last, slash, ENOTDIR);
      }
      real = next;
      if (last) return place(real, kind, slash);
      continue;
    }
    if (++links > MAXSYMLINKS) {
      if (todo.includes("..")) way.crossed.add(next);
      return place(next, "link", slash, ELOOP);
    }
    if (proc && processOf(next) !== 0) {
      way.magic = true;
      // Whose it is must be known before the tracer follows it.
      if (!isOwn(processOf(next)) || !MAGIC_REGEXP.test(next)) {
        return stuck(way, next, todo, last, slash, 0);
      }
      const target = resolveMagic(owner.view, next);
      if (target.errno !== 0) return { ...target, path: join(next, todo) };
      real = target.path;
      const kind = target.was ?? target.kind;
      if ((!last || slash) && kind !== "directory") {
        return place(real, "missing", slash, ENOTDIR);
      }
      if (target.via !== "") {
        if (last) return { ...target, slash };
        return inObject(target, todo.reverse().join("/"));
      }
      if (last) return place(real, target.kind, slash);
      continue;
    }
    if (typeof text === "number") {
      return stuck(way, next, todo, last, slash, -text);
    }
    // procfs elsewhere than at /proc: its links mean somebody else's.
    if (proc && !next.startsWith("/proc/")) {
      return stuck(way, next, todo, last, slash, 0);
    }
    if (text === "") return place(next, "missing", slash, ENOENT);
    way.known.push(real);
    if (real === "/" && owner.view.isOwn) keepLink(next, text, proc);
    if (text.startsWith("/")) real = way.root;
    if (last && text.endsWith("/")) slash = true;
    const rest = text.split("/").reverse();
    if (todo.length + rest.length > PATH_MAX) {
      return place(next, "missing", slash, ENAMETOOLONG);
    }
    todo = [...todo, ...rest];
    if (way.root !== "/") continue;
    // Most paths have one link, and near their start: /bin, /lib64.
    const left = `${real === "/" ? "" : real}/${todo.toReversed().join("/")}`;
    way.links = links;
    const straight = quick(owner, slash ? `${left}/` : left, follow, way);
    if (straight !== undefined) return straight;
  }
  return place(real, "directory", slash && real !== "/");
}

/** Whether a directory may not be searched, not for its own dots either. */
function isClosed(view: View, path: string): boolean {
  const fd = look(view, `${path}/.`);
  if (fd >= 0) close(fd);
  return fd === -EACCES;
}

/** Remembers a link in the root directory that leads whoever reads it. */
function keepLink(path: string, text: string, proc: boolean): void {
  if (!proc && get(STAT, stat, "st_uid") === 0) rememberLink(path, text, stat);
}

/** What follows a name that could not be looked at, as written. */
function join(path: string, todo: readonly string[]): string {
  const rest = todo.filter((part) => part !== "" && part !== ".").reverse();
  return rest.length === 0 ? path : normalize(`${path}/${rest.join("/")}`);
}

/** A path that leads no further than `path`. */
function stuck(
  { crossed }: Way,
  path: string,
  todo: readonly string[],
  last: boolean,
  slash: boolean,
  errno: number,
): Place {
  // The last name may be free: a call that makes it goes on.
  if (last && errno === ENOENT) return place(path, "missing", slash);
  // How far it leads must not tell what is where nobody may look.
  if (todo.includes("..")) crossed.add(path);
  return place(join(path, todo), "missing", slash, errno);
}
