/**
 * Looks at socket addresses: that of a unix socket may be a path.
 *
 * bind(2) makes a file there; connect(2) and sendto(2) reach whoever listens
 * there, who may do more than the jail may.
 */

import { fromBytes } from "../abi/bytes.ts";
import { ECONNREFUSED, EFAULT, EINVAL } from "../abi/errno.ts";
import { AT_FDCWD } from "../abi/fcntl.ts";
import {
  AF_UNIX,
  SOCKADDR_STORAGE_SIZE,
  SUN_PATH_OFFSET,
  SUN_PATH_SIZE,
} from "../abi/socket.ts";
import { readMemory } from "../sys/memory.ts";
import { type IsOwn, type Looked, nothing, rulePath } from "./look.ts";
import type { CallSpec } from "./spec.ts";
import type { Registers } from "./registers.ts";
import { resolve } from "./resolve.ts";
import type { Tracee } from "./tracee.ts";

/**
 * Looks at a call with a socket address. It is copied once, and these bytes are
 * what the kernel is given where somebody else could change them.
 */
export function lookAtAddress(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  isOwn: IsOwn,
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
  const family = (bytes[0] ?? 0) | (bytes[1] ?? 0) << 8;
  if (family !== AF_UNIX) return looked;
  if (bytes[SUN_PATH_OFFSET] === 0 || length <= SUN_PATH_OFFSET) {
    // An abstract name is beneath no directory: only who may write everything
    // may use it. Of no name bind(2) makes one.
    const path = `@${fromBytes(bytes, SUN_PATH_OFFSET + 1)}`;
    looked.uses.push({ access: "write", path, kind: "socket" });
    return looked;
  }
  const end = bytes.indexOf(0, SUN_PATH_OFFSET);
  const written = fromBytes(bytes, SUN_PATH_OFFSET, end < 0 ? length : end);
  const owner = { pid: tracee.process.pid, tid: tracee.tid };
  const follow = spec.syscall.name !== "bind";
  const place = resolve(owner, AT_FDCWD, written, follow, isOwn);
  looked.paths.push({ arg, dirfd: -1, written, place });
  looked.errno = place.errno;
  if (place.path === "") return looked;
  if (place.kind === "object") {
    // Nothing listens there, and what it is called is no path.
    looked.errno ||= ECONNREFUSED;
    return looked;
  }
  looked.uses.push({
    access: "write",
    path: rulePath(place.path, isOwn),
    kind: place.kind,
  });
  return looked;
}

/**
 * The address that the kernel is given: with the real path where it has one.
 *
 * @param looked what was looked at
 * @returns its bytes; `undefined` where the real path is too long for one
 */
export function realAddress(looked: Looked): Uint8Array | undefined {
  const { address, paths: [path] } = looked;
  if (address === undefined || path === undefined) return address;
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
