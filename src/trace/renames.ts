/**
 * Ids that go to another task without a word.
 *
 * An exec from a thread that is not the first of its process ends all others, and
 * the kernel gives it the first one's id, in de_thread() of its fs/exec.c. Nobody
 * is told that the first thread is gone, and nothing stops or ends any more under
 * the id that the thread had, which is free from then on.
 *
 * Race: PTRACE_EVENT_EXEC tells of it, but only where the exec works. It can still
 * fail then, or be killed, and meanwhile another task of the jail may have got the
 * free id. So nobody is taken to have an id that only such a thread could have:
 *
 * - the first thread, once it has left, stops no more: a stop under its id is that
 *   of the thread whose exec is in the kernel;
 *   The kernel may not tell that it has left: the exec ends it in that very stop.
 *   So it is asked whether the thread has an id of its own still, and what the first
 *   one told last is not taken for a stop of the thread, which would go on from one
 *   that nobody has looked at;
 * - a stop under the id of that thread, and a birth, show whether it is its id
 *   still: the kernel is asked;
 * - a death under that id could be a newborn's, of which nobody will be told
 *   again: what its maker tells is not believed (`Strangers.doubt`);
 * - a death under the first thread's id is that of the whole process, since the
 *   kernel reports it last: whatever of it is known is gone (`Stops`).
 */

import { ESRCH } from "../abi/errno.ts";
import { PTRACE_EVENT_EXIT } from "../abi/ptrace.ts";
import { eventOf, readEventMessage } from "../sys/task/ptrace.ts";
import { tgkill } from "../sys/task/wait.ts";
import { letGo } from "./let_go.ts";
import type { Parts } from "./parts.ts";
import type { StopKind } from "./tracee/stop.ts";
import type { Tracee } from "./tracee/tracee.ts";

/** Knows whose an id is. */
export class Renames {
  readonly #parts: Parts;

  /**
   * Makes it.
   *
   * @param parts what follows the program
   */
  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Whose stop it is.
   *
   * @param tracee who had the id at the last word of it
   * @param kind what stop it is, and no end
   * @returns the tracee that has stopped; `undefined` for one that nobody has told of
   */
  stopped(tracee: Tracee, kind: StopKind): Tracee | undefined {
    const { process, tid } = tracee;
    const { executing } = process;
    if (executing === tracee && this.hasLost(tracee)) return undefined;
    const now = kind === "exec"
      ? this.#parts.family.tracees.get(readEventMessage(tid))
      : tid === process.pid && (tracee.leaving || this.#isTaken(tracee))
      ? executing
      : undefined;
    if (now === undefined || now === tracee) return tracee;
    // By the time of the event the thread's own id may be another task's.
    if (now.process !== process) return tracee;
    this.#lead(now);
    return now;
  }

  /**
   * Whether a stop is the last one of a first thread that is gone, whose id is by now
   * that of the thread whose exec is in the kernel.
   *
   * @param tracee who had the id at the last word of it
   * @param kind what stop it is, and no end
   */
  isOver(tracee: Tracee, kind: StopKind): boolean {
    return kind === "leaving" && !tracee.leaving && this.#isTaken(tracee) &&
      eventOf(tracee.tid) !== PTRACE_EVENT_EXIT;
  }

  /** Whether a first thread's id is that of the one whose exec is in the kernel. */
  #isTaken({ process, tid }: Tracee): boolean {
    const { executing, pid } = process;
    if (executing === undefined || tid !== pid || executing.tid === pid) {
      return false;
    }
    // Where its own end was waited for, it has not.
    return !this.#parts.family.ended.has(executing.tid) &&
      tgkill(pid, executing.tid, 0) === -ESRCH;
  }

  /** Whether a tracee's id is another's by now; it has its process's then. */
  hasLost(tracee: Tracee): boolean {
    const { process, tid } = tracee;
    if (process.executing !== tracee || tid === process.pid) return false;
    if (tgkill(process.pid, tid, 0) !== -ESRCH) return false;
    this.#lead(tracee);
    this.#parts.strangers.ended(tracee.space);
    return true;
  }

  #lead(tracee: Tracee): void {
    for (const other of this.#parts.family.lead(tracee)) {
      letGo(this.#parts, other);
    }
  }
}
