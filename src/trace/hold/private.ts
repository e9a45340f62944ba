/**
 * Whether the memory stays that a call's arguments were read from.
 *
 * Nobody runs who could write to it. Still it can be taken away, or written to:
 *
 * - A page that its process has given back (MADV_FREE) is empty as soon as
 *   somebody needs memory, unless it was written to meanwhile: then a path ends
 *   at the page, and an address is one of zeros. So the tracer writes there what
 *   it has read.
 * - A page of a mapped file is what the file is. One that was written to is its
 *   process's own, but only as long as the file reaches that far: whoever makes
 *   it shorter takes it away (truncate_pagecache() in mm/truncate.c), and then
 *   its words are what is in the file. So no page of a file is trusted, whoever
 *   may write that.
 * - A page of MAP_DROPPABLE is empty at any time. There are none, see
 *   `src/policy/plan/surface.ts`.
 * - The parent of a vfork may be killed at any time. At its death the kernel
 *   writes where that thread has said (set_tid_address(2), set_robust_list(2)):
 *   zeros, at which a path ends. So no memory with such a parent is trusted.
 * - So it does at the start and at the death of whoever was just made (clone(2),
 *   `CLONE_CHILD_SETTID` and `CLONE_CHILD_CLEARTID`), which may be much later than
 *   the death of a maker who has not told of it. So none is trusted whose owner was
 *   ended while others had it as well.
 *
 * What does not stay so is pinned.
 */

import { toCString } from "../../abi/bytes.ts";
import { get } from "../../abi/layout.ts";
import { PAGE_SIZE } from "../../abi/mman.ts";
import { MSGHDR } from "../../abi/socket.ts";
import { writeAsTracee } from "../../sys/task/memory.ts";
import type { Looked } from "../look/looked.ts";
import type { CallSpec } from "../look/spec.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";

/** What was read of an argument, and from where. */
type Piece = readonly [address: number, bytes: Uint8Array];

/**
 * Whether what was read of a call's arguments stays where it is until the kernel
 * reads it; sees to that.
 *
 * @param tracee whose call it is; nobody else who has its memory can run
 * @param registers its registers
 * @param spec the call
 * @param looked what was read, and not changed since
 * @returns `false` where that is not sure
 */
export function keepArguments(
  tracee: Pick<Tracee, "tid" | "space">,
  registers: Registers,
  spec: CallSpec,
  looked: Looked,
): boolean {
  // Those with its memory that cannot run are parents of a vfork.
  if (tracee.space.tracees > 1 || tracee.space.untold) return false;
  return piecesOf(registers, spec, looked)
    .every((piece) => keep(tracee, piece));
}

/** Makes memory stay that belongs to its process alone; whether it does. */
function keep(
  { tid, space }: Pick<Tracee, "tid" | "space">,
  [address, bytes]: Piece,
): boolean {
  const end = address + bytes.length;
  for (let at = address; at < end; at += PAGE_SIZE - at % PAGE_SIZE) {
    if (space.maps.isOfFile(tid, at) !== false) return false;
  }
  return writeAsTracee(tid, address, bytes) === bytes.length;
}

/** The memory that the arguments of a call were read from. */
function piecesOf(
  registers: Registers,
  spec: CallSpec,
  { address, beside, messages, paths }: Looked,
): readonly Piece[] {
  const pieces: Piece[] = [];
  if (address !== undefined) {
    pieces.push([registers.address(spec.address), address]);
  } else if (spec.treatment === "message") {
    for (const { at, header, name, control } of messages) {
      pieces.push(
        [at, header],
        [get(MSGHDR, header, "msg_name"), name],
        [get(MSGHDR, header, "msg_control"), control],
      );
    }
  } else {
    for (const { arg, written } of paths) {
      const at = registers.address(arg);
      // NULL in place of a path means the descriptor.
      if (at !== 0) pieces.push([at, toCString(written)]);
    }
    if (beside !== undefined) {
      const { arg, written } = beside;
      pieces.push([registers.address(arg), toCString(written)]);
    }
  }
  return pieces.filter(([, bytes]) => bytes.length > 0);
}
