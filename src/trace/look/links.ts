/**
 * Looks at sockets that are bound to an interface by an address of one link.
 *
 * A bind(2) or connect(2) to such an address (`fe80::1%eth0`) binds the socket to its
 * interface, as SO_BINDTODEVICE does, and it stays so. Whatever else it is used for
 * then leaves there: any other address would mean whoever has it on that link.
 */

import { EBADF, ENOTSOCK } from "../../abi/errno.ts";
import { AF_INET6, MSG_FASTOPEN, SOCK_STREAM } from "../../abi/socket.ts";
import { isOfOneLink, type NetUse } from "../../policy/net/endpoint.ts";
import { close } from "../../sys/files.ts";
import { peerAddress } from "../../sys/inet.ts";
import { boundInterface, socketFacts } from "../../sys/task/borrow.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";
import type { Looked } from "./looked.ts";
import { SEND_FLAGS } from "./senders.ts";
import { borrowSocket } from "./sockets.ts";
import type { CallSpec } from "./spec.ts";

/** A socket that a call would bind to an interface, or use for other addresses. */
export interface LinkUse {
  /** A number that no other socket has. */
  readonly cookie: number;
  /** Whether it is bound to an interface. */
  readonly binds: boolean;
}

/** For how many sockets this is remembered while their calls are on their way. */
const MOST_SOCKETS = 4096;

/** Why such a call is refused. */
const OTHER_LINK = "it would leave by the interface of another address";

/** Knows which sockets are for addresses of one link, and which are not. */
export class LinkSockets {
  /**
   * The kernel says which ones are bound, but for calls that are on their way: other
   * processes may have the same socket.
   */
  readonly #bound = new Set<number>();
  readonly #others = new Set<number>();
  /** Most programs never name an interface, and nothing is looked at. */
  #any = false;

  /**
   * Looks at the socket of a call that has addresses.
   *
   * @param looked what is known of these
   * @param tracee whose call it is
   * @param registers its registers
   * @param spec the call
   * @param leads whether its descriptors are those of its process's first thread
   */
  look(
    looked: Looked,
    tracee: Tracee,
    registers: Registers,
    { syscall: { name } }: CallSpec,
    leads: boolean,
  ): void {
    const flags = SEND_FLAGS.get(name);
    const sends = flags !== undefined;
    const stays = !sends || (registers.int(flags) & MSG_FASTOPEN) !== 0;
    const net = looked.net.filter(({ portless }) => portless !== true);
    const names = stays && net.some(namesInterface);
    const others = net.some(isElsewhere);
    const letsGo = net.some(({ endpoint }) => endpoint.family === "none");
    if (!names && !letsGo && !(this.#any && others)) return;
    looked.descriptorsOf = tracee.process.pid;
    const fd = borrowSocket(tracee, leads, registers.int(0));
    if (fd < 0) {
      if (fd === -ENOTSOCK || fd === -EBADF) looked.errno ||= -fd;
      else looked.never ??= OTHER_LINK;
      return;
    }
    const facts = socketFacts(fd);
    const device = boundInterface(fd);
    const peer = peerAddress(fd);
    close(fd);
    // One that was accepted from an address of one link is bound as well.
    this.#any ||= device > 0;
    if (!names && !others) return;
    // One of another family takes no such address.
    if (typeof facts === "number" || facts.family !== AF_INET6) return;
    const { cookie, type } = facts;
    const binds = names && (!sends || type === SOCK_STREAM);
    const strays = binds
      ? this.#others.has(cookie) ||
        peer !== undefined && !isOfOneLink(peer.address)
      : others && (this.#bound.has(cookie) || device !== 0);
    if (strays) looked.never ??= OTHER_LINK;
    looked.link = { cookie, binds };
  }

  /** A call is made that was looked at. */
  note({ cookie, binds }: LinkUse): void {
    this.#any ||= binds;
    const sockets = binds ? this.#bound : this.#others;
    sockets.add(cookie);
    if (sockets.size <= MOST_SOCKETS) return;
    for (const first of sockets) {
      sockets.delete(first);
      break;
    }
  }
}

/** Whether a socket is bound to an interface by an address. */
function namesInterface({ endpoint }: NetUse): boolean {
  return endpoint.family === "inet6" && endpoint.scope !== 0 &&
    // It is jail that answers, on the loopback.
    endpoint.resolver !== true;
}

/** Whether an address is not one of each link. */
function isElsewhere({ endpoint }: NetUse): boolean {
  return endpoint.family === "inet" ||
    endpoint.family === "inet6" &&
      (endpoint.resolver === true || !isOfOneLink(endpoint.address));
}
