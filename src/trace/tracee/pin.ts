/**
 * Pages that the program can read and nobody in the jail can write.
 *
 * An argument that was checked is copied there, and the call is made to take
 * it from there. The pages are private, anonymous and read-only, at the lowest
 * address that there can be, so that one comparison in the filter keeps every
 * call that maps, unmaps, moves or protects memory away from them
 * (`src/policy/plan/surface.ts`). What is left is /proc/<pid>/mem, which no policy
 * lets anybody open for writing, and the tracer, which writes through it.
 *
 * Several calls can be in flight in one address space, so each has a slot. Some
 * wait in the kernel for long, such as opens of a pipe, and keep theirs. So there
 * are many slots, which have room for a short path alone, and some of the others
 * are kept for calls that do not wait.
 */

import { SOCK_FILTER, SOCK_FPROG } from "../../abi/bpf.ts";
import { fromBytes } from "../../abi/bytes.ts";
import { EFAULT, ESRCH } from "../../abi/errno.ts";
import { set } from "../../abi/layout.ts";
import { OPEN_HOW } from "../../abi/openat2.ts";
import {
  PIN_END,
  PIN_FILTER_SIZE,
  PIN_FILTER_START,
  PIN_LONG_SIZE,
  PIN_LONG_SLOTS,
  PIN_SHORT_SIZE,
  PIN_SHORT_SLOTS,
  PIN_SHORT_START,
  PIN_START,
} from "../../abi/pin.ts";
import { MSGHDR } from "../../abi/socket.ts";
import { readFile } from "../../sys/files.ts";
import { TraceeMemory } from "../../sys/task/memory.ts";
import type { OpenRequest } from "../look/open_flags.ts";
import type { Tracee } from "./tracee.ts";

/** Where things are in a slot. */
const HOW = 0;
const FIRST = 64;
const SECOND = 4096 + 128;
const CONTROL = 256;

/** The most bytes of control messages that a slot takes. */
export const CONTROL_MAX = 4096;

/** How many slots for long paths calls that may wait leave to others. */
const KEPT = Math.floor(PIN_LONG_SLOTS / 4);

const buffer = new Uint8Array(CONTROL + CONTROL_MAX);
const filterBuffer = new Uint8Array(PIN_FILTER_SIZE);

/** The pinned pages of one address space. */
export class PinRegion {
  /**
   * Whether the pages are there: not yet, being mapped by a tracee, there, or
   * perhaps there, in a copy of memory or by a tracee that is gone.
   */
  state: "absent" | "mapping" | "mapped" | "unsure" = "absent";
  readonly #long = new Slots(PIN_START, PIN_LONG_SIZE, PIN_LONG_SLOTS);
  readonly #filter = new Slots(PIN_FILTER_START, PIN_FILTER_SIZE, 1);
  readonly #short = new Slots(PIN_SHORT_START, PIN_SHORT_SIZE, PIN_SHORT_SLOTS);
  /** Tracees of this address space that wait for a slot, stopped. */
  readonly waiting: Tracee[] = [];
  readonly #memory = new TraceeMemory();

  /** The region of a copy of an address space of which nothing is known. */
  static ofCopy(): PinRegion {
    const copy = new PinRegion();
    copy.state = "unsure";
    return copy;
  }

  /** The region of a copy of this address space, made by fork. */
  fork(): PinRegion {
    // The copy may have been made before the pages were there.
    return this.state === "absent" ? new PinRegion() : PinRegion.ofCopy();
  }

  /** Looks whether the pages are there, where that is not sure. */
  settle(tid: number): void {
    if (this.state !== "unsure") return;
    const there = arePinned(tid);
    if (there !== undefined) this.state = there ? "mapped" : "absent";
  }

  /** Closes what is open; the address space is gone. */
  close(): void {
    this.#memory.close();
  }

