/** The mark of a call that is made though it could be answered. */

import { MARK } from "../policy/answered.ts";
import type { Registers } from "./registers.ts";
import type { Tracee } from "./tracee.ts";

/**
 * Puts what is the program's own in place of the mark, if there is one. The
 * kernel runs the filter once more on a call that has stopped, so a call that is
 * made keeps its mark until its exit.
 *
 * @param tracee whose call it is
 * @param registers its registers
 */
export function unmark(tracee: Tracee, registers: Registers): void {
  const { unmarked } = tracee;
  if (unmarked === undefined || !isMarked(tracee, registers)) return;
  registers.setWhole(MARK.arg, unmarked);
  tracee.unmarked = undefined;
}

/** Whether a call has the mark, by jail's doing and not the program's. */
export function isMarked(
  { unmarked }: Tracee,
  registers: Registers,
): boolean {
  return unmarked !== undefined && registers.uint(MARK.arg) === MARK.value;
}
