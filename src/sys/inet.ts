/** Sockets of the internet, of jail itself. None of them waits in the kernel. */

import { EACCES, EINPROGRESS } from "../abi/errno.ts";
import { get, set } from "../abi/layout.ts";
import {
  AF_INET,
  AF_INET6,
  MSG_NOSIGNAL,
  SIN6_ADDR_OFFSET,
  SIN_ADDR_OFFSET,
  SO_BROADCAST,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOCKADDR_IN,
  SOCKADDR_IN6,
  SOL_SOCKET,
} from "../abi/socket.ts";
import { close } from "./files.ts";
import { rareLibc } from "./libc.ts";

/** An address of the internet and a port. */
export interface InetAddress {
  /** Four bytes, or sixteen. */
  readonly address: readonly number[];
  /** The port. */
  readonly port: number;
  /** The index of an interface, for an address of one link; or 0. */
  readonly scope: number;
}

/** Any port does for a socket that sends nothing. */
const DISCARD_PORT = 9;

/** How many connections may wait to be accepted. */
const BACKLOG = 64;

/**
 * Makes a socket that is connected: what others send it does not receive.
 *
 * @param type whether it is for datagrams, or a stream
 * @param to the other end
 * @returns the descriptor, or a negative errno; of a stream the connection may not
 *   be there yet
 */
export function connectTo(
  type: "datagrams" | "stream",
  to: InetAddress,
): number {
  const fd = make(type, to);
  if (fd < 0) return fd;
  const address = encode(to);
  const result = rareLibc().connect(fd, address, address.length);
  if (result >= 0 || type === "stream" && result === -EINPROGRESS) return fd;
  close(fd);
  return result;
}

/**
 * Makes a socket that is bound; a stream listens.
 *
 * @param type whether it is for datagrams, or a stream
 * @param at where; for port 0 the kernel chooses one
 * @returns the descriptor, or a negative errno
 */
export function bindTo(type: "datagrams" | "stream", at: InetAddress): number {
  const fd = make(type, at);
  if (fd < 0) return fd;
  const address = encode(at);
  let result = rareLibc().bind(fd, address, address.length);
  if (result >= 0 && type === "stream") {
    result = rareLibc().listen(fd, BACKLOG);
  }
  if (result >= 0) return fd;
  close(fd);
  return result;
}

/** Where a socket of this process is bound; `undefined` where that is not known. */
export function boundAddress(fd: number): InetAddress | undefined {
  const address = new Uint8Array(SOCKADDR_IN6.size);
  const length = new Uint32Array([address.length]);
  const result = rareLibc().getsockname(fd, address, length);
  return result < 0 ? undefined : decode(address);
}

/** Where a socket of this process is connected to; `undefined` for nowhere. */
export function peerAddress(fd: number): InetAddress | undefined {
  const address = new Uint8Array(SOCKADDR_IN6.size);
  const length = new Uint32Array([address.length]);
  const result = rareLibc().getpeername(fd, address, length);
  return result < 0 ? undefined : decode(address);
}

/**
 * Connects a socket for datagrams anew to where it is connected to. Where a connect(2)
 * to somebody else has failed, the kernel takes his address, and the way to the one
 * that it is still connected to (`inet->cork.fl` in udp_sendmsg()).
 */
export function connectAgain(fd: number): void {
  const peer = peerAddress(fd);
  if (peer === undefined) return;
  const address = encode(peer);
  rareLibc().connect(fd, address, address.length);
}

/**
 * The address of this machine that a datagram has which routes lead to an address;
 * `undefined` where they lead nowhere. Nothing is sent.
 */
export function sourceTowards(
  address: readonly number[],
): readonly number[] | undefined {
  const to = { address, port: DISCARD_PORT, scope: 0 };
  const fd = make("datagrams", to);
  if (fd < 0) return undefined;
  const on = new Int32Array([1]);
  const bytes = encode(to);
  rareLibc().setsockopt(fd, SOL_SOCKET, SO_BROADCAST, on, on.byteLength);
  const result = rareLibc().connect(fd, bytes, bytes.length);
  const source = result < 0 ? undefined : boundAddress(fd)?.address;
  close(fd);
  return source;
}

