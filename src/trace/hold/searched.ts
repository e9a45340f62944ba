/**
 * Directories that a tracee may not search, though this process may.
 *
 * A path that leads to nothing, or to what a call cannot use, fails without being
 * handed to the kernel. Whoever has given up rights, as servers do, would be told what
 * is in a directory that is closed to it. The kernel says EACCES, so the tracer looks
 * at the modes of the directories in its place: acl_permission_check() in fs/namei.c.
 * An access control list may say otherwise, and is not looked at where the call fails
 * in any case. File systems that have rules of their own, as procfs has, are left alone.
 */

import { toCString } from "../../abi/bytes.ts";
import {
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  hasCapability,
} from "../../abi/capability.ts";
import {
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOEXEC,
  ENOTDIR,
  ENOTEMPTY,
} from "../../abi/errno.ts";
import { get } from "../../abi/layout.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import { S_IFDIR, S_IFMT, STAT } from "../../abi/stat.ts";
import { XATTR_ACCESS_LIST } from "../../abi/xattr.ts";
import { isWithin, parentOf } from "../../policy/path/within.ts";
import { field, statusOf } from "../../sys/task/status.ts";
import { close, fstat, getxattr } from "../../sys/files.ts";
import { look } from "../path/magic.ts";
import { cString, type Owner, type Place } from "../path/place.ts";
import { isOnPlainFileSystem } from "./in_place.ts";

/**
 * How many directories are looked at: more than any path has names. One that leads by
 * links through more could take seconds, in which no limit is looked at.
 */
const MOST = PATH_MAX / 2;

const stat = new Uint8Array(STAT.size);
const ACCESS_LIST = toCString(XATTR_ACCESS_LIST);

/** The ids by which the kernel decides who may search a directory. */
interface Searcher {
  readonly uid: number;
  readonly gids: ReadonlySet<number>;
}

/**
 * By which of its ids a process looks for a file: access(2) asks as if it had not
 * changed who it is.
 */
export type Ids = "real" | "effective";

/** How a call fails by what its path leads to, or by where it leads no further. */
const TELLING: ReadonlySet<number> = new Set([
  ...[EBUSY, EEXIST, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR],
  // rmdir(2) of what ends in dots, and an exec of no program.
  ...[EINVAL, ENOTEMPTY, ENOEXEC],
]);

/** Whether an error tells what is in the directories on the way. */
export function tellsOfWay(errno: number): boolean {
  return TELLING.has(errno);
}

/**
 * Whether a tracee may not search a directory on the way of a path, or that leads
 * through too many.
 *
 * @param owner whose path it is
 * @param start where the path starts, a real path
 * @param place where it leads
 * @param ids by which of its ids it looks for the file
 * @param sure whether that has to be sure, or the path fails in any case
 */
export function isShutOut(
  { tid, view }: Owner,
  start: string,
  place: Place,
  ids: Ids,
  sure: "surely" | "probably",
): boolean {
  const searcher = searcherOf(tid, ids);
  if (searcher === undefined) return false;
  const { path, by = path, climbs, crossed = [], through = [], end = by } =
    place;
  const way = new Set<string>();
  for (const target of [by, end]) {
    // What is no file has no way to it.
    if (!target.startsWith("/") || isWithin(start, target)) continue;
    climb(way, start, parentOf(target));
  }
  for (const directory of [...crossed, ...through]) {
    climb(way, start, directory);
  }
  // Where it starts is searched as well, to be left by `..`.
  if (climbs === true && path.startsWith("/")) climb(way, path, start);
  if (way.size > MOST) return true;
  for (const directory of way) {
    const fd = look(view, directory);
    if (fd < 0) continue;
    const isShut = fstat(fd, stat) >= 0 && isOnPlainFileSystem(fd, stat) &&
      !maySearch(searcher) && (sure === "probably" || !hasList(fd));
    close(fd);
    if (isShut) return true;
  }
  return false;
}

/** Whether a file has an access control list. */
function hasList(fd: number): boolean {
  const path = cString(`/proc/self/fd/${fd}`);
  return getxattr(path, ACCESS_LIST, stat, 0) > 0;
}

/** Adds a directory, and those that it is in, up to one that holds the start. */
function climb(way: Set<string>, start: string, directory: string): void {
  for (let at = directory; !way.has(at) && way.size <= MOST;) {
    way.add(at);
    if (isWithin(start, at)) return;
    at = parentOf(at);
  }
}

/** Whether a directory, if `stat` was read from one, lets somebody search it. */
function maySearch({ uid, gids }: Searcher): boolean {
  if ((get(STAT, stat, "st_mode") & S_IFMT) !== S_IFDIR) return true;
  const mode = get(STAT, stat, "st_mode");
  if (get(STAT, stat, "st_uid") === uid) return (mode & 0o100) !== 0;
  return (mode & (gids.has(get(STAT, stat, "st_gid")) ? 0o010 : 0o001)) !== 0;
}

/**
 * The ids by which a tracee looks for files; `undefined` where it may search all, or
 * what this process may: that has looked.
 */
function searcherOf(tid: number, ids: Ids): Searcher | undefined {
  const searcher = searcherIn(statusOf(tid), ids);
  if (searcher === undefined) return undefined;
  const own = OWN[ids] ??= searcherIn(statusOf("self"), ids) ?? "all";
  return own !== "all" && isSame(own, searcher) ? undefined : searcher;
}

/** The same of this process. */
const OWN: { [ids in Ids]?: Searcher | "all" } = {};

function isSame(one: Searcher, other: Searcher): boolean {
  return one.uid === other.uid && one.gids.size === other.gids.size &&
    one.gids.isSubsetOf(other.gids);
}

/** What access_override_creds() in the kernel's fs/open.c makes of who asks, too. */
function searcherIn(status: string | number, ids: Ids): Searcher | undefined {
  const real = ids === "real";
  const at = real ? 0 : 3;
  const uid = numbers(field(status, "Uid"))[at];
  const gid = numbers(field(status, "Gid"))[at];
  const given = field(status, real ? "CapPrm" : "CapEff") ?? "";
  const capabilities = real && uid !== 0 ? 0 : parseInt(given, 16);
  const isTold = !Number.isNaN(capabilities) && uid !== undefined &&
    gid !== undefined;
  const searchesAll = [CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH].some((one) =>
    hasCapability(capabilities, one)
  );
  if (!isTold || searchesAll) return undefined;
  return { uid, gids: new Set([gid, ...numbers(field(status, "Groups"))]) };
}

/** The numbers in a line of a status. */
function numbers(text = ""): number[] {
  return (text.match(/\d+/g) ?? []).map(Number);
}
