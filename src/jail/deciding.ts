/** How a run decides about each call: by its policy, and by what a person says. */

import type { Call } from "../policy/call.ts";
import type { Engine } from "../policy/decide.ts";
import type { Decision } from "../policy/decision.ts";
import { type Ask, type Asking, asking } from "./ask.ts";
import type { Job } from "./job.ts";

const KILL = { kind: "kill" } as const;

/**
 * Makes the decisions of a run.
 *
 * @param compile makes an engine of its policy
 * @param onDeny what comes of a refusal
 * @param ask asks a person, where one is asked
 */
export function deciding(
  compile: () => Engine,
  onDeny: Job["onDeny"],
  ask: Ask | undefined,
): Pick<Asking, "decide" | "refuses"> & Partial<Asking> {
  const engine = compile();
  if (ask !== undefined) return asking(engine, compile(), ask);
  const decide = (call: Call): Decision => engine.decide(call);
  return {
    decide: onDeny === "kill" ? deadly(decide) : decide,
    refuses: (call) => decide(call).kind === "refuse",
  };
}

/** Makes every refusal end the jail. */
function deadly(decide: (call: Call) => Decision): (call: Call) => Decision {
  return (call) => {
    const decision = decide(call);
    return decision.kind === "allow" || decision.quiet === true
      ? decision
      : { ...decision, refusal: KILL };
  };
}
