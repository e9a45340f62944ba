/** Whether the memory that a call's arguments lie in is the tracee's alone. */

import { get } from "../abi/layout.ts";
import { MSGHDR } from "../abi/socket.ts";
import type { Looked } from "./looked.ts";
import type { Registers } from "./registers.ts";
import type { CallSpec } from "./spec.ts";
import type { Tracee } from "./tracee.ts";

/**
 * Whether nobody but a call's own tracee can change what was read of its
 * arguments: a mapped file may be written by somebody outside, jail's own log
 * among them.
 *
 * @param tracee whose call it is
 * @param registers its registers
 * @param spec the call
 * @param looked what was read
 * @returns `false` where that is not sure
 */
export function inPrivateMemory(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  looked: Looked,
): boolean {
  const { pages } = tracee.space;
  if (looked.address !== undefined) {
    return looked.address.length === 0 ||
      pages.arePrivate(
        tracee.tid,
        registers.address(spec.address),
        looked.address.length,
      );
  }
  if (spec.treatment === "message") {
    return looked.messages.every(({ at, header, name, control }) => {
      const isPrivate = (
        field: "msg_name" | "msg_control",
        bytes: Uint8Array,
      ) =>
        bytes.length === 0 ||
        pages.arePrivate(tracee.tid, get(MSGHDR, header, field), bytes.length);
      return pages.arePrivate(tracee.tid, at, header.length) &&
        isPrivate("msg_name", name) &&
        isPrivate("msg_control", control);
    });
  }
  for (const { arg, written } of looked.paths) {
    const address = registers.address(arg);
    // NULL in place of a path means the descriptor.
    if (address === 0) continue;
    if (!pages.arePrivate(tracee.tid, address, written.length + 1)) {
      return false;
    }
  }
  const how = spec.syscall.args.indexOf("open-how");
  return how < 0 ||
    pages.arePrivate(
      tracee.tid,
      registers.address(how),
      registers.address(how + 1),
    );
}
