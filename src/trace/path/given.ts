/**
 * What jail was started with that has no path for the program, and which way each
 * may be used.
 */

import { fromBytes, fromText } from "../../abi/bytes.ts";
import {
  AT_FDCWD,
  O_ACCMODE,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from "../../abi/fcntl.ts";
import { isOfSameFile, STAT } from "../../abi/stat.ts";
import type { Access, Use } from "../../policy/call.ts";
import { eachName } from "../../sys/directory.ts";
import { flagsOf, fstatat, readFile } from "../../sys/files.ts";
import type { View } from "../../sys/view.ts";
import { nameOfFile } from "./foreign.ts";
import { cString, readLink } from "./place.ts";

/** What may be done with one. */
interface Way {
  reads: boolean;
  writes: boolean;
}

/**
 * Knows what has no path and came from outside.
 *
 * The kernel lets any pipe be opened anew through `/proc/self/fd`, at its other
 * end too: a program could read out of the pipe that its jail reports to, or
 * feed whoever shares its input. So it does a file outside of the program's root.
 */
export class Given {
  readonly #ways: ReadonlyMap<string, Way>;

  /**
   * Makes one.
   *
   * @param view where paths begin
   * @param fds the descriptors of this process that the program gets
   */
  constructor(view: View, fds: readonly number[]) {
    const ways = new Map<string, Way>();
    for (const fd of fds) {
      const outer = readLink(AT_FDCWD, fromText(`/proc/self/fd/${fd}`));
      if (typeof outer === "number") continue;
      const name = nameOfFile(view, fd, outer);
      const way = ways.get(name) ?? { reads: false, writes: false };
      const flags = flagsOf(fd);
      if (flags >= 0 && (flags & O_PATH) === 0) {
        way.reads ||= (flags & O_ACCMODE) !== O_WRONLY;
        way.writes ||= (flags & O_ACCMODE) !== O_RDONLY;
      }
      ways.set(name, way);
    }
    this.#ways = ways;
  }

  /** Whether a descriptor was given for it, whichever way. */
  has({ path }: Use): boolean {
    return this.#ways.has(path);
  }

  /** Whether a use is one that no descriptor was given for. */
  exceeds({ access, kind, path }: Use): boolean {
    if (kind !== "object") return false;
    const way = this.#ways.get(path);
    if (way === undefined) return false;
    return access === "read" && !way.reads || access === "write" && !way.writes;
  }

  /** Whether a descriptor was given for a use of a file that has that name. */
  covers({ access, path }: Use): boolean {
    const way = this.#ways.get(path);
    return (access === "write" ? way?.writes : way?.reads) === true;
  }
}

/** Most of `/proc/<pid>/fdinfo/<fd>` that is read, in bytes. */
const FDINFO_SIZE = 4096;

/** How many descriptors of a process are looked at; it has no more, as a rule. */
const MOST_DESCRIPTORS = 1024;

const FD_REGEXP = /^(\/proc\/[0-9]+(?:\/task\/[0-9]+)?)\/fd\/([0-9]+)$/;

const meant = new Uint8Array(STAT.size);
const other = new Uint8Array(STAT.size);

/**
 * Whether a call by a descriptor, or by its name, is for more than its process has any
 * for. Of what came by a socket, whoever sent it meant no more than that; a pipe
 * of its own a process has at both ends.
 *
 * @param use what the call is for, of something without a path
 * @param via the descriptor's name in `/proc`, whose table nobody changes
 */
export function isForMore({ access }: Use, via: string): boolean {
  const [, process] = FD_REGEXP.exec(via) ?? [];
  if (process === undefined) return false;
  if (isOpenFor(via, access)) return false;
  const name = readLink(AT_FDCWD, via);
  if (fstatat(AT_FDCWD, cString(via), meant, 0) < 0) return true;
  let left = MOST_DESCRIPTORS;
  for (const another of eachName(`${process}/fd`)) {
    if (--left < 0) return true;
    const link = `${process}/fd/${another}`;
    const isSame = readLink(AT_FDCWD, link) === name &&
      fstatat(AT_FDCWD, cString(link), other, 0) >= 0 &&
      isOfSameFile(meant, other);
    if (isSame && isOpenFor(link, access)) return false;
  }
  return true;
}

/**
 * Whether a descriptor may be used for something.
 *
 * @param via its name in `/proc`
 * @param access what for
 */
export function isOpenFor(via: string, access: Access): boolean {
  const flags = flagsTold(via);
  if (flags === undefined || (flags & O_PATH) !== 0) return false;
  const way = access === "write" ? O_WRONLY : O_RDONLY;
  return (flags & O_ACCMODE) === way || (flags & O_ACCMODE) === O_RDWR;
}

/**
 * The flags that a descriptor of another process was opened with, or has been set to:
 * `O_*`; `undefined` where they are not told.
 *
 * @param via its name in `/proc`
 */
export function flagsTold(via: string): number | undefined {
  const [, process, fd] = FD_REGEXP.exec(via) ?? [];
  if (process === undefined || fd === undefined) return undefined;
  const info = readFile(`${process}/fdinfo/${fd}`, FDINFO_SIZE);
  if (typeof info === "number") return undefined;
  const octal = /^flags:\t([0-7]+)$/m.exec(fromBytes(info))?.[1];
  return octal === undefined ? undefined : parseInt(octal, 8);
}
