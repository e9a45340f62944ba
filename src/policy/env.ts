/** Which environment variables does the program get? */

import type { NameRule, NameRules } from "./policy.ts";
import { matchSegment, parseSegment } from "./segment.ts";

/**
 * Whether the program gets a variable.
 *
 * @param rules the policy's rules for names
 * @param name the variable's name, as a byte string
 * @returns true where a rule allows it, and none denies or ignores it, by
 *   whatever case: `npm_config__authToken` is a token, too
 */
export function passes(rules: NameRules, name: string): boolean {
  return covers(rules.allow, name, (text) => text) &&
    !covers(rules.deny, name, upperCase) &&
    !covers(rules.ignore, name, upperCase);
}

function upperCase(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** Whether one of the rules means a name. */
function covers(
  rules: readonly NameRule[],
  name: string,
  fold: (text: string) => string,
): boolean {
  return rules.some(({ pattern }) =>
    matchSegment(parseSegment(fold(pattern)), fold(name), 0, name.length)
  );
}
