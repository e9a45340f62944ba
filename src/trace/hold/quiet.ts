/** Stops all that could run, while one call waits for a decision that takes long. */

import type { Family } from "../family.ts";
import { stopKind } from "../tracee/stop.ts";
import { interruptCall, stays, type Tracee } from "../tracee/tracee.ts";
import type { Waits } from "../waits.ts";

/** How long to wait for tracees to stop, when all of them have to. */
const QUIET_MS = 500;

/**
 * Stops all that could run, while one call waits for a decision that takes
 * long. Their stops are handled afterwards, as any others.
 *
 * The parent of a vfork is not waited for while its child is in a stop. But a
 * child can die in its stop, of a timer for one, which lets its parent go: so
 * the parent is interrupted like all others, and stops before it runs.
 *
 * @param family the tracees
 * @param waits takes their stops
 * @param between told now and then, where there are many
 */
export function quiet(
  family: Family,
  waits: Waits,
  between: () => void,
): void {
  const isHeld = (tracee: Tracee): boolean =>
    tracee.stopped || tracee.halted || waits.stopOf(tracee.tid) !== undefined;
  const running: Tracee[] = [];
  for (const tracee of family.tracees.values()) {
    // One that is gone does nothing.
    if (isHeld(tracee) || tracee.leaving || interruptCall(tracee) < 0) {
      continue;
    }
    running.push(tracee);
  }
  const runs = (tracee: Tracee): boolean =>
    !isHeld(tracee) && !family.ended.has(tracee.tid) &&
    !isBlocked(tracee, waits);
  const until = performance.now() + QUIET_MS;
  // One that the kernel keeps in a call does nothing else either.
  while (running.some(runs) && performance.now() < until) {
    waits.takeOthers(between);
  }
}

/**
 * Whether a tracee waits for its vfork for sure, since its child is in a stop.
 * At the stop of an exec the parent was let go already.
 */
function isBlocked(tracee: Tracee, waits: Waits): boolean {
  let child = tracee.vfork;
  // Of one that is in a vfork itself, its own child.
  while (child !== undefined) {
    const status = waits.stopOf(child.tid);
    if (status !== undefined) return stopKind(status) !== "exec";
    if (child.stopped) return stays(child);
    child = child.vfork;
  }
  return false;
}
