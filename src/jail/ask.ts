/** Decisions that a person makes, where a policy says nothing. */

import type { Call } from "../policy/call.ts";
import { type Answer, Consent, type Question } from "../policy/consent.ts";
import type { Decision } from "../policy/decision.ts";
import type { Caller, Decide } from "../trace/options.ts";

/** Asks a person; the whole jail stands still meanwhile. */
export type Ask = (question: Question, caller: Caller) => Answer;

/**
 * Makes decisions of a policy ask, where no rule speaks of a file.
 *
 * @param decide the policy's
 * @param ask asks a person
 */
export function asking(
  decide: (call: Call) => Decision,
  ask: Ask,
): Decide {
  const consent = new Consent();
  return (call, caller) => {
    const decision = decide(call);
    if (decision.kind === "allow") {
      consent.pass(call, caller.asker);
      return decision;
    }
    return consent.consult(
      call,
      decision,
      decide,
      (question) => ask(question, caller),
      caller.asker,
    );
  };
}
