/**
 * Calls that copy between two descriptors without the program: sendfile(2), splice(2).
 *
 * The kernel keeps the lock of a pipe while such a call waits for the other end, in
 * splice_file_to_pipe() of its fs/splice.c. Whoever writes to that pipe meanwhile,
 * reads from it, opens or closes it, waits so that no signal ends that: jail would be
 * ended by nobody, where it is the pipe of its report, and its program live on. A file
 * of an ordinary file system does not let anybody wait so; one of the kernel's own may
 * (trace_pipe of tracefs, which is no pipe), as may one that somebody serves.
 */

import { ENOENT } from "../abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../abi/fcntl.ts";
import type { FileKind } from "../policy/call.ts";
import type { ArgIndex } from "../policy/plan/guard.ts";
import { KEEPS_PIPE } from "../policy/plan/surface_guards.ts";
import { close, openat2 } from "../sys/files.ts";
import { fixedRule } from "./answer.ts";
import type { Family } from "./family.ts";
import { isOnPlainFileSystem } from "./hold/in_place.ts";
import type { CallSpec } from "./look/spec.ts";
import { cString, kindOfOpen } from "./path/place.ts";
import type { Tools } from "./tools.ts";
import type { Tracee } from "./tracee/tracee.ts";

/** Of no file, of one that cannot be told, of one that is on no ordinary file system. */
type Kind = FileKind | "none" | "unknown" | "served";

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

const RULE = fixedRule(KEEPS_PIPE);

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

/** What kind of file a descriptor is of. */
function kindAt(tid: number, fd: number): Kind {
  const path = cString(`/proc/${tid}/fd/${fd}`);
  const found = openat2(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0, 0);
  if (found === -ENOENT) return "none";
  if (found < 0) return "unknown";
  const kind = kindOfOpen(found) ?? "unknown";
  const served = kind === "file" && !isOnPlainFileSystem(found, undefined);
  close(found);
  return served ? "served" : kind;
}
