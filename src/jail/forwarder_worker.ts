/** The Worker that answers in place of the system's resolvers: one jail, one thread. */

import { compile } from "../policy/decide.ts";
import { NameMatcher } from "../policy/net_names.ts";
import type { Policy } from "../policy/policy.ts";
import type { InetAddress } from "../sys/inet.ts";
import { interfaceIndex } from "../sys/interfaces.ts";
import { Forwarder } from "./forwarder.ts";
import { type PlainError, toPlain } from "./messages.ts";
import { NameTable } from "./name_table.ts";

/** What the Worker is to do. */
export interface ForwarderRequest {
  /** The policy. */
  readonly policy: Policy;
  /** The resolvers in whose place it answers. */
  readonly resolvers: readonly InetAddress[];
  /** The memory that it shares with the tracer. */
  readonly memory: SharedArrayBuffer;
  /** A descriptor that can be read when it should be over. */
  readonly over: number;
}

/** What the Worker tells. */
export type ForwarderMessage =
  /** It can be asked, here. */
  | { readonly kind: "ready"; readonly addresses: readonly InetAddress[] }
  /** It cannot answer, or not any more. */
  | { readonly kind: "failed"; readonly error: PlainError }
  /** It is over. */
  | { readonly kind: "over" };

/** What a Worker's scope has beyond that of a page, which the types are of. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ForwarderRequest>) => void) | null;
  postMessage(message: ForwarderMessage): void;
}

const scope = self as unknown as WorkerScope;

scope.onmessage = ({ data }): void => {
  const table = new NameTable(data.memory);
  try {
    const forwarder = makeForwarder(data, table);
    scope.postMessage({ kind: "ready", addresses: forwarder.addresses });
    // From here on nobody hears of a message before it is over.
    forwarder.run();
    scope.postMessage({ kind: "over" });
  } catch (error) {
    table.fail();
    scope.postMessage({ kind: "failed", error: toPlain(error) });
  }
};

function makeForwarder(
  { policy, resolvers, over }: ForwarderRequest,
  table: NameTable,
): Forwarder {
  const { net } = policy;
  const engine = compile(policy, { interfaceIndex });
  const names = typeof net === "string" ? undefined : new NameMatcher(net);
  return new Forwarder({
    ...{ resolvers, table, over },
    decide: (call) => engine.decide(call),
    concerns: (name) => names?.concerns(name) ?? false,
  });
}
