/** Which tracees have stopped, and whose turn it is. */

import { EINTR } from "../abi/errno.ts";
import { SIGKILL } from "../abi/signal.ts";
import { WNOHANG } from "../abi/wait.ts";
import { waitATurn } from "../sys/output.ts";
import { isOver } from "../sys/task/task.ts";
import {
  kill,
  takeStop,
  waitAny,
  waitFor,
  waitSeeing,
} from "../sys/task/wait.ts";
import type { Family } from "./family.ts";
import type { Accounts } from "./limits/accounts.ts";
import { stopKind } from "./tracee/stop.ts";
import type { Tracee } from "./tracee/tracee.ts";

/** How long a call may take that aims at others by their ids. */
const AIM_MS = 10_000;

/** How long calls may aim at others without a moment between them. */
const MOST_AIMS_MS = 10;

/** How often to look for something that is soon before that is left to the clock. */
const SPINS = 100;

/**
 * How many stops are taken before there is a look at limits: to find one the kernel
 * goes through all tracees that were found before.
 */
const MOST_TAKEN = 64;

/** Stops that were waited for, and are not handled yet. */
export class Waits {
  readonly #accounts: Accounts | undefined;
  readonly #status = new Int32Array(1);
  /** The tasks that have stopped, in their order, and the wait status of each. */
  readonly #tids: number[] = [];
  readonly #stops: Map<number, number> = new Map();
  /** The tracees whose calls aim at others by their ids, and since when. */
  readonly #aims = new Map<Tracee, number>();
  /** Since when there has been such a tracee without a break. */
  #aimsSince = 0;
  /** The tasks that are gone and not handled yet: id and wait status, in turn. */
  readonly #deaths: number[] = [];
  readonly #family: Pick<Family, "ended" | "ends">;

  /**
   * Makes one.
   *
   * @param accounts what was used, where that is limited or to be told
   * @param family told of those whose end was waited for
   */
  constructor(
    accounts: Accounts | undefined,
    family: Pick<Family, "ended" | "ends">,
  ) {
    this.#accounts = accounts;
    this.#family = family;
  }

  /** The wait status that the last wait found. */
  get status(): number {
    return this.#status[0] as number;
  }

  /** Whether somebody is gone of whom nothing was handled yet. */
  get hasDeaths(): boolean {
    return this.#deaths.length > 0;
  }

