/** Follows a program and everything that it starts, until it is gone. */

import { ECHILD, EINTR, errnoName, ESRCH } from "../abi/errno.ts";
import {
  PTRACE_O_EXITKILL,
  PTRACE_O_TRACECLONE,
  PTRACE_O_TRACEEXEC,
  PTRACE_O_TRACEEXIT,
  PTRACE_O_TRACEFORK,
  PTRACE_O_TRACESECCOMP,
  PTRACE_O_TRACESYSGOOD,
  PTRACE_O_TRACEVFORK,
} from "../abi/ptrace.ts";
import { CLONE_VFORK, CLONE_VM } from "../abi/sched.ts";
import { SIGCONT, SIGKILL, SIGSEGV, SIGTERM } from "../abi/signal.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import { SYSCALLS } from "../abi/syscalls.ts";
import { WNOHANG } from "../abi/wait.ts";
import { LaunchError, SystemCallError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import { hidesVdso } from "../policy/plan_sys.ts";
import { given } from "../policy/sys.ts";
import { hostArch } from "../sys/host.ts";
import { seeWhileWaiting, waitATurn } from "../sys/output.ts";
import {
  interrupt,
  isInStop,
  listen,
  readEventMessage,
  resume,
  resumeToCall,
  seize,
  setOptions,
} from "../sys/ptrace.ts";
import { launch, type Launched } from "../sys/spawn.ts";
import { isOver, isStopped, shareFiles, shareMemory } from "../sys/task.ts";
import { kill, takeStop, waitAny, waitFor, waitSeeing } from "../sys/wait.ts";
import { Accounts } from "./accounts.ts";
import { Calls } from "./calls.ts";
import { Entry } from "./entry.ts";
import { isIgnored } from "./disposition.ts";
import { imageOf, unexpectedImage } from "./executed.ts";
import { Family } from "./family.ts";
import { Freezer } from "./freeze.ts";
import { JobControl } from "./job_control.ts";
import type { TraceOptions, Watcher } from "./options.ts";
import { isStopSignal, stopKind, stopValue } from "./stop.ts";
import {
  interruptCall,
  isHeldByExec,
  type PendingExec,
  type Process,
  type Tracee,
} from "./tracee.ts";
import { Room } from "./room.ts";
import { Counter } from "./tsc.ts";
import { VdsoRemover } from "./vdso.ts";
import { Watch } from "./watch.ts";

const OPTIONS = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD |
  PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
  PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP;

/**
 * A thread tells that it ends: the first one of a process is not reported to be
 * gone before the last one is, and nobody may wait for it until then.
 */
const THREAD_OPTIONS = OPTIONS | PTRACE_O_TRACEEXIT;

/** How long a program that was stopped with jail may take to go on with it. */
const CONTINUE_MS = 20;

/** How long a call may take that aims at others by their ids. */
const AIM_MS = 10_000;

/** How often to look whether it is over before that is left to the clock. */
const AIM_SPINS = 100;

/** How long to wait for tracees to stop, when all of them have to. */
const QUIET_MS = 500;

/** How long who made a tracee is served before it, since its last stop. */
const HEAD_START_MS = 0.6;

/** The same for a shell, whose job must be in the front before it runs. */
const JOB_HEAD_START_MS = 3;

/** And in all. */
const MOST_HEAD_START_MS = 10;

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

class Tracer {
  readonly #options: TraceOptions;
  readonly #arch = hostArch();
  readonly #family = new Family(this.#arch);
  readonly #calls: Calls;
  readonly #freezer: Freezer;
  readonly #jobControl: JobControl;
  readonly #entry: Entry | undefined;
  /** What was used, where that is limited or to be told. */
  readonly #accounts: Accounts | undefined;
  #watch: Watch | undefined;
  /** The room for processes and threads, where that is limited. */
  readonly #room: Room | undefined;
  readonly #vdso: VdsoRemover | undefined;
  readonly #counter: Counter | undefined;
  /** Stops of tracees whose maker has not told of them yet. */
  readonly #early: Map<number, number> = new Map();
  /** Who may still tell of the orphans that are looked for. */
  readonly #asked = new Set<Tracee>();
  #orphans: number[] = [];
  #askAgain = false;
  readonly #status = new Int32Array(1);
  /** Stops that were waited for and not handled yet: whose, and which. */
  readonly #tids: number[] = [];
  /** Whose calls aim at others by their ids, and since when. */
  readonly #aims = new Map<Tracee, number>();
  /** Who is gone, and how, of which nothing was handled yet. */
  readonly #deaths: number[] = [];
  readonly #stops: Map<number, number> = new Map();
  readonly #names: ReadonlyMap<number, SyscallName>;
  #launched: Launched | undefined;
  #outcome: Outcome | undefined;
  #watcher: Watcher | undefined;
  /** Whether the program itself is gone. */
  #left = false;
  /** A process whose death tells that somebody asks jail to end; 0 for none. */
  #endBy = 0;
  #killing = false;
  #headStart = false;

  constructor(options: TraceOptions) {
    this.#options = options;
    const { cpu, memory, written, time, processes } = options.limits ?? {};
    this.#jobControl = new JobControl(this.#family, options.limits ?? {});
    if (processes !== undefined) {
      this.#room = new Room(this.#family, processes.most);
    }
    if (options.measured ?? cpu ?? memory ?? written ?? time) {
      this.#accounts = new Accounts(this.#family);
    }
    this.#freezer = new Freezer(
      this.#family,
      (tracee) => this.#calls.ready(tracee),
      (tracee, status) => this.#handle(tracee, status),
    );
    this.#calls = new Calls(
      options,
      this.#arch,
      this.#family,
      this.#freezer,
      {
        go: (tracee) => this.#go(tracee, 0),
        toExit: (tracee) => this.#resumed(tracee, resumeToCall(tracee.tid, 0)),
        makesRoom: (tracee) =>
          this.#room?.take(tracee, this.#strangers()) ?? true,
        exceeds: (tracee, limit, used) => {
          const { pid, program } = tracee.process;
          const set = options.limits?.[limit];
          this.#exceeded({
            ...{ kind: "limited", limit, most: set?.most ?? 0, used },
            ...{ source: set?.ref.source ?? "", pid },
            program: program === "" ? imageOf(pid) : program,
          });
          this.#killAll();
        },
        kill: () => this.#endWith({ kind: "killed-by-policy" }),
        aims: (tracee) => this.#aims.set(tracee, performance.now()),
        quiet: () => this.#quiet(),
        left: () => this.#watch?.left ?? Infinity,
      },
    );
    if (options.engine === "ptrace") {
      this.#entry = new Entry(options.filter);
    }
    const { sys } = options;
    if (sys !== undefined && hidesVdso(sys.rules)) {
      this.#vdso = new VdsoRemover(this.#arch, this.#calls.answers);
    }
    const clock = sys && given(sys.rules.time);
    this.#counter = clock && new Counter(this.#arch, clock.kind === "deny");
    this.#names = new Map(
      (["clone", "fork", "vfork"] as const).flatMap((name) => {
        const number = SYSCALLS[name][this.#arch.name];
        return number === undefined ? [] : [[number, name] as const];
      }),
    );
  }

  run(): Outcome {
    seeWhileWaiting(() => {
      this.#look();
      return this.#outcome?.kind === "limited";
    });
    try {
      this.#start();
      this.#loop();
      this.#measured();
      return this.#outcome ?? { kind: "failed", reason: "the program is lost" };
    } catch (error) {
      // Closed: nothing runs on without its tracer.
      this.#killing = true;
      this.#killAll();
      this.#loop();
      throw error;
    } finally {
      this.#watch?.stop();
      this.#launched?.dispose();
      this.#calls.close();
      this.#watcher?.over();
    }
  }

  /** Tells what was used. */
  #measured(): void {
    const { measured } = this.#options;
    if (this.#watch === undefined || this.#accounts === undefined) return;
    measured?.(
      this.#accounts.usage(this.#watch.elapsed, this.#calls.denials),
    );
  }

  #start(): void {
    const launched = launch(this.#options.launch);
    this.#launched = launched;
    const { pid } = launched;
    const result = seize(pid, OPTIONS);
    if (result < 0) {
      kill(pid, SIGKILL);
      waitFor(pid, this.#status);
      throw new SystemCallError(
        `attach to process ${pid}`,
        "ptrace(PTRACE_SEIZE)",
        errnoName(-result),
        "another tracer may hold it, or kernel.yama.ptrace_scope is 3",
      );
    }
    const program = this.#family.addProgram(pid);
    this.#accounts?.started(pid);
    if (this.#accounts !== undefined) {
      // The signal of its pulse is for jail alone: the program is made by now.
      this.#watch = new Watch(
        this.#options.limits ?? {},
        this.#accounts,
        () => this.#family.processes.get(pid) ?? program.process,
        this.#options.measured !== undefined,
      );
    }
    if (this.#entry !== undefined) {
      // Its calls stop only once it has been stopped itself.
      interrupt(pid);
    }
    launched.release();
  }

  #loop(): void {
    for (;;) {
      this.#handleStops();
      this.#heedRequests();
      this.#look();
      const tid = this.#wait(-1, 0);
      if (tid === -EINTR) continue;
      if (tid === -ECHILD) return;
      if (tid < 0) {
        throw new SystemCallError("wait for stops", "wait4()", errnoName(-tid));
      }
      this.#waited(tid);
      if (this.#family.tracees.size > 1) this.#waitForOthers();
    }
  }

  /**
   * Takes the stops of all that have stopped, so that each has its turn. The
   * kernel tells of the newest tracee first: one that stops all the time would
   * keep the others waiting, and a child would overtake its parent.
   */
  #waitForOthers(): void {
    for (;;) {
      const tid = this.#wait(-1, WNOHANG);
      if (tid <= 0) return;
      this.#waited(tid);
    }
  }

  /**
   * Stops all that could run, while one call waits for a decision that takes
   * long. Their stops are handled afterwards, as any others.
   *
   * The parent of a vfork is not waited for while its child is in a stop. But a
   * child can die in its stop, of a timer for one, which lets its parent go: so
   * the parent is interrupted like all others, and stops before it runs.
   */
  #quiet(): void {
    const isHeld = (tracee: Tracee): boolean =>
      tracee.stopped || tracee.halted || this.#stops.has(tracee.tid);
    const running: Tracee[] = [];
    for (const tracee of this.#family.tracees.values()) {
      // One that is gone does nothing.
      if (isHeld(tracee) || tracee.leaving || interruptCall(tracee) < 0) {
        continue;
      }
      running.push(tracee);
    }
    const runs = (tracee: Tracee): boolean =>
      !isHeld(tracee) && !this.#hasDied(tracee.tid) &&
      !this.#isBlocked(tracee);
    const until = performance.now() + QUIET_MS;
    // One that the kernel keeps in a call does nothing else either.
    while (running.some(runs) && performance.now() < until) {
      this.#waitForOthers();
    }
  }

  /** Whether the end of a task was waited for, and is not handled yet. */
  #hasDied(tid: number): boolean {
    for (let at = 0; at < this.#deaths.length; at += 2) {
      if (this.#deaths[at] === tid) return true;
    }
    return false;
  }

  /**
   * Whether a tracee waits for its vfork for sure, since its child is in a stop.
   * At the stop of an exec the parent was let go already.
   */
  #isBlocked({ vfork }: Tracee): boolean {
    if (vfork === undefined) return false;
    const status = this.#stops.get(vfork.tid);
    if (status !== undefined) return stopKind(status) !== "exec";
    return vfork.stopped ? isInStop(vfork.tid) : this.#isBlocked(vfork);
  }

  /** Waits for a task, or any where it is -1; counts who has ended. */
  #wait(tid: number, flags: number): number {
    if (this.#aims.size > 0) return this.#waitAiming(tid, flags);
    const accounts = this.#accounts;
    if (accounts !== undefined) {
      return waitSeeing(tid, this.#status, flags, accounts);
    }
    return tid < 0
      ? waitAny(this.#status, flags)
      : waitFor(tid, this.#status, flags);
  }

  /** Sees to the limits that are of the whole jail. */
  #look(): void {
    const found = this.#killing ? undefined : this.#watch?.look();
    if (found === undefined) return;
    this.#exceeded(found.outcome);
    if (found.kind === "kill") return this.#killAll();
    for (const { pid, counted } of this.#family.processes.values()) {
      // It was waited for: its id may be somebody else's.
      if (counted) continue;
      kill(pid, SIGTERM);
      // What is stopped gets no signal before it goes on.
      kill(pid, SIGCONT);
    }
  }

  /** The first limit counts, also where the program itself is gone already. */
  #exceeded(outcome: Outcome): void {
    if (this.#outcome?.kind !== "limited") this.#outcome = outcome;
  }

  #waited(tid: number): void {
    if (this.#accounts !== undefined) this.#accounts.stops++;
    const status = this.#status[0] as number;
    if (isDeath(status)) {
      // Whatever stop it was in is over.
      this.#stops.delete(tid);
      this.#deaths.push(tid, status);
      return;
    }
    if (!this.#stops.has(tid)) this.#tids.push(tid);
    this.#stops.set(tid, status);
  }

  /**
   * As {@linkcode Tracer.#wait}, while calls are in the kernel that aim at others
   * by their ids: who has ended stays a zombie, so that no id is used again.
   */
  #waitAiming(tid: number, flags: number): number {
    for (let tries = 0;; tries++) {
      const found = takeStop(tid, this.#status);
      if (found > 0) return found;
      if ((flags & WNOHANG) !== 0) return 0;
      if (tries < AIM_SPINS) continue;
      const now = performance.now();
      for (const [tracee, since] of this.#aims) {
        if (isOver(tracee.tid)) this.#aims.delete(tracee);
        // Nothing that aims at others waits for anything.
        else if (now > since + AIM_MS) kill(tracee.process.pid, SIGKILL);
      }
      // There may be something to do besides.
      if (this.#aims.size === 0 || tries > 2 * AIM_SPINS) return -EINTR;
      waitATurn();
    }
  }

  #handleStops(): void {
    // First: an id is somebody else's as soon as it was waited for.
    for (let at = 0; at < this.#deaths.length; at += 2) {
      const tid = this.#deaths[at] as number;
      const status = this.#deaths[at + 1] as number;
      const tracee = this.#family.tracees.get(tid);
      if (tracee === undefined) this.#stranger(tid, status);
      else this.#handle(tracee, status);
    }
    this.#deaths.length = 0;
    for (
      let tid = this.#tids.pop();
      tid !== undefined;
      tid = this.#tids.pop()
    ) {
      const status = this.#stops.get(tid);
      if (status === undefined) continue;
      this.#stops.delete(tid);
      const tracee = this.#family.tracees.get(tid);
      if (tracee === undefined) this.#stranger(tid, status);
      else this.#handle(tracee, status);
      this.#look();
    }
  }

  #handle(tracee: Tracee, status: number): void {
    this.#take(tracee, status);
    if (tracee.held.length === 0) this.#told(tracee);
  }

  #take(tracee: Tracee, status: number): void {
    const kind = stopKind(status);
    if (kind === "exited" || kind === "killed") {
      return this.#gone(tracee, kind, stopValue(status));
    }
    tracee.stopped = true;
    tracee.halted = false;
    if (kind !== "seccomp" && kind !== "syscall") tracee.interrupted = false;
    // The program's own filter sends calls to a tracer before they are made.
    if (kind !== "seccomp") this.#aims.delete(tracee);
    // Whoever waits for others to end, as an exec does, must not wait in vain.
    if (kind === "leaving") return this.#leaving(tracee);
    if (this.#killing) {
      // SIGKILL ends it whatever stop it is in.
      kill(tracee.process.pid, SIGKILL);
      if (kind === "new") this.#child(tracee);
      return;
    }
    this.#tellEnd(tracee);
    // Its maker's stop tells what it shares, so nothing of it is lost by waiting.
    if (tracee.frozen) {
      const maker = kind === "exec" ? this.#maker(tracee) : tracee;
      this.#freezer.hold(tracee, status);
      // The thread that made an exec stops as the leader, and no more as itself.
      if (maker !== tracee) this.#freezer.renamed(maker);
      return;
    }
    if (isHeldByExec(tracee) && kind !== "exec") {
      tracee.held.push(status);
      return;
    }
    this.#room?.over(tracee);
    switch (kind) {
      case "seccomp":
        return this.#seccomp(tracee);
      case "syscall":
        return this.#syscall(tracee);
      case "exec":
        return this.#exec(tracee);
      case "new":
        // As without a tracer, the maker goes on before what it made.
        this.#child(tracee);
        this.#tellEnd(tracee);
        this.#go(tracee, 0);
        if (this.#entry !== undefined || tracee.process.hasJobs) {
          this.#giveHeadStart(tracee);
        }
        return this.#meetEarly();
      case "group":
        return this.#group(tracee, stopValue(status));
      case "trap":
        return this.#go(tracee, 0);
      case "signal":
        return this.#signal(tracee, stopValue(status));
    }
  }

  /**
   * A tracee is about to get a signal. The kernel shows a tracer even signals
   * that are ignored, and so interrupts calls that it would not interrupt
   * without one: those are made again.
   */
  #signal(tracee: Tracee, signal: number): void {
    if (signal === SIGSEGV && this.#isCounter(tracee)) {
      return this.#go(tracee, 0);
    }
    if (isStopSignal(signal) && tracee.process.pid === this.#launched?.pid) {
      this.#jobControl.note(tracee.tid, signal);
    }
    if (
      this.#calls.wasInterrupted(tracee) &&
      isIgnored(tracee.process.pid, signal)
    ) {
      this.#calls.restart(tracee);
    }
    this.#go(tracee, signal);
  }

  /** Whether a tracee has looked at the processor's counter: it has been answered. */
  #isCounter(tracee: Tracee): boolean {
    if (this.#counter === undefined) return false;
    const registers = this.#calls.registersOf(tracee);
    return registers !== undefined &&
      this.#counter.answer(tracee.tid, tracee.process, registers) &&
      this.#calls.answers.write(tracee);
  }

  /** A filter sent a call to the tracer. */
  #seccomp(tracee: Tracee): void {
    // The program's own filter may do so too: with a call that was looked at
    // already, or that jail's filter lets pass. The tracer's decision holds.
    if (tracee.inFlight !== undefined || this.#vdso?.has(tracee.tid)) {
      return this.#resumed(tracee, resumeToCall(tracee.tid, 0));
    }
    if (this.#entry !== undefined) return this.#go(tracee, 0);
    this.#calls.enter(tracee);
  }

  /** The entry or the exit of a call. */
  #syscall(tracee: Tracee): void {
    if (this.#vdso?.has(tracee.tid)) return this.#withoutVdso(tracee);
    if (this.#entry === undefined) return this.#exit(tracee);
    const action = this.#entry.actionOf(tracee.tid);
    // Before the program there is the launcher: its calls are jail's own.
    const own = !this.#family.started && action.kind !== "exit" &&
      action.nr !== SYSCALLS.execve[this.#arch.name];
    if (own) return this.#go(tracee, 0);
    switch (action.kind) {
      case "exit":
        return this.#exit(tracee);
      case "allow":
        return this.#go(tracee, 0);
      case "errno":
        return this.#calls.fail(tracee, action.errno);
      case "trace":
        return this.#calls.enter(tracee);
      case "kill":
        kill(tracee.process.pid, SIGKILL);
        return;
    }
  }

  /** Sees to it that a thread tells of its end, where there are others. */
  #tellEnd(tracee: Tracee): void {
    const tells = tracee.process.threads > 1;
    if (tracee.tellsEnd === tells) return;
    tracee.tellsEnd = tells;
    setOptions(tracee.tid, tells ? THREAD_OPTIONS : OPTIONS);
  }

  /** A thread is about to end: it makes no call any more, and needs nothing. */
  #leaving(tracee: Tracee): void {
    const { process } = tracee;
    const executed = process.executing === tracee;
    tracee.held.length = 0;
    this.#calls.drop(tracee);
    this.#family.left(tracee);
    this.#freezer.gone(tracee);
    this.#go(tracee, 0);
    if (executed) this.#serveAgain(process);
  }

  #exit(tracee: Tracee): void {
    const { process } = tracee;
    const executed = process.executing === tracee;
    if (!this.#calls.leave(tracee)) this.#go(tracee, 0);
    if (executed) this.#serveAgain(process);
  }

  /** The exec is over that the other threads of a process waited for. */
  #serveAgain(process: Process): void {
    for (const tracee of [...this.#family.tracees.values()]) {
      if (tracee.process !== process) continue;
      for (const status of tracee.held.splice(0)) this.#handle(tracee, status);
    }
  }

  /**
   * Serves one tracee alone for a moment: who forks goes on at once, as without
   * a tracer, and has moved its child to a group or the terminal to its front
   * by the time that the child runs. Where its calls stop, a child that happens
   * to share the tracer's CPU would be three times as fast.
   */
  #giveHeadStart(tracee: Tracee): void {
    if (this.#headStart) return;
    this.#headStart = true;
    const quiet = tracee.process.hasJobs ? JOB_HEAD_START_MS : HEAD_START_MS;
    const last = performance.now() + MOST_HEAD_START_MS;
    for (let until = performance.now() + quiet;;) {
      const now = performance.now();
      if (now > until || now > last) break;
      const tid = this.#wait(tracee.tid, WNOHANG);
      if (tid < 0) break;
      if (tid === 0) continue;
      this.#handle(tracee, this.#status[0] as number);
      until = performance.now() + quiet;
    }
    this.#headStart = false;
  }

  /** The thread that made the exec whose event a tracee has stopped at. */
  #maker(tracee: Tracee): Tracee {
    const former = readEventMessage(tracee.tid);
    return this.#family.tracees.get(former) ?? tracee;
  }

  /**
   * A new image is there; nothing of it has run. What the old one held is free
   * only when the new one has been looked at: whoever is served then must find
   * it allowed, or ended.
   */
  #exec(tracee: Tracee): void {
    const maker = this.#maker(tracee);
    const { process, exec } = maker;
    for (const other of this.#family.tracees.values()) {
      if (other.process !== process) continue;
      this.#calls.forget(other);
      other.held.length = 0;
    }
    // An exec that was not looked at must not run either.
    const allowed = exec !== undefined && this.#isExpected(tracee, exec) &&
      this.#calls.tell(tracee);
    if (!allowed) kill(process.pid, SIGKILL);
    this.#aims.delete(maker);
    this.#calls.drop(maker);
    this.#freezer.gone(maker);
    const { tracee: now, gone } = this.#family.exec(tracee.tid, maker.tid);
    now.stopped = true;
    for (const other of gone) {
      this.#aims.delete(other);
      this.#calls.drop(other);
      this.#room?.over(other);
      this.#freezer.gone(other);
      if (other.tid !== now.tid) this.#stops.delete(other.tid);
      this.#told(other);
    }
    this.#told(maker);
    if (!allowed) return;
    if ((this.#options.observe ?? this.#accounts) !== undefined) {
      now.process.program = imageOf(now.tid);
    }
    if (!this.#family.started) {
      this.#family.started = true;
      this.#watcher = this.#options.started?.(now.process.pid);
    }
    this.#vdso?.begin(now);
    this.#go(now, 0);
  }

  /** A new image that has had a vDSO has stopped once more. */
  #withoutVdso(tracee: Tracee): void {
    switch (this.#vdso?.step(tracee)) {
      case "to call":
        return this.#resumed(tracee, resumeToCall(tracee.tid, 0));
      case "go on":
        return this.#go(tracee, 0);
    }
  }

  /** Whether the image that a tracee has now is the one that was allowed. */
  #isExpected(tracee: Tracee, exec: PendingExec): boolean {
    if (!exec.verify) return true;
    const sp = this.#calls.registersOf(tracee)?.sp ?? 0;
    return unexpectedImage(tracee.tid, sp, exec) === undefined;
  }

  /** A tracee made another one. */
  #child(parent: Tracee): void {
    const tid = readEventMessage(parent.tid);
    const registers = this.#calls.registersOf(parent);
    if (tid <= 0 || registers === undefined) return;
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
    // It may have been waited for already, dead.
    const gone = kill(tid, 0) === -ESRCH;
    if (gone || this.#family.tracees.has(tid)) return;
    const child = this.#family.addChild(parent, tid, flags, vfork);
    this.#accounts?.added(child.process !== parent.process);
  }

  /** Handles stops that came before their tracees were told of. */
  #meetEarly(): void {
    for (const [tid, status] of this.#early) {
      const tracee = this.#family.tracees.get(tid);
      if (tracee === undefined) continue;
      this.#early.delete(tid);
      this.#handle(tracee, status);
    }
  }

  /** How many tracees have stopped that nobody has told of yet. */
  #strangers(): number {
    let count = 0;
    for (const tid of this.#early.keys()) {
      if (!this.#family.tracees.has(tid)) count++;
    }
    return count;
  }

  /** A stop of a tracee that nobody has told of yet. */
  #stranger(tid: number, status: number): void {
    const kind = stopKind(status);
    if (kind === "exited" || kind === "killed") {
      this.#early.delete(tid);
      return;
    }
    if (kind === "leaving") {
      resume(tid, 0);
      return;
    }
    if (this.#killing) kill(tid, SIGKILL);
    else this.#early.set(tid, status);
  }

  /** A tracee is gone. */
  #gone(tracee: Tracee, kind: "exited" | "killed", value: number): void {
    const { process } = tracee;
    const executed = process.executing === tracee;
    this.#aims.delete(tracee);
    this.#calls.drop(tracee);
    this.#vdso?.drop(tracee.tid);
    this.#family.remove(tracee);
    this.#room?.gone(tracee);
    this.#freezer.gone(tracee);
    if (executed) this.#serveAgain(process);
    if (tracee.tid === this.#launched?.pid) {
      this.#ended(
        kind === "exited"
          ? { kind: "exited", code: value }
          : { kind: "signaled", signal: value },
      );
    }
    this.#adoptOrphans();
  }

  /** The program is gone, and others are waited for, unless jail is to end. */
  #heedRequests(): void {
    const { processes } = this.#family;
    if (!this.#left || this.#killing || processes.has(this.#endBy)) return;
    // Who is waited for already has perhaps lost its id to somebody else.
    if (this.#deaths.length > 0) return;
    [this.#endBy = 0] = processes.keys();
    const signal = this.#watcher?.endBy?.(this.#endBy) ?? 0;
    if (signal === 0) return;
    this.#exceeded({ kind: "signaled", signal });
    this.#killAll();
  }

  /** The program itself is gone. */
  #ended(outcome: Outcome): void {
    const failure = this.#family.started
      ? undefined
      : this.#launched?.failure();
    if (failure !== undefined) {
      const errno = errnoName(failure.errno);
      const missing = failure.step === "execve" && errno === "ENOENT";
      throw new LaunchError(
        this.#options.program,
        failure.step,
        errno,
        failure.step !== "execve" ? 125 : missing ? 127 : 126,
        errno === "EACCES" && failure.step === "execve"
          ? this.#options.hint ??
            "where the policy is the reason, --report shows which rule"
          : undefined,
      );
    }
    this.#outcome ??= outcome;
    this.#left = true;
    if (!this.#options.waitAll) this.#killAll();
  }

  /**
   * Somebody died, who may have made a tracee without telling of it. Whoever
   * lives and did so is about to tell: all of them are made to stop, and what
   * nobody has told of by then is an orphan.
   */
  #adoptOrphans(): void {
    if (this.#early.size === 0 || this.#killing) return;
    if (this.#asked.size > 0) {
      this.#askAgain = true;
      return;
    }
    this.#askAgain = false;
    this.#orphans = [...this.#early.keys()];
    for (const tracee of this.#family.tracees.values()) {
      // What leaves tells no more. Nor does the parent of a vfork while its
      // child is in a stop.
      const tells = tracee.held.length > 0 ||
        !tracee.stopped && tracee.vfork?.stopped !== true &&
          !tracee.leaving && interruptCall(tracee) >= 0;
      if (tells) this.#asked.add(tracee);
    }
    if (this.#asked.size === 0) this.#adopt();
  }

  /** A tracee has stopped, or is gone: it has told what there is to tell. */
  #told(tracee: Tracee): void {
    if (this.#asked.size === 0) return;
    for (const parent of this.#family.parentsOf(tracee)) this.#told(parent);
    if (!this.#asked.delete(tracee) || this.#asked.size > 0) return;
    this.#adopt();
    if (this.#askAgain) this.#adoptOrphans();
  }

  /**
   * Takes in tracees whose maker died before it could tell of them. What they
   * share the kernel says; where it does not, they are ended.
   */
  #adopt(): void {
    for (const tid of this.#orphans.splice(0)) {
      const status = this.#early.get(tid);
      if (status === undefined) continue;
      const others = [...this.#family.tracees.values()];
      const kin = sharing(others, tid, shareMemory);
      const user = sharing(others, tid, shareFiles);
      if (kin === "unknown" || user === "unknown") {
        kill(tid, SIGKILL);
        continue;
      }
      this.#early.delete(tid);
      const orphan = this.#family.addOrphan(tid, kin, user);
      this.#accounts?.added(true);
      this.#freezer.join(orphan);
      this.#handle(orphan, status);
    }
  }

  /** The whole process of a tracee was stopped by a job-control signal. */
  #group(tracee: Tracee, signal: number): void {
    tracee.halted = true;
    listen(tracee.tid);
    const { stopped } = this.#options;
    if (tracee.tid !== this.#launched?.pid || stopped === undefined) return;
    if (!this.#jobControl.stopsJail()) return;
    let next = 0;
    stopped(signal, () => {
      // Whoever is continued says so, but may not have come to it yet.
      if (!isStopped(tracee.tid)) return false;
      next = this.#wait(tracee.tid, WNOHANG);
      return next === 0;
    });
    // A shell continues jail and the program together. Where somebody
    // continued jail alone, the program goes on too.
    const until = Date.now() + CONTINUE_MS;
    while (next === 0 && Date.now() < until) {
      next = this.#wait(tracee.tid, WNOHANG);
    }
    if (next > 0) this.#handle(tracee, this.#status[0] as number);
    else if (next === 0) kill(tracee.process.pid, SIGCONT);
  }

  #endWith(outcome: Outcome): void {
    this.#outcome ??= outcome;
    this.#killAll();
  }

  #killAll(): void {
    this.#killing = true;
    for (const pid of this.#family.processes.keys()) kill(pid, SIGKILL);
    for (const tid of this.#early.keys()) kill(tid, SIGKILL);
  }

  #go(tracee: Tracee, signal: number): void {
    this.#resumed(
      tracee,
      this.#entry === undefined && this.#vdso?.has(tracee.tid) !== true
        ? resume(tracee.tid, signal)
        : resumeToCall(tracee.tid, signal),
    );
  }

  #resumed(tracee: Tracee, result: number): void {
    tracee.stopped = false;
    if (result >= 0 || result === -ESRCH) return;
    throw new SystemCallError(
      "resume the program",
      "ptrace()",
      errnoName(-result),
    );
  }
}

function isDeath(status: number): boolean {
  const kind = stopKind(status);
  return kind === "exited" || kind === "killed";
}

/** Who of some tracees shares something with a task that nobody has told of. */
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
