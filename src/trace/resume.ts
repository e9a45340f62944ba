/** How tracees go on after a stop. */

import { errnoName } from "../abi/errno.ts";
import { SystemCallError } from "../errors.ts";
import { isGone, resume, resumeToCall } from "../sys/task/ptrace.ts";
import type { Tracee } from "./tracee/tracee.ts";

/** Lets tracees go on. */
export class Resume {
  readonly #byCall: (tracee: Tracee) => boolean;

  /**
   * Makes one.
   *
   * @param byCall whether a tracee stops at every call
   */
  constructor(byCall: (tracee: Tracee) => boolean) {
    this.#byCall = byCall;
  }

  /**
   * Resumes a tracee; its next stop is whatever the engine asks for.
   *
   * @param tracee who is stopped
   * @param signal what it gets, or 0
   */
  go(tracee: Tracee, signal: number): void {
    const { tid } = tracee;
    this.#resumed(
      tracee,
      this.#byCall(tracee) ? resumeToCall(tid, signal) : resume(tid, signal),
    );
  }

  /** Resumes a tracee until the next entry or exit of a call. */
  toCall(tracee: Tracee): void {
    this.#resumed(tracee, resumeToCall(tracee.tid, 0));
  }

  #resumed(tracee: Tracee, result: number): void {
    tracee.stopped = false;
    if (result >= 0 || isGone(tracee.tid, result)) return;
    throw new SystemCallError(
      "resume the program",
      "ptrace()",
      errnoName(-result),
    );
  }
}
