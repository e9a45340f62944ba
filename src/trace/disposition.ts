/** Whether a signal would have no effect on a process. */

import { fromBytes } from "../abi/bytes.ts";
import { SIGCHLD, SIGCONT, SIGURG, SIGWINCH } from "../abi/signal.ts";
import { readFile } from "../sys/files.ts";

/** Most of `/proc/<pid>/status` that is looked at, in bytes. */
const STATUS_SIZE = 1 << 14;

/** signal(7): what is ignored where nothing else was asked for. */
const IGNORED_BY_DEFAULT: readonly number[] = [
  SIGCHLD,
  SIGCONT,
  SIGURG,
  SIGWINCH,
];

function has(status: string, field: string, signal: number): boolean {
  const mask = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1];
  return mask !== undefined &&
    (BigInt(`0x${mask}`) >> BigInt(signal - 1) & 1n) === 1n;
}

/**
 * Whether a process ignores a signal.
 *
 * @param pid the process
 * @param signal the signal's number
 * @returns whether it does; `false` where that cannot be told
 */
export function isIgnored(pid: number, signal: number): boolean {
  const bytes = readFile(`/proc/${pid}/status`, STATUS_SIZE);
  if (typeof bytes === "number") return false;
  const status = fromBytes(bytes);
  if (has(status, "SigIgn", signal)) return true;
  return IGNORED_BY_DEFAULT.includes(signal) && !has(status, "SigCgt", signal);
}
