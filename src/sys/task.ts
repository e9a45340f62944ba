/** What the kernel tells about another task by its id. */

import { KCMP_FILES, KCMP_VM } from "../abi/kcmp.ts";
import { callNumber } from "./host.ts";
import { libc, outcome } from "./libc.ts";

let getpgidNumber = 0;
let kcmpNumber = 0;

/**
 * The process group of a process.
 *
 * @param pid the process
 * @returns its group's id, or a negative errno
 */
export function getpgid(pid: number): number {
  getpgidNumber ||= callNumber("getpgid");
  return outcome(libc().syscallIII(getpgidNumber, pid, 0, 0));
}

function same(a: number, b: number, type: number): boolean | undefined {
  kcmpNumber ||= callNumber("kcmp");
  const result = outcome(
    libc().syscallIIIBB(kcmpNumber, a, b, type, null, null),
  );
  return result < 0 ? undefined : result === 0;
}

/** Whether two tasks share their memory; `undefined` where it cannot be told. */
export function shareMemory(a: number, b: number): boolean | undefined {
  return same(a, b, KCMP_VM);
}

/** Whether two tasks share their descriptors; `undefined` where it cannot be told. */
export function shareFiles(a: number, b: number): boolean | undefined {
  return same(a, b, KCMP_FILES);
}
