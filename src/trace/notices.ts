/** The calls that wait for the tracer's answer: who waits for them, and for stops. */

import { EINTR, EPERM, errnoName } from "../abi/errno.ts";
import { WNOHANG } from "../abi/wait.ts";
import { SystemCallError } from "../errors.ts";
import { type Changes, watchChanges } from "../sys/task/changes.ts";
import {
  CALL,
  CHANGE,
  Listener,
  NOTHING,
  SIGNAL,
} from "../sys/task/listener.ts";
import type { Affinity } from "./affinity.ts";
import type { Calls } from "./calls.ts";
import type { Ending } from "./ending.ts";
import type { Family } from "./family.ts";
import type { Waits } from "./waits.ts";

/** After how many stops calls have their turn, and how many of them. */
const TURNS = 4;
const MOST_ANSWERS = 8;

/** How long a short wait is, in milliseconds. */
const MOMENT_MS = 100;

/** After how long without a stop those that are kept may compute side by side. */
const PAUSE_MS = 3;

/** Waits for calls that want an answer, as well as for stops. */
export class Notices {
  readonly #waits: Waits;
  readonly #family: Family;
  readonly #calls: Calls;
  readonly #ending: Ending;
  readonly #affinity: Affinity;
  #changes: Changes | undefined;
  #listener: Listener | undefined;
  /** How many stops were found since calls were last looked for. */
  #turns = 0;

  /**
   * Makes it.
   *
   * @param waits the stops
   * @param family the tracees
   * @param calls what happens at calls
   * @param ending how the program ends
   * @param affinity where a tracee and the tracer run
   */
  constructor(
    waits: Waits,
    family: Family,
    calls: Calls,
    ending: Ending,
    affinity: Affinity,
  ) {
    this.#ending = ending;
    this.#affinity = affinity;
    this.#waits = waits;
    this.#family = family;
    this.#calls = calls;
  }

  /**
   * The program's filter is there: its calls are heard from now on.
   *
   * @param tid the launcher, stopped before its exec
   */
  begin(tid: number): void {
    this.#changes ??= watchChanges();
    this.#listener ??= new Listener(tid, this.#changes);
  }

  /**
   * Waits for a stop, and answers the calls that come before it.
   *
   * @param between told after each answer
   * @param shortly whether to wait for a moment alone: `-EINTR` where it has passed
   * @returns as {@linkcode Waits.wait} for any task
   */
  wait(between: () => void, shortly: boolean): number {
    const waits = this.#waits;
    const listener = this.#listener;
    if (listener === undefined) return waits.wait(-1, 0);
    this.takeTurn(between);
    for (;;) {
      // Calls that aim at others end soon, and with a stop. One may have begun in
      // an answer: until it is over no end is waited for, its caller's neither.
      if (waits.aiming) return waits.wait(-1, 0);
      const tid = waits.wait(-1, WNOHANG);
      if (tid !== 0) return tid;
      for (let found = 0; (found & CHANGE) === 0;) {
        this.#turns = 0;
        const most = this.#affinity.crowded ? PAUSE_MS : -1;
        found = listener.wait(shortly ? MOMENT_MS : most);
        if (found === NOTHING) {
          this.#affinity.paused();
          return -EINTR;
        }
        if (found === SIGNAL) return waits.wait(-1, WNOHANG) || -EINTR;
        this.#hear(listener, found, between);
      }
    }
  }

  /**
   * Answers some of the calls that wait, where it is their turn: tracees that stop
   * all the time must not keep those waiting that only look.
   *
   * @param between told after each answer
   */
  takeTurn(between: () => void): void {
    const listener = this.#listener;
    if (listener === undefined || ++this.#turns < TURNS) return;
    this.#turns = 0;
    for (let left = MOST_ANSWERS; left > 0; left--) {
      if (!this.#hear(listener, listener.wait(0), between)) break;
    }
  }

  /**
   * Answers a call, if one waits.
   *
   * @param between told after the answer
   * @returns whether it has
   */
  answerOne(between: () => void): boolean {
    const listener = this.#listener;
    if (listener === undefined) return false;
    return this.#hear(listener, listener.wait(0), between);
  }

  /** Takes a call, if a wait has found one, and answers it; whether it has. */
  #hear(listener: Listener, found: number, between: () => void): boolean {
    // Who is killed needs no answer.
    if ((found & CALL) === 0 || this.#ending.killing) return false;
    if (!listener.take()) return false;
    this.#waits.count();
    this.#answer(listener);
    between();
    return true;
  }

  #answer(listener: Listener): void {
    const tracee = this.#family.tracees.get(listener.tid);
    if (tracee?.stopped === false && tracee.inFlight === undefined) {
      this.#affinity.stopped(tracee);
      return this.#calls.answer(tracee, listener);
    }
    // Nobody runs that the tracer has not let go on, and knows by its id; and what
    // it has let go on with a call of its own does not come here.
    throw new SystemCallError(
      `find the task ${listener.tid}, whose call waits for an answer`,
      "seccomp()",
      errnoName(EPERM),
    );
  }

  /** The jail is no more. */
  close(): void {
    this.#listener?.close();
    this.#changes?.stop();
  }
}
