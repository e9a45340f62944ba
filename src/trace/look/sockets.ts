/**
 * Looks at calls about a socket itself: socket(2) and listen(2).
 *
 * A descriptor of the socket is borrowed from the tracee, so the kernel says what
 * it is. The number must not change meanwhile: others that share the table of
 * descriptors are stopped.
 */

import {
  EACCES,
  EBADF,
  EINVAL,
  ENOENT,
  ENOTSOCK,
  EPERM,
  errnoName,
  ESRCH,
} from "../../abi/errno.ts";
import { AT_FDCWD } from "../../abi/fcntl.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  SO_PASSCRED,
  SOCK_DGRAM,
  SOCK_STREAM,
  SUN_PATH_OFFSET,
  TCP_CLOSE,
  TCP_LISTEN,
} from "../../abi/socket.ts";
import { SystemCallError } from "../../errors.ts";
import {
  type Endpoint,
  endpointText,
  internetEndpoint,
  isOfMany,
  isUnspecified,
} from "../../policy/net/endpoint.ts";
import type { Heard } from "../../policy/plan/heard.ts";
import { close } from "../../sys/files.ts";
import { boundAddress, type InetAddress, isBroadcast } from "../../sys/inet.ts";
import { mayBeChosen } from "../../sys/ports.ts";
import {
  attachFilter,
  borrowDescriptor,
  boundName,
  listens,
  type SocketFacts,
  socketFacts,
} from "../../sys/task/borrow.ts";
import { shareFiles } from "../../sys/task/task.ts";
import type { Family } from "../family.ts";
import { readLink } from "../path/place.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";
import { Cookies } from "./cookies.ts";
import { EVERYBODY, type Looked, nothing } from "./looked.ts";
import type { LookedSocket } from "./looked_socket.ts";
import { endpointOf, hasPath } from "./sockaddr.ts";
import type { CallSpec } from "./spec.ts";

/** Whether a tracee's descriptors are those of its process's first thread. */
export function leads(tracee: Tracee, { tracees }: Family): boolean {
  const leader = tracees.get(tracee.process.pid);
  return leader !== undefined && !leader.leaving &&
    leader.files === tracee.files;
}

/** Why a call is refused where the kernel does not say what a socket is. */
export const UNSEEN = "jail cannot look at the sockets of this process";

/**
 * Looks at socket(2), which makes one whose datagrams are filtered.
 *
 * @param tracee whose call it is
 * @param leads whether its descriptors are those of its process's first thread
 */
export function lookAtSocket(tracee: Tracee, leads: boolean): Looked {
  const looked = nothing();
  // Where nothing can be borrowed no filter could be attached; no process has
  // this descriptor.
  const there = borrow(tracee, leads, -1);
  if (there !== -EBADF) looked.never = UNSEEN;
  looked.after = "made";
  looked.descriptorsOf = tracee.process.pid;
  return looked;
}

/**
 * Looks at listen(2). A socket that is bound where it was allowed to be may listen there;
 * any other one gets a port that the kernel chooses, on all addresses.
 *
 * One that had such a port gives it up where it listens no more, and loses its address
 * where it is bound again and that fails (`inet_reset_saddr()`). Others may have the same
 * socket, and calls on their way: so nobody else runs until a stream listens.
 */
export function lookAtListen(
  tracee: Tracee,
  registers: Registers,
  leads: boolean,
  bound: BoundSockets,
): Looked {
  const looked = nothing();
  let name: Uint8Array | number | undefined;
  let own: InetAddress | undefined;
  const facts = factsOf(tracee, leads, registers.int(0), looked, (fd) => {
    name = listens(fd) ? undefined : boundName(fd);
    own = boundAddress(fd);
  });
  if (facts === undefined) return looked;
  const { state } = facts;
  const stream = isInternet(facts) && facts.type === SOCK_STREAM;
  if (stream && state !== TCP_CLOSE && state !== TCP_LISTEN) {
    looked.errno = EINVAL;
    return looked;
  }
  if (facts.family === AF_UNIX) {
    if (facts.type !== SOCK_DGRAM) lookAtUnixListen(looked, name);
    return looked;
  }
  // Datagrams never listen. The port that the kernel says may be one that a
  // connect had, and lost.
  const needsPort = stream && state === TCP_CLOSE && !bound.isAt(facts, own);
  const endpoint: Endpoint = needsPort
    ? internetEndpoint(
      new Uint8Array(facts.family === AF_INET ? 4 : 16),
      0,
      0,
    )
    : { family: "none" };
  looked.net.push({ access: "listen", endpoint, stream });
  if (stream) looked.descriptorsOf = EVERYBODY;
  return looked;
}