  /**
   * Takes a slot.
   *
   * @param length how long the path is, or the address; for two paths infinite
   * @param mayWait whether the call may wait in the kernel
   * @returns its address; -1 where all are in use
   */
  take(length: number, mayWait: boolean): number {
    const short = FIRST + length < PIN_SHORT_SIZE ? this.#short.take() : -1;
    if (short >= 0) return short;
    if (mayWait && this.#long.left <= KEPT) return -1;
    return this.#long.take();
  }

  /** Whether there is a slot, as {@linkcode PinRegion.take} would take it. */
  hasRoom(length: number, mayWait: boolean): boolean {
    const isShort = FIRST + length < PIN_SHORT_SIZE;
    return isShort && this.#short.left > 0 ||
      this.#long.left > (mayWait ? KEPT : 0);
  }

  /** Takes the slot for a filter; -1 where it is in use. */
  takeFilter(): number {
    return this.#filter.take();
  }

  /** Gives a slot back. */
  give(slot: number): void {
    this.#slotsOf(slot).give(slot);
  }

  #slotsOf(slot: number): Slots {
    if (slot >= PIN_SHORT_START) return this.#short;
    return slot >= PIN_FILTER_START ? this.#filter : this.#long;
  }

  /**
   * Puts a path in a slot.
   *
   * @param tid a tracee of this address space, stopped
   * @param slot the slot
   * @param which 0 or 1: the first or the second path of a call
   * @param path a byte string of at most 4095 bytes
   * @param lead what comes before it, of as many bytes together
   * @returns its address, or a negated errno
   */
  putPath(
    tid: number,
    slot: number,
    which: 0 | 1,
    path: string,
    lead?: Uint8Array,
  ): number {
    const address = slot + (which === 0 ? FIRST : SECOND);
    if (lead !== undefined) buffer.set(lead);
    const length = copyText(path, lead?.length ?? 0);
    return this.#put(tid, slot, address, length, address);
  }

  /**
   * Puts bytes in a slot.
   *
   * @param tid a tracee of this address space, stopped
   * @param slot the slot
   * @param bytes at most 4096 bytes
   * @returns their address, or a negated errno
   */
  putBytes(tid: number, slot: number, bytes: Uint8Array): number {
    const address = slot + FIRST;
    buffer.set(bytes);
    return this.#put(tid, slot, address, bytes.length, address);
  }

  /**
   * Puts a path and a `struct open_how` in a slot, in one write.
   *
   * @param tid a tracee of this address space, stopped
   * @param slot the slot
   * @param path a byte string of at most 4095 bytes
   * @param how what `open_how` says
   * @returns the address of the path, or a negated errno; the structure is
   *   {@linkcode HOW_BEFORE_PATH} bytes before it
   */
  putOpen(tid: number, slot: number, path: string, how: OpenRequest): number {
    set(OPEN_HOW, buffer, "flags", how.flags);
    set(OPEN_HOW, buffer, "mode", how.mode);
    set(OPEN_HOW, buffer, "resolve", how.resolve);
    return this.#put(tid, slot, slot, copyText(path, FIRST), slot + FIRST);
  }

  /**
   * Puts a message in a slot: its structure, and what that leads to but for what
   * is sent.
   *
   * @param tid a tracee of this address space, stopped
   * @param slot the slot
   * @param header a `struct user_msghdr`
   * @param name the address, at most 128 bytes
   * @param control the control messages, at most {@linkcode CONTROL_MAX} bytes
   * @returns the address of the structure, or a negated errno
   */
  putMessage(
    tid: number,
    slot: number,
    header: Uint8Array,
    name: Uint8Array,
    control: Uint8Array,
  ): number {
    const place = (bytes: Uint8Array, at: number): number => {
      buffer.set(bytes, at);
      return bytes.length === 0 ? 0 : slot + at;
    };
    buffer.set(header);
    set(MSGHDR, buffer, "msg_name", place(name, FIRST));
    set(MSGHDR, buffer, "msg_namelen", name.length);
    set(MSGHDR, buffer, "msg_control", place(control, CONTROL));
    set(MSGHDR, buffer, "msg_controllen", control.length);
    const length = control.length === 0
      ? FIRST + name.length
      : CONTROL + control.length;
    return this.#put(tid, slot, slot, length, slot);
  }

