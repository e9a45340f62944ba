/**
 * Descriptors of this process that are kept open to be used again: a few of them.
 *
 * There is one for the memory of each process, of which a jail may have any
 * number. Without a descriptor left this process could not see any more what the
 * jail uses.
 */

/** What has a descriptor open, and can open it again. */
export interface Keeper {
  /** Closes it. */
  close(): void;
}

/** How many are kept open at most. */
const MOST = 64;

const keepers = new Set<Keeper>();

/** A descriptor was opened; who opened one first closes it where they are too many. */
export function keep(keeper: Keeper): void {
  keepers.add(keeper);
  if (keepers.size <= MOST) return;
  for (const first of keepers) {
    keepers.delete(first);
    first.close();
    return;
  }
}

/** A descriptor was closed. */
export function forget(keeper: Keeper): void {
  keepers.delete(keeper);
}
