/** Looks at bind(2): the address of a unix socket may be a path, and makes a file. */

import { fromBytes } from "../abi/bytes.ts";
import { EFAULT, EINVAL } from "../abi/errno.ts";
import { AT_FDCWD } from "../abi/fcntl.ts";
import {
  AF_UNIX,
  SOCKADDR_STORAGE_SIZE,
  SUN_PATH_OFFSET,
  SUN_PATH_SIZE,
} from "../abi/socket.ts";
import { readMemory } from "../sys/memory.ts";
import { type IsOwn, type Looked, nothing, rulePath } from "./look.ts";
import type { Registers } from "./registers.ts";
import { resolve } from "./resolve.ts";
import type { Tracee } from "./tracee.ts";

/** Index of the argument that points to the address. */
export const BIND_ADDRESS = 1;

/** Index of the argument with its length. */
export const BIND_LENGTH = 2;

/**
 * Looks at a bind. The address is copied once, and these bytes are what the
 * kernel is given where somebody else could change them.
 */
export function lookAtBind(
  tracee: Tracee,
  registers: Registers,
  isOwn: IsOwn,
): Looked {
  const looked = nothing();
  const length = registers.int(BIND_LENGTH);
  if (length < 0 || length > SOCKADDR_STORAGE_SIZE) {
    looked.errno = EINVAL;
    return looked;
  }
  const bytes = new Uint8Array(length);
  const address = registers.address(BIND_ADDRESS);
  if (
    length > 0 && readMemory(tracee.tid, address, bytes, length) !== length
  ) {
    looked.errno = EFAULT;
    return looked;
  }
  looked.address = bytes;
  const family = (bytes[0] ?? 0) | (bytes[1] ?? 0) << 8;
  // Without a name, or with an abstract one, it makes no file.
  if (family !== AF_UNIX || (bytes[SUN_PATH_OFFSET] ?? 0) === 0) return looked;
  const end = bytes.indexOf(0, SUN_PATH_OFFSET);
  const written = fromBytes(bytes, SUN_PATH_OFFSET, end < 0 ? length : end);
  const owner = { pid: tracee.process.pid, tid: tracee.tid };
  const place = resolve(owner, AT_FDCWD, written, false, isOwn);
  looked.paths.push({ arg: BIND_ADDRESS, dirfd: -1, written, place });
  looked.errno = place.errno;
  if (place.path === "") return looked;
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
export function boundAddress(looked: Looked): Uint8Array | undefined {
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