  /**
   * Puts a filter of the program's own in its slot, behind a `struct sock_fprog`.
   *
   * @param tid a tracee of this address space, stopped
   * @param slot the slot
   * @param filter an array of at most `BPF_MAXINSNS` `struct sock_filter`
   * @returns the address of the structure, or a negated errno
   */
  putFilter(tid: number, slot: number, filter: Uint8Array): number {
    const { size } = SOCK_FPROG;
    set(SOCK_FPROG, filterBuffer, "len", filter.length / SOCK_FILTER.size);
    set(SOCK_FPROG, filterBuffer, "filter", slot + size);
    filterBuffer.set(filter, size);
    return this.#put(tid, slot, slot, size + filter.length, slot, filterBuffer);
  }

  #put(
    tid: number,
    slot: number,
    address: number,
    length: number,
    result: number,
    from = buffer,
  ): number {
    // What another call has in flight begins there.
    if (address + length > slot + this.#slotsOf(slot).size) return -EFAULT;
    const written = this.#memory.write(tid, address, from, length);
    if (written === length) return result;
    // The pages are not what they should be, or the task that they were opened
    // by had no memory any more, and another one has.
    this.close();
    return written < 0 ? written : -EFAULT;
  }
}

/** Copies a byte string to the buffer, as a C string; returns where that ends. */
function copyText(text: string, at: number): number {
  for (let i = 0; i < text.length; i++) buffer[at + i] = text.charCodeAt(i);
  buffer[at + text.length] = 0;
  return at + text.length + 1;
}

/** How far before its path {@linkcode PinRegion.putOpen} puts `open_how`. */
export const HOW_BEFORE_PATH = FIRST - HOW;

/** Slots of one size, by their addresses. */
class Slots {
  /** How long each is, in bytes. */
  readonly size: number;
  readonly #end: number;
  readonly #free: number[] = [];
  #next: number;

  constructor(start: number, size: number, count: number) {
    this.#next = start;
    this.size = size;
    this.#end = start + count * size;
  }

  /** How many are free. */
  get left(): number {
    return this.#free.length + (this.#end - this.#next) / this.size;
  }

  /** Takes one; -1 where all are in use. */
  take(): number {
    const slot = this.#free.pop();
    if (slot !== undefined) return slot;
    if (this.#next === this.#end) return -1;
    this.#next += this.size;
    return this.#next - this.size;
  }

  give(slot: number): void {
    this.#free.push(slot);
  }
}

/** Most of `/proc/<pid>/smaps` that is looked at: the lowest mapping. */
const SMAPS_SIZE = 2048;

/**
 * What the pages never were, as `VmFlags` of proc_pid_smaps(5) has it: memory that
 * grows down, which mprotect(2) could reach from above (`gd`), and memory that could
 * be written at any time, for which the kernel accounts (`ac`), or was told not to
 * (`nr`). What is on its way there from a disk past the cache (O_DIRECT) still
 * arrives once it is read-only, and was moved to the place of the pages.
 */
const STRANGE_FLAGS: readonly string[] = ["ac", "gd", "nr"];

/**
 * Whether the pages are there: private, read-only, of no file, and the same ever
 * since. `undefined` of a task that has no memory any more, which others may have
 * still.
 */
function arePinned(tid: number): boolean | undefined {
  const smaps = readFile(`/proc/${tid}/smaps`, SMAPS_SIZE);
  if (typeof smaps === "number") return smaps === -ESRCH ? undefined : false;
  if (smaps.length === 0) return undefined;
  const lowest =
    /^([0-9a-f]+)-([0-9a-f]+) r--p 00000000 00:00 0 *\n[^]*?^VmFlags:(.*)$/m
      .exec(fromBytes(smaps));
  if (lowest === null || lowest.index !== 0) return false;
  const [, start, end, flags] = lowest as unknown as string[];
  return parseInt(start as string, 16) === PIN_START &&
    parseInt(end as string, 16) >= PIN_END &&
    !(flags as string).split(" ").some((flag) => STRANGE_FLAGS.includes(flag));
}
