/** Takes out of what a call has told of a file when it was last read. */

import { STAT, STATX } from "../abi/stat.ts";
import type { Syscall } from "../abi/syscalls.ts";
import { readMemory, storeMemory, writeAsTracee } from "../sys/memory.ts";
import { tellsOfReading } from "../policy/others.ts";
import type { TraceOptions } from "./options.ts";
import type { Registers } from "./registers.ts";

/** Seconds and nanoseconds, in all of these structures. */
const TIME_SIZE = 16;

const time = new Uint8Array(TIME_SIZE);
const nothing = new Uint8Array(TIME_SIZE);

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
 * Before a page that is not there the kernel fills what it can, and says EFAULT:
 * of that, the time is wiped as far as there is memory.
 *
 * @param tid who made the call
 * @param registers its registers, with the arguments of the call
 * @param syscall stat(2), or one of its like
 * @param filled whether the kernel has filled all of it
 * @returns whether that could be done
 */
export function hideReading(
  tid: number,
  registers: Registers,
  { name, args }: Syscall,
  filled: boolean,
): boolean {
  const address = registers.address(args.indexOf("buf"));
  const [read, changed] = name === "statx"
    ? [STATX.fields.stx_atime[0], STATX.fields.stx_mtime[0]]
    : [STAT.fields.st_atime[0], STAT.fields.st_mtime[0]];
  if (!filled) {
    writeAsTracee(tid, address + read, nothing);
    return true;
  }
  return readMemory(tid, address + changed, time, TIME_SIZE) === TIME_SIZE &&
    storeMemory(tid, address + read, time, TIME_SIZE) >= 0;
}
