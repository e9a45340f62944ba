/** Looks at a call that sets the terminal that jail is at, or a line of the machine. */

import {
  DEVICE_NUMBERS,
  isPseudoTerminal,
  TERMINAL_DOORS,
} from "../../abi/devices.ts";
import { EIO } from "../../abi/errno.ts";
import { AT_FDCWD } from "../../abi/fcntl.ts";
import { TCFLSH, TCXONC, TIOCSCTTY } from "../../abi/ioctls.ts";
import { get } from "../../abi/layout.ts";
import { SIGTTOU } from "../../abi/signal.ts";
import { STAT } from "../../abi/stat.ts";
import { TERMINAL_SIGNALS } from "../../policy/plan/surface_commands.ts";
import { fstatat } from "../../sys/files.ts";
import { hasSignal, statusOf } from "../../sys/task/status.ts";
import { getsid, terminalOf } from "../../sys/task/task.ts";
import type { Family } from "../family.ts";
import { isOpenFor } from "../path/given.ts";
import { cString } from "../path/place.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";
import { isTakenByOthers } from "./groups.ts";
import type { Looked, Refuses } from "./looked.ts";
import { lookAtDescriptor } from "./paths.ts";
import type { CallSpec } from "./spec.ts";

const stat = new Uint8Array(STAT.size);

/**
 * Looks at a call that sets how a terminal is read, and which signals its keys send.
 * Where somebody outside is in front of the terminal that jail is at, the kernel
 * stops who sets it from behind, but not who ignores that, or is in another session.
 * A line, as a serial one, the kernel lets be set by who has it open for reading; and
 * as a session ends that has taken one, it is hung up for all who have it open.
 */
export function lookAtModes(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  family: Family,
  refuses: Refuses,
): Looked {
  const looked = lookAtDescriptor(tracee, registers, spec, family.isOwn);
  const [use] = looked.uses.splice(0);
  if (use === undefined) return looked;
  const descriptor = cString(looked.descriptor);
  if (fstatat(AT_FDCWD, descriptor, stat, 0) < 0) {
    looked.never = "jail cannot look at what it sets";
    return looked;
  }
  const device = get(STAT, stat, "st_rdev");
  const command = registers.uint(1);
  const takes = command === TIOCSCTTY;
  // Who reads a line may drop what comes by it.
  if (
    command !== TCFLSH && isLine(device) && refuses(spec, [use]) &&
    (takes || !isOpenFor(looked.descriptor, "write"))
  ) {
    looked.never = takes
      ? "a line that others use, which is hung up as its session ends"
      : "a line that is open for reading alone";
    return looked;
  }
  if (takes) tracee.process.hasJobs = true;
  const sends = command === TCXONC || TERMINAL_SIGNALS.includes(command);
  if (takes || sends || !isTakenByOthers(family)) return looked;
  const isThere = getsid(tracee.process.pid) === getsid(0);
  const isJails = TERMINAL_DOORS.includes(device)
    ? isThere
    : device === (terminalOf(Deno.pid) ?? device);
  if (isJails && !(isThere && isStoppedFor(tracee))) looked.errno = EIO;
  return looked;
}

/**
 * Whether a device may be a line of the machine's, which is not the one that jail
 * is at.
 */
function isLine(device: number): boolean {
  return device !== 0 && !isPseudoTerminal(device) &&
    device !== DEVICE_NUMBERS.get("/dev/tty") &&
    device !== terminalOf(Deno.pid);
}

/** Whether the kernel surely stops a tracee that sets a terminal from behind. */
function isStoppedFor({ tid, process, space }: Tracee): boolean {
  if (process.threads > 1 || space.tracees > 1) return false;
  const status = statusOf(tid);
  return typeof status === "string" && !hasSignal(status, "SigIgn", SIGTTOU) &&
    !hasSignal(status, "SigBlk", SIGTTOU);
}
