/**
 * The socket of a call that has an address: what the kernel says of it.
 *
 * A descriptor of it is borrowed from the tracee once, where something is asked at all.
 * The number must not change meanwhile: others that share the table of descriptors are
 * stopped.
 */

import { EBADF, ENOTSOCK } from "../../abi/errno.ts";
import { SOCK_DGRAM } from "../../abi/socket.ts";
import { close } from "../../sys/files.ts";
import { boundAddress, type InetAddress, peerAddress } from "../../sys/inet.ts";
import {
  boundInterface,
  defersConnect,
  hasConnected,
  type SocketFacts,
  socketFacts,
  unsent,
} from "../../sys/task/borrow.ts";
import type { Tracee } from "../tracee/tracee.ts";
import type { Looked } from "./looked.ts";
import { borrowSocket, isInternet, UNSEEN } from "./sockets.ts";

/** A socket, asked once about each thing. */
export class LookedSocket {
  readonly #tracee: Tracee;
  readonly #leads: boolean;
  readonly #number: number;
  readonly #isLeftAlone: () => boolean;
  #fd: number | undefined;
  #facts: SocketFacts | number = 0;
  #isHeld: boolean | undefined;

  /**
   * Takes the socket of a call; nothing is asked yet.
   *
   * @param tracee whose call it is
   * @param leads whether its descriptors are those of its process's first thread
   * @param number the descriptor
   * @param isLeftAlone whether nobody else can use it at the moment
   */
  constructor(
    tracee: Tracee,
    leads: boolean,
    number: number,
    isLeftAlone: () => boolean,
  ) {
    this.#tracee = tracee;
    this.#leads = leads;
    this.#number = number;
    this.#isLeftAlone = isLeftAlone;
  }

  /**
   * Whether to ask more could wait. Who sends by a socket for datagrams, and keeps back
   * what he sends, holds its lock until there is room again: he has to be stopped first.
   */
  get isHeld(): boolean {
    return this.#isHeld === true;
  }

  /**
   * What it is; `undefined` where it is no socket, and the call fails with an errno,
   * or where that cannot be told, and the call is refused.
   *
   * @param looked where that is put, and that the call rests on its descriptor
   */
  facts(looked: Looked): SocketFacts | undefined {
    looked.descriptorsOf ||= this.#tracee.process.pid;
    const fd = this.#borrowed();
    if (typeof this.#facts !== "number") return this.#facts;
    if (fd === -ENOTSOCK || fd === -EBADF) looked.errno ||= -fd;
    else looked.never ??= UNSEEN;
    return undefined;
  }

  /** The same of one of the internet; `undefined` where it is another one. */
  internetFacts(looked: Looked): SocketFacts | undefined {
    const facts = this.facts(looked);
    return facts !== undefined && isInternet(facts) ? facts : undefined;
  }

  /** Where it is connected to; `undefined` where it is not. */
  get peer(): InetAddress | undefined {
    return this.mayLock() ? peerAddress(this.#borrowed()) : undefined;
  }

  /** The address that it has; `undefined` where that is none of the internet. */
  get own(): InetAddress | undefined {
    return this.mayLock() ? boundAddress(this.#borrowed()) : undefined;
  }

  /** The index of the interface that it is bound to; 0 for none, or a negative errno. */
  get device(): number {
    return boundInterface(this.#borrowed());
  }

  /** A number that no other socket has; `undefined` where it is no socket. */
  get cookie(): number | undefined {
    this.#borrowed();
    return typeof this.#facts === "number" ? undefined : this.#facts.cookie;
  }

  /** How much of what was sent the kernel still has, in bytes. */
  get unsent(): number {
    return unsent(this.#borrowed());
  }

  /** Whether it is a stream that was ever connected. */
  get wasConnected(): boolean {
    return hasConnected(this.#borrowed());
  }

  /** Whether it is a stream that waits with its connection for what is sent first. */
  get defersConnect(): boolean {
    return defersConnect(this.#borrowed());
  }

  /**
   * Whether the kernel does at once what it needs the lock of the socket for. It is
   * asked as well where jail will set something of it before the call.
   */
  mayLock(): boolean {
    this.#isHeld ??= this.#borrowed() >= 0 &&
      typeof this.#facts !== "number" && this.#facts.type === SOCK_DGRAM &&
      this.unsent > 0 && !this.#isLeftAlone();
    return !this.#isHeld;
  }

  /** Whether nobody else can use it at the moment. */
  get isLeftAlone(): boolean {
    return this.#isLeftAlone();
  }

  /** Lets go of it. */
  close(): void {
    if (this.#fd !== undefined && this.#fd >= 0) close(this.#fd);
    this.#fd = undefined;
  }

  #borrowed(): number {
    if (this.#fd === undefined) {
      this.#fd = borrowSocket(this.#tracee, this.#leads, this.#number);
      // This also keeps the tracer from waiting for the end of a connection.
      this.#facts = this.#fd < 0 ? this.#fd : socketFacts(this.#fd);
    }
    return this.#fd;
  }
}
