/** Files that are closed under every policy, and that only the tracer can tell. */

import type { Looked } from "./look.ts";
import { isBeneath, otherProcs } from "./mounts.ts";
import { Terminals } from "./terminals.ts";

/** Knows which files are closed under every policy. */
export class Closed {
  readonly #terminals: Terminals;
  readonly #procs = otherProcs();

  /**
   * Makes one.
   *
   * @param fds the descriptors of this process that the program gets
   * @param processes the processes of the jail
   */
  constructor(fds: readonly number[], processes: () => Iterable<number>) {
    this.#terminals = new Terminals(fds, processes);
  }

  /** Why a call is refused whatever the policy says, if it is. */
  why(looked: Looked): string | undefined {
    for (const { place } of looked.paths) {
      if (this.#procs.length > 0 && isBeneath(place.path, this.#procs)) {
        return "procfs elsewhere than at /proc";
      }
      if (
        place.kind === "device" && looked.open !== undefined &&
        looked.uses.some(({ access }) => access !== "stat") &&
        this.#terminals.isForeign(place.path)
      ) {
        return "a terminal that is not the jail's own";
      }
    }
    return undefined;
  }
}
