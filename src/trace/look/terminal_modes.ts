/** Looks at a call that sets the terminal that jail is at. */

import { TERMINAL_DOORS } from "../../abi/devices.ts";
import { EIO } from "../../abi/errno.ts";
import { AT_FDCWD } from "../../abi/fcntl.ts";
import { get } from "../../abi/layout.ts";
import { SIGTTOU } from "../../abi/signal.ts";
import { STAT } from "../../abi/stat.ts";
import { fstatat } from "../../sys/files.ts";
import { hasSignal, statusOf } from "../../sys/task/status.ts";
import { getsid, terminalOf } from "../../sys/task/task.ts";
import type { Family } from "../family.ts";
import { cString } from "../path/place.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";
import { isTakenByOthers } from "./groups.ts";
import type { Looked } from "./looked.ts";
import { lookAtDescriptor } from "./paths.ts";
import type { CallSpec } from "./spec.ts";

const stat = new Uint8Array(STAT.size);

/**
 * Looks at a call that sets how a terminal is read, and which signals its keys send.
 * Where somebody outside is in front of the terminal that jail is at, the kernel
 * stops who sets it from behind, but not who ignores that, or is in another session.
 */
export function lookAtModes(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  family: Family,
): Looked {
  const looked = lookAtDescriptor(tracee, registers, spec, family.isOwn);
  const [use] = looked.uses.splice(0);
  if (use === undefined || !isTakenByOthers(family)) return looked;
  const descriptor = cString(looked.descriptor);
  if (fstatat(AT_FDCWD, descriptor, stat, 0) < 0) return looked;
  const device = get(STAT, stat, "st_rdev");
  const isThere = getsid(tracee.process.pid) === getsid(0);
  const isJails = TERMINAL_DOORS.includes(device)
    ? isThere
    : device === (terminalOf(Deno.pid) ?? device);
  if (isJails && !(isThere && isStoppedFor(tracee))) looked.errno = EIO;
  return looked;
}

/** Whether the kernel surely stops a tracee that sets a terminal from behind. */
function isStoppedFor({ tid, process, space }: Tracee): boolean {
  if (process.threads > 1 || space.tracees > 1) return false;
  const status = statusOf(tid);
  return typeof status === "string" && !hasSignal(status, "SigIgn", SIGTTOU) &&
    !hasSignal(status, "SigBlk", SIGTTOU);
}
