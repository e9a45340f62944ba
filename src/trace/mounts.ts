/** Mounts of procfs elsewhere than at /proc, of which no rule about /proc knows. */

import { fromBytes } from "../abi/bytes.ts";
import { readFile } from "../sys/files.ts";

/** Most of `/proc/self/mountinfo` that is read, in bytes. */
const MOUNTINFO_SIZE = 1 << 24;

/** Reads where procfs, or a part of it, is mounted besides /proc. */
export function otherProcs(): readonly string[] {
  const bytes = readFile("/proc/self/mountinfo", MOUNTINFO_SIZE);
  if (typeof bytes === "number") return [];
  const found: string[] = [];
  for (const line of fromBytes(bytes).split("\n")) {
    // id parent major:minor root mount-point options … - type source options
    const [before, after] = line.split(" - ");
    const [, , , root, point] = (before ?? "").split(" ");
    if (!after?.startsWith("proc ") || point === undefined) continue;
    if (point === "/proc" && root === "/") continue;
    // proc_pid_mountinfo(5): blanks, tabs, newlines and \ are octal.
    found.push(
      point.replace(
        /\\([0-7]{3})/g,
        (_, code) => String.fromCharCode(parseInt(code, 8)),
      ),
    );
  }
  return found;
}

/** Whether a path is one of some directories, or beneath one. */
export function isBeneath(path: string, tops: readonly string[]): boolean {
  return tops.some((top) => path === top || path.startsWith(`${top}/`));
}
