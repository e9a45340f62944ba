/**
 * Which terminals are the jail's own.
 *
 * Whoever opens a terminal of somebody else reads what is typed there, and
 * writes what that terminal acts on. So a jail has the terminals that it was
 * started with, and those that it made itself.
 */

import { fromBytes, fromText } from "../abi/bytes.ts";
import { AT_FDCWD } from "../abi/fcntl.ts";
import { readDirectory } from "../sys/directory.ts";
import { readFile } from "../sys/files.ts";
import { readLink } from "./place.ts";

const TERMINAL_REGEXP = /^\/dev\/pts\/([0-9]+)$/;
const MASTERS: readonly string[] = ["/dev/ptmx", "/dev/pts/ptmx"];

/** Most of `/proc/<pid>/fdinfo/<fd>` that is read, in bytes. */
const FDINFO_SIZE = 4096;

/** Knows the jail's own terminals. */
export class Terminals {
  readonly #given: ReadonlySet<string>;
  readonly #processes: () => Iterable<number>;

  /**
   * Makes one.
   *
   * @param fds the descriptors of this process that the program gets
   * @param processes the processes of the jail
   */
  constructor(fds: readonly number[], processes: () => Iterable<number>) {
    this.#processes = processes;
    this.#given = new Set(
      fds.map((fd) => readLink(AT_FDCWD, fromText(`/proc/self/fd/${fd}`)))
        .filter((path) => typeof path === "string"),
    );
  }

  /** Whether a path names a terminal that is not the jail's. */
  isForeign(path: string): boolean {
    return TERMINAL_REGEXP.test(path) && !this.#given.has(path) &&
      !this.isMade(path);
  }

  /** Whether a path names a terminal that the jail made itself. */
  isMade(path: string): boolean {
    const index = TERMINAL_REGEXP.exec(path)?.[1];
    if (index === undefined) return false;
    for (const pid of this.#processes()) {
      if (hasMaster(pid, index)) return true;
    }
    return false;
  }
}

/** Whether a process has the other side of a terminal open. */
function hasMaster(pid: number, index: string): boolean {
  for (const fd of readDirectory(`/proc/${pid}/fd`)) {
    const path = readLink(AT_FDCWD, `/proc/${pid}/fd/${fd}`);
    if (typeof path === "number" || !MASTERS.includes(path)) continue;
    const info = readFile(`/proc/${pid}/fdinfo/${fd}`, FDINFO_SIZE);
    if (typeof info === "number") continue;
    if (/^tty-index:\s*([0-9]+)$/m.exec(fromBytes(info))?.[1] === index) {
      return true;
    }
  }
  return false;
}
