/**
 * Looks at socket addresses: where a call would send, or receive.
 *
 * That of a unix socket may be a path: bind(2) makes a file there; connect(2) and
 * sendto(2) reach whoever listens there, who may do more than the jail may.
 */

import { fromBytes } from "../../abi/bytes.ts";
import { ECONNREFUSED, EFAULT, EINVAL } from "../../abi/errno.ts";
import { AT_FDCWD } from "../../abi/fcntl.ts";
import {
  AF_UNIX,
  SOCKADDR_STORAGE_SIZE,
  SUN_PATH_OFFSET,
  SUN_PATH_SIZE,
} from "../../abi/socket.ts";
import { readMemory } from "../../sys/task/memory.ts";
import type { Names } from "../names.ts";
import { resolve } from "../path/resolve.ts";
import type { Registers } from "../tracee/registers.ts";
import { ownerOf, type Tracee } from "../tracee/tracee.ts";
import { lookAtCrossed, rulePath } from "./look.ts";
import { type IsOwn, type Looked, type LookedPath, nothing } from "./looked.ts";
import { aim, endpointOf, hasPath, type Purpose } from "./sockaddr.ts";
import type { CallSpec } from "./spec.ts";

/**
 * Looks at a call with a socket address. It is copied once, and these bytes are
 * what the kernel is given where somebody else could change them.
 */
export function lookAtAddress(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  isOwn: IsOwn,
  names: Names | undefined,
): Looked {
  const looked = nothing();
  const arg = spec.address;
  const length = registers.int(arg + 1);
  if (length < 0 || length > SOCKADDR_STORAGE_SIZE) {
    looked.errno = EINVAL;
    return looked;
  }
  const bytes = new Uint8Array(length);
  const address = registers.address(arg);
  if (
    length > 0 && readMemory(tracee.tid, address, bytes, length) !== length
  ) {
    looked.errno = EFAULT;
    return looked;
  }
  looked.address = bytes;
  const purpose = spec.syscall.name === "sendto"
    ? "send"
    : spec.syscall.name === "bind"
    ? "bind"
    : "connect";
  // Of no address at all nothing is known, and the kernel refuses it, but for
  // sendto(2), which goes to where the socket is connected to.
  if (length > 0 || purpose !== "send") {
    lookAtName(looked, tracee, bytes, purpose, arg, isOwn, names);
  }
  return looked;
}

/**
 * Looks at a socket address.
 *
 * @param looked where it is put what it means
 * @param tracee whose call it is
 * @param bytes the address; one that means the loopback is made to say so, and
 *   that of a resolver becomes that of jail, which answers in its place
 * @param purpose what the call does with it
 * @param arg index of the argument that it is; -1 where a message has it
 * @param isOwn whether a process id is one of the jail's
 * @param names what is known of resolvers and names, where rules name hosts
 */
export function lookAtName(
  looked: Looked,
  tracee: Tracee,
  bytes: Uint8Array,
  purpose: Purpose,
  arg: number,
  isOwn: IsOwn,
  names: Names | undefined,
): void {
  looked.said ??= bytes.slice();
  const access = purpose === "bind" ? "listen" : "connect";
  if (!hasPath(bytes)) {
    const meant = endpointOf(bytes, purpose);
    const aimed = purpose === "bind" ? meant : aim(bytes, meant);
    const endpoint = purpose === "bind" || names === undefined
      ? aimed
      : names.meet(bytes, aimed);
    const resolver = "resolver" in endpoint && endpoint.resolver === true;
    if (aimed !== meant || resolver) looked.changed = true;
    looked.net.push({ access, endpoint });
    if (endpoint.family !== "abstract") return;
    // An abstract name is beneath no directory: only who may write everything
    // may use it, where no rule names it. Of no name bind(2) makes one.
    const path = `@${endpoint.name}`;
    looked.uses.push({ access: "write", path, kind: "socket" });
    return;
  }
  const end = bytes.indexOf(0, SUN_PATH_OFFSET);
  const written = fromBytes(
    bytes,
    SUN_PATH_OFFSET,
    end < 0 ? bytes.length : end,
  );
  const follows = purpose !== "bind";
  const place = resolve(ownerOf(tracee), AT_FDCWD, written, follows, isOwn);
  looked.paths.push({ arg, dirfd: -1, written, follows, place });
  looked.errno ||= place.errno;
  lookAtCrossed(looked, place, isOwn);
  if (place.path === "" || place.via !== "") {
    // Nothing listens there, and what it is called is no path.
    looked.errno ||= ECONNREFUSED;
    return;
  }
  const path = rulePath(place.path, isOwn);
  looked.uses.push({ access: "write", path, kind: place.kind });
  looked.net.push({
    access,
    endpoint: { family: "unix", path, kind: place.kind },
  });
}

/**
 * The address that the kernel is given: with the real path where it has one.
 *
 * @param address the address that was looked at
 * @param path the path that it has, if it has one
 * @returns its bytes; `undefined` where the real path is too long for one
 */
export function realAddress(
  address: Uint8Array,
  path: LookedPath | undefined,
): Uint8Array | undefined {
  if (path === undefined) return address;
  const { place } = path;
  const real = place.slash ? `${place.path}/` : place.path;
  const bytes = new Uint8Array(SUN_PATH_OFFSET + real.length + 1);
  if (bytes.length > SUN_PATH_OFFSET + SUN_PATH_SIZE) return undefined;
  bytes[0] = AF_UNIX;
  for (let i = 0; i < real.length; i++) {
    bytes[SUN_PATH_OFFSET + i] = real.charCodeAt(i);
  }
  return bytes;
}
