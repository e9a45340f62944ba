import { assertEquals } from "@std/assert";
import { AF_INET6, SOCK_STREAM } from "../../abi/socket.ts";
import type { Registers } from "../tracee/registers.ts";
import { EVERYBODY, type Looked, nothing } from "./looked.ts";
import type { LookedSocket } from "./looked_socket.ts";
import type { CallSpec } from "./spec.ts";
import { StreamSockets } from "./streams.ts";

/** What a connect(2) of one stream to an address of a family is found to do. */
function connected(
  streams: StreamSockets,
  family: "inet" | "inet6",
  isLeftAlone: boolean,
  cookie = 1,
): Looked {
  const looked = nothing();
  looked.said = new Uint8Array([AF_INET6, 0]);
  looked.net.push({
    access: "connect",
    endpoint: family === "inet"
      ? { family, address: [127, 0, 0, 1], port: 9 }
      : { family, address: [...Array(15).fill(0), 1], port: 9, scope: 0 },
  });
  const socket: Partial<LookedSocket> = {
    facts: () => ({ family: AF_INET6, type: SOCK_STREAM, cookie, state: 7 }),
    defersConnect: false,
    wasConnected: false,
    isLeftAlone,
  };
  streams.look(
    looked,
    {} as Registers,
    { syscall: { name: "connect" } } as CallSpec,
    socket as LookedSocket,
  );
  return looked;
}

Deno.test("StreamSockets connects nothing by IPv4 while a call by IPv6 may be on its way", () => {
  const streams = new StreamSockets();
  assertEquals(connected(streams, "inet", false).descriptorsOf, EVERYBODY);
  assertEquals(connected(streams, "inet6", false).never, undefined);
  assertEquals(connected(streams, "inet", false).descriptorsOf, EVERYBODY);
  assertEquals(connected(streams, "inet", false).descriptorsOf, EVERYBODY);
  const { descriptorsOf, never } = connected(streams, "inet", true);
  assertEquals([descriptorsOf, never], [0, undefined]);
  assertEquals(connected(streams, "inet6", false).never !== undefined, true);
});

Deno.test("StreamSockets forgets no stream whose call may be on its way, however many there are", () => {
  const streams = new StreamSockets();
  let cookie = 1;
  const held = (): boolean =>
    connected(streams, "inet6", false, cookie++).descriptorsOf === EVERYBODY;
  while (!held()) assertEquals(cookie < 5000, true);
  // Nobody else runs now, and from then on as many can be made again.
  assertEquals(connected(streams, "inet6", true, cookie++).never, undefined);
  assertEquals(held(), false);
});
