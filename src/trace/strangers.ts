/**
 * Tracees that nobody has told of yet: a new one may stop before its maker does,
 * and its maker may die before it can tell.
 *
 * Race: a new one may also die before its maker tells, which is much later where
 * the maker is stopped for somebody's descriptors (`hold/freeze.ts`). Its id is
 * free then, and can be that of another task by the time that the maker tells: of
 * the jail, or outside. So ids of deaths that nobody was told to expect are kept
 * until all have told that ever will; what is told of them meanwhile is not
 * believed, and who has such an id, and lives, is taken in as an orphan.
 *
 * Nor must a new one have stopped by the time that its maker is gone: one that does so
 * soon after somebody was ended may be an orphan, too. It may stop at any time, where
 * it has hardly any processor: so of whom nobody has told for long all are asked.
 */

import { ESRCH } from "../abi/errno.ts";
import { SIGKILL } from "../abi/signal.ts";
import { resume } from "../sys/task/ptrace.ts";
import { shareFiles, shareMemory } from "../sys/task/task.ts";
import { isToWaitFor, kill, tgkill } from "../sys/task/wait.ts";
import type { Affinity } from "./affinity.ts";
import type { Family } from "./family.ts";
import type { Freezer } from "./hold/freeze.ts";
import type { Accounts } from "./limits/accounts.ts";
import { imageOf } from "./look/executed.ts";
import { stopKind } from "./tracee/stop.ts";
import {
  interruptCall,
  type Space,
  stays,
  type Tracee,
} from "./tracee/tracee.ts";

/** How long a task may take to stop whose maker was ended, in milliseconds. */
const BIRTH_MS = 1000;

/** How long orphans are taken in before others have their turn, in milliseconds. */
const TURN_MS = 5;

/** Tracees that nobody has told of yet. */
export class Strangers {
  readonly #family: Family;
  readonly #freezer: Freezer;
  readonly #accounts: Accounts | undefined;
  readonly #affinity: Affinity;
  readonly #handle: (tracee: Tracee, status: number) => void;
  /** The tracees that may still tell of the orphans that are looked for. */
  readonly #asked = new Set<Tracee>();
  #orphans: number[] = [];
  /** Orphans, since all have told that ever will: they are to be taken in. */
  readonly #found = new Set<number>();
  /** Ids of tasks that died before anybody told of them. */
  readonly #doubted = new Set<number>();
  /** Those of them that nobody will tell of any more. */
  #cleared: number[] = [];
  #askAgain = false;
  #killing = false;
  /** Until when a task that stops may be one whose maker was ended. */
  #lateUntil = 0;
  /**
   * Since when there have been strangers without a break, or all were asked about
   * them.
   */
  #since = 0;

  /**
   * Makes one.
   *
   * @param family the tracees
   * @param freezer stops them for calls that need their descriptors alone
   * @param accounts what was used, where that is limited or to be told
   * @param affinity where tracees run
   * @param handle handles the stop of a tracee that is known by now
   */
  constructor(
    family: Family,
    freezer: Freezer,
    accounts: Accounts | undefined,
    affinity: Affinity,
    handle: (tracee: Tracee, status: number) => void,
  ) {
    this.#family = family;
    this.#freezer = freezer;
    this.#accounts = accounts;
    this.#affinity = affinity;
    this.#handle = handle;
  }

