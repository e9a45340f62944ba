/**
 * Stops other tracees while one call rests on a descriptor that they share.
 *
 * A descriptor's number says which file a call means, and another thread can
 * put another file there with dup2(2). A path can be pinned; a number cannot.
 * So the few calls that rest on one (fchmod, fsetxattr, an open of
 * `/proc/self/fd/N` that has no path) are made while every tracee with the same
 * table of descriptors is stopped. A process with one thread needs none of it.
 *
 * The parent of a vfork does not stop before its child is done with its memory,
 * and must not be waited for. That it cannot run is sure only while the child is
 * in a stop: what dies lets its parent go before anybody hears of it. So the
 * child is stopped as well, and the parent is interrupted before that is looked
 * at: let go later, it stops before it runs.
 */

import { isInStop } from "../sys/ptrace.ts";
import type { Family } from "./family.ts";
import { stopKind } from "./stop.ts";
import { type Files, interruptCall, type Tracee } from "./tracee.ts";

/** Stops other tracees for one call at a time. */
export class Freezer {
  readonly #family: Family;
  readonly #ready: (tracee: Tracee) => void;
  readonly #handle: (tracee: Tracee, status: number) => void;
  readonly #pending = new Set<Tracee>();
  #frozen: Tracee[] = [];
  #for: Tracee | undefined;
  #kept = false;

  /**
   * Makes one.
   *
   * @param family the tracees
   * @param ready told when a tracee has its descriptors alone
   * @param handle handles a stop that was held back
   */
  constructor(
    family: Family,
    ready: (tracee: Tracee) => void,
    handle: (tracee: Tracee, status: number) => void,
  ) {
    this.#family = family;
    this.#ready = ready;
    this.#handle = handle;
  }

  /** Whether others are stopped, or being stopped, for this tracee. */
  has(tracee: Tracee): boolean {
    return this.#for === tracee;
  }

  /** Whether others are still being stopped for this tracee. */
  waits(tracee: Tracee): boolean {
    return this.#for === tracee && this.#pending.size > 0;
  }

  /** Whether others could change the descriptors of a process. */
  needed(tracee: Tracee, pid: number): boolean {
    return this.#sharers(tracee, pid).length > 0;
  }

  /**
   * Begins to stop the others.
   *
   * @param tracee whose call it is for
   * @param pid the process whose descriptors it rests on
   * @returns whether all are stopped already; otherwise `ready` is told
   */
  start(tracee: Tracee, pid: number): boolean {
    if (this.#for !== undefined) return false;
    this.#for = tracee;
    this.#frozen = this.#withChildren(this.#sharers(tracee, pid), tracee);
    for (const other of this.#frozen) {
      other.frozen = true;
      // One that is gone will be reported as such.
      if (!other.stopped && interruptCall(other) >= 0) this.#pending.add(other);
    }
    for (const { vfork } of this.#frozen) {
      if (vfork?.stopped && isInStop(vfork.tid)) this.#blocks(vfork);
    }
    return this.#pending.size === 0;
  }

  /** The call goes into the kernel: whether others stay stopped for it. */
  keep(tracee: Tracee): boolean {
    if (this.#for !== tracee) return false;
    this.#kept = true;
    return true;
  }

  /** The call is over before it went into the kernel; whether that thaws. */
  release(tracee: Tracee): boolean {
    if (this.#for !== tracee || this.#kept) return false;
    this.thaw(tracee);
    return true;
  }

  /** The call is over: the others go on with what they were about to do. */
  thaw(tracee: Tracee): void {
    if (this.#for !== tracee) return;
    const frozen = this.#frozen;
    this.#for = undefined;
    this.#frozen = [];
    this.#kept = false;
    this.#pending.clear();
    for (const other of frozen) other.frozen = false;
    for (const other of frozen) {
      for (const status of other.held.splice(0)) this.#handle(other, status);
    }
  }

  /** A stop of a tracee that is being held. */
  hold(tracee: Tracee, status: number): void {
    tracee.held.push(status);
    if (stopKind(status) !== "exec") this.#blocks(tracee);
    this.#arrived(tracee);
  }

  /**
   * A tracee comes in of which nobody has told, stopped: it is held where the
   * descriptors are held that it uses.
   */
  join(tracee: Tracee): void {
    const { files } = tracee;
    if (
      this.#for?.files !== files &&
      !this.#frozen.some((other) => other.files === files)
    ) return;
    tracee.frozen = true;
    this.#frozen.push(tracee);
  }

  /** A thread goes on under another id, and stops by its own no more. */
  renamed(tracee: Tracee): void {
    this.#arrived(tracee);
  }

  /** A tracee is gone. */
  gone(tracee: Tracee): void {
    if (tracee.frozen) {
      tracee.frozen = false;
      this.#frozen = this.#frozen.filter((other) => other !== tracee);
      this.#arrived(tracee);
    }
    this.thaw(tracee);
  }

  /** A tracee is in a stop: whoever waits for its vfork cannot run. */
  #blocks(child: Tracee): void {
    for (const parent of this.#family.parentsOf(child)) {
      this.#pending.delete(parent);
      this.#blocks(parent);
    }
  }

  #arrived(tracee: Tracee): void {
    if (!this.#pending.delete(tracee) || this.#pending.size > 0) return;
    if (this.#for !== undefined) this.#ready(this.#for);
  }

  #sharers(tracee: Tracee, pid: number): Tracee[] {
    const tables = new Set<Files>();
    for (const other of this.#family.tracees.values()) {
      if (other.process.pid === pid) tables.add(other.files);
    }
    return [...this.#family.tracees.values()].filter((other) =>
      other !== tracee && !other.leaving && tables.has(other.files)
    );
  }

  /** Some tracees, and the children of their vforks. */
  #withChildren(tracees: readonly Tracee[], but: Tracee): Tracee[] {
    const all = new Set(tracees);
    // What is added meanwhile is come to as well.
    for (const { vfork } of all) {
      if (vfork !== undefined && vfork !== but) all.add(vfork);
    }
    return [...all];
  }
}
