/** Whether a policy lets every file be written, or has no rule about any. */

import type { PathRules, Policy } from "./policy.ts";

/**
 * Whether a policy lets every file be written, but for those that are jail's own
 * (its log). Only then may what is beneath no directory be reached: an abstract
 * socket, and whatever path a unix datagram is sent to.
 *
 * @param policy the merged policy
 */
export function writesEverything({ write }: Pick<Policy, "write">): boolean {
  return meansEverything(write);
}

/**
 * Whether a policy lets every file be used in every way, and has no rules about the
 * network, where sockets have names of files: none means a name but jail's own.
 *
 * @param policy the merged policy
 */
export function namesNoFile({ read, write, run, net }: Policy): boolean {
  return typeof net === "string" && [read, write, run].every(meansEverything);
}

function meansEverything({ allow, deny, ignore }: PathRules): boolean {
  return allow.some(({ pattern }) => pattern === "/") &&
    ignore.length === 0 && deny.every(({ ref }) => ref.source === "jail");
}