  /** How many there are. */
  count(): number {
    let count = 0;
    for (const tid of this.#family.untold.keys()) {
      if (!this.#family.tracees.has(tid)) count++;
    }
    return count;
  }

  /** A stop of one. */
  stop(tid: number, status: number): void {
    const kind = stopKind(status);
    if (kind === "exited" || kind === "killed") {
      this.#family.untold.delete(tid);
      this.#found.delete(tid);
      this.doubt(tid);
      return;
    }
    if (kind === "leaving") {
      resume(tid, 0);
      return;
    }
    if (this.#killing) {
      kill(tid, SIGKILL);
      return;
    }
    if (this.#family.untold.size === 0) this.#since = performance.now();
    this.#family.untold.set(tid, status);
    if (this.doubts(tid) || performance.now() < this.#lateUntil) {
      this.adoptOrphans();
    }
  }

  /**
   * Somebody was ended, perhaps before he could tell of what he made: by a signal
   * or an exec. Who ends himself has told.
   *
   * @param space the memory that he had, and what he made may have
   */
  ended(space: Space): void {
    space.untold = true;
    this.#lateUntil = performance.now() + BIRTH_MS;
    this.adoptOrphans();
  }

  /**
   * Asks all about those of whom nobody has told for long.
   *
   * @returns whether there is somebody to look after again soon
   */
  look(): boolean {
    if (this.#killing || this.count() === 0) return false;
    const now = performance.now();
    if (now > this.#since + BIRTH_MS) {
      this.#since = now;
      this.adoptOrphans();
    }
    return true;
  }

  /** A task with this id may have died before its maker told of it. */
  doubt(tid: number): void {
    this.#doubted.add(tid);
  }

  /**
   * Whether what is told of an id is not believed: it is of a task that is dead, or
   * of another that has the id by now, and is taken in as an orphan.
   */
  doubts(tid: number): boolean {
    return this.#doubted.has(tid);
  }

  /**
   * Whether a maker is believed that tells of an id. It may tell late, of one who was
   * taken in meanwhile, and has died: the kernel knows whom there is to wait for.
   */
  believes(tid: number): boolean {
    return !this.doubts(tid) && isToWaitFor(tid);
  }

  /** Handles stops that came before their tracees were told of. */
  meet(): void {
    for (const [tid, status] of this.#family.untold) {
      const tracee = this.#family.tracees.get(tid);
      if (tracee === undefined) continue;
      this.#family.untold.delete(tid);
      this.#handle(tracee, status);
    }
  }

  /** The jail ends, and they with it. */
  kill(): void {
    this.#killing = true;
    for (const tid of this.#family.untold.keys()) this.#end(tid);
  }

  #end(tid: number): void {
    if (!this.#family.ended.has(tid)) kill(tid, SIGKILL);
  }

  /**
   * Somebody died, who may have made a tracee without telling of it. Whoever
   * lives and did so is about to tell: all of them are made to stop, and what
   * nobody has told of by then is an orphan.
   */
  adoptOrphans(): void {
    const { untold } = this.#family;
    const none = untold.size - this.#found.size + this.#doubted.size === 0;
    if (none || this.#killing) return;
    if (this.#asked.size > 0) {
      this.#askAgain = true;
      return;
    }
    this.#askAgain = false;
    this.#orphans = [...untold.keys()].filter((tid) => !this.#found.has(tid));
    this.#cleared = [...this.#doubted];
    for (const tracee of this.#family.tracees.values()) {
      // What leaves tells no more.
      const tells = tracee.held.length > 0 ||
        !tracee.stopped && !isBlocked(tracee) && !tracee.leaving &&
          interruptCall(tracee) >= 0;
      if (tells) this.#asked.add(tracee);
    }
    if (this.#asked.size === 0) this.#find();
  }

  /** A tracee has stopped, or is gone: it has told what there is to tell. */
  told(tracee: Tracee): void {
    if (this.#asked.size === 0) return;
    // Nor does anything stop that waits for its vfork.
    let one: Tracee | undefined = tracee;
    while (one !== undefined) {
      this.#asked.delete(one);
      one = this.#family.parentOf(one);
    }
    if (this.#asked.size > 0) return;
    this.#find();
    if (this.#askAgain) this.adoptOrphans();
  }

  /** All have told that ever will: of whom nobody has is an orphan. */
  #find(): void {
    for (const tid of this.#cleared.splice(0)) this.#doubted.delete(tid);
    for (const tid of this.#orphans.splice(0)) {
      // Told of by now, it is met as soon as its maker has gone on.
      const { tracees, untold } = this.#family;
      if (untold.has(tid) && !tracees.has(tid)) this.#found.add(tid);
    }
  }

  /**
   * Takes in tracees whose maker died before it could tell of them, for a moment:
   * the kernel is asked about each and all others, which takes long where there are
   * many.
   *
   * @returns whether there are more of them
   */
  takeIn(): boolean {
    if (this.#found.size === 0) return false;
    const until = performance.now() + TURN_MS;
    for (const tid of this.#found) {
      if (this.#killing) return false;
      this.#found.delete(tid);
      const status = this.#family.untold.get(tid);
      if (status !== undefined) this.#adopt(tid, status);
      if (performance.now() > until) break;
    }
    return this.#found.size > 0;
  }

  /** Takes in one. What it shares the kernel says; where it does not, it is ended. */
  #adopt(tid: number, status: number): void {
    if (this.#endsByExec(tid)) return;
    const others = [...this.#family.tracees.values()];
    const kin = sharing(others, tid, shareMemory);
    const user = sharing(others, tid, shareFiles);
    // A thread of a process that lives is one of those whose id was doubted.
    const isThread = tgkill(tid, tid, 0) === -ESRCH;
    if (kin === "unknown" || user === "unknown" || isThread) {
      this.#end(tid);
      return;
    }
    this.#family.untold.delete(tid);
    const orphan = this.#family.addOrphan(tid, kin, user);
    // What its maker ran, the log says of it as well.
    orphan.process.program = imageOf(orphan.view, tid);
    this.#accounts?.added(true);
    if (kin === undefined) this.#accounts?.copied(orphan, true);
    this.#affinity.made(undefined, orphan);
    this.#freezer.join(orphan);
    this.#handle(orphan, status);
  }

  /**
   * Whether it is a thread of a process in which another one's exec is on its way,
   * which has ended its maker, and ends it as well. To end it here would end all.
   */
  #endsByExec(tid: number): boolean {
    for (const { executing, pid } of this.#family.processes.values()) {
      if (executing !== undefined && tgkill(pid, tid, 0) >= 0) return true;
    }
    return false;
  }
}

/**
 * Whether a tracee tells nothing, since the child of its vfork is in a stop. One that
 * is killed there lets it go on, in the middle of its death.
 */
function isBlocked({ vfork }: Tracee): boolean {
  return vfork !== undefined && stays(vfork);
}

/**
 * Those of some tracees that share something with a task of which nobody has told.
 */
function sharing(
  tracees: readonly Tracee[],
  tid: number,
  share: (a: number, b: number) => boolean | undefined,
): Tracee | "unknown" | undefined {
  let known = true;
  for (const tracee of tracees) {
    const shares = share(tracee.tid, tid);
    if (shares === true) return tracee;
    if (shares === undefined && !tracee.leaving) known = false;
  }
  return known ? undefined : "unknown";
}
