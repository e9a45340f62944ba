/** Whether a policy lets every file be written. */

import type { Policy } from "./policy.ts";

/**
 * Whether a policy lets every file be written, but for those that are jail's own
 * (its log). Only then may what is beneath no directory be reached: an abstract
 * socket, and whatever path a unix datagram is sent to.
 *
 * @param policy the merged policy
 */
export function writesEverything({ write }: Pick<Policy, "write">): boolean {
  const { allow, deny, ignore } = write;
  return allow.some(({ pattern }) => pattern === "/") &&
    ignore.length === 0 && deny.every(({ ref }) => ref.source === "jail");
}