  /** Waits for a task, or any where it is -1; counts who has ended. */
  wait(tid: number, flags: number): number {
    if (this.#aims.size > 0) return this.#waitAiming(tid, flags);
    const accounts = this.#accounts;
    if (accounts !== undefined) {
      return waitSeeing(tid, this.#status, flags, accounts);
    }
    return tid < 0
      ? waitAny(this.#status, flags)
      : waitFor(tid, this.#status, flags);
  }

  /** Waits for any task, for a moment: `-EINTR` where none has changed. */
  waitShortly(): number {
    for (let tries = 0; tries < SPINS; tries++) {
      const tid = this.wait(-1, WNOHANG);
      if (tid !== 0) return tid;
    }
    waitATurn();
    return -EINTR;
  }

  /**
   * As {@linkcode Waits.wait}, while calls are in the kernel that aim at others
   * by their ids: who has ended stays a zombie, so that no id is used again.
   */
  #waitAiming(tid: number, flags: number): number {
    for (let tries = 0;; tries++) {
      const found = takeStop(tid, this.#status);
      if (found > 0) return found;
      if ((flags & WNOHANG) !== 0) return 0;
      if (tries < SPINS) continue;
      const now = performance.now();
      for (const [tracee, since] of this.#aims) {
        if (isOver(tracee.tid)) this.#aims.delete(tracee);
        // Nothing that aims at others waits for anything.
        else if (now > since + AIM_MS) kill(tracee.process.pid, SIGKILL);
      }
      // There may be something to do besides.
      if (this.#aims.size === 0 || tries > 2 * SPINS) return -EINTR;
      waitATurn();
    }
  }

  /** Whether there is a call on its way that aims at others by their ids. */
  get aiming(): boolean {
    return this.#aims.size > 0;
  }

  /** A tracee's call, which is on its way, aims at others by their ids. */
  aims(tracee: Tracee): void {
    const now = performance.now();
    if (this.#aims.size === 0) this.#aimsSince = now;
    this.#aims.set(tracee, now);
  }

  /**
   * Lets all calls that aim at others come to their end before the next begins,
   * where there has been one for a while. Or many processes that ask about each
   * other could keep the end of any process from being seen, the program's too.
   *
   * @param handle handles a stop of one whose call is over
   * @param between told now and then
   * @returns whether there are stops to be handed over
   */
  endAims(
    handle: (tracee: Tracee, status: number) => void,
    between: () => void,
  ): boolean {
    const until = this.#aimsSince + MOST_AIMS_MS;
    if (this.#aims.size === 0 || performance.now() < until) return false;
    while (this.#aims.size > 0) {
      const tid = this.#waitAiming(-1, 0);
      between();
      if (tid <= 0) continue;
      this.take(tid);
      for (const tracee of this.#aims.keys()) {
        if (tracee.tid !== tid) continue;
        const status = this.#stops.get(tid);
        this.#stops.delete(tid);
        if (status !== undefined) handle(tracee, status);
        break;
      }
    }
    this.takeOthers(between);
    return true;
  }

  /** A tracee's call aims at nobody any more. */
  aimed(tracee: Tracee): void {
    this.#aims.delete(tracee);
  }

  /** Whether the last wait found a stop, and not an end, and no other one waits. */
  get isOnlyStop(): boolean {
    return this.#tids.length === 0 && this.#deaths.length === 0 &&
      !isDeath(this.status);
  }

  /** Counts a stop that is handled at once. */
  count(): void {
    if (this.#accounts !== undefined) this.#accounts.stops++;
  }

  /** Takes the stop that the last wait found, to be handled in its turn. */
  take(tid: number): void {
    this.count();
    const status = this.status;
    if (isDeath(status)) {
      // Whatever stop it was in is over.
      this.#stops.delete(tid);
      this.#deaths.push(tid, status);
      // From now on its id may be another's, however long this end is not handled.
      this.#family.ended.add(tid);
      this.#family.ends(tid);
      return;
    }
    if (!this.#stops.has(tid)) this.#tids.push(tid);
    this.#stops.set(tid, status);
  }

  /**
   * Takes the stops of all that have stopped, so that each has its turn. The
   * kernel tells of the newest tracee first: one that stops all the time would
   * keep the others waiting, and a child would overtake its parent.
   *
   * @param between told now and then, where there are many
   */
  takeOthers(between: () => void): void {
    for (let taken = 1;; taken++) {
      const tid = this.wait(-1, WNOHANG);
      if (tid <= 0) return;
      this.take(tid);
      if (taken % MOST_TAKEN === 0) between();
    }
  }

  /** The stop of a task that is not handled yet. */
  stopOf(tid: number): number | undefined {
    return this.#stops.get(tid);
  }

  /** The end of a task needs no handling, if it was waited for. */
  forget(tid: number): void {
    for (let at = 0; at < this.#deaths.length; at += 2) {
      if (this.#deaths[at] === tid) return this.#takeDeath(at);
    }
  }

  #takeDeath(at: number): void {
    const [tid] = this.#deaths.splice(at, 2);
    const again = this.#deaths.some((id, i) => i % 2 === 0 && id === tid);
    if (tid !== undefined && !again) this.#family.ended.delete(tid);
  }

  /**
   * Hands over what was waited for, in its turn; also what is waited for while a
   * stop is handled, as all are for a question.
   *
   * @param handle handles one stop or end
   * @param between told after each stop
   */
  handOver(
    handle: (tid: number, status: number) => void,
    between: () => void,
  ): void {
    for (;;) {
      // First: an id is somebody else's as soon as it was waited for.
      while (this.#deaths.length > 0) {
        const [tid, status] = this.#deaths as [number, number];
        this.#takeDeath(0);
        handle(tid, status);
      }
      const tid = this.#tids.pop();
      if (tid === undefined) return;
      const status = this.#stops.get(tid);
      if (status === undefined) continue;
      this.#stops.delete(tid);
      handle(tid, status);
      between();
    }
  }
}

function isDeath(status: number): boolean {
  const kind = stopKind(status);
  return kind === "exited" || kind === "killed";
}