/**
 * Whether routes have an address of IPv4 for that of all on a link (10.0.0.255). A
 * socket has to say that it means them all. Nothing is sent.
 */
export function isBroadcast(address: readonly number[]): boolean {
  const fd = connectTo("datagrams", { address, port: DISCARD_PORT, scope: 0 });
  if (fd >= 0) close(fd);
  return fd === -EACCES;
}

/** Accepts a connection: a descriptor, or a negative errno. */
export function accept(fd: number): number {
  const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  return rareLibc().accept4(fd, null, null, flags);
}

/** A datagram, and who sent it. */
export interface Datagram {
  /** What was sent; in a buffer that the next one is put in. */
  readonly bytes: Uint8Array;
  /** The address of the sender, as the kernel has it. */
  readonly from: Uint8Array<ArrayBuffer>;
}

const received = new Uint8Array(65_536);

/** Receives a datagram: it, or a negative errno. */
export function receiveFrom(fd: number): Datagram | number {
  const from = new Uint8Array(SOCKADDR_IN6.size);
  const length = new Uint32Array([from.length]);
  const size = rareLibc().recvfrom(
    fd,
    received,
    received.length,
    0,
    from,
    length,
  );
  if (size < 0) return size;
  return {
    bytes: received.subarray(0, size),
    from: from.slice(0, length[0] as number),
  };
}

/** Sends a datagram to somebody, or where the socket is connected to. */
export function send(
  fd: number,
  bytes: Uint8Array,
  to: Uint8Array | null = null,
): number {
  return rareLibc().sendto(
    fd,
    bytes,
    bytes.length,
    MSG_NOSIGNAL,
    to,
    to?.length ?? 0,
  );
}

/** Receives what a connected socket has: how many bytes, or a negative errno. */
export function receive(fd: number, into: Uint8Array): number {
  return rareLibc().recvfrom(fd, into, into.length, 0, null, null);
}

function make(
  type: "datagrams" | "stream",
  { address }: InetAddress,
): number {
  const family = address.length === 4 ? AF_INET : AF_INET6;
  const kind = type === "stream" ? SOCK_STREAM : SOCK_DGRAM;
  return rareLibc().socket(family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

function encode({ address, port, scope }: InetAddress): Uint8Array {
  if (address.length === 4) {
    const bytes = new Uint8Array(SOCKADDR_IN.size);
    set(SOCKADDR_IN, bytes, "sin_family", AF_INET);
    set(SOCKADDR_IN, bytes, "sin_port", port);
    bytes.set(address, SIN_ADDR_OFFSET);
    return bytes;
  }
  const bytes = new Uint8Array(SOCKADDR_IN6.size);
  set(SOCKADDR_IN6, bytes, "sin6_family", AF_INET6);
  set(SOCKADDR_IN6, bytes, "sin6_port", port);
  bytes.set(address, SIN6_ADDR_OFFSET);
  set(SOCKADDR_IN6, bytes, "sin6_scope_id", scope);
  return bytes;
}

function decode(bytes: Uint8Array): InetAddress {
  if (get(SOCKADDR_IN, bytes, "sin_family") === AF_INET) {
    return {
      address: [...bytes.subarray(SIN_ADDR_OFFSET, SIN_ADDR_OFFSET + 4)],
      port: get(SOCKADDR_IN, bytes, "sin_port"),
      scope: 0,
    };
  }
  return {
    address: [...bytes.subarray(SIN6_ADDR_OFFSET, SIN6_ADDR_OFFSET + 16)],
    port: get(SOCKADDR_IN6, bytes, "sin6_port"),
    scope: get(SOCKADDR_IN6, bytes, "sin6_scope_id"),
  };
}
