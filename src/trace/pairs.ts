/** What happens where a program makes a pair of sockets for datagrams. */

import { SOCK_SEQPACKET, SOCK_TYPE_MASK } from "../abi/socket.ts";
import { nothing } from "./look/looked.ts";
import type { CallSpec } from "./look/spec.ts";
import type { Tools } from "./tools.ts";
import { NOTHING_HELD, type Tracee } from "./tracee/tracee.ts";

/**
 * Makes a pair whose messages go to the other end alone, whatever address they
 * have. Each is received whole, as of a datagram.
 *
 * @param tracee who asks for a pair for datagrams
 * @param spec the call
 * @param tools what it is made with
 */
export function makePair(
  tracee: Tracee,
  spec: CallSpec,
  { answers, resumer }: Tools,
): void {
  if (!answers.allowed(tracee, spec, nothing())) return;
  if (!answers.save(tracee)) return;
  const { registers } = answers;
  const flags = registers.uint(1) & ~SOCK_TYPE_MASK;
  registers.setArgument(1, flags | SOCK_SEQPACKET);
  if (!answers.write(tracee)) return;
  // At its exit its registers are its own.
  tracee.inFlight = NOTHING_HELD;
  resumer.toExit(tracee);
}
