/** The clocks of the machine, and its names. */

import { errnoName } from "../abi/errno.ts";
import { UTSNAME_SIZE } from "../abi/utsname.ts";
import { SystemCallError } from "../errors.ts";
import { rareLibc } from "./libc.ts";

/**
 * Reads a clock.
 *
 * @param clock `CLOCK_*`
 * @param into a buffer of the size of `TIMESPEC`
 */
export function readClock(clock: number, into: Uint8Array): void {
  const result = rareLibc().clock_gettime(clock, into);
  if (result >= 0) return;
  throw new SystemCallError(
    `read clock ${clock}`,
    "clock_gettime()",
    errnoName(-result),
  );
}

/** What uname(2) says: a `struct new_utsname`. */
export function readNames(): Uint8Array<ArrayBuffer> {
  const names = new Uint8Array(UTSNAME_SIZE);
  const result = rareLibc().uname(names);
  if (result >= 0) return names;
  throw new SystemCallError(
    "read the system's names",
    "uname()",
    errnoName(-result),
  );
}
