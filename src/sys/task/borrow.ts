/**
 * Descriptors of tracees, borrowed: what the kernel says of a socket, and its
 * filter; who owns an open file.
 */

import { SOCK_FILTER, SOCK_FPROG } from "../../abi/bpf.ts";
import { EBADF, ENOTCONN } from "../../abi/errno.ts";
import { F_GETOWN_EX, F_OWNER_EX, F_SETOWN } from "../../abi/fcntl.ts";
import { TIOCOUTQ } from "../../abi/ioctls.ts";
import { get, set } from "../../abi/layout.ts";
import { PIDFD_THREAD } from "../../abi/pidfd.ts";
import {
  IPPROTO_TCP,
  SHUT_WR,
  SO_ACCEPTCONN,
  SO_ATTACH_FILTER,
  SO_BINDTOIFINDEX,
  SO_COOKIE,
  SO_DOMAIN,
  SO_GET_FILTER,
  SO_LINGER,
  SO_PROTOCOL,
  SO_RCVTIMEO,
  SO_SNDTIMEO,
  SO_TYPE,
  SOCK_STREAM,
  SOCKADDR_STORAGE_SIZE,
  SOL_SOCKET,
  SOL_TCP,
  SOL_UDP,
  TCP_CLOSE,
  TCP_FASTOPEN_CONNECT,
  TCP_INFO,
  TCP_LISTEN,
  TCPI_ADVMSS_OFFSET,
  UDP_CORK,
} from "../../abi/socket.ts";
import { addressOf } from "../address.ts";
import { close } from "../files.ts";
import { callNumber } from "../host.ts";
import { libc, rareLibc } from "../libc.ts";

/** What the kernel says of a socket. */
export interface SocketFacts {
  /** `AF_*`. */
  readonly family: number;
  /** `SOCK_*`. */
  readonly type: number;
  /** A number that no other socket has or will have. */
  readonly cookie: number;
  /** `TCP_*`, include/net/tcp_states.h; -1 where it is none of TCP. */
  readonly state: number;
}

/**
 * Gets a descriptor for what another process has open.
 *
 * @param tid a task that the calling thread traces
 * @param leader whether it is the first thread of its process
 * @param number its descriptor
 * @returns a descriptor that exec closes, or a negative errno: `-EBADF` where
 *   nothing is open there, `-EINVAL` or `-ENOENT` where the kernel has none for
 *   a thread
 */
export function borrowDescriptor(
  tid: number,
  leader: boolean,
  number: number,
): number {
  const pidfd = libc.syscallIII(
    callNumber("pidfd_open"),
    tid,
    leader ? 0 : PIDFD_THREAD,
    0,
  );
  if (pidfd < 0) return pidfd;
  const fd = libc.syscallIII(callNumber("pidfd_getfd"), pidfd, number, 0);
  close(pidfd);
  return fd;
}

/**
 * Whether descriptors can be borrowed here: Linux 5.6 has pidfd_getfd(2), and a
 * container may refuse it.
 */
export function canBorrow(): boolean {
  const fd = borrowDescriptor(rareLibc().getpid(), true, -1);
  if (fd >= 0) close(fd);
  return fd === -EBADF;
}

/** Whom the kernel signals for an open file, with SIGIO or SIGURG. */
export interface FileOwner {
  /** `F_OWNER_*`. */
  readonly type: number;
  /** The id; 0 where there is none, or none that has an id here. */
  readonly id: number;
}

/**
 * Asks who owns an open file.
 *
 * @param fd a descriptor of this process, borrowed
 * @returns the owner, or a negative errno
 */
export function ownerOfFile(fd: number): FileOwner | number {
  // It may be a connection.
  stopLinger(fd);
  const owner = new Uint8Array(F_OWNER_EX.size);
  const number = callNumber("fcntl");
  const result = libc.syscallIIBB(number, fd, F_GETOWN_EX, owner, null);
  if (result < 0) return result;
  return {
    type: get(F_OWNER_EX, owner, "type"),
    id: get(F_OWNER_EX, owner, "pid"),
  };
}

