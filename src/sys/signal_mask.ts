/** Which signals the calling thread blocks. */

import { SIGSET_SIZE } from "../abi/signal.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";

/** A set of signals, as the kernel has it. */
export function setOf(...signals: readonly number[]): BigUint64Array {
  const bits = signals.map((signal) => 1n << BigInt(signal - 1));
  return BigUint64Array.of(bits.reduce((set, bit) => set | bit, 0n));
}

/**
 * Changes which signals the calling thread blocks: rt_sigprocmask(2).
 *
 * @param how `SIG_BLOCK`, `SIG_UNBLOCK`, `SIG_SETMASK`
 * @param now the set; `null` changes nothing
 * @param before where the set goes that was blocked until now
 */
export function changeMask(
  how: number,
  now: BigUint64Array | null,
  before: BigUint64Array | null,
): void {
  libc.syscallIBBI(
    callNumber("rt_sigprocmask"),
    how,
    now,
    before,
    SIGSET_SIZE,
  );
}
