/** Calls that name a process or a group: by a number in memory, or in a register. */

import { CAP_HEADER, CAP_VERSIONS } from "../../abi/capability.ts";
import { EFAULT, EINVAL, EIO, ESRCH } from "../../abi/errno.ts";
import { get } from "../../abi/layout.ts";
import { readMemory } from "../../sys/task/memory.ts";
import { getsid } from "../../sys/task/task.ts";
import type { Family } from "../family.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";
import { isOwnGroup, isTakenByOthers } from "./groups.ts";
import { type Looked, nothing } from "./looked.ts";
import type { CallSpec } from "./spec.ts";

/** What a call with an id in memory would do. */
export interface LookedId {
  /** What it would do; the id is among the bytes that were copied. */
  readonly looked: Looked;
  /** With what it fails where it concerns somebody outside the jail; 0 else. */
  readonly foreign: number;
}

const GROUP_SIZE = 4;

/**
 * Looks at a call with an id in memory: capget(2), or ioctl(2) with a group for
 * the front of a terminal. It is copied once, and these bytes are what the kernel
 * is given where somebody else could change them. A group of the jail may be in
 * front of any terminal, but where somebody outside is.
 */
export function lookAtId(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  family: Family,
): LookedId {
  const looked = nothing();
  const isGroup = spec.syscall.name === "ioctl";
  const bytes = new Uint8Array(isGroup ? GROUP_SIZE : CAP_HEADER.size);
  const address = registers.address(spec.address);
  const read = readMemory(tracee.tid, address, bytes, bytes.length);
  if (read !== bytes.length) {
    looked.errno = EFAULT;
    return { looked, foreign: 0 };
  }
  looked.address = bytes;
  if (isGroup) {
    const [group = 0] = new Int32Array(bytes.buffer);
    // Of what can be no group the kernel says so, if its descriptor is a terminal.
    if (group > 0 && !isOwnGroup(group, family)) {
      return { looked, foreign: ESRCH };
    }
    // In another session it is another terminal.
    const isThere = getsid(tracee.process.pid) === getsid(0);
    const taken = isThere && isTakenByOthers(family);
    return { looked, foreign: taken ? EIO : 0 };
  }
  const pid = get(CAP_HEADER, bytes, "pid");
  // Of another version the kernel writes its own there, and looks no further.
  if (pid < 0 || !CAP_VERSIONS.includes(get(CAP_HEADER, bytes, "version"))) {
    looked.errno = EINVAL;
  }
  return { looked, foreign: pid > 0 && !family.isOwn(pid) ? ESRCH : 0 };
}
