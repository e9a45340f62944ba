/**
 * Resolvers, in whose place jail answers, and addresses that have names.
 *
 * What the program sends to a resolver of the system goes to a socket of jail,
 * whose address is put in the place of the resolver's in the pinned argument. So
 * whatever it sends there later, by whatever call, goes to jail, and nothing is
 * learned from memory that the program can write. Where the kernel tells the
 * program who sent something, it is told the resolver.
 */

import { get, set } from "../abi/layout.ts";
import {
  AF_INET6,
  MMSGHDR_MAX,
  MMSGHDR_SIZE,
  MSGHDR,
  SIN6_ADDR_OFFSET,
  SIN_ADDR_OFFSET,
  SOCKADDR_IN,
  SOCKADDR_IN6,
  SOCKADDR_STORAGE_SIZE,
} from "../abi/socket.ts";
import { DNS_PORT, type Endpoint } from "../policy/net/endpoint.ts";
import { readMemory, writeAsTracee } from "../sys/task/memory.ts";
import { endpointOf, familyOf } from "./look/sockaddr.ts";
import type { NameOptions } from "./options.ts";
import type { Registers } from "./tracee/registers.ts";
import type { Tracee } from "./tracee/tracee.ts";

const MAPPED: readonly number[] = [...Array<number>(10).fill(0), 0xff, 0xff];

/** Knows resolvers and names. */
export class Names {
  readonly #options: NameOptions;

  /** Makes one. */
  constructor(options: NameOptions) {
    this.#options = options;
  }

  /**
   * Looks whom a call would send to.
   *
   * @param bytes the address, which is changed where it is that of a resolver
   * @param endpoint what it means
   * @returns what it means, with its names; or the resolver
   */
  meet(bytes: Uint8Array, endpoint: Endpoint): Endpoint {
    if (endpoint.family !== "inet" && endpoint.family !== "inet6") {
      return endpoint;
    }
    const { address, port } = endpoint;
    if (port === DNS_PORT) {
      const scope = endpoint.family === "inet6" ? endpoint.scope : 0;
      const standIn = this.#options.standIns.find((one) =>
        isSame(one.resolver, address) && one.scope === scope
      );
      if (standIn !== undefined) {
        write(bytes, standIn.address, standIn.port, 0);
        return { ...endpoint, resolver: true };
      }
    }
    const names = this.#options.namesOf(address);
    return names.length === 0 ? endpoint : { ...endpoint, names };
  }

  /**
   * Whether a socket that is bound there could answer jail as a resolver does.
   * One of this machine could from any of its addresses: IP_PKTINFO chooses the
   * one that it sends from.
   *
   * @param endpoint where it would be bound
   */
  takesPlace(endpoint: Endpoint | undefined): boolean {
    if (endpoint?.family !== "inet" && endpoint?.family !== "inet6") {
      return false;
    }
    const { address, port } = endpoint;
    return port === DNS_PORT &&
      this.#options.standIns.some(({ resolver, local }) =>
        local || isSame(resolver, address)
      );
  }

  /**
   * Puts the address of a resolver in the place of jail's, where a call has told
   * the program whose message it received.
   *
   * @param tracee who made the call; its own registers are saved
   * @param name the call's name
   * @param result what it returned, which is no error
   */
  restore(tracee: Tracee, name: string, result: number): void {
    const { saved } = tracee;
    switch (name) {
      case "getpeername":
        return this.#restoreArguments(tracee, saved, 1);
      case "recvfrom":
        return this.#restoreArguments(tracee, saved, 4);
      case "recvmsg":
        return this.#restoreMessage(tracee, saved.address(1));
      case "recvmmsg":
        for (let i = 0; i < Math.min(result, MMSGHDR_MAX); i++) {
          this.#restoreMessage(tracee, saved.address(1) + i * MMSGHDR_SIZE);
        }
    }
  }

  #restoreArguments(tracee: Tracee, registers: Registers, arg: number): void {
    const length = new Int32Array(1);
    const bytes = new Uint8Array(length.buffer);
    const at = registers.address(arg + 1);
    if (readMemory(tracee.tid, at, bytes, 4) !== 4) return;
    this.#restoreAt(tracee, registers.address(arg), length[0] as number);
  }

  #restoreMessage(tracee: Tracee, at: number): void {
    const header = new Uint8Array(MSGHDR.size);
    if (readMemory(tracee.tid, at, header, header.length) !== header.length) {
      return;
    }
    this.#restoreAt(
      tracee,
      get(MSGHDR, header, "msg_name"),
      get(MSGHDR, header, "msg_namelen"),
    );
  }

  /** It is the program's own memory, and only what it is told that changes. */
  #restoreAt(tracee: Tracee, at: number, length: number): void {
    if (at === 0 || length < SIN_ADDR_OFFSET + 4) return;
    const bytes = new Uint8Array(Math.min(length, SOCKADDR_STORAGE_SIZE));
    if (readMemory(tracee.tid, at, bytes, bytes.length) !== bytes.length) {
      return;
    }
    const endpoint = endpointOf(bytes, "send");
    if (endpoint.family !== "inet" && endpoint.family !== "inet6") return;
    const { address, port } = endpoint;
    const standIn = this.#options.standIns.find((one) =>
      one.port === port && isSame(one.address, address)
    );
    if (standIn === undefined) return;
    write(bytes, standIn.resolver, DNS_PORT, standIn.scope);
    // The program may have asked for less than all of it.
    const end = familyOf(bytes) !== AF_INET6
      ? SIN_ADDR_OFFSET + 4
      : standIn.scope === 0
      ? SOCKADDR_IN6.fields.sin6_scope_id[0]
      : SOCKADDR_IN6.size;
    writeAsTracee(tracee.tid, at, bytes, Math.min(end, bytes.length));
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Puts an address and a port in a socket address, which keeps its family. */
function write(
  bytes: Uint8Array,
  address: readonly number[],
  port: number,
  scope: number,
): void {
  if (familyOf(bytes) !== AF_INET6) {
    set(SOCKADDR_IN, bytes, "sin_port", port);
    bytes.set(address, SIN_ADDR_OFFSET);
    return;
  }
  set(SOCKADDR_IN6, bytes, "sin6_port", port);
  const whole = address.length === 4 ? [...MAPPED, ...address] : address;
  bytes.set(whole, SIN6_ADDR_OFFSET);
  if (bytes.length < SOCKADDR_IN6.size) return;
  set(SOCKADDR_IN6, bytes, "sin6_scope_id", scope);
}
