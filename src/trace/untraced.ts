/** Runs a program that the kernel alone holds: nobody traces it. */

import { EINTR, errnoName } from "../abi/errno.ts";
import { get } from "../abi/layout.ts";
import { RUSAGE } from "../abi/resource.ts";
import { SIGCONT, SIGKILL, SIGTERM } from "../abi/signal.ts";
import {
  WEXITSTATUS,
  WIFEXITED,
  WIFSTOPPED,
  WSTOPSIG,
  WTERMSIG,
  WUNTRACED,
} from "../abi/wait.ts";
import { LaunchError, SystemCallError } from "../errors.ts";
import { NO_ENDING_RULE, type Outcome } from "../outcome.ts";
import type { Limits } from "../policy/limits.ts";
import { close, read } from "../sys/files.ts";
import { launch, type Launched, type LaunchPlan } from "../sys/launch/spawn.ts";
import type { Tree } from "../sys/launch/tree.ts";
import { waitATurn } from "../sys/output.ts";
import { openEnds } from "../sys/pipe.ts";
import { type Pulse, startPulse } from "../sys/pulse.ts";
import { keepEnded } from "../sys/signals.ts";
import { pidfdOpen, pidfdSendSignal } from "../sys/task/pidfd.ts";
import {
  childrenOf,
  getsid,
  hasTimer,
  pidNamespaceOf,
  stateOf,
} from "../sys/task/task.ts";
import { kill, reap, waitUsage } from "../sys/task/wait.ts";
import { isForeground } from "../sys/terminal.ts";
import { launchFailure } from "./ending.ts";
import type { Usage } from "./limits/accounts.ts";
import { GRACE_MS } from "./limits/watch.ts";
import { imageOf } from "./look/executed.ts";
import type { TraceOptions, Watcher } from "./options.ts";

/** What is needed for a run that nobody traces. */
export interface UntracedOptions extends
  Pick<
    TraceOptions,
    | "program"
    | "hint"
    | "waitAll"
    | "started"
    | "stopped"
    | "abandoned"
    | "measured"
  > {
  /** The program to start; it enters the tree by its `root`. */
  readonly launch: LaunchPlan;
  /** The tree that it enters. */
  readonly tree: Tree;
  /** The limits of the policy, of which the time alone is looked at. */
  readonly limits: Limits;
}

/** How often the clock is looked at, in milliseconds. */
const EVERY_MS = 20;

/** How often it is asked whether anybody waits for the end, in milliseconds. */
const ABANDONED_MS = 250;

/** How long to wait for others to stop, in milliseconds. */
const TURNS = 50;

/**
 * Starts a program, and waits until it is gone.
 *
 * The calling thread is blocked until then. Whatever the program started ends with
 * its PID namespace, and that with this thread.
 *
 * @param options the program, and what to tell
 * @returns how the program ended; nothing that it started is left
 * @throws {LaunchError} where the program could not be started
 * @throws {SystemCallError} where it could not be waited for; nothing is left then
 */
export function runUntraced(options: UntracedOptions): Outcome {
  return new Run(options).run();
}

class Run {
  readonly #options: UntracedOptions;
  readonly #status = new Int32Array(1);
  readonly #usage = new Uint8Array(RUSAGE.size);
  readonly #begin = performance.now();
  #deadline: number;
  #pulse: Pulse | undefined;
  #overtime: Outcome | undefined;
  #pid = 0;

  constructor(options: UntracedOptions) {
    this.#options = options;
    this.#deadline = this.#begin + (options.limits.time?.most ?? Infinity);
  }

