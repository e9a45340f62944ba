/**
 * How much a program may write to its output and error output.
 *
 * Whoever writes stops, and a call that would write more than is left writes
 * what is left: that is less than was asked for, as writes may be. Which file a
 * descriptor is the kernel tells by device and inode, so a duplicate under
 * another number counts as well. A thread that puts another file under the
 * number between the look and the write is counted wrong.
 *
 * A terminal has several files that lead to it, /dev/tty among them, which is
 * whatever terminal a process has. Where an output is one, all of those count.
 */

import { toCString } from "../../abi/bytes.ts";
import {
  isTerminalDevice,
  NULL_DEVICE,
  TERMINAL_DOORS,
} from "../../abi/devices.ts";
import { ENOENT } from "../../abi/errno.ts";
import { AT_FDCWD } from "../../abi/fcntl.ts";
import { get, getBig } from "../../abi/layout.ts";
import { S_IFCHR, S_IFMT, STAT } from "../../abi/stat.ts";
import { fstat, fstatat } from "../../sys/files.ts";

const stat = new Uint8Array(STAT.size);

/** What is left of the output of one jail. */
export class OutputLimit {
  readonly #files: readonly (readonly [device: bigint, inode: bigint])[];
  /** Devices that lead to a terminal that is an output. */
  readonly #terminals = new Set<number>();
  /** Whether it is not known which terminal an output is. */
  #anyTerminal = false;
  readonly #most: number;
  #used = 0;

  /**
   * Makes one.
   *
   * @param fds the descriptors of this process that the program writes to
   * @param most how many bytes it may write there
   */
  constructor(fds: readonly number[], most: number) {
    this.#files = fds.flatMap((fd) => {
      if (fstat(fd, stat) < 0 || isNull()) return [];
      const device = deviceOf();
      if (isTerminalDevice(device)) {
        this.#anyTerminal ||= TERMINAL_DOORS.includes(device);
        for (const each of [device, ...TERMINAL_DOORS]) {
          this.#terminals.add(each);
        }
      }
      return [identity()];
    });
    this.#most = most;
  }

  /** How many bytes were written, or are being written. */
  get used(): number {
    return this.#used;
  }

  /** How many bytes there is room for. */
  get left(): number {
    return this.#most - this.#used;
  }

  /** Whether a descriptor of a tracee is one of the outputs. */
  has(tid: number, fd: number): boolean {
    const path = toCString(`/proc/${tid}/fd/${fd}`);
    const result = fstatat(AT_FDCWD, path, stat, 0);
    // What is not open is not written to; what cannot be told counts.
    if (result < 0) return result !== -ENOENT;
    const opened = deviceOf();
    if (this.#terminals.has(opened)) return true;
    if (this.#anyTerminal && isTerminalDevice(opened)) return true;
    const [device, inode] = identity();
    return this.#files.some(([d, i]) => d === device && i === inode);
  }

  /**
   * Takes what is about to be written.
   *
   * @param size how many bytes
   * @returns how many of them there is room for
   */
  take(size: number): number {
    const taken = Math.max(0, Math.min(size, this.#most - this.#used));
    this.#used += taken;
    return taken;
  }

  /** Gives back what was taken, and counts what was written. */
  give(taken: number, written: number): void {
    this.#used += Math.max(0, written) - taken;
  }
}

/** Whether the file that was looked at last is /dev/null, where nothing goes. */
function isNull(): boolean {
  return deviceOf() === NULL_DEVICE;
}

/** Which character device the file is that was looked at last; 0 for none. */
function deviceOf(): number {
  const mode = get(STAT, stat, "st_mode");
  return (mode & S_IFMT) === S_IFCHR ? get(STAT, stat, "st_rdev") : 0;
}

/** The device and inode of the file that was looked at last. */
function identity(): readonly [bigint, bigint] {
  return [getBig(STAT, stat, "st_dev"), getBig(STAT, stat, "st_ino")];
}
