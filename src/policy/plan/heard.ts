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
 * The socket that jail reports to takes no options: by many of them what is said there
 * goes elsewhere, is kept back, or is lost (SO_SNDBUF, SO_LINGER, SO_MARK, TCP_ULP).
 */
const OF_REPORTS: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  ["setsockopt", hears(0)],
  ["shutdown", hears(0, isNot(1, SHUT_RD))],
]);

/**
 * The guards of a call with looks at what others hear: before each one that lets it go,
 * and after all others. What refuses it does so without a look.
 *
 * @param name the call
 * @param guards its guards
 * @param heard what others hear by sockets that the program is given
 */
export function withHeard(
  name: SyscallName,
  guards: readonly Guard[],
  heard: ReadonlySet<Heard>,
): readonly Guard[] {
  const looks = looksOf(name, heard);
  const before = ({ tests }: Guard): readonly Guard[] =>
    looks.map((look) => ({ ...look, tests: [...tests, ...look.tests] }));
  return guards
    .flatMap((guard) =>
      guard.action.kind === "allow" ? [...before(guard), guard] : guard
    )
    .concat(looks);
}

function looksOf(
  name: SyscallName,
  heard: ReadonlySet<Heard>,
): readonly Guard[] {
  const servers = heard.has("datagrams") || heard.has("connections");
  return [
    ...servers ? OF_SERVERS.get(name) ?? [] : [],
    ...heard.has("messages") ? OF_REPORTS.get(name) ?? [] : [],
  ];
}
