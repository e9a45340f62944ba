/**
 * Which terminals are the jail's own.
 *
 * Whoever opens a terminal of somebody else reads what is typed there, and
 * writes what that terminal acts on. So a jail has the terminals that it was
 * started with, and those that it made itself.
 *
 * A terminal's name is free for another one once both of its sides are closed:
 * pty_unix98_remove() in the kernel's drivers/tty/pty.c. So the tracer holds one
 * side itself, of those that were given for as long as the jail lives, and of
 * one that was made until the call is over that names it.
 */

import { fromBytes, fromText } from "../../abi/bytes.ts";
import { AT_FDCWD } from "../../abi/fcntl.ts";
import { isOfSameFile, STAT } from "../../abi/stat.ts";
import { eachName } from "../../sys/directory.ts";
import { close, duplicate, fstat, readFile } from "../../sys/files.ts";
import { pidfdGetFd, pidfdOpen } from "../../sys/task/pidfd.ts";
import { referToTerminal } from "../../sys/terminal.ts";
import type { View } from "../../sys/view.ts";
import { cString, readLink } from "./place.ts";

const TERMINAL_REGEXP = /^\/dev\/pts\/([0-9]+)$/;
const MASTERS: readonly string[] = ["/dev/ptmx", "/dev/pts/ptmx"];

/** Most of `/proc/<pid>/fdinfo/<fd>` that is read, in bytes. */
const FDINFO_SIZE = 4096;

/**
 * How many descriptors are looked at for one terminal. A jail can have many
 * millions, and the tracer sees to nothing else meanwhile.
 */
const MOST_DESCRIPTORS = 16_384;

const named = new Uint8Array(STAT.size);
const own = new Uint8Array(STAT.size);

/** Whether a path names a terminal that somebody made. */
export function isTerminal(path: string): boolean {
  return TERMINAL_REGEXP.test(path);
}

/** Whether a path names what makes a terminal, and is its other side then. */
export function makesTerminals(path: string): boolean {
  return MASTERS.includes(path);
}

/** Knows the jail's own terminals. */
export class Terminals {
  /** The terminals that jail was started with, by path. */
  readonly #given: Map<string, number> = new Map();
  readonly #view: View;
  readonly #processes: () => Iterable<number>;

  /**
   * Makes one.
   *
   * @param view where paths begin
   * @param fds the descriptors of this process that the program gets
   * @param processes the processes of the jail
   */
  constructor(
    view: View,
    fds: readonly number[],
    processes: () => Iterable<number>,
  ) {
    this.#view = view;
    this.#processes = processes;
    for (const fd of fds) {
      const path = readLink(AT_FDCWD, fromText(`/proc/self/fd/${fd}`));
      if (typeof path === "number" || !isTerminal(path)) continue;
      if (this.#given.has(path)) continue;
      // As long as it is open, no other terminal has its name.
      const held = duplicate(fd, 3);
      if (held >= 0) this.#given.set(path, held);
    }
  }

  /** Lets go of the terminals that jail was started with. */
  close(): void {
    for (const fd of this.#given.values()) close(fd);
    this.#given.clear();
  }

  /** Whether a path names a terminal that jail was started with. */
  isGiven(path: string): boolean {
    const fd = this.#given.get(path);
    if (fd === undefined || fstat(fd, own) < 0) return false;
    // Of another instance of devpts it could have the same name.
    return this.#view.stat(cString(path), named) >= 0 &&
      isOfSameFile(named, own);
  }

  /** Whether the jail made a terminal itself, which somebody has open meanwhile. */
  isMade(path: string, caller: number): boolean {
    const fd = this.hold(path, caller);
    if (fd >= 0) close(fd);
    return fd >= 0;
  }

  /**
   * Takes hold of the other side of a terminal that the jail made itself, so
   * that no other terminal gets its name.
   *
   * @param path the terminal
   * @param caller the process that names it, which is looked at first; the
   * others from the newest on
   * @returns a descriptor of this process, to be closed; -1 where the jail did
   * not make it, or has too many descriptors to tell
   */
  hold(path: string, caller: number): number {
    const index = TERMINAL_REGEXP.exec(path)?.[1];
    if (index === undefined) return -1;
    const left = { descriptors: MOST_DESCRIPTORS };
    const others = [...this.#processes()].filter((pid) => pid !== caller);
    for (const pid of [caller, ...others.reverse()]) {
      const fd = holdMaster(this.#view, pid, path, index, left);
      if (fd >= 0) return fd;
      if (left.descriptors < 0) return -1;
    }
    return -1;
  }
}

/** Takes hold of the other side of a terminal where a process has it open. */
function holdMaster(
  view: View,
  pid: number,
  path: string,
  index: string,
  left: { descriptors: number },
): number {
  let pidfd = -1;
  try {
    for (const fd of eachName(`/proc/${pid}/fd`)) {
      if (--left.descriptors < 0) return -1;
      const name = readLink(AT_FDCWD, `/proc/${pid}/fd/${fd}`);
      if (typeof name === "number" || !isNameOfMaster(view, name)) continue;
      if (pidfd < 0) pidfd = pidfdOpen(pid);
      const held = pidfd < 0 ? pidfd : pidfdGetFd(pidfd, Number(fd));
      if (held < 0) continue;
      // The number may mean another file by now: what is held is looked at.
      if (isMaster(view, held, index) && isOtherSideOf(view, held, path)) {
        return held;
      }
      close(held);
    }
    return -1;
  } finally {
    if (pidfd >= 0) close(pidfd);
  }
}

/** Whether a descriptor of this process is the other side of one with a number. */
function isMaster(view: View, fd: number, index: string): boolean {
  const path = readLink(AT_FDCWD, `/proc/self/fd/${fd}`);
  if (typeof path === "number" || !isNameOfMaster(view, path)) return false;
  const info = readFile(`/proc/self/fdinfo/${fd}`, FDINFO_SIZE);
  if (typeof info === "number") return false;
  return /^tty-index:\s*([0-9]+)$/m.exec(fromBytes(info))?.[1] === index;
}

/**
 * Whether the other side of a terminal is that of the one with a name. Another
 * instance of devpts has others by the same numbers: whoever mounts one, which takes
 * no privilege (user_namespaces(7)), may send a side of its own by a socket.
 *
 * @param view where paths begin
 * @param master a descriptor of this process
 * @param path the terminal
 */
function isOtherSideOf(view: View, master: number, path: string): boolean {
  const terminal = referToTerminal(master);
  if (terminal < 0) return false;
  const isSame = fstat(terminal, own) >= 0 &&
    view.stat(cString(path), named) >= 0 && isOfSameFile(named, own);
  close(terminal);
  return isSame;
}

/** Whether that is what the kernel calls the other side of any terminal. */
function isNameOfMaster(view: View, name: string): boolean {
  return makesTerminals(view.nameOf(name));
}
