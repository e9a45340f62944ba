/**
 * Where a tracee is, kept open once it has looked for files from there.
 *
 * Each call with a relative path asks for the name of the working directory, and
 * whether it is in a mount of the program's. Of a descriptor of jail's own the
 * second is known, and the first is told sooner than by way of the tracee.
 *
 * Race: a directory that was left must not be taken for the one where the tracee is.
 * So every call that moves one stops before it is made, and what is kept is given
 * up there. Who shares its directories with others may be moved by them at any time
 * from then on, and while it is moved; nothing of it is kept any more. Where it is
 * not known who shares with whom, nothing is kept of anybody. A rename moves what is
 * kept with the directory, perhaps to where its name means another: that is asked for
 * each time, and nothing is kept of one with a new name. Whoever mounts or unmounts
 * something changes what names mean: nothing is kept that was known before.
 */

import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../../abi/fcntl.ts";
import { close, openat2 } from "../../sys/files.ts";
import { heedMounts, mountsAge } from "../../sys/mounted.ts";
import { nameOf } from "./own_descriptors.ts";
import { cString } from "./place.ts";

/** What is kept of all tracees of a jail. */
export interface Keeping {
  /** Whether each call that moves a directory stops, and who shares it is known. */
  trusted: boolean;
  /** How many more may be kept open. */
  room: number;
  /**
   * What none may be kept open as, nor above: who has few descriptors has other uses
   * for them. A new one has the lowest number that is free.
   */
  readonly end: number;
}

/** A working directory. */
export class WorkingDirectory {
  readonly #keeping: Keeping;
  /** A descriptor of it; -1 for none. */
  #fd = -1;
  /** {@linkcode mountsAge}, when it was known to be in a mount of the program's. */
  #mounts = 0;
  /** Its path, when that was known to lead to it. */
  #path = "";
  /** Whether it was looked from before: a short process does it once. */
  #looked = false;
  /** Whether others may move it. */
  #shared = false;

  /**
   * Makes one of which nothing is kept yet.
   *
   * @param keeping what is kept of all
   */
  constructor(keeping: Keeping) {
    this.#keeping = keeping;
  }

  /** What the kernel calls it, where it is kept; else nothing, or a negated errno. */
  name(): string | number | undefined {
    if (this.#fd < 0 || !this.#keeping.trusted) return undefined;
    const name = nameOf(this.#fd);
    if (heedMounts() === this.#mounts) return name;
    this.close();
    return undefined;
  }

  /** Whether it has the path that was known to lead to it; else it is kept no more. */
  isStillAt(path: string): boolean {
    if (path === this.#path) return true;
    this.close();
    return false;
  }

  /**
   * It was looked from, and is in a mount of the program's: it is kept from the
   * second time on.
   *
   * Race: an exec of another thread may end this one, and its id be a stranger's by
   * now, who is in another process.
   *
   * @param pid the process
   * @param tid a thread of it that is there, whose call waits for an answer: one that
   *   stops may be about to move it
   * @param path its path
   */
  keep(pid: number, tid: number, path: string): void {
    const { trusted, room, end } = this.#keeping;
    if (!trusted || this.#shared || this.#fd >= 0) return;
    if (!this.#looked || room === 0) {
      this.#looked = true;
      return;
    }
    const link = cString(`/proc/${pid}/task/${tid}/cwd`);
    this.#mounts = mountsAge();
    this.#path = path;
    this.#fd = openat2(AT_FDCWD, link, O_PATH | O_CLOEXEC, 0, 0);
    if (this.#fd >= 0) this.#keeping.room--;
    if (this.#fd >= end) this.close();
  }

  /**
   * A call that moves it is about to be made.
   *
   * @param shared whether others use it
   */
  moves(shared: boolean): void {
    this.#shared ||= shared;
    this.#looked = false;
    this.close();
  }

  /** Nobody uses it any more, as far as is known. */
  close(): void {
    if (this.#fd < 0) return;
    close(this.#fd);
    this.#fd = -1;
    this.#keeping.room++;
  }
}
