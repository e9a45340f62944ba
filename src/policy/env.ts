/** Which environment variables does the program get? */

import type { NameRule, NameRules } from "./policy.ts";
import { matchSegment, parseSegment } from "./segment.ts";

/**
 * Whether the program gets a variable.
 *
 * @param rules the policy's rules for names
 * @param name the variable's name, as a byte string
 * @returns true where a rule allows it, and none denies or ignores it
 */
export function passes(rules: NameRules, name: string): boolean {
  return covers(rules.allow, name) && !covers(rules.deny, name) &&
    !covers(rules.ignore, name);
}

/** Whether one of the rules means a name. */
function covers(rules: readonly NameRule[], name: string): boolean {
  return rules.some(({ pattern }) =>
    matchSegment(parseSegment(pattern), name, 0, name.length)
  );
}
