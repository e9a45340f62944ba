/**
 * Looks at a call that changes for all who have an open file what comes of its use:
 * that the kernel signals who owns it (O_ASYNC), or how a pipe is read (O_DIRECT).
 */

import {
  AT_FDCWD,
  F_OWNER_PGRP,
  O_ACCMODE,
  O_ASYNC,
  O_DIRECT,
  O_RDONLY,
} from "../../abi/fcntl.ts";
import { close } from "../../sys/files.ts";
import { disown, ownerOfFile } from "../../sys/task/borrow.ts";
import type { Family } from "../family.ts";
import type { Closed } from "../path/closed.ts";
import { flagsTold } from "../path/given.ts";
import { type Place, readLink } from "../path/place.ts";
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
 *
 * With O_DIRECT whoever reads from a pipe less than was written at once loses the
 * rest, also of what others write who have the same open file: a script, after jail
 * has ended. So it stays as it is, and pipe2(2) makes such pipes.
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
  const { file } = looked;
  if (use === undefined || file === undefined) return looked;
  const flags = registers.uint(2);
  const number = registers.int(spec.fd);
  if ((flags & O_DIRECT) !== 0 && writesWholePipe(looked.descriptor, file)) {
    looked.never = "others who use the pipe would lose what is written";
  }
  if ((flags & O_ASYNC) === 0) return looked;
  const link = readLink(AT_FDCWD, looked.descriptor);
  const isOpenTo = typeof link === "string" && /^(?:socket|pipe):/.test(link);
  if (
    !isOpenTo || closed.isGiven(use) || !ownerIsOwn(tracee, number, family)
  ) {
    looked.never = "it sends signals to others";
  }
  return looked;
}

/**
 * Whether by a descriptor a pipe is written from which nothing is lost that is not
 * read yet. On its other end the flag does nothing.
 */
function writesWholePipe(descriptor: string, place: Place): boolean {
  const { path, kind, was = kind } = place;
  if (was !== "fifo" && !path.startsWith("pipe:")) return false;
  const flags = flagsTold(descriptor);
  if (flags === undefined) return true;
  return (flags & O_ACCMODE) !== O_RDONLY && (flags & O_DIRECT) === 0;
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
