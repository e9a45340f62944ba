/** What is let go of with a tracee that is no more. */

import type { Parts } from "./parts.ts";
import type { Tracee } from "./tracee/tracee.ts";

/**
 * Lets go of all that a tracee held, and of all that waits for it.
 *
 * @param parts what follows the program
 * @param tracee one that the family has forgotten
 */
export function letGo(parts: Parts, tracee: Tracee): void {
  const { affinity, calls, freezer, room, strangers, waits } = parts;
  // A thread whose exec is in the kernel may have lost its id to another task.
  if (tracee.process.executing !== tracee) waits.forget(tracee.tid);
  tracee.held.length = 0;
  waits.aimed(tracee);
  affinity.gone(tracee);
  room?.over(tracee);
  // First: who waits for others to be stopped is looked at when a call is dropped.
  freezer.gone(tracee);
  calls.drop(tracee);
  strangers.told(tracee);
}
