/** Follows a program and everything that it starts, until it is gone. */

import { ECHILD, EINTR, errnoName } from "../abi/errno.ts";
import { SIGKILL } from "../abi/signal.ts";
import { SystemCallError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import { launch } from "../sys/launch/spawn.ts";
import { leaveMounts } from "../sys/mounted.ts";
import { seeWhileWaiting } from "../sys/output.ts";
import { forgetEnded } from "../sys/signals.ts";
import { interrupt, seize } from "../sys/task/ptrace.ts";
import { kill, reap } from "../sys/task/wait.ts";
import { giveUpWhere } from "../sys/undisturbed.ts";
import { Watchdog } from "../sys/watchdog.ts";
import { GRACE_MS, Watch } from "./limits/watch.ts";
import type { TraceOptions } from "./options.ts";
import { makeParts, type Parts } from "./parts.ts";
import { leaveDescriptors } from "./path/descriptors.ts";
import { leaveOwnDescriptors } from "./path/own_descriptors.ts";
import { Stops } from "./stops.ts";
import { OPTIONS } from "./tracee/stop_options.ts";
import type { Tracee } from "./tracee/tracee.ts";

/**
 * Starts a program and follows it, and everything that it starts.
 *
 * The calling thread is the tracer, and is blocked until the program is gone.
 *
 * @param options the program, the policy, and what to tell
 * @returns how the program ended; nothing that it started is left
 * @throws {LaunchError} where the program could not be started
 * @throws {SystemCallError} where tracing failed; nothing is left then either
 */
export function trace(options: TraceOptions): Outcome {
  return new Tracer(options).run();
}

/** How often a wait may fail whose errno could be another call's (`libc.ts`). */
const MOST_FAILURES = 10;

/** How many questions for names are heard before calls have their turn. */
const MOST_HEARD = 256;

/**
 * How much later than at its last moment the program is killed by a watchdog, in
 * milliseconds: before that the tracer does it, where nothing holds it up.
 */
const HELD_UP_MS = 250;

class Tracer {
  readonly #options: TraceOptions;
  readonly #parts: Parts;
  readonly #stops: Stops;
  // Made once: they are handed over at each stop.
  readonly #handle = (tracee: Tracee, status: number): void =>
    this.#stops.handle(tracee, status);
  readonly #stopped = (tid: number, status: number): void => {
    const { family, strangers } = this.#parts;
    const tracee = family.tracees.get(tid);
    if (tracee === undefined) strangers.stop(tid, status);
    else this.#stops.handle(tracee, status);
  };
  readonly #look = (): void => this.#parts.ending.look();
  /** Sees to what is neither a stop nor a call. */
  readonly #between = (): void => {
    const { ending } = this.#parts;
    if (!ending.killing) this.#heedNames();
    ending.heedRequests();
    ending.look();
  };

  constructor(options: TraceOptions) {
    this.#options = options;
    this.#parts = makeParts(options, this.#handle);
    this.#stops = new Stops(this.#parts);
  }

  run(): Outcome {
    const { affinity, calls, ending, family, notices } = this.#parts;
    seeWhileWaiting(() => {
      ending.look();
      return ending.outcome?.kind === "limited";
    });
    giveUpWhere(() => {
      ending.look();
      return ending.killing;
    });
    const forgetting = this.#options.owned === true ? forgetEnded() : undefined;
    try {
      this.#start();
      this.#loop();
      ending.settle();
      this.#heedNames();
      this.#measured();
      return ending.outcome ??
        { kind: "failed", reason: "the program is lost" };
    } catch (error) {
      // Closed: nothing runs on without its tracer.
      ending.killAll();
      this.#loop();
      throw error;
    } finally {
      affinity.end();
      notices?.close();
      forgetting?.stop();
      ending.watch?.stop();
      family.close();
      ending.launched?.dispose();
      calls.close();
      leaveMounts();
      leaveDescriptors();
      leaveOwnDescriptors();
      ending.watcher?.over();
    }
  }

  /** Tells what was used. */
  #measured(): void {
    const { accounts, calls, ending } = this.#parts;
    if (ending.watch === undefined || accounts === undefined) return;
    this.#options.measured?.(
      accounts.usage(ending.watch.elapsed, calls.denials, calls.looks),
    );
  }

  #start(): void {
    const { accounts, ending, entry, family } = this.#parts;
    const launched = launch({ ...this.#options.launch, traced: true });
    ending.launched = launched;
    const { pid } = launched;
    const result = seize(pid, OPTIONS);
    if (result < 0) {
      kill(pid, SIGKILL);
      reap(pid);
      throw new SystemCallError(
        `attach to process ${pid}`,
        "ptrace(PTRACE_SEIZE)",
        errnoName(-result),
        "another tracer may hold it, or kernel.yama.ptrace_scope is 3",
      );
    }
    const program = family.addProgram(pid);
    accounts?.started(pid);
    if (accounts !== undefined) {
      // The signal of its pulse is for jail alone: the program is made by now.
      ending.watch = new Watch(
        this.#options.limits ?? {},
        accounts,
        () => family.processes.get(pid) ?? program.process,
        this.#options.measured !== undefined,
        this.#options.controlGroup,
        this.#options.abandoned,
      );
    }
    this.#guard();
    this.#options.net?.names?.begin();
    if (entry !== undefined) {
      // Its calls stop only once it has been stopped itself.
      interrupt(pid);
    }
    launched.release();
  }

  /** The time is over, or jail is, even where this thread does not come to see it. */
  #guard(): void {
    if (this.#options.owned !== true) return;
    const { ending: { watch }, family } = this.#parts;
    const left = watch?.left ?? Infinity;
    family.guard(new Watchdog(left, GRACE_MS + HELD_UP_MS));
  }

  #loop(): void {
    const { family, notices, strangers, waits } = this.#parts;
    let failures = 0;
    for (;;) {
      waits.handOver(this.#stopped, this.#look);
      this.#between();
      if (waits.endAims(this.#handle, this.#look)) {
        // Where there are always more, nobody would be answered otherwise.
        notices?.takeTurn(this.#between);
        continue;
      }
      const shortly = strangers.look();
      if (strangers.takeIn()) {
        waits.takeOthers(this.#look);
        notices?.takeTurn(this.#between);
        continue;
      }
      const tid = notices?.wait(this.#between, shortly) ??
        (shortly ? waits.waitShortly() : waits.wait(-1, 0));
      if (tid === -EINTR) continue;
      if (tid === -ECHILD) return;
      if (tid < 0) {
        if (++failures < MOST_FAILURES) continue;
        throw new SystemCallError("wait for stops", "wait4()", errnoName(-tid));
      }
      failures = 0;
      const only = family.tracees.size === 1 && waits.isOnlyStop
        ? family.tracees.get(tid)
        : undefined;
      if (only !== undefined) {
        waits.count();
        this.#stops.handle(only, waits.status);
        continue;
      }
      waits.take(tid);
      if (family.tracees.size > 1) waits.takeOthers(this.#look);
    }
  }

  /** Hears of the questions for names that were asked, and tells of them. */
  #heedNames(): void {
    const { calls, ending } = this.#parts;
    const names = this.#options.net?.names;
    if (names === undefined || ending.launched === undefined) return;
    const { pid } = ending.launched;
    // No more than these at once: who asks all the time must not keep others
    // from being served.
    for (let left = MOST_HEARD; left > 0; left--) {
      if (!names.hear((asked) => calls.answers.asked(pid, asked))) return;
    }
  }
}