/**
 * Looks at the name by which a unix socket would listen. To bind it to a path was
 * asked for. To an abstract one the kernel binds it as well: where it is told who
 * sends (SO_PASSCRED), and connects to somebody, even if that fails. A name once
 * given never changes; another process that has the socket could yet give it one.
 *
 * @param looked where it is put what the call would do
 * @param name the name, or a negative errno; `undefined` where it listens already
 */
function lookAtUnixListen(
  looked: Looked,
  name: Uint8Array | number | undefined,
): void {
  if (name === undefined) return;
  if (typeof name === "number") looked.never = UNSEEN;
  else if (name.length <= SUN_PATH_OFFSET) looked.errno = EINVAL;
  else if (!hasPath(name)) {
    looked.net.push({ access: "listen", endpoint: endpointOf(name, "bind") });
  }
}

/**
 * Looks at a setsockopt(2) by which a socket could get what is for others, or comes
 * from anybody.
 *
 * By SO_REUSEADDR it would share its port. Where two sockets for datagrams do so, the
 * kernel gives what comes to the newer one, and it may choose such a port for whoever
 * binds none: a socket outside would get nothing. So it is not done, and seems to be:
 * DNS libraries do not go on without.
 *
 * By SO_PASSCRED the kernel binds a unix socket for datagrams that has no name to an
 * abstract one as soon as it sends, or connects to somebody, even if that fails.
 *
 * The socket that jail reports to is left as it is.
 */
export function lookAtOption(
  tracee: Tracee,
  registers: Registers,
  leads: boolean,
  heard: ReadonlyMap<string, Heard> | undefined,
): Looked {
  const looked = nothing();
  if (heardAt(looked, tracee, registers.int(0), heard) !== undefined) {
    looked.never = HEARD;
    return looked;
  }
  let name: Uint8Array | number = 0;
  const facts = factsOf(tracee, leads, registers.int(0), looked, (fd) => {
    name = boundName(fd);
  });
  if (facts === undefined) return looked;
  if (registers.int(2) === SO_PASSCRED) {
    if (facts.family === AF_UNIX && facts.type === SOCK_DGRAM) {
      lookAtUnixName(looked, name);
    }
  } else if (isInternet(facts) && facts.type !== SOCK_STREAM) {
    looked.seems = true;
  }
  return looked;
}

/** Why a socket is left as it is. */
const HEARD = "others hear by the same socket";

/**
 * Looks at a shutdown(2), a setsockopt(2) or an epoll_ctl(2). Without the network a
 * program cannot listen, nor make a socket for datagrams, so these were handed in, and
 * whoever has one outside would not hear any more. Of one for datagrams the kernel ends
 * that also where shutdown(2) fails, since there is no other end (`inet_shutdown()`).
 * Of one that listens each connection has the options (SO_RCVLOWAT). And under every
 * policy whoever reads what jail reports would not hear any more.
 *
 * @param tracee whose call it is
 * @param registers its registers
 * @param spec the call
 * @param heard what others hear by, by its name in /proc
 */
export function lookAtHearing(
  tracee: Tracee,
  registers: Registers,
  { fd, syscall }: CallSpec,
  heard: ReadonlyMap<string, Heard> | undefined,
): Looked {
  const looked = nothing();
  const what = heardAt(looked, tracee, registers.int(fd), heard);
  // What comes by datagrams may be read, and so be waited for. Nobody is accepted.
  if (syscall.name === "epoll_ctl") looked.seems = what === "connections";
  else if (what === "messages" && syscall.name === "shutdown") {
    looked.seems = true;
  } else if (what !== undefined) looked.never = HEARD;
  return looked;
}

/**
 * Looks at the socket of a connect(2). The one that jail reports to only seems to let go
 * of its other end, as by shutdown(2), and is connected to nobody else: one for
 * datagrams would be, and take the reports there.
 */
export function lookAtReported(
  looked: Looked,
  tracee: Tracee,
  registers: Registers,
  heard: ReadonlyMap<string, Heard> | undefined,
): void {
  // Elsewhere nobody is frozen for that.
  if (heard === undefined || heard.size === 0) return;
  const what = heardAt(looked, tracee, registers.int(0), heard);
  if (what !== "messages") return;
  const letsGo = looked.net.some(({ endpoint }) => endpoint.family === "none");
  if (letsGo) looked.seems = true;
  else looked.never ??= HEARD;
}

