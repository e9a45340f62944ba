/**
 * Paths that need no walk: without links, or with one in the last place.
 *
 * One openat2(2) with `RESOLVE_NO_SYMLINKS` that succeeds proves that a path has
 * no link in it, and then the path as written is the real path.
 */

import { ENOENT } from "../../abi/errno.ts";
import { get } from "../../abi/layout.ts";
import { MAXSYMLINKS } from "../../abi/limits.ts";
import {
  PROC_SUPER_MAGIC,
  ST_NOSYMFOLLOW,
  STAT,
  STATFS,
} from "../../abi/stat.ts";
import type { FileKind } from "../../policy/call.ts";
import { parentOf } from "../../policy/path/within.ts";
import { close, fstat, fstatfs } from "../../sys/files.ts";
import type { View } from "../../sys/view.ts";
import { climbs, Crossed } from "./crossed.ts";
import { look } from "./magic.ts";
import {
  kindOf,
  normalize,
  type Owner,
  type Place,
  place,
  readLink,
} from "./place.ts";
import { isGuardedLink } from "./sticky.ts";
import { openStraight } from "./straight.ts";

const stat = new Uint8Array(STAT.size);
/** The place that `stat` is of, where it was kept open. */
let told: Place | undefined;
const statfs = new Uint8Array(STATFS.size);

/** What a walk meets. */
export interface Way {
  /** Whether a magic link led on. */
  magic: boolean;
  /** What `..` led out of. */
  readonly crossed: Crossed;
  /** Where it ends, with names behind that: how it fails tells of that. */
  end: string | undefined;
  /** Where the path starts. */
  start: string;
  /** The first link that it leads through, with names behind that. */
  link: string | undefined;
  /** How many links the last one led through that needed no walk. */
  links: number;
  /** Where absolute links lead, and what `..` does not lead out of: a real path. */
  root: string;
}

const current: Way = {
  magic: false,
  crossed: new Crossed(),
  end: undefined,
  start: "/",
  link: undefined,
  links: 0,
  root: "/",
};

/**
 * Starts a walk; the one before is over.
 *
 * @param start where the path starts, a real path
 * @param root {@linkcode Way.root}
 */
export function wayFrom(start: string, root: string): Way {
  current.magic = false;
  current.crossed.begin();
  current.end = undefined;
  current.start = start;
  current.link = undefined;
  current.links = 0;
  current.root = root;
  return current;
}

/**
 * What the kernel has said of a file that was found, and is kept open: a `STAT`,
 * which the next look for a file changes.
 *
 * @param found what a walk has found
 * @returns `undefined` where it is not known any more, or never was
 */
export function statOf(found: Place | undefined): Uint8Array | undefined {
  return found !== undefined && found === told ? stat : undefined;
}

/** Says what is at a descriptor of `look`. */
function kindAt(fd: number): FileKind | number {
  told = undefined;
  const result = fstat(fd, stat);
  return result < 0 ? result : kindOf(get(STAT, stat, "st_mode"));
}

/**
 * The directory of a path, and the name in it with the slashes behind; the whole
 * path and no name where it ends in `.` or `..`, or is `/`.
 */
function split(full: string): readonly [directory: string, name: string] {
  let end = full.length;
  while (end > 1 && full[end - 1] === "/") end--;
  const at = full.lastIndexOf("/", end - 1);
  const last = full.slice(at + 1, end);
  return last === "" || last === "." || last === ".."
    ? [full, ""]
    : [full.slice(0, at) || "/", full.slice(at + 1)];
}

/**
 * The same path without `..`, where no link is on the way. Whoever moves a
 * directory while the kernel is in it has `..` lead elsewhere: what is found must
 * be found by the very path that the policy is asked about.
 *
 * @returns `undefined` where there is a link, or a name leads nowhere
 */
function withoutDots(view: View, full: string): string | undefined {
  if (!climbs(full)) return full;
  const [directory, name] = split(full);
  const fd = openStraight(view, directory);
  if (fd < 0) return undefined;
  close(fd);
  const real = normalize(directory);
  return real === "/" ? `/${name}` : `${real}/${name}`;
}

/** The path as written, where it has no link: the common case. */
export function quick(
  owner: Owner,
  written: string,
  follow: boolean,
  way: Way,
): Place | undefined {
  const { view, keeps } = owner;
  const full = withoutDots(view, written);
  if (full === undefined) return undefined;
  const slash = written.endsWith("/") && full !== "/";
  const fd = look(view, full);
  if (fd >= 0) {
    const kind = kindAt(fd);
    if (typeof kind === "number") {
      close(fd);
      return undefined;
    }
    way.crossed.follow(written);
    if (kind === "link" && follow) return through(owner, full, fd, way);
    const found = place(normalize(full), kind, slash);
    if (keeps === true) return told = { ...found, fd };
    close(fd);
    return found;
  }
  if (fd !== -ENOENT) return undefined;
  // Nothing there: the directory that it would be in must be real.
  const [directory, name] = split(full);
  if (name === "") return undefined;
  const parent = openStraight(view, directory);
  if (parent < 0) return undefined;
  way.crossed.follow(written);
  const free = place(normalize(full), "missing", slash);
  if (keeps === true) return { ...free, fd: parent };
  close(parent);
  return free;
}

/**
 * Where a link in the last place leads, if no other one is on the way to it, and
 * the kernel has not made it.
 *
 * @param fd a descriptor of it, which `stat` was read from, and which is closed
 */
function through(
  owner: Owner,
  full: string,
  fd: number,
  way: Way,
): Place | undefined {
  const path = normalize(full);
  const real = parentOf(path);
  let text: string | number;
  try {
    const isPlain = linksAt(fd) === "plain";
    if (!isPlain || isGuardedLink(stat, real, owner)) return undefined;
    text = readLink(fd, "");
  } finally {
    close(fd);
  }
  if (typeof text === "number" || text === "") return undefined;
  if (++way.links > MAXSYMLINKS) return undefined;
  way.crossed.lead(real);
  const behind = text.startsWith("/")
    ? text
    : `${real === "/" ? "" : real}/${text}`;
  return quick(owner, behind, true, way);
}

/**
 * What links are where a reference is in: those of procfs lead each to somewhere
 * else, as the kernel itself says, and in some mounts none is followed.
 */
export function linksAt(fd: number): "plain" | "procfs" | "never followed" {
  // Whoever serves a file system need not say. Taken for one of procfs, the link would
  // be judged as no link, and followed by the kernel.
  if (fstatfs(fd, statfs) < 0) return "never followed";
  if ((get(STATFS, statfs, "f_flags") & ST_NOSYMFOLLOW) !== 0) {
    return "never followed";
  }
  return get(STATFS, statfs, "f_type") === PROC_SUPER_MAGIC
    ? "procfs"
    : "plain";
}
