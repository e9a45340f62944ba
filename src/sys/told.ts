/** Whether a look at a file tells something of it. */

import { printable } from "../abi/bytes.ts";
import {
  EACCES,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  EROFS,
  errnoName,
  ESRCH,
  EXDEV,
} from "../abi/errno.ts";
import { SystemCallError } from "../errors.ts";

/**
 * The errors of a look that tell something of the file: there is nothing to be had.
 */
const TELLING: ReadonlySet<number> = new Set([
  ...[-ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG],
  // A process that is gone, and a link of the kernel's own out of the root.
  ...[-ESRCH, -EXDEV],
  ...[-EACCES, -EROFS],
]);

/**
 * Sees to it that a look at a file tells something of it: whoever takes it for one
 * that is not there would let a rule go that refuses it.
 *
 * @param path the file
 * @param result what a call has returned
 * @returns the same
 * @throws {SystemCallError} where this process, or the machine, could open nothing,
 *   or whoever serves the file did not say what there is (EIO, ESTALE, ENOTCONN)
 */
export function told(path: string, result: number): number {
  if (result >= 0 || TELLING.has(result)) return result;
  throw new SystemCallError(
    `look at ${printable(path)}`,
    "openat2()",
    errnoName(-result),
  );
}
