/** Which environment variables does the program get, with which values? */

import { literalSegment, matchSegment, parseSegment } from "./path/segment.ts";
import type { EnvRules, NameRule } from "./policy.ts";
import { looksSecret, lowerCase, upperCase } from "./secrets.ts";

/**
 * Whether a text can be the name of a variable, or a pattern of one. A text with
 * blanks, braces, bars, quotes, a comma and the like is a mistake; so are two names
 * with a colon between them, and a name behind a sign that means "not" elsewhere. A
 * rule with one would deny nothing.
 */
export function isVariable(text: string): boolean {
  return /^(?![!^~%(-])[^$\0 \t-\r={|}"'`,;]+$/.test(text) &&
    !/^\w+(?::\w+)+$/.test(text);
}

/**
 * Whether the program gets a variable of jail's own environment.
 *
 * A wildcard does not mean names that look like secrets, nor `LD_*`: those are
 * named, or everything is allowed by `true`.
 *
 * @param rules the policy's rules for names
 * @param name the variable's name, as a byte string
 * @param value its value, as a byte string
 * @returns true where a rule allows it, and none denies or ignores it, by
 *   whatever case: `npm_config__authToken` is a token, too
 */
export function passes(
  rules: Pick<EnvRules, "allow" | "deny" | "ignore">,
  name: string,
  value = "",
): boolean {
  return allows(rules.allow, name, value) && !covers(rules.deny, name) &&
    !covers(rules.ignore, name);
}

/**
 * The variables that a program gets of jail's own environment.
 *
 * @param rules the policy's rules
 * @param env the environment of jail, `NAME=value` each, as byte strings
 * @returns those of them that the program gets
 */
export function passed(
  rules: EnvRules,
  env: readonly string[],
): readonly string[] {
  return env.filter((item) => passes(rules, nameOf(item), valueOf(item)));
}

/**
 * Sets the values that a policy gives.
 *
 * @param rules the policy's rules
 * @param env an environment, `NAME=value` each
 * @returns the environment with these values in place of its own
 */
export function withValues(
  { set }: Pick<EnvRules, "set">,
  env: readonly string[],
): readonly string[] {
  if (set.length === 0) return env;
  const values = new Map(set.map(({ name, value }) => [name, value]));
  return [
    ...env.filter((item) => !values.has(nameOf(item))),
    ...[...values].map(([name, value]) => `${name}=${value}`),
  ];
}

/**
 * The variables that a program does not get.
 *
 * @param rules the policy's rules
 * @param env the environment of jail, `NAME=value` each, as byte strings
 * @returns their names, sorted: never a value
 */
export function droppedNames(
  rules: EnvRules,
  env: readonly string[],
): readonly string[] {
  const set = new Set(rules.set.map(({ name }) => name));
  return env.filter((item) => !passes(rules, nameOf(item), valueOf(item)))
    .map(nameOf).filter((name) => !set.has(name)).sort();
}

/** The name of an item of an environment; one without `=` is all name. */
function nameOf(item: string): string {
  const end = item.indexOf("=");
  return end < 0 ? item : item.slice(0, end);
}

/** The value of an item of an environment. */
function valueOf(item: string): string {
  return item.slice(nameOf(item).length + 1);
}

/** Whether one of the rules hands a variable over. */
function allows(
  rules: readonly NameRule[],
  name: string,
  value: string,
): boolean {
  return rules.some(({ pattern, all }) =>
    all === true || literalSegment(pattern) === name ||
    matches(pattern, name) && !looksSecret(name, value)
  );
}

/** Whether one of the rules means a name, by whatever case. */
function covers(rules: readonly NameRule[], name: string): boolean {
  return rules.some(({ pattern }) =>
    SPELLINGS.some((spell) => matches(spelled(pattern, spell), spell(name)))
  );
}

const SPELLINGS: readonly ((text: string) => string)[] = [
  (text) => text,
  upperCase,
  lowerCase,
];

/**
 * A pattern in another case, but for its sets: `[A-z]` has more in it than
 * letters, and `[_-z]` would run backwards.
 */
function spelled(pattern: string, spell: (text: string) => string): string {
  return pattern.replace(
    /\\[^]|(\[[!^]?\]?(?:\\[^]|[^\]\\])*\])|[A-Za-z]+/g,
    (part, set: string | undefined) => set ?? spell(part),
  );
}

function matches(pattern: string, name: string): boolean {
  return matchSegment(parseSegment(pattern), name, 0, name.length);
}
