/** What `/proc/<pid>/status` says of a task: proc_pid_status(5). */

import { fromBytes } from "../../abi/bytes.ts";
import { EFBIG } from "../../abi/errno.ts";
import { readFile } from "../files.ts";

/**
 * More than it has, in bytes: NGROUPS_MAX groups of eleven characters each, which
 * a program with privilege may give itself, and some pages. They come before most
 * of what is looked for.
 */
const MOST = 1 << 20;

const NEWLINE = 0x0a;

/**
 * All that the kernel says of a task, but for the first line: its name, which the
 * task chooses, and in which a `\r` would begin another line.
 *
 * @param tid the task, or `self`
 * @returns a byte string, or a negative errno
 */
export function statusOf(tid: number | "self"): string | number {
  const bytes = readFile(`/proc/${tid}/status`, MOST);
  if (typeof bytes === "number") return bytes;
  if (bytes.length === MOST) return -EFBIG;
  return fromBytes(bytes, bytes.indexOf(NEWLINE) + 1);
}

/**
 * A field of a status.
 *
 * @param status what {@linkcode statusOf} returned
 * @param name the field's name
 * @returns its value; `undefined` where there is none
 */
export function field(
  status: string | number,
  name: string,
): string | undefined {
  if (typeof status === "number") return undefined;
  // One that is empty does not go on in the next line.
  return new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1];
}

/**
 * Whether a signal is in a set of signals of a status.
 *
 * @param status what {@linkcode statusOf} returned
 * @param name which set
 * @param signal the signal's number
 * @returns whether it is; `false` where that cannot be told
 */
export function hasSignal(
  status: string | number,
  name: "SigBlk" | "SigIgn" | "SigCgt",
  signal: number,
): boolean {
  const mask = BigInt(`0x${field(status, name) ?? 0}`);
  return (mask >> BigInt(signal - 1) & 1n) === 1n;
}
