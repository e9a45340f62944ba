/** Decisions that a person makes, where a policy says nothing. */

import type { Call } from "../policy/call.ts";
import { type Answer, Consent, type Question } from "../policy/consent.ts";
import type { Engine } from "../policy/decide.ts";
import type { Decision } from "../policy/decision.ts";
import { CONSENT } from "../policy/fixed.ts";
import type { NetRule } from "../policy/net/net.ts";
import { EVERYTHING, parseNet } from "../policy/net/pattern.ts";
import { PATH_SECTIONS } from "../policy/policy.ts";
import type { Caller, Decide } from "../trace/options.ts";

/** Asks a person; the whole jail stands still meanwhile. */
export type Ask = (question: Question, caller: Caller) => Answer;

/** Decisions of a policy, and of a person. */
export interface Asking {
  /** Decides. */
  readonly decide: Decide;
  /** Whether a call is refused without a question. */
  readonly refuses: (call: Call) => boolean;
  /** Where a person has let messages go, as rules: whoever is there may answer. */
  readonly granted: () => readonly NetRule[];
}

/**
 * Makes decisions of a policy ask, where no rule speaks of a file or an address.
 *
 * @param engine decides by the policy
 * @param willing another engine of the policy, for what a person may say later
 * @param ask asks a person
 */
export function asking(engine: Engine, willing: Engine, ask: Ask): Asking {
  // What a rule refuses must not be moved now to where a person allows it then.
  for (const section of PATH_SECTIONS) {
    willing.heed({ effect: "allow", section, path: "/" });
  }
  const decide = (call: Call): Decision => {
    const decision = engine.decide(call);
    if (decision.kind === "refuse" || call.moves === undefined) return decision;
    const later = willing.decide(call);
    return later.kind === "refuse" ? later : decision;
  };
  const consent = new Consent((said) => {
    engine.heed(said);
    willing.heed(said);
  });
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
    refuses: (call) => {
      const decision = engine.decide(call);
      return decision.kind === "refuse" && decision.uncovered !== true;
    },
    granted: () => [...granted.values()],
  };
}
