/** What a policy makes of questions to resolvers, until its jail is over. */

import { compile } from "../../policy/compile.ts";
import { NameMatcher } from "../../policy/net/names.ts";
import type { Policy } from "../../policy/policy.ts";
import { interfaceIndex } from "../../sys/interfaces.ts";
import type { Door } from "./doors.ts";
import { Forwarder } from "./forwarder.ts";
import type { NameTable } from "./table.ts";

/**
 * Answers in place of resolvers. The calling thread is blocked meanwhile.
 *
 * @param policy the policy
 * @param doors the resolvers, and the sockets in their place
 * @param table the memory that is shared with the tracer
 * @param over a descriptor that can be read when it should be over
 */
export function answer(
  policy: Policy,
  doors: readonly Door[],
  table: NameTable,
  over: number,
): void {
  const { net } = policy;
  const engine = compile(policy, { interfaceIndex });
  const names = typeof net === "string" ? undefined : new NameMatcher(net);
  new Forwarder({
    ...{ doors, table, over },
    decide: (call) => engine.decide(call),
    concerns: (name) => names?.concerns(name) ?? false,
  }).run();
}
