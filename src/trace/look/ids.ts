/** Calls that name a process or a group: by a number in memory, or by a descriptor. */

import { fromBytes } from "../../abi/bytes.ts";
import { CAP_HEADER, CAP_VERSIONS } from "../../abi/capability.ts";
import { EFAULT, EINVAL, EIO, ENOENT, ESRCH } from "../../abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../../abi/fcntl.ts";
import { get } from "../../abi/layout.ts";
import { PROC_SUPER_MAGIC, STAT, STATFS } from "../../abi/stat.ts";
import {
  close,
  fstat,
  fstatat,
  fstatfs,
  openat2,
  readFile,
  readLink,
} from "../../sys/files.ts";
import { readMemory } from "../../sys/task/memory.ts";
import { getsid, parentOfEnded } from "../../sys/task/task.ts";
import type { Family } from "../family.ts";
import { cString } from "../path/place.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";
import { isOwnGroup, isTakenByOthers } from "./groups.ts";
import { type Looked, nothing } from "./looked.ts";
import type { CallSpec } from "./spec.ts";

/** What a call that names a process so would do. */
export interface LookedId {
  /** What it would do; an id in memory is among the bytes that were copied. */
  readonly looked: Looked;
  /** With what it fails where it concerns somebody outside the jail; 0 else. */
  readonly foreign: number;
}

const GROUP_SIZE = 4;

/** More than proc_pid_fdinfo(5) has of a process, but for locks, in bytes. */
const MOST_TOLD = 4096;

const stat = new Uint8Array(STAT.size);
const other = new Uint8Array(STAT.size);
const statfs = new Uint8Array(STATFS.size);

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

/**
 * Looks at a call with a descriptor of a process: pidfd_send_signal(2), which takes
 * the process's directory in /proc as well. One of somebody outside may have been
 * handed in. Of what is neither, or not open, the kernel says so.
 */
export function lookAtPidfd(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  family: Family,
): LookedId {
  const looked = nothing();
  const { process: { pid }, tid } = tracee;
  const fd = registers.int(spec.fd);
  looked.descriptor = `/proc/${tid}/fd/${fd}`;
  // Whatever it is of now: one of a process could take its place.
  looked.descriptorsOf = pid;
  const owner = processOf(looked.descriptor, `/proc/${tid}/fdinfo/${fd}`);
  if (owner === undefined) return { looked, foreign: 0 };
  // Who has ended is meant as long as nobody has waited for that.
  const isInside = family.isOwn(owner) || parentOfEnded(owner) !== undefined;
  return { looked, foreign: isInside ? 0 : ESRCH };
}

/**
 * The id of the process that a descriptor is of; 0 where it is of one that jail does
 * not know, and `undefined` where it is of none, or of one that is gone.
 *
 * @param descriptor its name in /proc
 * @param about the file there that tells of it: proc_pid_fdinfo(5)
 */
function processOf(descriptor: string, about: string): number | undefined {
  const told = readFile(about, MOST_TOLD);
  // What cannot be told may be of anybody.
  if (typeof told === "number") return told === -ENOENT ? undefined : 0;
  // Locks by the descriptor come before the process, as many as a program takes.
  if (told.length === MOST_TOLD) return 0;
  const named = Number(/^Pid:\t(-?\d+)$/m.exec(fromBytes(told))?.[1] ?? NaN);
  if (!Number.isNaN(named)) return named < 0 ? undefined : named;
  const path = readLink(descriptor);
  if (typeof path === "number") return path === -ENOENT ? undefined : 0;
  return path.startsWith("/") ? processOfFile(descriptor) : undefined;
}

/** The same of a file, which may be a process's directory, whatever it is called. */
function processOfFile(descriptor: string): number | undefined {
  const fd = openat2(AT_FDCWD, cString(descriptor), O_PATH | O_CLOEXEC, 0, 0);
  if (fd < 0) return fd === -ENOENT ? undefined : 0;
  try {
    // Who serves another file system need not say.
    if (fstatfs(fd, statfs) < 0) return undefined;
    if (get(STATFS, statfs, "f_type") !== PROC_SUPER_MAGIC) return undefined;
    // In another procfs a number may be another's.
    if (fstat(fd, stat) < 0 || get(STAT, stat, "st_dev") !== procfs()) return 0;
    const told = readFile(`/proc/self/fd/${fd}/stat`, MOST_TOLD);
    if (typeof told === "number") return told === -ESRCH ? undefined : 0;
    return Number(/^\d+/.exec(fromBytes(told))?.[0] ?? 0);
  } finally {
    close(fd);
  }
}

/** The device of the procfs that jail reads. */
function procfs(): number {
  const found = fstatat(AT_FDCWD, cString("/proc"), other, 0);
  return found < 0 ? -1 : get(STAT, other, "st_dev");
}
