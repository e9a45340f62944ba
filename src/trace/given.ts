/** What jail was started with that has no path for the program, and which way each may be used. */

import { fromText } from "../abi/bytes.ts";
import {
  AT_FDCWD,
  O_ACCMODE,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
} from "../abi/fcntl.ts";
import type { Use } from "../policy/call.ts";
import { flagsOf } from "../sys/files.ts";
import type { View } from "../sys/view.ts";
import { nameOfFile } from "./foreign.ts";
import { readLink } from "./place.ts";

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
