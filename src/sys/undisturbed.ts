/**
 * Calls about files that no signal ends.
 *
 * Whoever serves a file system may give a call up where who waits for it gets a
 * signal, whatever that is for (`FUSE_INTERRUPT`); and a pulse (`pulse.ts`) comes
 * again and again, sooner than the answer perhaps.
 */

import { EINTR } from "../abi/errno.ts";
import { SIG_BLOCK, SIG_SETMASK } from "../abi/signal.ts";
import { changeMask } from "./signal_mask.ts";

const ALL = BigUint64Array.of(~0n);
const before = new BigUint64Array(1);
let isUndisturbed = false;

/** Whether what is waited for is of use to nobody any more. */
let isInVain = (): boolean => false;

/**
 * Lets this thread give up what it waits for, at a signal.
 *
 * @param see sees to what is more urgent, and says whether to give up
 */
export function giveUpWhere(see: () => boolean): void {
  isInVain = see;
}

/**
 * Makes a call once more that a signal has ended, and lets none come meanwhile.
 *
 * @param call makes it, and may come here itself
 * @param args what it is made with
 * @returns its result: `-EINTR` where it is given up, or no signal was the reason
 */
export function undisturbed<T extends readonly unknown[]>(
  call: (...args: T) => number,
  ...args: T
): number {
  if (isUndisturbed || isInVain()) return -EINTR;
  isUndisturbed = true;
  changeMask(SIG_BLOCK, ALL, before);
  try {
    return call(...args);
  } finally {
    changeMask(SIG_SETMASK, before, null);
    isUndisturbed = false;
  }
}
