/** Takes out of what a call has told of a file what tells of others. */

import { toCString } from "../../abi/bytes.ts";
import { majorOf, minorOf } from "../../abi/devices.ts";
import { EFAULT } from "../../abi/errno.ts";
import { get, type Layout, set } from "../../abi/layout.ts";
import { S_IFCHR, S_IFMT, S_IFREG, STAT, STATX } from "../../abi/stat.ts";
import type { Syscall } from "../../abi/syscalls.ts";
import { tellsOfReading } from "../../policy/plan/others.ts";
import {
  readMemory,
  storeMemory,
  writeAsTracee,
} from "../../sys/task/memory.ts";
import { OWN_VIEW } from "../../sys/view.ts";
import type { TraceOptions } from "../options.ts";
import type { Registers } from "../tracee/registers.ts";

const stat = new Uint8Array(STAT.size);
const statx = new Uint8Array(STATX.size);

/** The device of procfs, as `st_dev` has it; -1 where it is not known yet. */
let procfs = -1;

/** Whether a call tells when a file was last read, and must not. */
export function hidesReading(
  { sys }: TraceOptions,
  { name }: Syscall,
): boolean {
  return sys !== undefined && tellsOfReading(sys.rules, name);
}

/**
 * Puts the time of the last change in place of that of the last reading, in what
 * the kernel has filled. The tracee is alone and stopped, so nobody saw it.
 *
 * Nor is it told how many blocks a file has: whoever reads a hole by a mapping gives
 * a file of tmpfs one more, shmem_fault() in mm/shmem.c. It seems to have no holes.
 *
 * Files of procfs are numbered with the pipes and sockets of all, when somebody
 * first looks at them, and /proc has a link for each process of the machine
 * (proc_root_getattr() in fs/proc/root.c): none of that is told. The times of a
 * terminal say when it was used, tty_update_time() in drivers/tty/tty_io.c.
 *
 * Before a page that is not there the kernel fills what it can, and says EFAULT:
 * that is wiped as far as there is memory.
 *
 * @param tid who made the call
 * @param registers its registers, with the arguments of the call
 * @param syscall stat(2), or one of its like
 * @param result what it returns
 * @returns whether that could be done
 */
export function hideReading(
  tid: number,
  registers: Registers,
  { name, args }: Syscall,
  result: number,
): boolean {
  const address = registers.address(args.indexOf("buf"));
  const into = name === "statx" ? statx : stat;
  if (result < 0) {
    if (result !== -EFAULT) return true;
    writeAsTracee(tid, address, into.fill(0));
    return true;
  }
  if (readMemory(tid, address, into, into.length) !== into.length) return false;
  if (into === statx) {
    const [major, minor] = [
      get(STATX, into, "stx_dev_major"),
      get(STATX, into, "stx_dev_minor"),
    ];
    copy(STATX, into, "stx_mtime", "stx_atime");
    const mode = get(STATX, into, "stx_mode");
    const device = isDevice(mode);
    if (isRegular(mode)) {
      set(STATX, into, "stx_blocks", blocksOf(get(STATX, into, "stx_size")));
    }
    const counted = isProcfs(major, minor);
    if (counted) {
      set(STATX, into, "stx_ino", 1);
      set(STATX, into, "stx_nlink", 1);
    }
    if (counted || device) {
      for (const time of ["stx_atime", "stx_ctime", "stx_mtime"] as const) {
        wipe(STATX, into, time);
      }
    }
  } else {
    const device = get(STAT, into, "st_dev");
    copy(STAT, into, "st_mtime", "st_atime");
    const counted = isProcfs(majorOf(device), minorOf(device));
    if (counted) {
      set(STAT, into, "st_ino", 1);
      set(STAT, into, "st_nlink", 1);
    }
    const mode = get(STAT, into, "st_mode");
    if (isRegular(mode)) {
      set(STAT, into, "st_blocks", blocksOf(get(STAT, into, "st_size")));
    }
    if (counted || isDevice(mode)) {
      for (const time of ["st_atime", "st_ctime", "st_mtime"] as const) {
        wipe(STAT, into, time);
      }
    }
  }
  return storeMemory(tid, address, into, into.length) >= 0;
}

/** Seconds and nanoseconds, in all of these structures. */
const TIME_SIZE = 16;

function copy<Name extends string>(
  { fields }: Layout<Name>,
  bytes: Uint8Array,
  from: Name,
  to: Name,
): void {
  const [at] = fields[from];
  bytes.copyWithin(fields[to][0], at, at + TIME_SIZE);
}

function wipe<Name extends string>(
  { fields }: Layout<Name>,
  bytes: Uint8Array,
  time: Name,
): void {
  const [at] = fields[time];
  bytes.fill(0, at, at + TIME_SIZE);
}

function isDevice(mode: number): boolean {
  return (mode & S_IFMT) === S_IFCHR;
}

function isRegular(mode: number): boolean {
  return (mode & S_IFMT) === S_IFREG;
}

/** As many blocks, as stat(2) counts them, as a file without holes has. */
function blocksOf(size: number): number {
  return Math.ceil(size / 512);
}

function isProcfs(major: number, minor: number): boolean {
  if (procfs < 0) {
    const own = new Uint8Array(STAT.size);
    if (OWN_VIEW.stat(toCString("/proc"), own) < 0) return false;
    procfs = get(STAT, own, "st_dev");
  }
  return major === majorOf(procfs) && minor === minorOf(procfs);
}
