/** Which processors this process may run on. */

import { errnoName } from "../abi/errno.ts";
import { SystemCallError } from "../errors.ts";
import { callNumber } from "./host.ts";
import { libc, outcome } from "./libc.ts";

/** Bytes of a mask of processors: more than any kernel has (NR_CPUS is 8192). */
const MASK_BYTES = 1024;

/** The numbers of the processors that this process may run on, sorted. */
export function allowedCpus(): number[] {
  const mask = new Uint8Array(MASK_BYTES);
  const length = outcome(
    libc().syscallIIB(callNumber("sched_getaffinity"), 0, MASK_BYTES, mask),
  );
  if (length < 0) {
    throw new SystemCallError(
      "ask for processors",
      "sched_getaffinity()",
      errnoName(-length),
    );
  }
  const cpus: number[] = [];
  for (let cpu = 0; cpu < 8 * length; cpu++) {
    if (((mask[cpu >> 3] as number) >> (cpu & 7) & 1) !== 0) cpus.push(cpu);
  }
  return cpus;
}

/** A mask of processors, as sched_setaffinity(2) takes it. */
export function cpuMask(cpus: readonly number[]): Uint8Array<ArrayBuffer> {
  const mask = new Uint8Array(MASK_BYTES);
  for (const cpu of cpus) {
    mask[cpu >> 3] = (mask[cpu >> 3] as number) | 1 << (cpu & 7);
  }
  return mask;
}
