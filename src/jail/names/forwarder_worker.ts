/** The Worker that answers in place of the system's resolvers: one jail, one thread. */

import type { Policy } from "../../policy/policy.ts";
import type { InetAddress } from "../../sys/inet.ts";
import { type PlainError, toPlain } from "../messages.ts";
import { openDoors } from "./doors.ts";
import { NameTable } from "./table.ts";

/** What the Worker is to do. */
export interface ForwarderRequest {
  /** The policy. */
  readonly policy: Policy;
  /** The resolvers in whose place it answers. */
  readonly resolvers: readonly InetAddress[];
  /** Who is asked for each of them; `undefined` where there is nobody. */
  readonly asked: readonly (InetAddress | undefined)[];
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
  onmessage: ((event: MessageEvent<ForwarderRequest>) => Promise<void>) | null;
  postMessage(message: ForwarderMessage): void;
}

const scope = self as unknown as WorkerScope;

scope.onmessage = async ({ data }): Promise<void> => {
  const { policy, resolvers, asked, memory, over } = data;
  const table = new NameTable(memory);
  try {
    const doors = openDoors(resolvers, asked);
    scope.postMessage({ kind: "ready", addresses: doors.map(({ at }) => at) });
    // Who asks already is heard as soon as the rest is loaded.
    const { answer } = await import("./answering.ts");
    answer(policy, doors, table, over);
    scope.postMessage({ kind: "over" });
  } catch (error) {
    table.fail();
    scope.postMessage({ kind: "failed", error: toPlain(error) });
  }
};
