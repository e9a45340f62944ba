/**
 * Memory of tracees.
 *
 * An address that no program can have (2^53 and above) is `-EFAULT` here, since
 * a number would not be exact.
 */

import {
  EACCES,
  EBADF,
  EFAULT,
  EIO,
  ENAMETOOLONG,
  EROFS,
} from "../../abi/errno.ts";
import { O_CLOEXEC, O_RDONLY, O_RDWR } from "../../abi/fcntl.ts";
import { PAGE_SIZE } from "../../abi/mman.ts";
import { addressOf } from "../address.ts";
import { close } from "../files.ts";
import { KeptFile } from "../kept.ts";
import { libc } from "../libc.ts";
import { poke } from "./ptrace.ts";

// Two of `struct iovec`, as halves of their words: storing those allocates
// nothing, as storing a bigint would.
const local = new Uint32Array(4);
const remote = new Uint32Array(4);
const FIRST_PIECE = 256;

// Words of 64 bits: a number would take the slow path of Deno's calls.
const NONE = 0n;
const ONE = 1n;

function setPiece(piece: Uint32Array, address: number, length: number): void {
  piece[0] = address % 2 ** 32;
  piece[1] = address / 2 ** 32;
  piece[2] = length;
}

/** Whether an address is one that a number says exactly. */
export function reachable(address: number): boolean {
  return address >= 0 && address <= Number.MAX_SAFE_INTEGER;
}

/**
 * Reads memory of a process.
 *
 * @param tid any task of it
 * @param address where to start
 * @param into where the bytes go
 * @param length how many, at most the length of `into`
 * @returns how many were read, fewer where a page is missing; or a negative errno
 */
export function readMemory(
  tid: number,
  address: number,
  into: Uint8Array,
  length: number,
): number {
  return readPiece(
    tid,
    address,
    addressOf(into),
    Math.min(length, into.length),
  );
}

function readPiece(
  tid: number,
  address: number,
  to: number,
  length: number,
): number {
  if (!reachable(address)) return -EFAULT;
  setPiece(local, to, length);
  setPiece(remote, address, length);
  return libc.process_vm_readv(tid, local, ONE, remote, ONE, NONE);
}

/**
 * Reads a C string of a process.
 *
 * @param tid any task of it
 * @param address where it starts
 * @param into where its bytes go, with the NUL
 * @returns how many bytes come before the NUL; `-ENAMETOOLONG` where there is
 *   none within the length of `into`; or another negative errno
 */
export function readCString(
  tid: number,
  address: number,
  into: Uint8Array,
): number {
  const base = addressOf(into);
  let length = 0;
  while (length < into.length) {
    const at = address + length;
    const most = length === 0 ? FIRST_PIECE : PAGE_SIZE;
    const size = pieceSize(at, most, into.length - length);
    const read = readPiece(tid, at, base + length, size);
    if (read < 0) return read;
    if (read === 0) return -EFAULT;
    const end = into.indexOf(0, length);
    if (end !== -1 && end < length + read) return end;
    length += read;
  }
  return -ENAMETOOLONG;
}

/** Never past the end of a page, since the next one may be missing. */
function pieceSize(address: number, most: number, room: number): number {
  return Math.min(most, PAGE_SIZE - address % PAGE_SIZE, room);
}

/**
 * Writes memory of a process as the process itself may, and the kernel for its
 * calls: not what it maps to read alone, such as the pages with what jail has
 * checked.
 *
 * @param tid any task of it
 * @param address where to start
 * @param from the bytes
 * @param length how many of them; all unless given
 * @returns how many were written, or a negative errno
 */
export function writeAsTracee(
  tid: number,
  address: number,
  from: Uint8Array,
  length: number = from.length,
): number {
  if (!reachable(address)) return -EFAULT;
  setPiece(local, addressOf(from), Math.min(length, from.length));
  setPiece(remote, address, length);
  return libc.process_vm_writev(tid, local, ONE, remote, ONE, NONE);
}

/** Whether this process may write memory of others: a container may refuse that. */
export function canWriteMemory(): boolean {
  const byte = new Uint8Array(1);
  return writeAsTracee(Deno.pid, addressOf(byte), byte) === 1;
}

/** How far below the stack pointer to store something: past the red zone. */
const BELOW_STACK = 512;

/**
 * Stores what a call is to read that a task is about to make: below its stack.
 *
 * @param tid a task that is stopped
 * @param sp its stack pointer
 * @param from the bytes
 * @param length how many
 * @returns where they are, or a negative errno
 */
export function storeBelowStack(
  tid: number,
  sp: number,
  from: Uint8Array,
  length: number,
): number {
  const place = sp - sp % 16 - BELOW_STACK;
  const stored = storeMemory(tid, place, from, length);
  return stored < 0 ? stored : place;
}

/**
 * Writes memory as {@linkcode writeAsTracee}, all of it or it fails: 0, or
 * `-EFAULT`.
 */
export function storeMemory(
  tid: number,
  address: number,
  from: Uint8Array,
  length: number,
): number {
  const written = writeAsTracee(tid, address, from, length);
  return written === length ? 0 : -EFAULT;
}

