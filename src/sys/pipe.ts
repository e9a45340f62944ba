/** Pipes between this process and a program. */

import { toCString } from "../abi/bytes.ts";
import { errnoName } from "../abi/errno.ts";
import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from "../abi/fcntl.ts";
import { FIONREAD } from "../abi/ioctls.ts";
import { S_IFIFO, S_IFSOCK } from "../abi/stat.ts";
import { SystemCallError } from "../errors.ts";
import {
  close,
  open,
  pipe2,
  type PipeEnds,
  setFlags,
  typeOf,
} from "./files.ts";
import { libc } from "./libc.ts";

/** A pipe: an end of ours, whose calls do not wait, and the program's. */
export interface Pipe {
  /** The end that this process keeps. */
  readonly own: number;
  /** The end that the program gets. */
  readonly theirs: number;
}

/**
 * Makes a pipe whose calls wait.
 *
 * @returns the end that is read, and the one that is written, which exec closes
 * @throws {SystemCallError} where there are too many open files
 */
export function openEnds(): PipeEnds {
  const ends = pipe2(O_CLOEXEC);
  if (typeof ends === "number") throw failure("pipe2()", ends);
  return ends;
}

/**
 * Makes a pipe.
 *
 * @param reading whether this process reads it, or writes it
 * @returns its ends, which exec closes
 * @throws {SystemCallError} where there are too many open files
 */
export function openPipe(reading: boolean): Pipe {
  const [first, second] = openEnds();
  const pipe = reading
    ? { own: first, theirs: second }
    : { own: second, theirs: first };
  // Each end has flags of its own: the program's calls still wait.
  const result = setFlags(pipe.own, O_NONBLOCK);
  if (result < 0) {
    close(first);
    close(second);
    throw failure("fcntl()", result);
  }
  return pipe;
}

/**
 * How many bytes a pipe holds.
 *
 * @param fd the end that is read
 * @returns 0 also where the kernel does not say
 */
export function heldIn(fd: number): number {
  const count = new Uint8Array(4);
  if (libc.ioctl(fd, FIONREAD, count) < 0) return 0;
  return new DataView(count.buffer).getInt32(0, true);
}

/**
 * Opens what reads as empty and takes all that is written.
 *
 * @returns a descriptor that exec closes
 * @throws {SystemCallError} where it cannot be opened
 */
export function openNull(): number {
  const fd = open(toCString("/dev/null"), O_RDWR | O_CLOEXEC);
  if (fd < 0) throw failure("open()", fd);
  return fd;
}

/**
 * Whether what is written to a descriptor waits in the kernel until somebody
 * reads it: a pipe's, or a socket's.
 *
 * @param fd a descriptor of this process
 */
export function isPipe(fd: number): boolean {
  // Where it is not open, nothing is written to it.
  const type = typeOf(fd);
  return type === S_IFIFO || type === S_IFSOCK;
}

function failure(call: string, errno: number): SystemCallError {
  return new SystemCallError("connect the program", call, errnoName(-errno));
}
