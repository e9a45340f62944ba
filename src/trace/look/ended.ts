/**
 * What a path in /proc means by the id of somebody who has ended.
 *
 * A process can look at a child until it has waited for it, as at one that lives:
 * meanwhile its other threads are stopped, so that the id is nobody else's. Else who
 * was in the jail is not there, and nothing is refused to whoever asks: an id that is
 * somebody's outside by now tells no more than one that is nobody's.
 */

import { ENOENT } from "../../abi/errno.ts";
import type { Use } from "../../policy/call.ts";
import { parentOfEnded } from "../../sys/task/task.ts";
import type { Family } from "../family.ts";
import { processOf } from "../path/place.ts";
import type { Tracee } from "../tracee/tracee.ts";
import { rulePath } from "./look.ts";
import type { Looked } from "./looked.ts";

/**
 * Has rules see those who have ended as the jail's own.
 *
 * @param looked what a call would do
 * @param tracee who makes it
 * @param family who was in the jail
 */
export function lookAtEnded(
  looked: Looked,
  { process }: Tracee,
  family: Family,
): void {
  const { uses } = looked;
  for (let at = 0; at < uses.length; at++) {
    const use = uses[at] as Use;
    const pid = processOf(use.path);
    if (pid === 0 || !family.wasOwn(pid)) continue;
    uses[at] = { ...use, path: rulePath(use.path, () => true) };
    // Of two processes the threads of one alone can be stopped.
    const other = looked.descriptorsOf !== 0 &&
      looked.descriptorsOf !== process.pid;
    if (other || parentOfEnded(pid) !== process.pid) looked.errno ||= ENOENT;
    else looked.descriptorsOf = process.pid;
  }
}
