/** Holds a policy to its `strict`: no rule of it may be a best effort. */

import { PolicyError } from "../errors.ts";
import type { Floor } from "../policy/floor/floor.ts";
import { heldRules } from "../policy/floor/held.ts";
import { type GradedRule, gradeRules, notStrict } from "../policy/grade.ts";
import type { CallPlan } from "../policy/plan/plan.ts";
import type { Policy } from "../policy/policy.ts";
import { landlockAbi } from "../sys/landlock.ts";
import { floorFacts, type FloorPlace } from "./floor.ts";

/**
 * Finds what enforces each rule of a policy on this machine.
 *
 * @param policy the policy
 * @param plan what happens to calls under it
 * @param floor what Landlock holds of it
 * @param at where the program runs
 * @param filtered whether the kernel has the filter
 * @param grouped whether the kernel holds the memory that is limited
 */
export function gradedRules(
  policy: Policy,
  plan: CallPlan,
  floor: Floor,
  at: FloorPlace,
  filtered: boolean,
  grouped = false,
): GradedRule[] {
  const held = heldRules(policy, floorFacts(at, landlockAbi()), floor);
  return gradeRules(policy, { plan, floor, held, filtered, grouped });
}

/**
 * Holds a policy to its `strict`.
 *
 * @param policy the policy
 * @param plan what happens to calls under it
 * @param floor what Landlock holds of it
 * @param at where the program runs
 * @param filtered whether the kernel has the filter
 * @throws {PolicyError} where a rule is a best effort and none may be
 */
export function holdToStrict(
  policy: Policy,
  plan: CallPlan,
  floor: Floor,
  at: FloorPlace,
  filtered: boolean,
): void {
  if (policy.strict === undefined) return;
  const rules = gradedRules(policy, plan, floor, at, filtered);
  const error = strictError(policy, rules);
  if (error !== undefined) throw error;
}

/** The error of a rule that `strict` does not let pass, if there is one. */
export function strictError(
  policy: Policy,
  rules: readonly GradedRule[],
): PolicyError | undefined {
  const bad = notStrict(policy, rules);
  return bad === undefined ? undefined : new PolicyError(
    `Cannot use policy "${policy.strict?.source}": it is strict, and ` +
      `"${bad.text}" of "${bad.section}" can only be a best effort (R3)`,
    { hint: "leave out that rule, or strict" },
  );
}
