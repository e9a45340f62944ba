/**
 * What others left in a directory like /tmp, and the kernel keeps a process from:
 * links that it would follow, and files and pipes that it meant to make
 * (`fs.protected_symlinks`, `fs.protected_regular`, `fs.protected_fifos`).
 *
 * The kernel never sees a link that the tracer has followed in the tracee's
 * place, nor that an open would have made a file that is there already. So the
 * tracer keeps the rules: may_follow_link() and may_create_in_sticky() in
 * fs/namei.c.
 */

import { fromBytes } from "../../abi/bytes.ts";
import { get } from "../../abi/layout.ts";
import { S_ISVTX, S_IWGRP, S_IWOTH, STAT } from "../../abi/stat.ts";
import { parentOf } from "../../policy/path/within.ts";
import { readFile } from "../../sys/files.ts";
import { field, statusOf } from "../../sys/task/status.ts";
import { cString, type Owner, type Place } from "./place.ts";

const SHARED = S_ISVTX | S_IWOTH;

/** The level that protects most. */
const MOST_LEVEL = 2;

const parent = new Uint8Array(STAT.size);
const file = new Uint8Array(STAT.size);
const levels = new Map<string, number>();

/**
 * Whether a link is one that its reader must not follow.
 *
 * @param link what fstat(2) says of the link
 * @param directory the directory that it lies in, a byte string
 * @param owner whose path it is on
 */
export function isGuardedLink(
  link: Uint8Array,
  directory: string,
  owner: Owner,
): boolean {
  if (levelOf("symlinks") === 0) return false;
  if (owner.view.stat(cString(directory), parent) < 0) return true;
  return isLeftByOthers(link, parent, () => readerOf(owner.tid));
}

/**
 * Whether somebody else left a link where anybody can, or could have.
 *
 * @param link what stat(2) says of the link
 * @param directory what it says of the directory
 * @param reader the user id that the reader accesses files by, if it is known
 */
export function isLeftByOthers(
  link: Uint8Array,
  directory: Uint8Array,
  reader: () => number | undefined,
): boolean {
  if ((get(STAT, directory, "st_mode") & SHARED) !== SHARED) return false;
  const owner = get(STAT, link, "st_uid");
  return owner !== get(STAT, directory, "st_uid") && owner !== reader();
}

/**
 * Whether an open that would have made a file must not open what is there.
 *
 * @param place what is there
 * @param owner who opens it
 */
export function isGuardedFile({ path, kind }: Place, owner: Owner): boolean {
  if (kind !== "file" && kind !== "fifo") return false;
  const level = levelOf(kind === "file" ? "regular" : "fifos");
  if (level === 0) return false;
  const directory = parentOf(path);
  if (owner.view.stat(cString(directory), parent) < 0) return true;
  if ((get(STAT, parent, "st_mode") & S_ISVTX) === 0) return false;
  // What is gone by now is not opened.
  return owner.view.stat(cString(path), file) >= 0 &&
    isKeptByOthers(file, parent, level, () => readerOf(owner.tid));
}

/**
 * Whether somebody else has a file where anybody, or a group, can make some.
 *
 * @param found what stat(2) says of the file
 * @param directory what it says of the directory, which is sticky
 * @param level 1 for directories that anybody can write, 2 for groups' as well
 * @param opener the user id that the opener accesses files by, if it is known
 */
export function isKeptByOthers(
  found: Uint8Array,
  directory: Uint8Array,
  level: number,
  opener: () => number | undefined,
): boolean {
  const shared = level > 1 ? S_IWOTH | S_IWGRP : S_IWOTH;
  if ((get(STAT, directory, "st_mode") & shared) === 0) return false;
  const owner = get(STAT, found, "st_uid");
  return owner !== get(STAT, directory, "st_uid") && owner !== opener();
}

/** How much the kernel protects: 0 for nothing. It is not changed by a jail. */
function levelOf(what: "symlinks" | "regular" | "fifos"): number {
  const known = levels.get(what);
  if (known !== undefined) return known;
  const value = readFile(`/proc/sys/fs/protected_${what}`, 16);
  // Where it is not told, all is protected: root alone may read it, or /proc shows no
  // settings (`subset=pid`). Linux 3.6 brought that of links, and 4.19 the others.
  const level = typeof value === "number"
    ? MOST_LEVEL
    : Number(fromBytes(value));
  levels.set(what, level);
  return level;
}

/** The fsuid of a thread: proc_pid_status(5), the fourth of `Uid`. */
function readerOf(tid: number): number | undefined {
  const id = field(statusOf(tid), "Uid")?.split("\t")[3];
  return id === undefined ? undefined : Number(id);
}