// Room for a tid of ten digits; they are written from the right.
const PREFIX = "/proc/";
const SUFFIX = "/mem\0";
const path = new Uint8Array(PREFIX.length + 10 + SUFFIX.length);

function memoryPath(tid: number): Uint8Array<ArrayBuffer> {
  let digits = 1;
  for (let rest = tid; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  for (let i = 0; i < PREFIX.length; i++) path[i] = PREFIX.charCodeAt(i);
  let rest = tid;
  for (let i = PREFIX.length + digits - 1; i >= PREFIX.length; i--) {
    path[i] = 0x30 + rest % 10;
    rest = Math.floor(rest / 10);
  }
  for (let i = 0; i < SUFFIX.length; i++) {
    path[PREFIX.length + digits + i] = SUFFIX.charCodeAt(i);
  }
  return path;
}

/** A container may have all of /proc to be read alone. */
function openMemory(tid: number): number {
  const path = memoryPath(tid);
  const fd = libc.open(path, O_RDWR | O_CLOEXEC, 0);
  return fd === -EROFS ? libc.open(path, O_RDONLY | O_CLOEXEC, 0) : fd;
}

/**
 * Writes memory of a process, read-only pages too.
 *
 * @param tid any task of it, traced by the calling thread, stopped
 * @param address where to start
 * @param from the bytes
 * @param length how many of them
 * @returns how many were written, or a negative errno
 */
export function writeMemory(
  tid: number,
  address: number,
  from: Uint8Array,
  length: number,
): number {
  const fd = openMemory(tid);
  if (fd < 0) return fd;
  const written = writeAt(fd, address, from, length);
  close(fd);
  return written === -EBADF ? pokeMemory(tid, address, from, length) : written;
}

// The error that a call would give for such an address: EFAULT, where the file of
// the memory says EIO.
function asFault(result: number): number {
  return result === -EIO ? -EFAULT : result;
}

function writeAt(
  fd: number,
  address: number,
  from: Uint8Array,
  length: number,
): number {
  if (!reachable(address)) return -EFAULT;
  return asFault(
    libc.pwrite64(
      fd,
      from,
      BigInt(Math.min(length, from.length)),
      BigInt(address),
    ),
  );
}

/** Whether no file lets read-only pages be written, and ptrace(2) alone does. */
let filesOnlyRead = false;

/** Whether the file of a memory does not let it be written, and ptrace(2) may. */
function needsPoke(written: number): boolean {
  return written === -EFAULT || written === -EACCES || written === -EBADF;
}

const word = new BigUint64Array(1);
const wordBytes = new Uint8Array(word.buffer);

/**
 * Writes by ptrace(2), a word at a time: what is behind the end stays.
 *
 * @param tid a tracee, stopped
 */
export function pokeMemory(
  tid: number,
  address: number,
  from: Uint8Array,
  length: number,
): number {
  if (!reachable(address)) return -EFAULT;
  const { BYTES_PER_ELEMENT: size } = word;
  for (let at = 0; at < length; at += size) {
    const left = Math.min(size, length - at);
    if (left < size) {
      const read = readMemory(tid, address + at, wordBytes, size);
      if (read !== size) return read < 0 ? read : -EFAULT;
    }
    wordBytes.set(from.subarray(at, at + left));
    const result = poke(tid, address + at, word[0] as bigint);
    if (result < 0) return result;
  }
  return length;
}

/**
 * One address space, kept open, unless many others are.
 *
 * It is the memory that a task had when it was opened: after an exec a new one
 * is needed. Where that memory is gone, 0 bytes are written.
 */
export class TraceeMemory {
  readonly #file = new KeptFile(openMemory);

  /**
   * Writes, like {@linkcode writeMemory}. A kernel may let read-only pages be written
   * by the file of a task alone that this thread traces, which the one may not be any
   * more that it was opened for, or by none (`proc_mem.force_override=`, Linux 6.12).
   * It lets ptrace(2) do so; also where the file may not be opened, which is another
   * user's, by root without CAP_DAC_OVERRIDE, or be opened to be read alone.
   *
   * @param tid a task that has the memory, stopped
   */
  write(
    tid: number,
    address: number,
    from: Uint8Array,
    length: number,
  ): number {
    let written = -EFAULT;
    if (!filesOnlyRead) {
      written = this.#write(tid, address, from, length);
      if (!needsPoke(written)) return written;
      this.close();
      written = this.#write(tid, address, from, length);
      if (!needsPoke(written)) return written;
    }
    const poked = pokeMemory(tid, address, from, length);
    filesOnlyRead ||= poked >= 0 && written !== -EACCES;
    return poked < 0 ? -EFAULT : poked;
  }

  #write(
    tid: number,
    address: number,
    from: Uint8Array,
    length: number,
  ): number {
    const fd = this.#file.of(tid);
    return fd < 0 ? fd : writeAt(fd, address, from, length);
  }

  /** Closes it. The next use opens what the task has then. */
  close(): void {
    this.#file.close();
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }
}
