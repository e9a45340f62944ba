/** Which processors tasks may run on. */

import { errnoName } from "../abi/errno.ts";
import {
  SCHED_BATCH,
  SCHED_IDLE,
  SCHED_NORMAL,
  SCHED_RESET_ON_FORK,
} from "../abi/sched.ts";
import { SystemCallError } from "../errors.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";

/** Bytes of a mask of processors: more than any kernel has (NR_CPUS is 8192). */
export const MASK_BYTES = 1024;

const FAIR: readonly number[] = [SCHED_NORMAL, SCHED_BATCH, SCHED_IDLE];

const cpu = new Uint32Array(1);
const node = new Uint32Array(1);

/** The numbers of the processors that this process may run on, sorted. */
export function allowedCpus(): number[] {
  const mask = new Uint8Array(MASK_BYTES);
  const result = readAffinity(0, mask);
  if (result < 0) {
    throw new SystemCallError(
      "ask for processors",
      "sched_getaffinity()",
      errnoName(-result),
    );
  }
  return cpusOf(mask);
}

/** A mask of processors, as sched_setaffinity(2) takes it. */
export function cpuMask(cpus: readonly number[]): Uint8Array<ArrayBuffer> {
  const mask = new Uint8Array(MASK_BYTES);
  for (const cpu of cpus) {
    mask[cpu >> 3] = (mask[cpu >> 3] as number) | 1 << (cpu & 7);
  }
  return mask;
}

/** The same mask's processors, sorted. */
export function cpusOf(mask: Uint8Array): number[] {
  const cpus: number[] = [];
  mask.forEach((byte, at) => {
    for (let bit = 0; byte >> bit !== 0; bit++) {
      if ((byte >> bit & 1) !== 0) cpus.push(8 * at + bit);
    }
  });
  return cpus;
}

/**
 * Reads which processors a task may run on.
 *
 * @param tid the task, or 0 for the calling thread
 * @param mask where its mask goes, `MASK_BYTES` long
 * @returns 0, or a negative errno
 */
export function readAffinity(tid: number, mask: Uint8Array): number {
  const length = libc.syscallIIBB(
    callNumber("sched_getaffinity"),
    tid,
    MASK_BYTES,
    mask,
    null,
  );
  if (length < 0) return length;
  mask.fill(0, length);
  return 0;
}

/** Sets which processors a task may run on; 0, or a negative errno. */
export function writeAffinity(tid: number, mask: Uint8Array): number {
  return libc.syscallIIBB(
    callNumber("sched_setaffinity"),
    tid,
    mask.length,
    mask,
    null,
  );
}

/** The processor that the calling thread runs on; a negative errno where unknown. */
export function currentCpu(): number {
  const result = libc.syscallBB(callNumber("getcpu"), cpu, node);
  return result < 0 ? result : cpu[0] as number;
}

/**
 * Whether this thread shares a processor by turns, as all that it starts does,
 * and has no real-time priority.
 */
export function isFairlyScheduled(): boolean {
  const policy = libc.syscallIII(callNumber("sched_getscheduler"), 0, 0, 0);
  return FAIR.includes(policy & ~SCHED_RESET_ON_FORK);
}