/** What others hear by a descriptor, which stays what it is until the call is over. */
function heardAt(
  looked: Looked,
  tracee: Tracee,
  fd: number,
  heard: ReadonlyMap<string, Heard> | undefined,
): Heard | undefined {
  const { pid } = tracee.process;
  const { descriptorsOf } = looked;
  // Its address may be a path that leads through another process.
  const other = descriptorsOf !== 0 && descriptorsOf !== pid;
  looked.descriptorsOf = other ? EVERYBODY : pid;
  const name = readLink(AT_FDCWD, `/proc/${tracee.tid}/fd/${fd}`);
  if (typeof name === "string") return heard?.get(name);
  if (name !== -ENOENT) looked.never = UNSEEN;
  return undefined;
}

/** Looks at the name by which a unix socket for datagrams would hear. */
function lookAtUnixName(looked: Looked, name: Uint8Array | number): void {
  if (typeof name === "number") looked.never = UNSEEN;
  else if (name.length <= SUN_PATH_OFFSET) {
    looked.net.push({ access: "listen", endpoint: endpointOf(name, "bind") });
  }
}

/**
 * Looks at the socket of a bind(2) to an address of the internet. It may get a
 * port that the kernel chooses: sending and connecting do the same. Whose answers
 * come in is filtered where it is one for datagrams, which may name a port that
 * the kernel could choose, as some do that ask resolvers. A stream that gets one
 * so only seems to be bound. Of any other it is remembered that it is.
 *
 * To an address of many, such as a group, a stream is not bound: once it is connected
 * the kernel gives it one of the machine's own, at the same port, and it keeps that
 * when it lets go of its end, and listens.
 *
 * @param looked what is known of the address
 * @param socket the socket of the call
 * @param asks whether a person is asked where a stream is bound
 */
export function lookAtBind(
  looked: Looked,
  socket: LookedSocket,
  asks: boolean,
): void {
  const [use] = looked.net;
  const family = use?.endpoint.family;
  if (use === undefined || family !== "inet" && family !== "inet6") return;
  const { address, port } = use.endpoint;
  const facts = socket.internetFacts(looked);
  if (facts === undefined) return;
  const stream = facts.type === SOCK_STREAM;
  if (!stream && facts.type !== SOCK_DGRAM) return;
  if (stream && family === "inet" && isForMany(address)) {
    looked.never ??=
      "it would listen at another address, once it was connected";
  }
  const chosen = isUnspecified(address) &&
    (stream ? port === 0 && !asks : port === 0 || mayBeChosen(port));
  looked.net[0] = { ...use, chosen, stream };
  if (stream) looked.after = "bound";
  // By that address a message to many would leave that was looked at before.
  else if (!isUnspecified(address)) looked.descriptorsOf = EVERYBODY;
}

/** Whether an address of IPv4 is that of more than one, who hear on a link. */
function isForMany(address: readonly number[]): boolean {
  return isOfMany(address) || !isUnspecified(address) && isBroadcast(address);
}

/** Whether a socket is one of the internet. */
export function isInternet({ family }: SocketFacts): boolean {
  return family === AF_INET || family === AF_INET6;
}

/**
 * The stream sockets that were bound where they may listen, and their addresses. What
 * the kernel says of a socket does not tell a port that it was bound to from one that it
 * chose to connect, and that is free again. Where the kernel may choose one for it, it
 * may listen at any port of the address.
 */
export class BoundSockets {
  readonly #addresses = new Cookies<string>();

  /**
   * Whether a socket was bound, and still has that address.
   *
   * @param socket the socket
   * @param own the address that it has now
   */
  isAt({ cookie }: SocketFacts, own: InetAddress | undefined): boolean {
    const known = this.#addresses.get(cookie);
    if (known === undefined || own === undefined) return false;
    const { address, scope } = own;
    const endpoint = internetEndpoint(Uint8Array.from(address), 0, scope);
    return addressText(endpoint) === known;
  }

  /**
   * Remembers the socket of a bind(2) that worked. It is known by the address that was
   * allowed: others may have the same socket, which has another one by now.
   *
   * @param tracee whose it is; nobody else who has the descriptor runs
   * @param leads whether its descriptors are those of its process's first thread
   * @param number the descriptor
   * @param endpoint what it was bound to
   */
  add(
    tracee: Tracee,
    leads: boolean,
    number: number,
    endpoint: Endpoint,
  ): void {
    // Where it cannot be asked, the socket is as if it were not bound.
    const facts = factsOf(tracee, leads, number, nothing());
    if (facts === undefined) return;
    this.#addresses.set(facts.cookie, addressText(endpoint));
  }
}

