/** Looks at sockets that send, and at where what they send would go. */

import { MSG_MORE, SOCK_DGRAM, SOCK_STREAM } from "../../abi/socket.ts";
import {
  isOfMany,
  isUnspecified,
  type NetUse,
  unmapped,
} from "../../policy/net/endpoint.ts";
import { close } from "../../sys/files.ts";
import {
  type InetAddress,
  peerAddress,
  sourceTowards,
} from "../../sys/inet.ts";
import {
  attachFilter,
  flush,
  hasFilter,
  silence,
  unsent,
} from "../../sys/task/borrow.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";
import { EVERYBODY, type Looked } from "./looked.ts";
import type { LookedSocket } from "./looked_socket.ts";
import { askSocket, borrow } from "./sockets.ts";
import type { CallSpec } from "./spec.ts";

/** Index of the flags of calls that send. */
const SEND_FLAGS: ReadonlyMap<string, number> = new Map([
  ["sendto", 3],
  ["sendmsg", 2],
  ["sendmmsg", 3],
]);

/** What is said with a message, `MSG_*`; `undefined` of a call that sends none. */
export function sendFlags(
  registers: Registers,
  { syscall: { name } }: CallSpec,
): number | undefined {
  const index = SEND_FLAGS.get(name);
  return index === undefined ? undefined : registers.int(index);
}

/**
 * Looks at the socket of a call that sends to an address, where a person may be
 * asked about that.
 *
 * @param looked what is known of the addresses
 * @param socket the socket of the call
 */
export function lookAtSender(
  looked: Looked,
  socket: LookedSocket,
): void {
  const isAsked = ({ endpoint: { family } }: NetUse): boolean =>
    family === "inet" || family === "inet6";
  if (!looked.net.some(isAsked)) return;
  const facts = socket.internetFacts(looked);
  if (facts === undefined) return;
  const stream = facts.type === SOCK_STREAM;
  looked.net.forEach((use, at) => {
    if (isAsked(use)) looked.net[at] = { ...use, stream };
  });
}

/** Why a message to many is refused. */
const OTHER_SOURCE = "it would leave by the way to another address";

/**
 * Looks at the socket of a call to many, such as a group. The kernel sends by the
 * interface of the address that it comes from: a message may say that, and a socket
 * has the one that it was bound to, or got when it was connected to somebody else, which
 * it may keep when it lets go of him.
 *
 * @param looked what is known of the addresses
 * @param socket the socket of the call
 */
export function lookAtSource(
  looked: Looked,
  socket: LookedSocket,
): void {
  const isOpen = looked.messages.some(({ name, sourced }) =>
    sourced && name.length === 0
  );
  const many = looked.net.flatMap(({ access, endpoint }) =>
    access === "connect" && endpoint.family === "inet" &&
      isOfMany(endpoint.address)
      ? [endpoint.address]
      : []
  );
  if (!isOpen && many.length === 0) return;
  if (socket.facts(looked) === undefined) return;
  const { own, peer } = socket;
  const address = peer && unmapped(peer.address);
  const strays = address === undefined
    ? many.some((one) => !isUsual(own, one))
    : isOpen && isOfMany(address) ||
      many.some((one) => one.join() !== address.join());
  if (strays) looked.never ??= OTHER_SOURCE;
}

/** Whether a socket would send to many from the address that routes give it. */
function isUsual(
  own: InetAddress | undefined,
  to: readonly number[],
): boolean {
  if (own === undefined || isUnspecified(unmapped(own.address))) return true;
  return unmapped(own.address).join() === sourceTowards(to)?.join();
}

/**
 * Looks whether a message that names its address is kept back for more to come
 * (MSG_MORE). What others send by that socket to no address is added to it, or goes
 * where the socket is connected to if it has just left: the kernel asks first whether
 * there is something and takes the address later, which may be part of each. What
 * names no address is kept back for the one that it is connected to, and stays. Of a
 * stream the address means nothing.
 *
 * @param looked what is known of the addresses
 * @param registers the registers of whose call it is
 * @param spec the call
 * @param socket its socket
 */
