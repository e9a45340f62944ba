/**
 * Stops other tracees while one call rests on a descriptor that they share.
 *
 * A descriptor's number says which file a call means, and another thread can
 * put another file there with dup2(2). A path can be pinned; a number cannot.
 * So the few calls that rest on one (fchmod, fsetxattr, an open of
 * `/proc/self/fd/N` that has no path) are made while every tracee with the same
 * table of descriptors is stopped. A process with one thread needs none of it.
 *
 * To stop all threads for each call of each thread would take very long where
 * there are many. So when a call is over, its thread stays stopped, and those of
 * the others are made, one after another, that stand at such a call as well.
 *
 * The parent of a vfork does not stop before its child is done with its memory,
 * and must not be waited for. That it cannot run is sure only while the child is
 * in a stop: what dies lets its parent go before anybody hears of it. So the
 * child is stopped as well, and the parent is interrupted before that is looked
 * at: let go later, it stops before it runs.
 *
 * An open may wait in the kernel for what another task does, and none of those
 * that are stopped could do it, nor anybody who wants others stopped. So it is
 * looked at until it is over, or sleeps so that a signal would end that: the
 * kernel has found the file by then, since it does not wait so for memory, for
 * locks, or in /proc. The others go on from there. One that runs on is
 * interrupted: it fails before it has done anything, and is made again.
 *
 * One that sleeps so is not stopped for the calls of others either, or two of them
 * would have each other made again all the time. It may get its descriptor at any
 * moment, and then stops. But it takes none away, and where there is none at the
 * look, a call that rests on it fails without being made. Where nobody else may make
 * a call meanwhile it is stopped as well: it may keep the lock of a socket.
 */

import { waitATurn } from "../../sys/output.ts";
import { stateOf } from "../../sys/task/task.ts";
import type { Family } from "../family.ts";
import { EVERYBODY } from "../look/looked.ts";
import { stopKind } from "../tracee/stop.ts";
import {
  type Files,
  interruptCall,
  isHeldByExec,
  type Process,
  stays,
  type Tracee,
} from "../tracee/tracee.ts";

/** What a freezer asks of its tracer. */
export interface Served {
  /** A tracee has its descriptors alone: its call is looked at. */
  ready(tracee: Tracee): void;
  /** Handles a stop that was held back. */
  handle(tracee: Tracee, status: number): void;
  /** Resumes a tracee whose call is over. */
  go(tracee: Tracee): void;
  /** Whether a stop is at the entry of a call that rests on a descriptor alone. */
  restsOnDescriptor(tracee: Tracee, status: number): boolean;
}

/** How often to look whether a call is over, or waits. */
const MOST_LOOKS = 30;

/** How many of those looks come at once, without a pause in between. */
const QUICK_LOOKS = 20;

/** Stops other tracees for one call at a time. */
export class Freezer {
  readonly #family: Family;
  readonly #served: Served;
  /** Those of the frozen whose calls were made, and that have not gone on. */
  readonly #parked = new Set<Tracee>();
  readonly #pending = new Set<Tracee>();
  #frozen: Tracee[] = [];
  #for: Tracee | undefined;
  #kept = false;
  /** Whether all that are traced are stopped. */
  #all = false;
  /** Tracees whose opens sleep in the kernel: they stop when these are over. */
  readonly #asleep = new Set<Tracee>();
  /** Tracees whose calls wait for their turn, oldest first. */
  readonly #wanted = new Set<Tracee>();

  /**
   * Makes one.
   *
   * @param family the tracees
   * @param served who is told
   */
  constructor(family: Family, served: Served) {
    this.#family = family;
    this.#served = served;
  }

  /** Whether others are stopped, or being stopped, for this tracee. */
  has(tracee: Tracee): boolean {
    return this.#for === tracee;
  }

  /** Whether others are still being stopped for this tracee. */
  waits(tracee: Tracee): boolean {
    return this.#for === tracee && this.#pending.size > 0;
  }

  /** Whether a call waits for others to be stopped, or for its turn with that. */
  isAwaitedBy(tracee: Tracee): boolean {
    return this.#wanted.has(tracee) || this.waits(tracee);
  }

