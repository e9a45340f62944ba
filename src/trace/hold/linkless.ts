/**
 * Paths on which the kernel follows no link, for calls that cannot be told so.
 *
 * Of all calls openat2(2) alone can be (`RESOLVE_NO_SYMLINKS`). But a path leads through
 * so many links and no more: path_resolution(7). One that has led through all of them
 * before its first name fails with ELOOP at the next. `/proc/self` is a link, `..` leads
 * back to it, and nobody can change what is in procfs: what lies there is named as it
 * is, and no link is followed that somebody outside has put in the place of a directory,
 * or of the file. It takes the kernel 10 µs, less than one more stop.
 *
 * The last two links are that of the tracee's own directory, and from there that of its
 * root or, for a path that begins where it is, of its working directory: whoever has
 * given up rights may not search what is above.
 *
 * Wherever something is mounted meanwhile, the kernel walks the path anew, and does
 * not count anew: it fails, though no link came. So one that is made again leads by a
 * link of the kernel's own first (`root`), which is no quick walk: from there on it
 * holds what it walks through, and goes on. It takes 3 µs more.
 */

import { toBytes } from "../../abi/bytes.ts";
import { AT_FDCWD } from "../../abi/fcntl.ts";
import { MAXSYMLINKS, PATH_MAX } from "../../abi/limits.ts";
import { isWithin } from "../../policy/path/within.ts";
import type { Looked, LookedPath } from "../look/looked.ts";
import type { CallSpec } from "../look/spec.ts";
import { linkTo } from "../path/place.ts";
import { isProcfs } from "../path/walk.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";

/** Leads from a procfs to what it has of the tracee, by so many links. */
function leadFrom(procfs: string, links: number): Uint8Array {
  return toBytes(`${procfs}${"/self/..".repeat(links - 1)}/thread-self`);
}

// Each by all links but one. As bytes they lie ready: text takes long to copy.
const QUICK = leadFrom("/proc", MAXSYMLINKS - 1);
const SURE = leadFrom("/proc/thread-self/root/proc", MAXSYMLINKS - 3);

/** By `/proc/..` it would come to what somebody has mounted over its root. */
const ROOT = "/root";

/** How long a real path may be, to which the kernel follows no link. */
export const LONGEST: number = PATH_MAX - 1 - SURE.length - ROOT.length;

/**
 * Whether the kernel is to follow no link on the paths of a call. What is opened is by
 * openat2(2), what is executed is looked at again, and an address has no room for it.
 *
 * @param spec the call
 * @param looked what was checked
 * @param keepsNumber whether an open stays the call that it is
 */
export function isLinkless(
  { syscall, treatment }: CallSpec,
  { byPath }: Looked,
  keepsNumber: boolean,
): boolean {
  return treatment === "paths" || byPath ||
    treatment === "open" && keepsNumber && syscall.name !== "openat2";
}

/** A path for the kernel, in two parts. */
export interface KernelPath {
  /** What leads to where the other part begins; `undefined` where nothing has to. */
  readonly lead?: Uint8Array;
  /** A byte string. */
  readonly text: string;
}

/**
 * Has the kernel follow no link on a path.
 *
 * @param tracee whose path it is
 * @param registers its registers
 * @param path what was checked
 * @param real what the kernel is to be given: a real path, or the rest of one from
 *   where the path begins
 */
export function withoutLinks(
  { retries, view }: Tracee,
  registers: Registers,
  path: LookedPath,
  real: string,
): KernelPath {
  const { dirfd, place } = path;
  const isOne = !real.startsWith("/") && isOneName(path);
  // It is none, or a link of the kernel's own leads there; or a root has no procfs.
  const stays = isOne || linkTo(place) !== "" ||
    isWithin(place.path, "/proc") || !isProcfs(view);
  if (stays) return { text: real };
  const lead = retries === 0 ? QUICK : SURE;
  if (real.startsWith("/")) return { lead, text: `${ROOT}${real}` };
  const at = dirfd < 0 ? AT_FDCWD : registers.int(dirfd);
  const start = at === AT_FDCWD ? "cwd" : `fd/${at}`;
  return { lead, text: `/${start}/${real}` };
}

/**
 * Whether a path is one name, which is not followed: whatever comes there, it leads
 * nowhere else.
 */
export function isOneName({ written, follows }: LookedPath): boolean {
  return !written.includes("/") && (!follows || STAYING.includes(written));
}

/** What means where a path begins. */
const STAYING: readonly string[] = ["", "."];
