/** Looks at a call that has the kernel signal who owns an open file: O_ASYNC. */

import { AT_FDCWD, F_OWNER_PGRP } from "../../abi/fcntl.ts";
import { close } from "../../sys/files.ts";
import { disown, ownerOfFile } from "../../sys/task/borrow.ts";
import type { Family } from "../family.ts";
import type { Closed } from "../path/closed.ts";
import { readLink } from "../path/place.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";
import type { Looked } from "./looked.ts";
import { lookAtDescriptor } from "./paths.ts";
import { borrow, leads } from "./sockets.ts";
import type { CallSpec } from "./spec.ts";

/**
 * Looks at a call after which SIGIO comes whenever a file can be read or written. It
 * goes to whoever owns that: of a terminal to the group in its foreground, of what
 * jail was started with perhaps to who has started it. So it is made for sockets and
 * pipes alone that did not come with the start, where their owner is of this jail.
 * F_SETOWN lets nobody else be one later.
 */
export function lookAtAsync(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  family: Family,
  closed: Closed,
): Looked {
  const looked = lookAtDescriptor(tracee, registers, spec, family.isOwn);
  const [use] = looked.uses.splice(0);
  if (use === undefined) return looked;
  const link = readLink(AT_FDCWD, looked.descriptor);
  const isOpenTo = typeof link === "string" && /^(?:socket|pipe):/.test(link);
  const number = registers.int(spec.fd);
  if (
    !isOpenTo || closed.isGiven(use) || !ownerIsOwn(tracee, number, family)
  ) {
    looked.never = "it sends signals to others";
  }
  return looked;
}

/** Whether nobody outside owns an open file; nobody at all does where none is seen. */
function ownerIsOwn(tracee: Tracee, number: number, family: Family): boolean {
  const fd = borrow(tracee, leads(tracee, family), number);
  if (fd < 0) return false;
  try {
    const owner = ownerOfFile(fd);
    if (typeof owner === "number") return false;
    const { type, id } = owner;
    // Somebody in another PID namespace has no number here.
    if (id === 0) return disown(fd) >= 0;
    return type === F_OWNER_PGRP ? family.processes.has(id) : family.isOwn(id);
  } finally {
    close(fd);
  }
}
