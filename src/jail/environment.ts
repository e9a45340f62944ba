/** Which environment a program gets. */

import { passed, withValues } from "../policy/env.ts";
import type { EnvRules } from "../policy/policy.ts";
import type { Job } from "./job.ts";

type Asked = Pick<Job, "program" | "temporary">;

/**
 * The environment that the variables of a policy are of: that of jail, with the
 * temporary directory where there is one.
 *
 * @param job what is to run
 * @returns `NAME=value` each, as byte strings
 */
export function givenEnvironment(
  { program: { env }, temporary }: Asked,
): readonly string[] {
  return temporary?.environment(env) ?? env;
}

/**
 * The environment that the program gets: what the rules pass on of it, with the
 * temporary directory and the values that they set.
 *
 * @param job what is to run
 * @param rules the policy's rules
 * @returns `NAME=value` each, as byte strings
 */
export function programEnvironment(
  { program, temporary }: Asked,
  rules: EnvRules,
): readonly string[] {
  const env = passed(rules, program.env);
  return withValues(rules, temporary?.environment(env) ?? env);
}
