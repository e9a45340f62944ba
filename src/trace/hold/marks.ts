/** Calls that are made though they could be answered, and their mark. */

import { ERESTARTNOINTR, ERESTARTSYS } from "../../abi/errno.ts";
import { MARK } from "../../policy/plan/answered.ts";
import { actionOf } from "../../policy/plan/plan.ts";
import type { Listener } from "../../sys/task/listener.ts";
import { interrupt } from "../../sys/task/ptrace.ts";
import type { Tools } from "../tools.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";

/** Has calls made by their tracees that the tracer cannot answer. */
export class Marks {
  readonly #tools: Tools;

  /**
   * Makes it for one run.
   *
   * @param tools what it works with
   */
  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /**
   * Has a call made by its tracee: it stops before it sees the answer, which makes
   * the kernel make the call again.
   *
   * @param tracee who waits for an answer
   * @param listener who has taken the call
   */
  remake(tracee: Tracee, listener: Listener): void {
    tracee.remake = "stop";
    interrupt(tracee.tid);
    listener.answer(-ERESTARTNOINTR);
  }

  /** Marks a call whose tracee has stopped for that, if it has. */
  mark(tracee: Tracee): void {
    if (tracee.remake !== "stop") return;
    const { answers } = this.#tools;
    const { registers } = answers;
    if (!answers.read(tracee)) return;
    tracee.remake = "not";
    if (registers.nr < 0 || registers.result !== -ERESTARTNOINTR) return;
    tracee.unmarked = registers.whole(MARK.arg);
    registers.setArgument(MARK.arg, MARK.value);
    if (answers.write(tracee)) tracee.remake = "marked";
  }

  /**
   * A tracee is about to get a signal. Calls that wait for an answer would not have
   * been interrupted, whatever the handler: they are made again.
   *
   * @param tracee who is stopped
   */
  interrupted(tracee: Tracee): void {
    const { answers, options } = this.#tools;
    const { registers } = answers;
    if (!answers.read(tracee)) return;
    const { remake } = tracee;
    tracee.remake = "not";
    if (remake === "marked") {
      unmark(tracee, registers);
      answers.write(tracee);
      return;
    }
    if (registers.nr < 0 || registers.result !== -ERESTARTSYS) return;
    const spec = this.#tools.specs.at(registers.nr);
    const entry = spec && options.plan.get(spec.syscall.name);
    if (entry === undefined) return;
    const action = actionOf(entry, registers);
    if (action.kind !== "trace" || action.waits !== true) return;
    // An open that was made may have waited for somebody.
    if (remake === "interrupted") return;
    registers.result = -ERESTARTNOINTR;
    answers.write(tracee);
  }
}

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
