/** The flags of open files that this process shares with whoever started it. */

import { O_APPEND } from "../abi/fcntl.ts";
import { flagsOf, setFlags } from "./files.ts";

/**
 * Takes note of how descriptors are open. A program that inherits one can have all who
 * share its open file wait no more (O_NONBLOCK), or write where others have written.
 *
 * What is found may be the doing of another jail that has the same open file, and be
 * set back by the time that this one ends. So it is no reason to have anybody wait no
 * more, or write over something.
 *
 * @param fds descriptors of this process; one that is none is left out
 * @returns sets back what was changed. They must mean the same files then
 */
export function keepFlags(fds: readonly number[]): () => void {
  const kept = fds.map((fd) => [fd, flagsOf(fd)] as const);
  return (): void => {
    for (const [fd, flags] of kept) {
      const now = flagsOf(fd);
      if (flags < 0 || now < 0) continue;
      const wanted = now & (flags | O_APPEND) | flags & O_APPEND;
      if (wanted !== now) setFlags(fd, wanted);
    }
  };
}
