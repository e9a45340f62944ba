/**
 * Whether the memory that a call's arguments lie in is the tracee's alone.
 *
 * A path that is written down in a program lies in its file, as it is mapped,
 * and a file may be written by somebody outside. The kernel makes a private copy
 * of such a page as soon as it is written to, which the tracer does, with the
 * byte that is there: from then on the page is like any other private memory. A
 * page of shared memory has no such copy. Beside others that is not enough: see
 * `trace/whole.ts`.
 */

import { fromBytes } from "../abi/bytes.ts";
import { get } from "../abi/layout.ts";
import { PAGE_SIZE } from "../abi/mman.ts";
import { MSGHDR } from "../abi/socket.ts";
import { readFile } from "../sys/files.ts";
import { readMemory, writeMemory } from "../sys/memory.ts";
import type { Looked } from "./looked.ts";
import type { Registers } from "./registers.ts";
import type { CallSpec } from "./spec.ts";
import type { Tracee } from "./tracee.ts";

/** How many pages of an address space are copied, at most. */
const MOST_COPIES = 1024;

/** How much of `/proc/<pid>/maps` is looked at. */
const MAPS_SIZE = 1 << 18;

/** Something about a piece of memory. */
type Test = (address: number, length: number) => boolean;

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
  { tid, space: { pages } }: Tracee,
  registers: Registers,
  spec: CallSpec,
  looked: Looked,
): boolean {
  return everyPiece(
    registers,
    spec,
    looked,
    (address, length) => pages.arePrivate(tid, address, length),
  );
}

/**
 * Makes the memory of a call's arguments private where it is of files that are
 * mapped privately. What was read of it must be read again: the file may have
 * changed before it was copied.
 *
 * @param tracee whose call it is; nobody else who has its memory can run
 * @param registers its registers
 * @param spec the call
 * @param looked what was read
 * @returns whether it is private now, and was not
 */
export function makePrivate(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  looked: Looked,
): boolean {
  return everyPiece(registers, spec, looked, (address, length) => {
    const end = address + length;
    for (
      let at = address;
      at < end;
      at = (Math.floor(at / PAGE_SIZE) + 1) * PAGE_SIZE
    ) {
      if (!copyPage(tracee, at)) return false;
    }
    return true;
  });
}

const byte = new Uint8Array(1);

/** Makes the page of an address private; whether it is. */
function copyPage({ tid, space }: Tracee, address: number): boolean {
  if (space.pages.arePrivate(tid, address, 1)) return true;
  if (++space.copies > MOST_COPIES) return false;
  return isMappedPrivately(tid, address) &&
    readMemory(tid, address, byte, 1) === 1 &&
    writeMemory(tid, address, byte, 1) === 1 &&
    space.pages.arePrivate(tid, address, 1);
}

function isMappedPrivately(tid: number, address: number): boolean {
  const maps = readFile(`/proc/${tid}/maps`, MAPS_SIZE);
  if (typeof maps === "number") return false;
  for (const line of fromBytes(maps).split("\n")) {
    // address perms offset dev inode path, proc_pid_maps(5)
    const [, start = "", end = "", kind] =
      /^([0-9a-f]+)-([0-9a-f]+) ...([ps]) /.exec(line) ?? [];
    if (parseInt(end, 16) <= address) continue;
    return parseInt(start, 16) <= address && kind === "p";
  }
  return false;
}

/** Whether something is true of each piece of memory that a call's arguments lie in. */
function everyPiece(
  registers: Registers,
  spec: CallSpec,
  looked: Looked,
  test: Test,
): boolean {
  if (looked.address !== undefined) {
    return looked.address.length === 0 ||
      test(registers.address(spec.address), looked.address.length);
  }
  if (spec.treatment === "message") {
    return looked.messages.every(({ at, header, name, control }) => {
      const isTrue = (
        field: "msg_name" | "msg_control",
        bytes: Uint8Array,
      ): boolean =>
        bytes.length === 0 || test(get(MSGHDR, header, field), bytes.length);
      return test(at, header.length) && isTrue("msg_name", name) &&
        isTrue("msg_control", control);
    });
  }
  for (const { arg, written } of looked.paths) {
    const address = registers.address(arg);
    // NULL in place of a path means the descriptor.
    if (address === 0) continue;
    if (!test(address, written.length + 1)) return false;
  }
  const how = spec.syscall.args.indexOf("open-how");
  return how < 0 ||
    test(registers.address(how), registers.address(how + 1));
}
