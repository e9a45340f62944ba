/** Files that are closed under every policy, and that only the tracer can tell. */

import { Given } from "./given.ts";
import type { Looked } from "./look.ts";
import type { CallSpec } from "./spec.ts";
import { isBeneath, otherProcs } from "./mounts.ts";
import { Terminals } from "./terminals.ts";

/** Knows which files are closed under every policy. */
export class Closed {
  readonly #terminals: Terminals;
  readonly #given: Given;
  readonly #procs = otherProcs();

  /**
   * Makes one.
   *
   * @param fds the descriptors of this process that the program gets
   * @param processes the processes of the jail
   */
  constructor(fds: readonly number[], processes: () => Iterable<number>) {
    this.#terminals = new Terminals(fds, processes);
    this.#given = new Given(fds);
  }

  /** Why a call is refused whatever the policy says, if it is. */
  why(looked: Looked, spec: CallSpec): string | undefined {
    const changes = looked.open === undefined && !spec.asks;
    for (const use of looked.uses) {
      if (this.#given.exceeds(use)) {
        return "a pipe that jail was started with, and only for the other way";
      }
      const { access, kind, path } = use;
      if (kind !== "device" || access === "stat") continue;
      if (changes && access === "write" && !this.#terminals.isMade(path)) {
        return "a device may be written to, and never be changed itself";
      }
      if (this.#terminals.isForeign(path)) {
        return "a terminal that is not the jail's own";
      }
    }
    if (this.#procs.length === 0) return undefined;
    return looked.paths.some(({ place }) => isBeneath(place.path, this.#procs))
      ? "procfs elsewhere than at /proc"
      : undefined;
  }
}
