/**
 * Which file a path of a tracee really names.
 *
 * The kernel of this machine does the looking up, from the tracer: one
 * openat2(2) with `RESOLVE_NO_SYMLINKS` that succeeds proves that a path has no
 * link in it, and then the path as written is the real path. Only where there
 * is a link is the path walked by hand.
 *
 * Races: what is found here may change before the kernel acts on the call.
 * The caller closes that by handing the kernel the real path, not the
 * tracee's, and by holding the path lock where a link could be put in its way.
 */

import { ELOOP, ENAMETOOLONG, ENOENT } from "../../abi/errno.ts";
import { RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS } from "../../abi/openat2.ts";
import { pathIn } from "../../policy/path/within.ts";
import { close } from "../../sys/files.ts";
import { resolveBase } from "./magic.ts";
import { normalize, type Owner, type Place, place } from "./place.ts";
import { quick, type Way, wayFrom } from "./quick.ts";
import { behindLink } from "./root_links.ts";
import { type From, inObject, outOfRemoved, Walk } from "./walk.ts";

/**
 * How often a path is looked up, at most, while the directory that it starts in is
 * moved.
 */
const MAX_TRIES = 8;

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
  if (path.startsWith("/")) return find(owner, "/", path, follow, isOwn);
  for (let tries = 1;; tries++) {
    const { base, path: rest } = startOf(owner, dirfd, path);
    if (base.errno !== 0) return base;
    if (base.via !== "") return inObject(base, rest);
    const start = base.path;
    const full = start === "/" ? `/${rest}` : `${start}/${rest}`;
    const found = find(owner, start, full, follow, isOwn);
    const isSure = found.kind !== "missing" && owner.besideMove !== true;
    // Where it was something else may be by now, or nothing.
    const isFound = isSure || tries === MAX_TRIES ||
      startOf(owner, dirfd, path).base.path === start;
    if (isFound) {
      // Who is answered is given no path, and what was removed is not where it starts.
      const isNamed = owner.keeps !== true && rest === path;
      return isNamed ? { ...found, start } : found;
    }
    if (found.fd !== undefined) close(found.fd);
  }
}

/** Where a relative path starts, once it has climbed out of what was removed. */
function startOf(owner: Owner, dirfd: number, path: string): From {
  const base = resolveBase(owner, dirfd);
  return base.via === ""
    ? { base, path }
    : outOfRemoved(owner.view, { base, path });
}

/** Finds which file a path names that starts at the root. */
function find(
  owner: Owner,
  start: string,
  full: string,
  follow: boolean,
  isOwn: (pid: number) => boolean,
): Place {
  const way = wayFrom(start, "/");
  const found =
    quick(owner, behindLink(owner.view, full) ?? full, follow, way) ??
      new Walk(owner, full, follow, isOwn, way).end();
  // Whose calls are answered may do no less than this process.
  return ended(found, way, owner.keeps === true ? [] : way.crossed.links());
}

/** What a walk has found, with what it met. */
function ended(
  found: Place,
  { magic, crossed, start, end }: Way,
  through: readonly string[],
): Place {
  const untold = crossed.untold(start);
  const climbs = crossed.hasClimbed;
  const isPlain = !magic && !climbs && end === undefined;
  if (isPlain && through.length === 0) return found;
  const seen = {
    ...found,
    ...through.length > 0 && { through },
    ...magic && { magic },
    ...climbs && { climbs },
    ...untold.length > 0 && { crossed: untold },
    ...end !== undefined && { end },
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
  const looker = { ...owner, keeps: false };
  const walked = new Walk(looker, full, follow, isOwn, way).end();
  // At the first link it failed by the names as written, and tells of that.
  const isWritten = found.errno === ELOOP &&
    (resolveFlags & RESOLVE_NO_SYMLINKS) !== 0;
  if (isWritten) way.end = way.link;
  const leads = found.errno !== 0 && !isWritten && walked.via === "" &&
    (start.startsWith("/") || path.startsWith("/"));
  const real = leads
    ? walked.path
    // Above the root `..` leads nowhere.
    : isWritten && isRoot
    ? pathIn(start, normalize(`/${path}`).slice(1))
    : found.path;
  const through = way.crossed.links();
  return ended({ ...found, path: real }, { ...way, magic: false }, through);
}
