/** Which environment variables does the program get? */

import type { RuleRef } from "./decision.ts";
import type { NameRule, Policy } from "./policy.ts";
import { matchSegment, parseSegment, type SegmentPattern } from "./segment.ts";

/** Whether a variable is passed on, and the rule that says so. */
export interface NameDecision {
  /** Whether the program gets it. */
  readonly keep: boolean;
  /** The rule, or `undefined` where none matches. */
  readonly rule: RuleRef | undefined;
}

interface CompiledName {
  readonly pattern: SegmentPattern;
  readonly ref: RuleRef;
}

/**
 * Makes a function that decides about names of variables.
 *
 * @param policy the policy
 * @returns the function; it takes a name as a byte string
 */
export function compileNames(
  policy: Policy,
): (name: string) => NameDecision {
  const drop = compileAll([...policy.env.deny, ...policy.env.ignore]);
  const keep = compileAll(policy.env.allow);
  return (name) => {
    const dropped = find(drop, name);
    if (dropped !== undefined) return { keep: false, rule: dropped };
    const kept = find(keep, name);
    return { keep: kept !== undefined, rule: kept };
  };
}

function compileAll(rules: readonly NameRule[]): CompiledName[] {
  return rules.map(({ pattern, ref }) => ({
    pattern: parseSegment(pattern),
    ref,
  }));
}

/** The rule for a name, if there is one. */
function find(
  rules: readonly CompiledName[],
  name: string,
): RuleRef | undefined {
  return rules.find(({ pattern }) =>
    matchSegment(pattern, name, 0, name.length)
  )?.ref;
}
