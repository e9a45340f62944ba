/**
 * Looks at sockets that are bound to an interface by an address of one link.
 *
 * A bind(2) or connect(2) to such an address (`fe80::1%eth0`) binds the socket to its
 * interface, as SO_BINDTODEVICE does, and it stays so. Whatever else it is used for
 * then leaves there: any other address would mean whoever has it on that link. The
 * kernel says which sockets are bound so. Others may have the same socket, and calls
 * that were looked at before on their way: so nobody else runs while one is bound.
 */

import { AF_INET6, MSG_FASTOPEN, SOCK_STREAM } from "../../abi/socket.ts";
import { isOfOneLink, type NetUse } from "../../policy/net/endpoint.ts";
import type { Registers } from "../tracee/registers.ts";
import { EVERYBODY, type Looked } from "./looked.ts";
import type { LookedSocket } from "./looked_socket.ts";
import { sendFlags } from "./senders.ts";
import type { CallSpec } from "./spec.ts";

/** Why such a call is refused. */
const OTHER_LINK = "it would leave by the interface of another address";

/** Keeps sockets that are bound to an interface to addresses of one link. */
export class LinkSockets {
  /** Most programs never name an interface, and nothing is looked at. */
  #any = false;

  /**
   * Looks at the socket of a call that has addresses.
   *
   * @param looked what is known of these
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
    const sends = flags !== undefined;
    const stays = !sends || (flags & MSG_FASTOPEN) !== 0;
    const net = looked.net.filter(({ portless }) => portless !== true);
    const names = stays && net.some(namesInterface);
    const others = net.some(isElsewhere);
    const letsGo = net.some(({ endpoint }) => endpoint.family === "none");
    if (!names && !letsGo && !(this.#any && others)) return;
    const facts = socket.facts(looked);
    // One of another family takes no such address.
    if (facts?.family !== AF_INET6) return;
    const { device } = socket;
    const binds = names && (!sends || facts.type === SOCK_STREAM);
    // One that was accepted from an address of one link is bound already.
    if (binds || !this.#any && device > 0) {
      looked.descriptorsOf = EVERYBODY;
      if (!socket.isLeftAlone) return;
      this.#any = true;
    }
    const strays = binds
      ? isConnectedElsewhere(socket)
      : others && device !== 0;
    if (strays) looked.never ??= OTHER_LINK;
  }
}

/** Whether a socket is bound to an interface by an address. */
function namesInterface({ endpoint }: NetUse): boolean {
  return endpoint.family === "inet6" && endpoint.scope !== 0 &&
    // It is jail that answers, on the loopback.
    endpoint.resolver !== true;
}

/** Whether a socket is connected to an address that is not one of each link. */
function isConnectedElsewhere({ peer }: LookedSocket): boolean {
  return peer !== undefined && !isOfOneLink(peer.address);
}

/** Whether an address is not one of each link. */
function isElsewhere({ endpoint }: NetUse): boolean {
  return endpoint.family === "inet" ||
    endpoint.family === "inet6" &&
      (endpoint.resolver === true || !isOfOneLink(endpoint.address));
}