  run(): Outcome {
    const { launch: plan, limits, abandoned, measured, tree } = this.#options;
    const { launched, execution } = launchTold(plan);
    let watcher: Watcher | undefined;
    try {
      this.#enter(launched);
      if (limits.time !== undefined || abandoned !== undefined) {
        const { most } = limits.time ?? { most: Infinity };
        this.#pulse = startPulse(
          Math.min(most, abandoned === undefined ? Infinity : ABANDONED_MS),
          most === Infinity ? ABANDONED_MS : EVERY_MS,
        );
      }
      // A signal may come as soon as it runs.
      watcher = this.#options.started?.(this.#pid);
      tree.release();
      this.#execute(launched, execution);
      watcher?.runs?.();
      const outcome = this.#wait(watcher);
      measured?.(this.#used());
      return outcome;
    } finally {
      close(execution);
      this.#pulse?.stop();
      if (this.#pid > 0) kill(this.#pid, SIGKILL);
      // It goes only when those in its namespace are waited for.
      if (this.#pid > 0) reap(this.#pid);
      tree.init.end();
      launched.dispose();
      watcher?.over();
    }
  }

  /** Waits until the process has entered the tree that becomes the program. */
  #enter(launched: Launched): void {
    // What this process ignores the program does as well, by now.
    keepEnded();
    launched.release();
    reap(launched.pid);
    const pid = this.#options.tree.entered();
    if (pid > 0) this.#pid = pid;
    else this.#checkFailure(launched);
  }

  /** Waits until it is the program: whoever is told that it runs may rely on that. */
  #execute(launched: Launched, execution: number): void {
    while (read(execution, new Uint8Array(1)) === -EINTR) {
      this.#look(() => this.#endAll());
    }
    this.#checkFailure(launched);
  }

