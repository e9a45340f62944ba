/** Names of hosts, for the policies that have them. */

import { hasNames } from "../../policy/net/names.ts";
import type { Policy } from "../../policy/policy.ts";
import type { View } from "../../sys/view.ts";
import type { NameOptions } from "../../trace/options.ts";

/**
 * Answers in place of the system's resolvers as long as something is done, where
 * a policy names hosts.
 *
 * @param policy the policy
 * @param view the root directory of the program
 * @param act does it, with what the tracer needs; blocks its thread, perhaps
 * @returns what that returns
 * @throws {UnsupportedError} where names cannot be answered for
 */
export async function withNames<T>(
  policy: Policy,
  view: View,
  act: (names: NameOptions | undefined) => T,
): Promise<T> {
  const { net } = policy;
  if (typeof net === "string" || !hasNames(net)) return act(undefined);
  // What others do not need is not loaded.
  const { JailNames } = await import("./jail_names.ts");
  const names = await JailNames.start(policy, view);
  try {
    return act(names);
  } finally {
    await names.stop();
  }
}
