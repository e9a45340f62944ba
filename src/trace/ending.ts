/** How the program ends, and the jail with it. */

import { errnoName } from "../abi/errno.ts";
import { SIGCONT, SIGKILL, SIGTERM } from "../abi/signal.ts";
import { LaunchError, type UnsupportedError } from "../errors.ts";
import { notMade } from "../sys/launch/made.ts";
import { type LimitName, NO_ENDING_RULE, type Outcome } from "../outcome.ts";
import type { Launched } from "../sys/launch/spawn.ts";
import type { Family } from "./family.ts";
import type { Watch } from "./limits/watch.ts";
import { imageOf } from "./look/executed.ts";
import type { TraceOptions, Watcher } from "./options.ts";
import type { Strangers } from "./strangers.ts";
import type { Tracee } from "./tracee/tracee.ts";
import type { Waits } from "./waits.ts";

/** How one program ends. */
export class Ending {
  /** How it ended; `undefined` as long as that is open. */
  outcome: Outcome | undefined;
  /** What was started; `undefined` before. */
  launched: Launched | undefined;
  /** Looks at the limits of the whole jail, where there are any. */
  watch: Watch | undefined;
  /** Told of the end, once the program runs. */
  watcher: Watcher | undefined;
  readonly #options: TraceOptions;
  readonly #family: Family;
  readonly #waits: Waits;
  readonly #strangers: Strangers;
  #killing = false;
  /** Whether the program itself is gone. */
  #left = false;
  /** A process whose death tells that somebody asks jail to end; 0 for none. */
  #endBy = 0;

  /**
   * Makes one.
   *
   * @param options the run
   * @param family the tracees
   * @param waits the stops that are not handled yet
   * @param strangers the tracees that nobody has told of yet
   */
  constructor(
    options: TraceOptions,
    family: Family,
    waits: Waits,
    strangers: Strangers,
  ) {
    this.#options = options;
    this.#family = family;
    this.#waits = waits;
    this.#strangers = strangers;
  }

  /** Whether all is being killed. */
  get killing(): boolean {
    return this.#killing;
  }

  /** Whether a process is the program that jail started. */
  isProgram(pid: number): boolean {
    return pid === this.launched?.pid;
  }

  /** Sees to the limits that are of the whole jail. */
  look(): void {
    const found = this.#killing ? undefined : this.watch?.look();
    if (found === undefined) return;
    this.#exceeded(found.outcome);
    if (found.kind === "kill") return this.killAll();
    for (const process of this.#family.processes.values()) {
      this.#family.signal(process, SIGTERM);
      // What is stopped gets no signal before it goes on.
      this.#family.signal(process, SIGCONT);
    }
  }

  /**
   * All are gone: of what, the kernel knows, where it holds their memory, or the
   * watchdog.
   */
  settle(): void {
    const outcome = this.watch?.overheld() ??
      (this.#family.bitten ? this.watch?.overtime() : undefined);
    if (outcome !== undefined) this.#exceeded(outcome);
  }

  /** A tracee uses more than a limit. */
  exceed(tracee: Tracee, limit: LimitName, used: number): void {
    const { pid, program } = tracee.process;
    const set = this.#options.limits?.[limit];
    this.#exceeded({
      ...{ kind: "limited", limit, most: set?.most ?? 0, used },
      ...{ rule: set?.ref ?? NO_ENDING_RULE, pid },
      program: program === "" ? imageOf(tracee.view, pid) : program,
    });
    this.killAll();
  }

  /** The first limit counts, also where the program itself is gone already. */
  #exceeded(outcome: Outcome): void {
    if (this.outcome?.kind !== "limited") this.outcome = outcome;
  }

  /** The program is gone, and others are waited for, unless jail is to end. */
  heedRequests(): void {
    const { processes } = this.#family;
    if (!this.#left || this.#killing || processes.has(this.#endBy)) return;
    // Who is waited for already has perhaps lost its id to somebody else.
    if (this.#waits.hasDeaths) return;
    [this.#endBy = 0] = processes.keys();
    const signal = this.watcher?.endBy?.(this.#endBy) ?? 0;
    if (signal === 0) return;
    this.#exceeded({ kind: "signaled", signal });
    this.killAll();
  }

  /** The program itself is gone. */
  ended(outcome: Outcome): void {
    const failure = this.#family.started || this.launched === undefined
      ? undefined
      : launchFailure(this.launched, this.#options);
    if (failure !== undefined) throw failure;
    this.outcome ??= outcome;
    this.#left = true;
    if (!this.#options.waitAll) this.killAll();
  }

  /** Ends the whole jail. */
  endWith(outcome: Outcome): void {
    this.outcome ??= outcome;
    this.killAll();
  }

  /** Kills all that is left. */
  killAll(): void {
    this.#killing = true;
    for (const process of this.#family.processes.values()) {
      this.#family.signal(process, SIGKILL);
    }
    this.#strangers.kill();
  }
}

/** What to do where such a step of a start fails. */
const WITHOUT: Readonly<Record<string, string>> = {
  chdir: "its working directory cannot be entered: name another one",
  close_range: "use Linux 5.11 or newer, and a container that allows the call",
};

/**
 * Why a process did not become the program.
 *
 * @param launched the process, which is gone
 * @param options the program as a person reads it, and what to do about it
 * @returns `undefined` where it did, or was killed before
 */
export function launchFailure(
  launched: Launched,
  { program, hint }: Pick<TraceOptions, "program" | "hint">,
): LaunchError | UnsupportedError | undefined {
  const failure = launched.failure();
  if (failure === undefined) return undefined;
  const { step } = failure;
  if (failure.errno === 0) return notMade(step);
  const errno = errnoName(failure.errno);
  if (step !== "execve") {
    return new LaunchError(program, step, errno, 125, WITHOUT[step]);
  }
  return new LaunchError(
    program,
    step,
    errno,
    errno === "ENOENT" ? 127 : 126,
    errno === "EACCES"
      ? hint ?? "where the policy is the reason, --report shows which rule"
      : undefined,
  );
}
