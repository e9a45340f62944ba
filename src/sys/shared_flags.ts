/** How open files are that this process shares with whoever started it. */

import { O_APPEND } from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { S_IFMT, STAT } from "../abi/stat.ts";
import { chmodHeld, flagsOf, fstat, nameOf, setFlags } from "./files.ts";

/**
 * Takes note of how descriptors are open. A program that inherits one can have all who
 * share its open file wait no more (O_NONBLOCK), or write where others have written; and
 * have a pipe be opened by its name no more, as /dev/stderr.
 *
 * What is found may be the doing of another jail that has the same open file, and be
 * set back by the time that this one ends. So it is no reason to have anybody wait no
 * more, or write over something, or to keep anybody from a pipe.
 *
 * @param fds descriptors of this process; one that is none is left out
 * @returns sets back what was changed. They must mean the same files then
 */
export function keepFlags(fds: readonly number[]): () => void {
  const kept = fds.map((fd) => [fd, flagsOf(fd), pipeModeOf(fd)] as const);
  return (): void => {
    for (const [fd, flags, mode] of kept) {
      const now = flagsOf(fd);
      if (flags < 0 || now < 0) continue;
      const wanted = now & (flags | O_APPEND) | flags & O_APPEND;
      if (wanted !== now) setFlags(fd, wanted);
      const modeNow = pipeModeOf(fd);
      if ((mode & ~modeNow) !== 0) chmodHeld(fd, mode | modeNow);
    }
  };
}

const stat = new Uint8Array(STAT.size);

/** The permissions of a pipe without a name, which no rule is about; 0 for all else. */
function pipeModeOf(fd: number): number {
  if (!nameOf(fd).startsWith("pipe:[")) return 0;
  return fstat(fd, stat) < 0 ? 0 : get(STAT, stat, "st_mode") & ~S_IFMT;
}
