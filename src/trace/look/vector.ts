/** The pieces of memory that a call of the kind of writev(2) writes. */

import { EFAULT } from "../../abi/errno.ts";
import { get } from "../../abi/layout.ts";
import { IOVEC, UIO_MAXIOV } from "../../abi/uio.ts";
import { readMemory } from "../../sys/task/memory.ts";

const pieces = new Uint8Array(UIO_MAXIOV * IOVEC.size);

/** What a call writes. */
export interface Vector {
  /** How much it is, in bytes. */
  readonly total: number;
  /** Where its first piece is that is not empty. */
  readonly base: number;
  /** How long that is, in bytes. */
  readonly length: number;
}

/**
 * Reads what a stopped thread is about to write.
 *
 * @param tid the thread
 * @param address where the array of `struct iovec` is
 * @param count how many there are; too many is an empty vector
 * @returns what it is, or a negative errno
 */
export function readVector(
  tid: number,
  address: number,
  count: number,
): Vector | number {
  const size = count > UIO_MAXIOV ? 0 : count * IOVEC.size;
  if (size > 0 && readMemory(tid, address, pieces, size) !== size) {
    return -EFAULT;
  }
  let total = 0;
  let base = 0;
  let first = 0;
  for (let at = 0; at < size; at += IOVEC.size) {
    const piece = pieces.subarray(at, at + IOVEC.size);
    const length = get(IOVEC, piece, "iov_len");
    if (total === 0) [base, first] = [get(IOVEC, piece, "iov_base"), length];
    total += length;
  }
  return { total, base, length: first };
}
