/** Files that are closed under every policy, and that only the tracer can tell. */

import type { Looked } from "./look.ts";
import type { CallSpec } from "./spec.ts";
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
  why(looked: Looked, spec: CallSpec): string | undefined {
    if (looked.open === undefined && !spec.asks && changesDevice(looked)) {
      return "a device may be written to, and never be changed itself";
    }
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

/** Whether a call would remove, replace or change a device as a file. */
function changesDevice({ uses }: Looked): boolean {
  return uses.some(({ access, kind, path }) =>
    access === "write" && kind === "device" && !path.startsWith("/dev/pts/")
  );
}
