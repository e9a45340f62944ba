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
import type { ArgIndex } from "../policy/plan/guard.ts";
import { statx } from "../sys/files.ts";
import { fixedRule } from "./answer.ts";
import type { Family } from "./family.ts";
import type { CallSpec } from "./look/spec.ts";
import { cString, kindOf } from "./path/place.ts";
import type { Tools } from "./tools.ts";
import type { Tracee } from "./tracee/tracee.ts";

type Kind = FileKind | "none" | "unknown";

const about = new Uint8Array(STATX.size);

/**
 * Whether a call may copy between two descriptors; it is refused where it may not.
 *
 * @param tracee who makes it, stopped
 * @param spec the call
 * @param args which of its arguments the descriptors are
 * @param tools what it is refused with
 */
export function mayCopy(
  tracee: Tracee,
  spec: CallSpec,
  [one, other]: readonly [ArgIndex, ArgIndex],
  { answers, family }: Tools,
): boolean {
  const { registers } = answers;
  const fds = [registers.int(one), registers.int(other)];
  if (!keepsPipe(tracee, family, fds)) return true;
  answers.refuse(tracee, spec, { kind: "errno", errno: "EINVAL" }, RULE);
  return false;
}

const RULE = fixedRule("it could keep a pipe to itself that jail writes to");

/**
 * Whether a call could keep a pipe from others while it waits. Where others have the
 * same descriptors, each could be another one by the time that the call is made.
 */
function keepsPipe(
  tracee: Tracee,
  family: Family,
  fds: readonly number[],
): boolean {
  if (!family.alone && !family.owns(tracee)) return true;
  const kinds = fds.map((fd) => kindAt(tracee.tid, fd));
  // The kernel says EBADF.
  if (kinds.includes("none")) return false;
  return kinds.some((kind) => PIPES.has(kind)) &&
    !kinds.every((kind) => SWIFT.has(kind));
}

/** What may be a pipe: what cannot be told as well. */
const PIPES: ReadonlySet<string> = new Set<Kind>(["fifo", "unknown"]);

/** What no call waits for that has the lock of a pipe. */
const SWIFT: ReadonlySet<string> = new Set<Kind>(["fifo", "file"]);

/** What kind of file a descriptor is of; `none` where it is of none. */
function kindAt(tid: number, fd: number): Kind {
  const path = cString(`/proc/${tid}/fd/${fd}`);
  const result = statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, 0, about);
  if (result === -ENOENT) return "none";
  return result < 0 ? "unknown" : kindOf(get(STATX, about, "stx_mode"));
}
