/** Waiting for descriptors by blocking the thread: poll(2). */

import { get, set } from "../abi/layout.ts";
import { POLLFD } from "../abi/poll.ts";
import { libc } from "./libc.ts";

/** Descriptors, and what is waited for: `POLLIN`, `POLLOUT`. */
export type Waited = ReadonlyMap<number, number>;

/**
 * Waits until a descriptor is ready. The thread waits as well.
 *
 * @param waited the descriptors
 * @param milliseconds how long at most
 * @returns those that are ready, or have an error
 */
export function waitForAny(waited: Waited, milliseconds: number): number[] {
  const { size } = POLLFD;
  const fds = new Uint8Array(size * waited.size);
  let at = 0;
  for (const [fd, events] of waited) {
    const one = fds.subarray(at, at += size);
    set(POLLFD, one, "fd", fd);
    set(POLLFD, one, "events", events);
  }
  const count = libc.poll(fds, waited.size, milliseconds);
  if (count <= 0) return [];
  return [...waited.keys()].filter((_, i) =>
    get(POLLFD, fds.subarray(i * size, (i + 1) * size), "revents") !== 0
  );
}