/**
 * Has nobody own an open file any more.
 *
 * @param fd a descriptor of this process
 * @returns 0, or a negative errno
 */
export function disown(fd: number): number {
  return libc.syscallIII(callNumber("fcntl"), fd, F_SETOWN, 0);
}

/**
 * Asks what a socket is.
 *
 * @param fd a descriptor of this process
 * @returns the facts, or a negative errno: `-ENOTSOCK` where it is none
 */
export function socketFacts(fd: number): SocketFacts | number {
  const family = option(fd, SOL_SOCKET, SO_DOMAIN);
  if (family < 0) return family;
  const type = option(fd, SOL_SOCKET, SO_TYPE);
  if (type < 0) return type;
  const cookie = new Uint32Array(2);
  const size = new Uint32Array([cookie.byteLength]);
  const result = rareLibc().getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, size);
  if (result < 0) return result;
  const state = new Uint8Array(4);
  const known = rareLibc().getsockopt(
    fd,
    SOL_TCP,
    TCP_INFO,
    state,
    new Uint32Array([state.length]),
  );
  const tcp = known < 0 ? -1 : state[0] as number;
  if (tcp !== -1 && tcp !== TCP_CLOSE && tcp !== TCP_LISTEN) stopLinger(fd);
  return {
    family,
    type,
    // They are counted, and will not come to 2^53.
    cookie: (cookie[1] as number) * 2 ** 32 + (cookie[0] as number),
    state: tcp,
  };
}

/** Whether a descriptor of this process is a socket for a stream. */
export function isStream(fd: number): boolean {
  return option(fd, SOL_SOCKET, SO_TYPE) === SOCK_STREAM;
}

/** Whether a descriptor of this process is a stream of the internet. */
export function isTcp(fd: number): boolean {
  return option(fd, SOL_SOCKET, SO_PROTOCOL) === IPPROTO_TCP;
}

/**
 * Whether a stream of the internet may have been connected before: what it has told the
 * other end of itself stays when it lets go of that. Of one that listens the kernel does
 * not say it (`tcp_get_info()`).
 *
 * @param fd a descriptor of this process
 */
export function hasConnected(fd: number): boolean {
  const info = new Uint32Array(TCPI_ADVMSS_OFFSET / 4 + 1);
  const size = new Uint32Array([info.byteLength]);
  const result = rareLibc().getsockopt(fd, SOL_TCP, TCP_INFO, info, size);
  const [state] = new Uint8Array(info.buffer);
  return result < 0 || state === TCP_LISTEN || info.at(-1) !== 0;
}

/**
 * Whether a stream waits with its connection for what is sent first.
 *
 * @param fd a descriptor of this process
 */
export function defersConnect(fd: number): boolean {
  return option(fd, SOL_TCP, TCP_FASTOPEN_CONNECT) > 0;
}

/**
 * Whoever closes a connection last may have to wait until all is sent
 * (SO_LINGER), and that must not be the tracer. With no time to wait, which means
 * that the connection is reset, nobody does.
 */
function stopLinger(fd: number): void {
  // No other one waits, and who sends may keep the lock of one for datagrams.
  if (option(fd, SOL_SOCKET, SO_TYPE) !== SOCK_STREAM) return;
  const linger = new Int32Array(2);
  const size = new Uint32Array([linger.byteLength]);
  const known = rareLibc().getsockopt(fd, SOL_SOCKET, SO_LINGER, linger, size);
  const [isOn = 0, seconds = 0] = linger;
  if (known >= 0 && (isOn === 0 || seconds === 0)) return;
  linger.fill(0);
  rareLibc().setsockopt(fd, SOL_SOCKET, SO_LINGER, linger, linger.byteLength);
}

function option(fd: number, level: number, name: number): number {
  const value = new Int32Array(1);
  const size = new Uint32Array([value.byteLength]);
  const result = rareLibc().getsockopt(fd, level, name, value, size);
  return result < 0 ? result : value[0] as number;
}

/**
 * The address that a socket is bound to, in bytes. A unix socket that is bound to
 * none has its family alone.
 *
 * @param fd a descriptor of this process
 * @returns the address, or a negative errno
 */
