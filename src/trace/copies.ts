/**
 * Calls that copy between two descriptors without the program: sendfile(2), splice(2).
 *
 * The kernel keeps the lock of a pipe while such a call waits for the other end, in
 * splice_file_to_pipe() of its fs/splice.c. Whoever writes to that pipe meanwhile,
 * reads from it, opens or closes it, waits so that no signal ends that: jail would be
 * ended by nobody, where it is the pipe of its report, and its program live on. A file
 * does not let anybody wait so.
 */

import { ENOENT } from "../abi/errno.ts";
import { AT_FDCWD, AT_STATX_DONT_SYNC } from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { STATX } from "../abi/stat.ts";
import type { FileKind } from "../policy/call.ts";
import { statx } from "../sys/files.ts";
import type { Family } from "./family.ts";
import { cString, kindOf } from "./path/place.ts";
import type { Tracee } from "./tracee/tracee.ts";

const about = new Uint8Array(STATX.size);

/**
 * Whether a call could keep a pipe from others while it waits. Where others have the
 * same descriptors, each could be another one by the time that the call is made.
 *
 * @param tracee who makes it, stopped
 * @param family the tracees
 * @param one a descriptor that it copies from or to
 * @param other the other one
 */
export function keepsPipe(
  tracee: Tracee,
  family: Family,
  one: number,
  other: number,
): boolean {
  if (!family.alone && !family.owns(tracee)) return true;
  const kinds = [one, other].map((fd) => kindAt(tracee.tid, fd));
  // The kernel says EBADF.
  if (kinds.includes("none")) return false;
  return kinds.includes("fifo") && !kinds.every((kind) => SWIFT.has(kind));
}

/** What no call waits for that has the lock of a pipe. */
const SWIFT: ReadonlySet<string> = new Set<FileKind>(["fifo", "file"]);

/** What kind of file a descriptor is of; `none` where it is of none. */
function kindAt(tid: number, fd: number): FileKind | "none" {
  const path = cString(`/proc/${tid}/fd/${fd}`);
  const result = statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, 0, about);
  if (result === -ENOENT) return "none";
  // What cannot be told may be a pipe.
  return result < 0 ? "fifo" : kindOf(get(STATX, about, "stx_mode"));
}
