/** By which sockets that a program is given others hear. */

import type { Heard } from "../policy/plan/heard.ts";
import type { Policy } from "../policy/policy.ts";
import { nameOf } from "../sys/files.ts";
import { STDERR } from "../sys/output.ts";
import { heardBy, isSocket } from "../sys/socket.ts";

/**
 * What others hear by the sockets that a program is given.
 *
 * By the one that jail reports to whoever reads that hears, under every policy. By one
 * that listens, or one for datagrams, a server outside does: without the network, which
 * lets a program make neither, they are left as they are.
 *
 * @param given the descriptors that the program is given
 * @param policy its policy
 * @param reports whether jail tells, by its standard error, what the program tries
 * @returns what is heard, by what /proc calls the socket
 */
export function heardSockets(
  given: readonly number[],
  policy: Policy,
  reports: boolean,
): ReadonlyMap<string, Heard> {
  const heard = new Map<string, Heard>();
  const add = (fd: number, what: Heard | undefined): void => {
    const name = nameOf(fd);
    if (what !== undefined && name !== "") heard.set(name, what);
  };
  if (reports && isSocket(STDERR)) add(STDERR, "messages");
  // A server's socket takes more care, and may be the one that is reported to.
  const servers = policy.net === "none" ? given : [];
  for (const fd of servers) add(fd, heardBy(fd));
  return heard;
}
