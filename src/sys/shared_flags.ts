/** The flags of open files that this process shares with whoever started it. */

import { flagsOf, setFlags } from "./files.ts";

/**
 * Takes note of how descriptors are open. A program that inherits one can have all who
 * share its open file wait no more (O_NONBLOCK), or write where others have written.
 *
 * @param fds descriptors of this process; one that is none is left out
 * @returns sets back what was changed. They must mean the same files then
 */
export function keepFlags(fds: readonly number[]): () => void {
  const kept = fds.map((fd) => [fd, flagsOf(fd)] as const);
  return (): void => {
    for (const [fd, flags] of kept) {
      if (flags >= 0 && flagsOf(fd) !== flags) setFlags(fd, flags);
    }
  };
}