  /**
   * The tracee whose turn it is to begin, if nobody is stopped and it can be
   * served.
   */
  get next(): Tracee | undefined {
    if (this.#for !== undefined) return undefined;
    for (const tracee of this.#wanted) {
      if (!tracee.frozen && !isHeldByExec(tracee)) return tracee;
    }
    return undefined;
  }

  /** A tracee does not wait for its turn any more, or is looked at anew. */
  forget(tracee: Tracee): void {
    this.#wanted.delete(tracee);
  }

  /** The call has gone into the kernel, where it may wait for what others do. */
  letWait(tracee: Tracee): void {
    if (this.#for !== tracee || !this.#kept) return;
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const state = stateOf(tracee.tid);
      if (state === "S") {
        this.thaw(tracee);
        this.#asleep.add(tracee);
        return;
      }
      if (state !== "R" && state !== "D") return;
      if (looks >= QUICK_LOOKS) waitATurn();
    }
    interruptCall(tracee);
  }

  /** Whether others could change the descriptors of a process, or of a thread. */
  needed(tracee: Tracee, id: number): boolean {
    return this.#sharers(tracee, id).length > 0;
  }

  /** Whether all are stopped that could: what it rests on may have changed since. */
  holds(tracee: Tracee, id: number): boolean {
    return this.#sharers(tracee, id).every(({ frozen }) => frozen);
  }

  /**
   * Begins to stop the others.
   *
   * @param tracee whose call it is for
   * @param id the process whose descriptors it rests on, or a thread of it
   * @returns whether all are stopped already; otherwise `ready` is told, or it is
   * the turn of others, and of this one later ({@linkcode Freezer.next})
   */
  start(tracee: Tracee, id: number): boolean {
    if (this.#for !== undefined) {
      this.#wanted.add(tracee);
      return false;
    }
    this.#for = tracee;
    this.#all = id === EVERYBODY;
    this.#frozen = this.#withChildren(this.#sharers(tracee, id), tracee);
    for (const other of this.#frozen) {
      other.frozen = true;
      // One that is gone will be reported as such.
      const waits = other.stopped ||
        id !== EVERYBODY && this.#asleep.has(other);
      if (!waits && interruptCall(other) >= 0) this.#pending.add(other);
    }
    for (const { vfork } of this.#frozen) {
      if (vfork !== undefined && stays(vfork)) this.#blocks(vfork);
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

  /**
   * The call is over, and its tracee about to go on: whether it has to wait until
   * the calls of others are over.
   */
  park(tracee: Tracee): boolean {
    if (this.#for !== tracee || this.#nextFrozen(tracee) === undefined) {
      return false;
    }
    tracee.frozen = true;
    this.#frozen.push(tracee);
    this.#parked.add(tracee);
    return true;
  }

  /**
   * The call is over: the next one is made, or the others go on with what they
   * were about to do.
   */
  thaw(tracee: Tracee): void {
    this.#asleep.delete(tracee);
    if (this.#for !== tracee) return;
    const next = this.#nextFrozen();
    if (next !== undefined) return this.#pass(next);
    const frozen = this.#frozen;
    this.#for = undefined;
    this.#frozen = [];
    this.#kept = false;
    this.#pending.clear();
    for (const other of frozen) other.frozen = false;
    for (const other of this.#parked) this.#served.go(other);
    this.#parked.clear();
    for (const other of frozen) {
      // One that went on may have begun to stop the others for a call of its own.
      if (other.frozen) continue;
      for (const status of other.held.splice(0)) {
        this.#served.handle(other, status);
      }
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
   * descriptors are held that it uses, or everybody is.
   */
  join(tracee: Tracee): void {
    if (this.#for === undefined) return;
    const { files } = tracee;
    const shares = this.#all || this.#for.files === files ||
      this.#frozen.some((other) => other.files === files);
    if (!shares) return;
    tracee.frozen = true;
    this.#frozen.push(tracee);
  }

  /** A tracee is gone. */
  gone(tracee: Tracee): void {
    if (tracee.frozen) {
      this.#leave(tracee);
      this.#arrived(tracee);
    }
    this.thaw(tracee);
  }

  /** A tracee is in a stop: whoever waits for its vfork cannot run. */
  #blocks(child: Tracee): void {
    let parent = this.#family.parentOf(child);
    while (parent !== undefined) {
      this.#pending.delete(parent);
      parent = this.#family.parentOf(parent);
    }
  }

  #arrived(tracee: Tracee): void {
    if (!this.#pending.delete(tracee) || this.#pending.size > 0) return;
    if (this.#for !== undefined) this.#served.ready(this.#for);
  }

  /** Makes the call of another one that is stopped. */
  #pass(next: Tracee): void {
    this.#leave(next);
    next.held.length = 0;
    this.#for = next;
    this.#kept = false;
    this.#served.ready(next);
  }

  /** A tracee is none of the frozen any more. */
  #leave(tracee: Tracee): void {
    tracee.frozen = false;
    this.#frozen = this.#frozen.filter((other) => other !== tracee);
    this.#parked.delete(tracee);
  }

  /**
   * One of the frozen that stands at such a call, while all are stopped that this
   * call needs stopped.
   *
   * @param but who is about to be one of them
   */
  #nextFrozen(but?: Tracee): Tracee | undefined {
    if (this.#pending.size > 0 || this.#frozen.length === 0) return undefined;
    // One look at all has the answer for each: there may be thousands.
    const running = this.#running(but);
    return this.#frozen.find((tracee) => {
      const [status, another] = tracee.held;
      return status !== undefined && another === undefined &&
        !isHeldByExec(tracee) && !running.has(tracee.process) &&
        this.#served.restsOnDescriptor(tracee, status);
    });
  }

  /**
   * The processes whose descriptors somebody could change who is not stopped.
   *
   * @param but who is about to be
   */
  #running(but?: Tracee): ReadonlySet<Process> {
    const all = [...this.#family.tracees.values()];
    const tables = new Set(
      all.filter((one) => !one.frozen && one !== but && !one.leaving)
        .map(({ files }) => files),
    );
    return new Set(
      all.filter(({ files }) => tables.has(files)).map(({ process }) =>
        process
      ),
    );
  }

  #sharers(tracee: Tracee, id: number): Tracee[] {
    if (id === EVERYBODY) {
      return [...this.#family.tracees.values()].filter((other) =>
        other !== tracee && !other.leaving
      );
    }
    // A thread's id names its process in /proc as well, though none is listed.
    const pid = this.#family.tracees.get(id)?.process.pid ?? id;
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
