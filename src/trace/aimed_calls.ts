/** What happens at calls that aim at processes or groups by their ids. */

import { EPERM, errnoName, ESRCH } from "../abi/errno.ts";
import { isNobody, maySignal } from "../sys/task.ts";
import { type Answers, fixedRule } from "./answer.ts";
import type { Flights } from "./flights.ts";
import { isOwnGroup } from "./ids.ts";
import { nothing } from "./looked.ts";
import { aimOf, signalMembers } from "./process.ts";
import type { CallSpec } from "./spec.ts";
import type { Tools } from "./tools.ts";
import type { Tracee } from "./tracee.ts";

/** Calls that aim at processes by their ids. */
export class AimedCalls {
  readonly #tools: Tools;
  readonly #flights: Flights;

  /**
   * Makes the handler of one run.
   *
   * @param tools what it works with
   * @param flights the calls that are in the kernel
   */
  constructor(tools: Tools, flights: Flights) {
    this.#tools = tools;
    this.#flights = flights;
  }

  /** A call that means a process by its id. */
  process(tracee: Tracee, spec: CallSpec): void {
    const { answers, family, resumer } = this.#tools;
    const { registers } = answers;
    if (!answers.allowed(tracee, spec, nothing())) return;
    const { processes, isOwn } = family;
    const aim = aimOf(tracee, registers, spec, processes, isOwn);
    switch (aim.kind) {
      case "own":
        return resumer.go(tracee);
      case "other":
        if (!answers.save(tracee)) return;
        this.#flights.begin(tracee, spec, -1, nothing());
        return resumer.aims(tracee);
      case "own group":
        if (!answers.save(tracee)) return;
        registers.setArgument(spec.pid, -aim.group);
        if (!answers.write(tracee)) return;
        this.#flights.begin(tracee, spec, -1, nothing());
        return resumer.aims(tracee);
      case "foreign":
        // Programs end what has ended already: nothing was refused to them.
        return aim.id !== undefined && isNobody(aim.id)
          ? answers.answer(tracee, -ESRCH)
          : refuseForeign(answers, tracee, spec, ESRCH);
      case "members": {
        const signal = registers.int(1);
        return answers.answer(
          tracee,
          signalMembers(
            aim.members,
            (member) =>
              member === tracee.process ||
                maySignal(tracee.tid, member.pid, signal)
                ? family.signal(member, signal)
                : -EPERM,
          ),
        );
      }
    }
  }

  /** A call that means a group by its number. */
  group(tracee: Tracee, spec: CallSpec, arg: number): void {
    const { answers, family, resumer } = this.#tools;
    if (!isOwnGroup(answers.registers.int(arg), family)) {
      return refuseForeign(answers, tracee, spec, EPERM);
    }
    if (!answers.allowed(tracee, spec, nothing())) return;
    if (!answers.save(tracee)) return;
    this.#flights.begin(tracee, spec, -1, nothing());
    resumer.aims(tracee);
  }
}

/** Refuses a call that means a process or a group outside the jail. */
export function refuseForeign(
  answers: Answers,
  tracee: Tracee,
  spec: CallSpec,
  errno: number,
): void {
  answers.refuse(
    tracee,
    spec,
    { kind: "errno", errno: errnoName(errno) },
    fixedRule("a process outside the jail"),
  );
}
