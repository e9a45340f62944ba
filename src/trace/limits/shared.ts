/**
 * How much memory a jail has mapped that its processes may share.
 *
 * What was written there stays when no process has it in its tables any more,
 * as after MADV_DONTNEED, and then the kernel counts it for none: shmem_zero_setup()
 * in mm/shmem.c. So its size counts when it is mapped, for as long as the jail
 * lives, beside what is counted of processes.
 */

import { toCString } from "../../abi/bytes.ts";
import { ZERO_DEVICE } from "../../abi/devices.ts";
import { ENOENT } from "../../abi/errno.ts";
import { AT_FDCWD } from "../../abi/fcntl.ts";
import { get } from "../../abi/layout.ts";
import { MAP_ANONYMOUS, MAP_HUGETLB, PAGE_SIZE } from "../../abi/mman.ts";
import { S_IFCHR, S_IFMT, STAT } from "../../abi/stat.ts";
import { fstatat } from "../../sys/files.ts";
import type { Registers } from "../tracee/registers.ts";

const stat = new Uint8Array(STAT.size);

/** The memory of one jail that may be shared. */
export class SharedMemory {
  readonly #most: number;
  #used = 0;

  /**
   * Makes one.
   *
   * @param most how many bytes there may be
   */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Takes what a thread is about to map, where that is memory and no file.
   *
   * @param tid the thread, stopped at mmap(2)
   * @param registers its registers
   * @returns whether there is room for it
   */
  take(tid: number, registers: Registers): boolean {
    const flags = registers.uint(3);
    const anonymous = (flags & MAP_ANONYMOUS) !== 0;
    if (!anonymous && !isZero(tid, registers.int(4))) return true;
    const pages = Math.ceil(registers.address(1) / PAGE_SIZE);
    const used = this.#used + pages * PAGE_SIZE;
    // Huge pages are of the machine, few, and of many sizes.
    if ((flags & MAP_HUGETLB) !== 0 || used > this.#most) return false;
    this.#used = used;
    return true;
  }
}

/**
 * Whether a descriptor is /dev/zero, which maps as if there were no file. What is not
 * open is not mapped; what cannot be told may be that.
 */
function isZero(tid: number, fd: number): boolean {
  const path = toCString(`/proc/${tid}/fd/${fd}`);
  const result = fstatat(AT_FDCWD, path, stat, 0);
  if (result < 0) return result !== -ENOENT;
  return (get(STAT, stat, "st_mode") & S_IFMT) === S_IFCHR &&
    get(STAT, stat, "st_rdev") === ZERO_DEVICE;
}
