/** What kind of socket a descriptor of this process is. */

import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_MPTCP,
  IPPROTO_TCP,
  NO_PEER,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_PEERCRED,
  SO_PROTOCOL,
  SO_TYPE,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  UCRED,
} from "../abi/socket.ts";
import { get } from "../abi/layout.ts";
import { S_IFSOCK } from "../abi/stat.ts";
import { typeOf } from "./files.ts";
import { rareLibc } from "./libc.ts";

/** Whether a descriptor of this process is a socket. */
export function isSocket(fd: number): boolean {
  return typeOf(fd) === S_IFSOCK;
}

/**
 * Whether messages through a descriptor can go to one place alone: it is no
 * socket, or a stream, whose messages take no address. Those that connect first
 * (MSG_FASTOPEN) are the filter's to refuse, since the socket may be a server's,
 * and one that listens can be made to listen no more.
 *
 * @param fd a descriptor of this process
 * @returns whether that is so; `false` where it cannot be told
 */
export function isStreamOrNoSocket(fd: number): boolean {
  // Nothing goes through one that is not open.
  if (!isSocket(fd)) return true;
  return goesOneWay(
    option(fd, SO_DOMAIN),
    option(fd, SO_TYPE),
    option(fd, SO_PROTOCOL),
  );
}

/**
 * Whether no message of a kind of socket goes where its address says. A stream of
 * SCTP or TIPC connects by its first message, if it has one.
 *
 * @param domain `AF_*`
 * @param type `SOCK_*`
 * @param protocol `IPPROTO_*`
 */
export function goesOneWay(
  domain: number,
  type: number,
  protocol: number,
): boolean {
  if (type !== SOCK_STREAM) return false;
  if (domain === AF_UNIX) return true;
  return (domain === AF_INET || domain === AF_INET6) &&
    (protocol === IPPROTO_TCP || protocol === IPPROTO_MPTCP);
}

/**
 * What others may hear by a socket that a program is handed.
 *
 * @param fd a descriptor of this process
 * @returns nothing where it is no socket, or a stream that does not listen
 */
export function heardBy(
  fd: number,
): "datagrams" | "connections" | undefined {
  if (!isSocket(fd)) return undefined;
  const type = option(fd, SO_TYPE);
  if (type !== SOCK_STREAM && type !== SOCK_SEQPACKET) return "datagrams";
  return option(fd, SO_ACCEPTCONN) > 0 ? "connections" : undefined;
}

/**
 * Whether a descriptor is of a unix socket that is not used yet: it could be connected
 * to whatever has a name.
 *
 * @param fd a descriptor of this process
 */
export function isUnusedUnixSocket(fd: number): boolean {
  if (!isSocket(fd) || option(fd, SO_DOMAIN) !== AF_UNIX) return false;
  const peer = new Uint8Array(UCRED.size);
  const size = new Uint32Array([peer.length]);
  const result = rareLibc()
    .getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, size);
  return result < 0 || get(UCRED, peer, "uid") === NO_PEER;
}

/** What the kernel says of a socket; -1 where it says nothing. */
function option(fd: number, name: number): number {
  const value = new Int32Array([-1]);
  const size = new Uint32Array([4]);
  rareLibc().getsockopt(fd, SOL_SOCKET, name, value, size);
  return value[0] as number;
}