export function lookAtKept(
  looked: Looked,
  registers: Registers,
  spec: CallSpec,
  socket: LookedSocket,
): void {
  if (((sendFlags(registers, spec) ?? 0) & MSG_MORE) === 0) return;
  if (!looked.net.some(({ endpoint }) => "address" in endpoint)) return;
  if (socket.facts(looked)?.type === SOCK_STREAM) return;
  looked.never ??= "what is kept back could go to a mix of two addresses";
}

/**
 * Looks at the socket of a connect(2), which may be one for datagrams. To port 0
 * nobody can receive, but getaddrinfo(3) asks so which address of its own the machine
 * would use.
 *
 * @param looked what is known of the address
 * @param socket the socket of the call
 */
export function lookAtConnected(
  looked: Looked,
  socket: LookedSocket,
): void {
  const [use] = looked.net;
  const family = use?.endpoint.family;
  if (use === undefined || family !== "inet" && family !== "inet6") return;
  const facts = socket.internetFacts(looked);
  if (facts?.type !== SOCK_DGRAM) return;
  const portless = use.endpoint.port === 0;
  looked.net[0] = { ...use, stream: false, ...(portless ? { portless } : {}) };
}

/**
 * Lets nobody send by the socket of such a call any more: the kernel would send
 * to port 0, where whoever listens on the way hears. It is done before the call,
 * since others may have the same socket. What was sent, and has not left, would go
 * there as well.
 *
 * @returns whether that is so
 */
export function silenceSocket(
  tracee: Tracee,
  leads: boolean,
  number: number,
): boolean {
  const isSilent = askSocket(
    tracee,
    leads,
    number,
    (fd) => silence(fd) >= 0 && unsent(fd) === 0,
  );
  return isSilent === true;
}

/**
 * Looks whether a call connects a socket for datagrams, or lets go of its other end.
 * The kernel puts the new address, piece by piece, where a message that is on its way
 * takes its own from: that would go to the address of one and the port of another, or
 * by the way to another. So nobody sends meanwhile, of all who may have the same socket,
 * nor connects it: another one's call that was looked at before, as one by a socket that
 * is not connected, may be made after this.
 *
 * @param looked what is known of the address
 * @param socket the socket of the call
 */
export function lookAtOthers(
  looked: Looked,
  socket: LookedSocket,
): void {
  const [use] = looked.net;
  if (use === undefined || isPortless(use)) return;
  if (use.endpoint.family !== "none" && !isDatagram(use)) return;
  if (socket.internetFacts(looked)?.type !== SOCK_DGRAM) return;
  looked.descriptorsOf = EVERYBODY;
}

/**
 * Sends what a socket for datagrams has kept back (MSG_MORE), before it is connected
 * to somebody to whom that would go else. One that is connected already is held until
 * that is over: where it fails, or its tracee is killed, it is connected again.
 */
export function flushSocket(
  looked: Looked,
  tracee: Tracee,
  leads: boolean,
  number: number,
): void {
  const fd = borrow(tracee, leads, number);
  if (fd < 0) return;
  flush(fd);
  if (peerAddress(fd) === undefined) return void close(fd);
  looked.after = "connected";
  looked.held = { path: "", fd };
}

/** Whether it only names an address. */
export function isPortless({ portless }: NetUse): boolean {
  return portless === true;
}

/**
 * Lets a socket for datagrams receive the answers of whom a person has allowed
 * it to send to. One that comes from outside the jail has no filter, and gets
 * none.
 *
 * @param tracee whose it is; nobody else who has the descriptor runs
 * @param leads whether its descriptors are those of its process's first thread
 * @param number the descriptor
 * @param filter an array of `struct sock_filter`
 */
export function widenFilter(
  tracee: Tracee,
  leads: boolean,
  number: number,
  filter: Uint8Array,
): void {
  // Where that fails, no answer comes in.
  askSocket(tracee, leads, number, (fd) => {
    if (hasFilter(fd)) attachFilter(fd, filter);
  });
}

/** Whether it goes to an address by a socket that is known to be for datagrams. */
export function isDatagram({ access, stream }: NetUse): boolean {
  return access === "connect" && stream === false;
}
