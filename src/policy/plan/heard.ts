/** What stops a program from ending a socket by which others hear. */

import { EPOLL_CTL_ADD } from "../../abi/epoll.ts";
import { SHUT_RD } from "../../abi/socket.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import { type ArgIndex, type ArgTest, type Guard, is, isNot } from "./guard.ts";

/**
 * What others hear by a socket that a program is given: datagrams, who connects to it,
 * or what jail says there.
 */
export type Heard = "datagrams" | "connections" | "messages";

function hears(arg: ArgIndex, ...tests: readonly ArgTest[]): readonly Guard[] {
  return [{
    tests,
    action: { kind: "trace", look: { kind: "hears", arg } },
    why: "others may hear by the same socket",
  }];
}

/**
 * A socket that listens, or one for datagrams, is left as it was handed in. Who waits
 * for one alone (EPOLLEXCLUSIVE) is woken in the place of a server, and accepts nobody.
 */
const OF_SERVERS: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  ["epoll_ctl", hears(2, is(1, EPOLL_CTL_ADD))],
  ["setsockopt", hears(0)],
  ["shutdown", hears(0)],
]);

/**
 * The guards that what others hear gives a call: after all others.
 *
 * @param name the call
 * @param heard what they hear by sockets that the program is given
 */
export function heardGuards(
  name: SyscallName,
  heard: ReadonlySet<Heard>,
): readonly Guard[] {
  const guards = heard.has("datagrams") || heard.has("connections")
    ? OF_SERVERS.get(name) ?? []
    : [];
  return heard.has("messages") && name === "shutdown"
    ? [...guards, ...hears(0, isNot(1, SHUT_RD))]
    : guards;
}
