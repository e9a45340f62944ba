/**
 * Output that a hostile program cannot hold up for ever.
 *
 * The program shares the terminal or the pipe: it can make a terminal stop all
 * output, and fill a pipe. So what is written to is never waited for in the
 * kernel, where nothing but SIGKILL could end the wait.
 */

import { fromText, toCString } from "../abi/bytes.ts";
import { EAGAIN, EINTR, EOPNOTSUPP } from "../abi/errno.ts";
import { O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_WRONLY } from "../abi/fcntl.ts";
import { TCGETS, TIOCGDEV } from "../abi/ioctls.ts";
import { set } from "../abi/layout.ts";
import { S_IFCHR, S_IFIFO, S_IFSOCK } from "../abi/stat.ts";
import { IOVEC, RWF_NOWAIT } from "../abi/uio.ts";
import { addressOf } from "./address.ts";
import { close, flagsOf, open, setFlags, typeOf, write } from "./files.ts";
import { libc, rareLibc } from "./libc.ts";
import { makeImpatient } from "./pulse.ts";
import { askedBy } from "./signals.ts";

/** Where jail writes its messages. */
export const STDERR = 2;

/** How long to wait for a terminal that takes nothing, in milliseconds. */
const PATIENCE_MS = 250;

/**
 * How long to wait in all for one that takes little, and for who reads slowly what
 * must not be lost, in milliseconds.
 */
const PATIENCE_IN_ALL_MS = 1000;

/** How long one wait is, in milliseconds. */
const TURN_MS = 1;

/** More than a `struct termios` has, in bytes. */
const TERMIOS_SIZE = 64;

/** Whether there is something more urgent than what is written. */
let isUrgent = (): boolean => false;

/**
 * Has something else seen to while a pipe or a socket is waited for.
 *
 * @param see does so, and says whether to wait no more
 */
export function seeWhileWaiting(see: () => boolean): void {
  isUrgent = see;
}

const clock = new Int32Array(new SharedArrayBuffer(4));

/** Waits for about a millisecond. */
export function waitATurn(): void {
  Atomics.wait(clock, 0, 0, TURN_MS);
}

/** How an output is written. */
export interface OutputOptions {
  /** Whether nobody else has its open file description. */
  readonly own: boolean;
  /** Whether nothing may be lost: a terminal is waited for as a pipe is, both longer. */
  readonly whole?: boolean;
}

/**
 * A file that is written to, and waited for no longer than is sound: a terminal
 * for a moment, a pipe or a socket until jail is asked to end, or has to.
 */
export class Output {
  readonly #once: (bytes: Uint8Array) => number;
  /** Whether it is waited for no more than a moment. */
  readonly #brief: boolean;
  readonly #most: number;
  #patience: number;
  #failure = 0;

  /**
   * Makes one.
   *
   * @param fd what is written to
   * @param options how
   */
  constructor(fd: number, { own, whole = false }: OutputOptions) {
    const type = typeOf(fd);
    const terminal = type === S_IFCHR && isTerminal(fd);
    this.#brief = terminal && !whole;
    this.#most = whole ? PATIENCE_IN_ALL_MS : PATIENCE_MS;
    this.#patience = this.#most;
    const blocks = terminal || type === S_IFIFO || type === S_IFSOCK;
    this.#once = !blocks
      ? (bytes): number => write(fd, bytes)
      : own
      ? writerOfOwn(fd)
      : writerOf(fd, type !== S_IFSOCK);
  }

  /** Why the last write was cut short: EAGAIN where it was held up; else 0. */
  get failure(): number {
    return this.#failure;
  }

  /**
   * Writes.
   *
   * @param bytes what
   * @returns how many bytes were written; where that is not all of them,
   *   {@linkcode failure} says why
   */
  write(bytes: Uint8Array): number {
    this.#failure = 0;
    // Patience begins when there is a reason to lose it, however long the wait was.
    let until = 0;
    let atLast = 0;
    let done = 0;
    while (done < bytes.length) {
      const result = this.#once(bytes.subarray(done));
      if (result === -EINTR) continue;
      if (result === -EAGAIN) {
        if (isUrgent() || this.#brief || askedBy() !== 0) {
          const now = performance.now();
          until ||= now + this.#patience;
          atLast ||= now + PATIENCE_IN_ALL_MS;
          if (now >= Math.min(until, atLast)) {
            // One that was in vain is enough, until it goes on.
            this.#patience = 0;
            this.#failure = EAGAIN;
            break;
          }
        }
        waitATurn();
        continue;
      }
      if (result < 0) {
        this.#failure = -result;
        break;
      }
      done += result;
      this.#patience = this.#most;
      until = 0;
    }
    return done;
  }

  /** Has patience once more. */
  renew(): void {
    this.#patience = this.#most;
  }
}

function isTerminal(fd: number): boolean {
  const modes = new Uint8Array(TERMIOS_SIZE);
  return libc.ioctl(fd, TCGETS, modes) >= 0;
}

function writerOfOwn(fd: number): (bytes: Uint8Array) => number {
  setFlags(fd, flagsOf(fd) | O_NONBLOCK);
  return (bytes) => write(fd, bytes);
}

/**
 * Makes what writes to a file. Others may have it open by the same description, and
 * its flags are theirs as well.
 */
function writerOf(fd: number, opens: boolean): (bytes: Uint8Array) => number {
  const own = opens ? openAgain(fd) : -1;
  if (own >= 0) return (bytes) => write(own, bytes);
  // A socket, or the pipe of another user, or a terminal that is not one's own.
  const soon = impatience();
  return (bytes) => {
    const result = writeNow(fd, bytes);
    if (result !== -EOPNOTSUPP) return result;
    const written = soon(() => write(fd, bytes));
    return written === -EINTR ? -EAGAIN : written;
  };
}

/** Has a write wait for a moment alone; as any where there is no timer for that. */
function impatience(): (call: () => number) => number {
  try {
    return makeImpatient(TURN_MS);
  } catch {
    return (call) => call();
  }
}

/** Opens the file of a descriptor once more; -1 where that cannot be done. */
function openAgain(fd: number): number {
  const flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const again = open(toCString(fromText(`/proc/self/fd/${fd}`)), flags);
  if (again >= 0) return again;
  // After su(1) one's own terminal is another user's, but for this name.
  const terminal = open(toCString(fromText("/dev/tty")), flags);
  if (terminal < 0) return -1;
  if (terminalOf(terminal) === terminalOf(fd)) return terminal;
  close(terminal);
  return -1;
}

/**
 * The device of a terminal, whatever name it was opened by (/dev/tty); a negative errno
 * for anything else.
 *
 * @param fd a descriptor of this process
 */
export function terminalOf(fd: number): number {
  const device = new Uint8Array(4);
  const result = libc.ioctl(fd, TIOCGDEV, device);
  return result < 0 ? result : new DataView(device.buffer).getUint32(0, true);
}

/** Writes what can be written at once. Terminals and old kernels cannot do it. */
function writeNow(fd: number, bytes: Uint8Array): number {
  const piece = new Uint8Array(IOVEC.size);
  set(IOVEC, piece, "iov_base", addressOf(bytes));
  set(IOVEC, piece, "iov_len", bytes.length);
  return rareLibc().pwritev2(fd, piece, 1, -1, RWF_NOWAIT);
}
