/** Files that are closed under every policy, and that only the tracer can tell. */

import { Given } from "./given.ts";
import type { Looked } from "./looked.ts";
import type { CallSpec } from "./spec.ts";
import { isBeneath, otherProcs } from "./mounts.ts";
import { isTerminal, Terminals } from "./terminals.ts";

const DEVICE = "a device may be written to, and never be changed itself";
const TERMINAL = "a terminal that is not the jail's own";

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

  /**
   * Why a call is refused whatever the policy says, if it is. Where it is not,
   * {@linkcode Looked.held} is to be closed when the call is over.
   *
   * @param looked what the call means
   * @param spec which call it is
   * @param caller the process that makes it
   */
  why(looked: Looked, spec: CallSpec, caller: number): string | undefined {
    const changes = looked.open === undefined && !spec.asks;
    for (const use of looked.uses) {
      if (this.#given.exceeds(use)) {
        return "a pipe that jail was started with, and only for the other way";
      }
      const { access, kind, path } = use;
      if (kind !== "device" || access === "stat") continue;
      const alters = changes && access === "write";
      if (!isTerminal(path)) {
        if (alters) return DEVICE;
        continue;
      }
      if (!alters && this.#terminals.isGiven(path)) continue;
      if (!this.#holds(looked, path, caller)) return alters ? DEVICE : TERMINAL;
    }
    if (this.#procs.length === 0) return undefined;
    return looked.paths.some(({ place }) => isBeneath(place.path, this.#procs))
      ? "procfs elsewhere than at /proc"
      : undefined;
  }

  /** The jail is no more. */
  close(): void {
    this.#terminals.close();
  }

  /** Whether a terminal is one that the jail made, which is held then. */
  #holds(looked: Looked, path: string, caller: number): boolean {
    if (looked.held === undefined) {
      const fd = this.#terminals.hold(path, caller);
      if (fd >= 0) looked.held = { path, fd };
    }
    return looked.held?.path === path;
  }
}