/** An endpoint of the internet, without its port. */
function addressText(endpoint: Endpoint): string {
  return "address" in endpoint
    ? endpointText({ ...endpoint, port: 0, names: undefined })
    : "";
}

/**
 * What the kernel says of a tracee's socket; `undefined` where it is none, or
 * cannot be told, which is noted. More can be asked of it by the same descriptor.
 */
function factsOf(
  tracee: Tracee,
  leads: boolean,
  number: number,
  looked: Looked,
  ask?: (fd: number) => void,
): SocketFacts | undefined {
  looked.descriptorsOf = tracee.process.pid;
  const fd = borrowSocket(tracee, leads, number);
  if (fd === -ENOTSOCK || fd === -EBADF) {
    looked.errno = -fd;
    return undefined;
  }
  const facts = fd < 0 ? fd : socketFacts(fd);
  if (typeof facts !== "number") ask?.(fd);
  if (fd >= 0) close(fd);
  if (typeof facts !== "number") return facts;
  looked.never = UNSEEN;
  return undefined;
}

/**
 * Attaches the filter to a socket that a tracee has just got.
 *
 * @param tracee whose it is; nobody else who has the descriptor runs
 * @param leads whether its descriptors are those of its process's first thread
 * @param number the descriptor
 * @param filter an array of `struct sock_filter`
 * @returns whether it has it: not where the tracee has been killed meanwhile, or
 *   may not be looked at any more, or has a filter by which it has got none
 * @throws {SystemCallError} where that fails, and the socket would be open to all
 */
export function filterSocket(
  tracee: Tracee,
  leads: boolean,
  number: number,
  filter: Uint8Array,
): boolean {
  const fd = borrow(tracee, leads, number);
  const result = fd < 0 ? fd : attachFilter(fd, filter);
  if (fd >= 0) close(fd);
  if (result >= 0) return true;
  // Of one that is being killed the table of descriptors goes before it does. And one
  // that shares its memory may have changed its user: jail may then not look at either.
  if (fd === -ESRCH || fd === -EBADF || fd === -EPERM) return false;
  // A filter of the program's own can say any number, of what is no new socket.
  if (tracee.process.filtered) return false;
  throw new SystemCallError(
    "filter what a socket receives",
    fd < 0 ? "pidfd_getfd()" : "setsockopt(SO_ATTACH_FILTER)",
    errnoName(-result),
  );
}

/**
 * A descriptor of this process for a socket of a tracee; a negative errno where
 * the number means none.
 */
export function borrowSocket(
  tracee: Tracee,
  leads: boolean,
  number: number,
): number {
  // What is no socket is not borrowed: to close it could wait for a file system.
  const link = readLink(AT_FDCWD, `/proc/${tracee.tid}/fd/${number}`);
  if (link === -ENOENT) return -EBADF;
  if (typeof link === "number" || !link.startsWith("socket:")) return -ENOTSOCK;
  return borrow(tracee, leads, number);
}

/**
 * Asks a tracee's socket by a descriptor of this process, which is closed again.
 *
 * @param tracee whose it is; nobody else who has the descriptor runs
 * @param leads whether its descriptors are those of its process's first thread
 * @param number the descriptor
 * @param ask what is done by the descriptor
 * @returns what that returns; `undefined` where the number means no socket
 */
export function askSocket<T>(
  tracee: Tracee,
  leads: boolean,
  number: number,
  ask: (fd: number) => T,
): T | undefined {
  const fd = borrowSocket(tracee, leads, number);
  if (fd < 0) return undefined;
  try {
    return ask(fd);
  } finally {
    close(fd);
  }
}

/** A descriptor of this process for what a tracee's number means. */
export function borrow(tracee: Tracee, leads: boolean, number: number): number {
  const { tid, process: { pid } } = tracee;
  const own = borrowDescriptor(tid, tid === pid, number);
  // Before Linux 6.9 there is no descriptor of a thread, but its table of
  // descriptors may be that of the first one. It is one of its own after an
  // unshare(2) or a close_range(2), of which nobody hears.
  if (own !== -EINVAL && own !== -ENOENT) return own;
  return leads && shareFiles(tid, pid) === true
    ? borrowDescriptor(pid, true, number)
    : -EACCES;
}
