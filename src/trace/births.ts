/** What a tracee makes: who shares what with whom, and who goes on first. */

import {
  PTRACE_EVENT_CLONE,
  PTRACE_EVENT_FORK,
  PTRACE_EVENT_VFORK,
} from "../abi/ptrace.ts";
import { CLONE_VFORK, CLONE_VM } from "../abi/sched.ts";
import { type SyscallName, SYSCALLS } from "../abi/syscalls.ts";
import { WNOHANG } from "../abi/wait.ts";
import { waitATurn } from "../sys/output.ts";
import { eventOf, readEventMessage } from "../sys/task/ptrace.ts";
import { stateOf } from "../sys/task/task.ts";
import { cpuOf } from "../sys/task/usage.ts";
import type { Parts } from "./parts.ts";
import type { Renames } from "./renames.ts";
import type { Tracee } from "./tracee/tracee.ts";

/** The events at which a task stops that has made another one. */
const BIRTHS: readonly number[] = [
  PTRACE_EVENT_CLONE,
  PTRACE_EVENT_FORK,
  PTRACE_EVENT_VFORK,
];

/**
 * How long the maker of a tracee is served before it, since the maker's last stop.
 */
const HEAD_START_MS = 0.6;

/** The same for a shell, whose job must be in the front before it runs. */
const JOB_HEAD_START_MS = 3;

/** The longest that a maker is served first, in milliseconds. */
const MOST_HEAD_START_MS = 10;

/** The same for a shell that waits for a processor, where others keep them busy. */
const MOST_JOB_HEAD_START_MS = 100;

/** How often to look for its next stop before that is left to the clock. */
const SPINS = 20;

/** What {@linkcode stateOf} says of a task that waits for something. */
const SLEEPS: readonly string[] = ["S", "D"];

/** Takes in what tracees make. */
export class Births {
  readonly #parts: Parts;
  readonly #renames: Renames;
  readonly #handle: (tracee: Tracee, status: number) => void;
  readonly #names: ReadonlyMap<number, SyscallName>;
  #headStart = false;

  /**
   * Makes it.
   *
   * @param parts what follows the program
   * @param renames knows whose an id is
   * @param handle handles a stop
   */
  constructor(
    parts: Parts,
    renames: Renames,
    handle: (tracee: Tracee, status: number) => void,
  ) {
    this.#parts = parts;
    this.#renames = renames;
    this.#handle = handle;
    this.#names = new Map(
      (["clone", "fork", "vfork"] as const).flatMap((name) => {
        const number = SYSCALLS[name][parts.arch.name];
        return number === undefined ? [] : [[number, name] as const];
      }),
    );
  }

  /**
   * A tracee made another one.
   *
   * Race: by now it may have been ended, and be in the stop that tells of that. The
   * message is its exit code then, of its own choice, which could be the id of any
   * process outside. What it made is taken in as an orphan.
   *
   * @returns whether it is still in the stop that it tells of that in
   */
  take(parent: Tracee): boolean {
    const { accounts, affinity, calls, family, strangers } = this.#parts;
    const tid = readEventMessage(parent.tid);
    const registers = calls.registersOf(parent);
    const tells = tid > 0 && registers !== undefined &&
      BIRTHS.includes(eventOf(parent.tid));
    if (!tells) {
      strangers.ended(parent.space);
      return false;
    }
    let flags = 0;
    let vfork = false;
    switch (this.#names.get(registers.nr)) {
      case "clone":
        flags = registers.uint(0);
        vfork = (flags & CLONE_VFORK) !== 0;
        break;
      case "vfork":
        flags = CLONE_VM;
        vfork = true;
        break;
    }
    const namesake = family.tracees.get(tid);
    if (namesake !== undefined && !this.#renames.hasLost(namesake)) {
      // It is dead, of which nothing was handled yet, or it was told of before.
      if (!family.ended.has(tid)) return true;
      strangers.doubt(tid);
    }
    if (!strangers.believes(tid)) {
      parent.space.untold = true;
      return true;
    }
    const child = family.addChild(parent, tid, flags, vfork);
    accounts?.added(child.process !== parent.process);
    // It stops before anything of it runs.
    if (child.space !== parent.space) accounts?.copied(child, false);
    affinity.made(parent, child);
    return true;
  }

  /**
   * Serves one tracee alone for a moment: who forks goes on at once, as without
   * a tracer, and has moved its child to a group or the terminal to its front
   * by the time that the child runs. Where its calls stop, a child that happens
   * to share the tracer's CPU would be three times as fast.
   */
  giveHeadStart(tracee: Tracee): void {
    if (this.#headStart) return;
    this.#headStart = true;
    if (tracee.process.hasJobs) this.#waitForJob(tracee);
    else this.#serve(tracee);
    this.#headStart = false;
  }

  /** Serves a tracee until it has not stopped for a moment. */
  #serve(tracee: Tracee): void {
    const { waits } = this.#parts;
    const last = performance.now() + MOST_HEAD_START_MS;
    for (let until = performance.now() + HEAD_START_MS;;) {
      const now = performance.now();
      if (now > until || now > last) return;
      const tid = waits.wait(tracee.tid, WNOHANG);
      if (tid < 0) return;
      if (tid === 0) continue;
      this.#handle(tracee, waits.status);
      until = performance.now() + HEAD_START_MS;
    }
  }

  /**
   * Serves a shell until it waits for something, or has computed for a moment: by
   * its own processor time, since it may have to wait for a processor itself.
   */
  #waitForJob(tracee: Tracee): void {
    const { ending, notices, waits } = this.#parts;
    const { pid } = tracee.process;
    const last = performance.now() + MOST_JOB_HEAD_START_MS;
    let until = cpuOf(pid) + JOB_HEAD_START_MS;
    for (let tries = 1; !ending.killing; tries++) {
      const tid = waits.wait(tracee.tid, WNOHANG);
      if (tid < 0) return;
      if (tid > 0) {
        this.#handle(tracee, waits.status);
        until = cpuOf(pid) + JOB_HEAD_START_MS;
        continue;
      }
      // Its call waits until others have stopped, its child perhaps.
      if (tracee.stopped) return;
      if (performance.now() > last || cpuOf(pid) > until) return;
      if (SLEEPS.includes(stateOf(tracee.tid))) {
        // It may be the answer to a call that it waits for.
        if (notices?.answerOne(() => ending.look()) !== true) return;
      } else if (tries % SPINS === 0) {
        waitATurn();
        ending.look();
      }
    }
  }
}
