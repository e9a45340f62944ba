/** Where the rules of a policy stand in its files. */

import type { Position } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import type { RuleRef } from "../policy/decision.ts";
import { placeOf } from "../policy/file/text.ts";
import type { Policy } from "../policy/policy.ts";

/** Finds the place of a rule, if it stands in a file. */
export type Locate = (rule: RuleRef) => Position | undefined;

/**
 * Prepares to find places while the thread is blocked.
 *
 * @param policy the policy whose rules are asked for
 * @returns the function that finds them
 */
export async function locator(policy: Policy): Promise<Locate> {
  const { locate } = await import("../policy/file/positions.ts");
  const texts = new Map(policy.sources.map(({ name, text }) => [name, text]));
  const known = new Map<RuleRef, Position | undefined>();
  const find = ({ source, keys }: RuleRef): Position | undefined => {
    const text = texts.get(source);
    const span = text === undefined ? undefined : locate(text, keys);
    if (text === undefined || span === undefined) return undefined;
    const { line, column } = placeOf(text, span.offset);
    return { file: source, line, column };
  };
  return (rule) => {
    // The same rule refuses again and again, and a file is parsed each time.
    if (!known.has(rule)) known.set(rule, find(rule));
    return known.get(rule);
  };
}

/**
 * Adds where the rule stands by which a jail was ended.
 *
 * @param outcome how the jail ended
 * @param find finds the place of a rule
 */
export async function placed(
  outcome: Outcome,
  find: () => Locate | Promise<Locate>,
): Promise<Outcome> {
  if (outcome.kind !== "killed-by-policy" && outcome.kind !== "limited") {
    return outcome;
  }
  return { ...outcome, position: (await find())(outcome.rule) };
}