export function boundName(fd: number): Uint8Array | number {
  const name = new Uint8Array(SOCKADDR_STORAGE_SIZE);
  const size = new Uint32Array([name.length]);
  const result = rareLibc().getsockname(fd, name, size);
  return result < 0 ? result : name.subarray(0, size[0]);
}

/**
 * Whether a socket listens.
 *
 * @param fd a descriptor of this process
 */
export function listens(fd: number): boolean {
  return option(fd, SOL_SOCKET, SO_ACCEPTCONN) > 0;
}

/**
 * The index of the interface that a socket is bound to.
 *
 * @param fd a descriptor of this process
 * @returns 0 for none, or a negative errno
 */
export function boundInterface(fd: number): number {
  return option(fd, SOL_SOCKET, SO_BINDTOIFINDEX);
}

/**
 * How much of what was sent by a socket the kernel still has, in bytes; also what is
 * kept back for more to come (MSG_MORE).
 *
 * @param fd a descriptor of this process
 * @returns a negative errno where it does not say
 */
export function unsent(fd: number): number {
  const bytes = new Int32Array(1);
  const result = libc.ioctl(fd, TIOCOUTQ, new Uint8Array(bytes.buffer));
  return result < 0 ? result : bytes[0] as number;
}

/**
 * Sends what a socket for datagrams has kept back for more to come.
 *
 * @param fd a descriptor of this process
 */
export function flush(fd: number): void {
  const before = option(fd, SOL_UDP, UDP_CORK);
  for (const value of before > 0 ? [0, before] : [0]) {
    const cork = new Int32Array([value]);
    rareLibc().setsockopt(fd, SOL_UDP, UDP_CORK, cork, cork.byteLength);
  }
}

/**
 * How long a call waits by a socket that receives or sends.
 *
 * @param fd a descriptor of this process, borrowed
 * @param way which of both
 * @returns milliseconds; 0 where it waits for as long as it takes
 */
export function timeoutOf(fd: number, way: "receive" | "send"): number {
  // It may be a connection.
  stopLinger(fd);
  const name = way === "receive" ? SO_RCVTIMEO : SO_SNDTIMEO;
  const time = new BigInt64Array(2);
  const size = new Uint32Array([time.byteLength]);
  const result = rareLibc().getsockopt(fd, SOL_SOCKET, name, time, size);
  const [seconds = 0n, microseconds = 0n] = time;
  return result < 0 ? 0 : Number(seconds) * 1e3 + Number(microseconds) / 1e3;
}

/**
 * Lets nobody send by a socket for datagrams any more, whatever it is connected
 * to later.
 *
 * @param fd a descriptor of this process
 * @returns 0, or a negative errno
 */
export function silence(fd: number): number {
  const result = libc.syscallIII(callNumber("shutdown"), fd, SHUT_WR, 0);
  // Of one that is connected to nobody the kernel says so, and does it as well:
  // net/ipv4/af_inet.c, inet_shutdown().
  return result === -ENOTCONN ? 0 : result;
}

/**
 * Whether a socket has a filter for what it receives.
 *
 * @param fd a descriptor of this process
 */
export function hasFilter(fd: number): boolean {
  const length = new Uint32Array(1);
  const none = new Uint8Array(8);
  const result = rareLibc().getsockopt(
    fd,
    SOL_SOCKET,
    SO_GET_FILTER,
    none,
    length,
  );
  return result === 0 && (length[0] as number) > 0;
}

/**
 * Gives a socket a filter for what it receives.
 *
 * @param fd a descriptor of this process
 * @param filter an array of `struct sock_filter`, which the caller keeps
 * @returns 0, or a negative errno
 */
export function attachFilter(fd: number, filter: Uint8Array): number {
  const program = new Uint8Array(SOCK_FPROG.size);
  set(SOCK_FPROG, program, "len", filter.length / SOCK_FILTER.size);
  set(SOCK_FPROG, program, "filter", addressOf(filter));
  return rareLibc().setsockopt(
    fd,
    SOL_SOCKET,
    SO_ATTACH_FILTER,
    program,
    program.length,
  );
}
