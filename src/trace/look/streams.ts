/**
 * Looks at streams of IPv6 that are connected to an address of IPv6 after one of IPv4.
 *
 * Once such a socket was connected to an address of IPv4, or was accepted from one, the
 * kernel sends by IPv4 whatever it is connected to then (`icsk_af_ops`, which
 * tcp_v6_connect() sets and does not set back): to the old address, at the new port.
 */

import { AF_INET6, MSG_FASTOPEN, SOCK_STREAM } from "../../abi/socket.ts";
import type { NetUse } from "../../policy/net/endpoint.ts";
import type { Registers } from "../tracee/registers.ts";
import { Cookies } from "./cookies.ts";
import { EVERYBODY, type Looked } from "./looked.ts";
import type { LookedSocket } from "./looked_socket.ts";
import { familyOf } from "./sockaddr.ts";
import { sendFlags } from "./senders.ts";
import type { CallSpec } from "./spec.ts";

/** Why such a call is refused. */
const BY_IPV4 = "it would go by IPv4 to an address that the socket had before";

/** Why a connection that is not made yet is refused. */
const UNTOLD = "whom the socket was connected to could not be told later";

/** Knows which streams of IPv6 were connected to addresses of IPv6 alone. */
export class StreamSockets {
  /** One that is forgotten here is connected to none of IPv6 any more. */
  readonly #sixes = new Cookies<true>();
  /** One whose call was not made, or failed at once, looks unused. */
  readonly #fours = new Cookies<true>();

  /**
   * Looks at the socket of a call that has an address.
   *
   * @param looked what is known of the address
   * @param registers the registers of whose call it is
   * @param spec the call
   * @param socket its socket
   */
  look(
    looked: Looked,
    registers: Registers,
    spec: CallSpec,
    socket: LookedSocket,
  ): void {
    const flags = sendFlags(registers, spec);
    const connects = flags === undefined
      ? spec.syscall.name === "connect"
      : (flags & MSG_FASTOPEN) !== 0;
    if (!connects || familyOf(looked.said ?? NOTHING) !== AF_INET6) return;
    const facts = socket.facts(looked);
    // One of another family takes no such address.
    if (facts?.family !== AF_INET6 || facts.type !== SOCK_STREAM) return;
    if (this.#sixes.areMany) {
      // A call that is on its way must be known, and once all are stopped none is: as
      // those by IPv4 never are.
      if (!socket.isLeftAlone) return void (looked.descriptorsOf = EVERYBODY);
      this.#sixes.forgetSome();
    }
    const { cookie } = facts;
    if (!looked.net.every(goesByIPv6)) {
      // The program cannot ask for that; whoever handed the socket in may have.
      if (socket.defersConnect) looked.never ??= UNTOLD;
      // A call of another process by IPv6 may be on its way, and be made after this; or
      // be looked at before this is made, when its socket may be forgotten by then.
      if (!socket.isLeftAlone) {
        looked.descriptorsOf = EVERYBODY;
        return;
      }
      this.#sixes.delete(cookie);
      this.#fours.set(cookie, true);
    } else if (
      socket.wasConnected ? this.#sixes.has(cookie) : !this.#fours.has(cookie)
    ) {
      this.#sixes.set(cookie, true);
    } else looked.never ??= BY_IPV4;
  }
}

const NOTHING = new Uint8Array(0);

/** Whether it goes by IPv6 for sure: jail may stand in for a resolver by IPv4. */
function goesByIPv6({ endpoint }: NetUse): boolean {
  return endpoint.family === "inet6" && endpoint.resolver !== true;
}
