/**
 * Links that others left in a directory like /tmp, which the kernel does not
 * let a process follow (`fs.protected_symlinks`).
 *
 * The kernel never sees a link that the tracer has followed in the tracee's
 * place, so the tracer keeps the rule: may_follow_link() in fs/namei.c.
 */

import { fromBytes } from "../abi/bytes.ts";
import { get } from "../abi/layout.ts";
import { S_ISVTX, S_IWOTH, STAT } from "../abi/stat.ts";
import { readFile } from "../sys/files.ts";
import { cString, type Owner } from "./place.ts";

const SHARED = S_ISVTX | S_IWOTH;

const parent = new Uint8Array(STAT.size);
let protects: boolean | undefined;

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
  protects ??= isProtected();
  if (!protects) return false;
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

function isProtected(): boolean {
  const value = readFile("/proc/sys/fs/protected_symlinks", 16);
  // A kernel that does not say protects nothing: Linux 3.6 brought both.
  return typeof value !== "number" && fromBytes(value).trim() !== "0";
}

/** The fsuid of a thread: proc_pid_status(5), the fourth of `Uid`. */
function readerOf(tid: number): number | undefined {
  const status = readFile(`/proc/${tid}/status`, 8192);
  if (typeof status === "number") return undefined;
  const id = /^Uid:(?:\s+\d+){3}\s+(\d+)$/m.exec(fromBytes(status))?.[1];
  return id === undefined ? undefined : Number(id);
}
