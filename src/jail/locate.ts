/** Where the rules of a policy stand in its files. */

import type { Position } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import type { RuleRef } from "../policy/decision.ts";
import type { positionsIn } from "../policy/file/positions.ts";
import { lineStarts, placeOf } from "../policy/file/text.ts";
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
  const { positionsIn } = await import("../policy/file/positions.ts");
  const files = new Map(
    policy.sources.map(({ name, text }) => [name, placesIn(text, positionsIn)]),
  );
  const known = new Map<RuleRef, Position | undefined>();
  const find = ({ source, keys }: RuleRef): Position | undefined => {
    const place = files.get(source)?.(keys);
    return place === undefined ? undefined : { file: source, ...place };
  };
  return (rule) => {
    // The same rule refuses again and again.
    if (!known.has(rule)) known.set(rule, find(rule));
    return known.get(rule);
  };
}

/** Finds places in a text, which is parsed when the first is asked for. */
function placesIn(
  text: string,
  positions: typeof positionsIn,
): (keys: RuleRef["keys"]) => Omit<Position, "file"> | undefined {
  let find: ReturnType<typeof positionsIn> | undefined;
  let starts: readonly number[] | undefined;
  return (keys) => {
    const span = (find ??= positions(text))(keys);
    if (span === undefined) return undefined;
    const { line, column } = placeOf(
      text,
      span.offset,
      starts ??= lineStarts(text),
    );
    return { line, column };
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
