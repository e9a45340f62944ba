/**
 * Looks at sockets that are bound to an interface by an address of one link.
 *
 * A bind(2) or connect(2) to such an address (`fe80::1%eth0`) binds the socket to its
 * interface, as SO_BINDTODEVICE does, and it stays so. Whatever else it is used for
 * then leaves there: any other address would mean whoever has it on that link.
 */

import { AF_INET6, MSG_FASTOPEN, SOCK_STREAM } from "../../abi/socket.ts";
import { isOfOneLink, type NetUse } from "../../policy/net/endpoint.ts";
import type { Registers } from "../tracee/registers.ts";
import { Cookies } from "./cookies.ts";
import { EVERYBODY, type Looked } from "./looked.ts";
import type { LookedSocket } from "./looked_socket.ts";
import { sendFlags } from "./senders.ts";
import type { CallSpec } from "./spec.ts";

/** A socket that a call would bind to an interface, or use for other addresses. */
export interface LinkUse {
  /** A number that no other socket has. */
  readonly cookie: number;
  /** Whether it is bound to an interface. */
  readonly binds: boolean;
}

/** Why such a call is refused. */
const OTHER_LINK = "it would leave by the interface of another address";

/** Knows which sockets are for addresses of one link, and which are not. */
export class LinkSockets {
  /**
   * The kernel says which ones are bound, but for calls that are on their way: other
   * processes may have the same socket.
   */
  readonly #bound = new Cookies();
  readonly #others = new Cookies();
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
    if (facts === undefined) return;
    const { device } = socket;
    // One that was accepted from an address of one link is bound as well.
    this.#any ||= device > 0;
    if (!names && !others) return;
    // One of another family takes no such address.
    if (facts.family !== AF_INET6) return;
    if (this.#bound.areMany || this.#others.areMany) {
      // Once all others are stopped no call is on its way, and the kernel says all.
      if (!socket.isLeftAlone) return void (looked.descriptorsOf = EVERYBODY);
      this.#bound.forgetSome();
      this.#others.forgetSome();
    }
    const { cookie, type } = facts;
    const binds = names && (!sends || type === SOCK_STREAM);
    const strays = binds
      ? this.#others.has(cookie) || isConnectedElsewhere(socket)
      : others && (this.#bound.has(cookie) || device !== 0);
    if (strays) looked.never ??= OTHER_LINK;
    looked.link = { cookie, binds };
  }

  /** A call is made that was looked at. */
  note({ cookie, binds }: LinkUse): void {
    this.#any ||= binds;
    (binds ? this.#bound : this.#others).add(cookie);
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