  /** Waits for the program, and for the rest where that is wanted. */
  #wait(watcher: Watcher | undefined): Outcome {
    const { tree, waitAll } = this.#options;
    const status = this.#next(this.#pid, () => this.#endAll(), this.#usage);
    this.#pid = 0;
    const outcome = endOf(status);
    if (!waitAll || this.#overtime !== undefined) {
      return this.#overtime ?? outcome;
    }
    const asked = watcher?.endBy?.(tree.init.pid) ?? 0;
    if (asked !== 0) return { kind: "signaled", signal: asked };
    tree.init.leave();
    const end = this.#next(
      tree.init.pid,
      () => kill(tree.init.pid, SIGKILL),
      // It has not what others used: nobody waits for them there.
      new Uint8Array(RUSAGE.size),
    );
    tree.init.gone();
    if (this.#overtime !== undefined) return this.#overtime;
    const signal = watcher?.endBy?.(0) ?? 0;
    return WIFEXITED(end) || signal === 0
      ? outcome
      : { kind: "signaled", signal };
  }

  /**
   * Ends all, while the program has not been waited for: it may take long to end,
   * where a file system does not answer it, and the others would go on.
   */
  #endAll(): void {
    kill(this.#options.tree.init.pid, SIGKILL);
    kill(this.#pid, SIGKILL);
  }

  /** Waits until a process is gone; how it went. */
  #next(pid: number, end: () => void, usage: Uint8Array): number {
    for (;;) {
      const found = waitUsage(pid, this.#status, WUNTRACED, usage);
      if (found === -EINTR) this.#look(end);
      else if (found < 0) {
        throw new SystemCallError(
          `wait for process ${pid}`,
          "wait4()",
          errnoName(-found),
        );
      } else if (!WIFSTOPPED(this.#status[0] as number)) {
        return this.#status[0] as number;
      } else this.#stopped(WSTOPSIG(this.#status[0] as number));
    }
  }

  /** Looks at the clock, and whether anybody waits. */
  #look(end: () => void): void {
    const { abandoned, limits: { time }, tree: { view } } = this.#options;
    if (abandoned?.()) return end();
    const now = performance.now();
    if (time === undefined || now < this.#deadline) return;
    if (this.#overtime !== undefined) return end();
    this.#deadline = now + GRACE_MS;
    this.#overtime = {
      ...{ kind: "limited", limit: "time", most: time.most },
      ...{ used: now - this.#begin, rule: time.ref ?? NO_ENDING_RULE },
      ...{ program: imageOf(view, this.#pid), pid: this.#pid },
    };
    this.#askAll();
  }

  /** Asks all to end, but the first of them, until the time is over for that too. */
  #askAll(): void {
    const own = pidNamespaceOf(this.#options.tree.init.pid);
    for (const pid of this.#members(this.#deadline)) {
      if (performance.now() > this.#deadline) return;
      const pidfd = pidfdOpen(pid);
      if (pidfd < 0) continue;
      // Race: the id may be by now that of somebody outside; not the program's own,
      // which is not waited for yet.
      if (pid === this.#pid || own > 0 && pidNamespaceOf(pid) === own) {
        pidfdSendSignal(pidfd, SIGTERM);
        // What is stopped gets no signal before it goes on.
        pidfdSendSignal(pidfd, SIGCONT);
      }
      close(pidfd);
    }
  }

  /**
   * The program has stopped, and jail does, so that its parent sees it; but not
   * where the time would stand still, nor where somebody in the jail could still
   * continue the program, and nobody outside would know.
   */
  #stopped(signal: number): void {
    const { limits, stopped } = this.#options;
    if (stopped === undefined || limits.time !== undefined) return;
    const pid = this.#pid;
    // A terminal stops them one after another.
    for (let turn = 0; turn < TURNS && !this.#allStopped(); turn++) waitATurn();
    if (!this.#allStopped()) return;
    stopped(signal, () => this.#allStopped());
    // Where somebody continued jail alone, the program goes on too.
    kill(pid, SIGCONT);
  }

  /**
   * Whether all have stopped, and nobody has a timer that may continue one; where a
   * terminal may have stopped the program, all of its session, which is all that a
   * terminal stops. Race: the program may be continued while others are looked at,
   * and has ended perhaps; so it is looked at in the end once more.
   */
  #allStopped(): boolean {
    const session = getsid(this.#pid);
    const byTerminal = session === getsid(0) && isForeground();
    for (const pid of this.#members()) {
      const state = stateOf(pid);
      if (state === "X" || state === "Z") continue;
      if (byTerminal && getsid(pid) !== session) continue;
      if (state !== "T" || !byTerminal && hasTimer(pid)) return false;
    }
    return stateOf(this.#pid) === "T";
  }

  /**
   * The processes in the namespace, but its first one, while they come and go.
   *
   * @param until when to look for no more of them, by `performance.now()`
   */
  *#members(until = Infinity): Generator<number> {
    const left = childrenOf(this.#options.tree.init.pid, until);
    if (this.#pid > 0) left.push(this.#pid);
    for (let pid = left.pop(); pid !== undefined; pid = left.pop()) {
      yield pid;
      for (const child of childrenOf(pid, until)) left.push(child);
    }
  }

  #checkFailure(launched: Launched): void {
    const failure = launchFailure(launched, this.#options);
    if (failure !== undefined) throw failure;
    if (this.#options.tree.entered() === 0) {
      throw new LaunchError(this.#options.program, "clone", "EIO", 125);
    }
  }

  /** What was used, as far as the kernel counts it for a process that is gone. */
  #used(): Usage {
    const usage = this.#usage;
    const ms = (name: "ru_utime" | "ru_stime"): number =>
      get(RUSAGE, usage, `${name}_sec`) * 1000 +
      get(RUSAGE, usage, `${name}_usec`) / 1000;
    return {
      wall: performance.now() - this.#begin,
      cpu: ms("ru_utime") + ms("ru_stime"),
      // ru_maxrss has jail itself in it, which the program was a copy of.
      memory: undefined,
      processes: undefined,
      tasks: undefined,
      stops: 0,
      denials: undefined,
      calls: {},
    };
  }
}

/**
 * Launches a program, and makes a pipe that ends when the program runs or is gone:
 * exec closes the other end of it, which nobody else has for long.
 */
function launchTold(
  plan: LaunchPlan,
): { readonly launched: Launched; readonly execution: number } {
  const [execution, writer] = openEnds();
  try {
    return { launched: launch(plan), execution };
  } catch (error) {
    close(execution);
    throw error;
  } finally {
    close(writer);
  }
}

/** How a process ended, by its wait status. */
function endOf(status: number): Outcome {
  return WIFEXITED(status)
    ? { kind: "exited", code: WEXITSTATUS(status) }
    : { kind: "signaled", signal: WTERMSIG(status) };
}
