/** Decisions that a person makes, where a policy says nothing. */

import type { Call } from "../policy/call.ts";
import { type Answer, Consent, type Question } from "../policy/consent.ts";
import type { Decision } from "../policy/decision.ts";
import { CONSENT } from "../policy/fixed.ts";
import type { NetRule } from "../policy/net/net.ts";
import { EVERYTHING, parseNet } from "../policy/net/pattern.ts";
import type { Caller, Decide } from "../trace/options.ts";

/** Asks a person; the whole jail stands still meanwhile. */
export type Ask = (question: Question, caller: Caller) => Answer;

/** Decisions of a policy, and of a person. */
export interface Asking {
  /** Decides. */
  readonly decide: Decide;
  /** Where a person has let messages go, as rules: whoever is there may answer. */
  readonly granted: () => readonly NetRule[];
}

/**
 * Makes decisions of a policy ask, where no rule speaks of a file or an address.
 *
 * @param decide the policy's
 * @param ask asks a person
 */
export function asking(
  decide: (call: Call) => Decision,
  ask: Ask,
): Asking {
  const consent = new Consent();
  const granted = new Map<string, NetRule>();
  const grant = ({ access, path }: Question, answer: Answer): void => {
    if (access !== "connect" || answer === "no" || answer === "none") return;
    const patterns = answer === "all" ? EVERYTHING : parseNet(path, String);
    granted.set(answer === "all" ? "" : path, { patterns, ref: CONSENT });
  };
  return {
    decide: (call, caller) => {
      const decision = decide(call);
      if (decision.kind === "allow") {
        consent.pass(call, caller.asker);
        return decision;
      }
      return consent.consult(
        call,
        decision,
        decide,
        (question) => {
          const answer = ask(question, caller);
          grant(question, answer);
          return answer;
        },
        caller.asker,
      );
    },
    granted: () => [...granted.values()],
  };
}
