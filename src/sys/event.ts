/** Something that happens once: a descriptor that can be read from then on. */

import { EFD_CLOEXEC, EFD_NONBLOCK } from "../abi/epoll.ts";
import { errnoName } from "../abi/errno.ts";
import { SystemCallError } from "../errors.ts";
import { write } from "./files.ts";
import { rareLibc } from "./libc.ts";

/**
 * Makes a descriptor for it.
 *
 * @throws {SystemCallError} where there are too many open files
 */
export function makeEvent(): number {
  const fd = rareLibc().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd >= 0) return fd;
  throw new SystemCallError("wait for an end", "eventfd()", errnoName(-fd));
}

/** Makes it happen, as any thread may. */
export function raiseEvent(fd: number): void {
  write(fd, new Uint8Array(new BigUint64Array([1n]).buffer));
}
