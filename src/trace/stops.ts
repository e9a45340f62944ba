/** What happens at each kind of stop. */

import { SIGCONT, SIGKILL, SIGSEGV } from "../abi/signal.ts";
import { SYSCALLS } from "../abi/syscalls.ts";
import { WNOHANG } from "../abi/wait.ts";
import { interrupt, listen, setOptions } from "../sys/task/ptrace.ts";
import { isStopped } from "../sys/task/task.ts";
import { kill } from "../sys/task/wait.ts";
import { Births } from "./births.ts";
import { quiet } from "./hold/quiet.ts";
import { Images } from "./images.ts";
import { JobControl } from "./job_control.ts";
import { letGo } from "./let_go.ts";
import type { Parts } from "./parts.ts";
import { Renames } from "./renames.ts";
import { isHandled, isIgnored } from "./tracee/disposition.ts";
import {
  isStopSignal,
  type StopKind,
  stopKind,
  stopValue,
} from "./tracee/stop.ts";
import { OPTIONS, THREAD_OPTIONS } from "./tracee/stop_options.ts";
import { isHeldByExec, type Process, type Tracee } from "./tracee/tracee.ts";

/** How long a program that was stopped with jail may take to go on with it. */
const CONTINUE_MS = 20;

/** Handles stops. */
export class Stops {
  readonly #parts: Parts;
  readonly #renames: Renames;
  readonly #births: Births;
  readonly #images: Images;
  readonly #jobControl: JobControl;
  /** The numbers of the calls by which a thread ends itself. */
  readonly #exits: ReadonlySet<number | undefined>;

  /**
   * Makes it.
   *
   * @param parts what follows the program
   */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.#renames = new Renames(parts);
    this.#births = new Births(
      parts,
      this.#renames,
      (tracee, status) => this.handle(tracee, status),
    );
    this.#images = new Images(parts);
    const { name } = parts.arch;
    this.#exits = new Set([SYSCALLS.exit[name], SYSCALLS.exit_group[name]]);
    this.#jobControl = new JobControl(
      parts.family,
      parts.options.limits ?? {},
    );
  }

  /** Handles the stop or the end of a tracee. */
  handle(tracee: Tracee, status: number): void {
    const { strangers } = this.#parts;
    const kind = stopKind(status);
    if (kind === "exited" || kind === "killed") {
      this.#gone(tracee, kind, stopValue(status));
      return;
    }
    if (this.#renames.isOver(tracee, kind)) return;
    const now = this.#renames.stopped(tracee, kind);
    if (now === undefined) return strangers.stop(tracee.tid, status);
    this.#take(now, kind, status);
    if (now.held.length === 0) strangers.told(now);
    // Nobody tells that a first thread is gone whose id an exec has taken.
    if (now !== tracee) strangers.ended(tracee.space);
  }

  #take(tracee: Tracee, kind: StopKind, status: number): void {
    const {
      affinity,
      calls,
      ending,
      entry,
      family,
      freezer,
      resume,
      room,
      strangers,
      waits,
    } = this.#parts;
    tracee.stopped = true;
    tracee.halted = false;
    // Until a new image has been looked at, what led to it stays what it is.
    const unseen = tracee.unseen >= 0;
    if (kind !== "exec") calls.settle(tracee);
    // By then the kernel has let its parent go, and nobody has to hear of it.
    else family.endVforkOf(tracee);
    if (this.#endsWait(kind, tracee)) {
      const again = calls.interrupted.resume(tracee, unseen);
      // The kernel heeds that where it looks for signals.
      if (again && kind === "syscall") interrupt(tracee.tid);
    }
    if (kind !== "seccomp" && kind !== "syscall") tracee.interrupted = false;
    // The program's own filter sends calls to a tracer before they are made.
    if (kind !== "seccomp") waits.aimed(tracee);
    // Whoever waits for others to end, as an exec does, must not wait in vain.
    if (kind === "leaving") return this.#leaving(tracee);
    if (ending.killing) {
      // SIGKILL ends it whatever stop it is in.
      kill(tracee.process.pid, SIGKILL);
      if (kind === "new") this.#births.take(tracee);
      return;
    }
    this.#tellEnd(tracee);
    // Its maker's stop tells what it shares, so nothing of it is lost by waiting.
    if (tracee.frozen) {
      return freezer.hold(tracee, status);
    }
    if (isHeldByExec(tracee) && kind !== "exec") {
      tracee.held.push(status);
      return;
    }
    room?.over(tracee);
    affinity.stopped(tracee);
    switch (kind) {
      case "seccomp":
        return this.#seccomp(tracee);
      case "syscall":
        return this.#syscall(tracee);
      case "exec":
        return this.#images.enter(tracee);
      case "new":
        // As without a tracer, the maker goes on before what it made.
        if (!this.#births.take(tracee)) return;
        this.#tellEnd(tracee);
        resume.go(tracee, 0);
        if (entry !== undefined || tracee.process.hasJobs) {
          this.#births.giveHeadStart(tracee);
        }
        return strangers.meet();
      case "group":
        return this.#group(tracee, stopValue(status));
      case "trap":
        tracee.continued = tracee.wasHalted;
        tracee.wasHalted = false;
        calls.mark(tracee);
        return resume.go(tracee, 0);
      case "signal":
        return this.#signal(tracee, stopValue(status));
    }
  }

  /**
   * Whether a call may have been ended by what the program does not see: jail's own
   * interruption, or SIGCONT, which has all threads that are traced stop, too.
   */
  #endsWait(
    kind: StopKind,
    { inFlight, interrupted, wasHalted }: Tracee,
  ): boolean {
    const { entry } = this.#parts;
    if (kind === "trap") return interrupted || !wasHalted;
    // Where calls stop at their exit anyway, that is the only stop.
    return interrupted && kind === "syscall" && entry !== undefined &&
      inFlight === undefined;
  }

  /**
   * A tracee is about to get a signal. The kernel shows a tracer even signals
   * that are ignored, and so interrupts calls that it would not interrupt
   * without one: those are made again; not by SIGCONT what a stop has ended.
   */
  #signal(tracee: Tracee, signal: number): void {
    const { calls, ending, resume } = this.#parts;
    if (signal === SIGSEGV && this.#isCounter(tracee)) {
      return resume.go(tracee, 0);
    }
    calls.signal(tracee);
    if (
      tracee.until !== undefined && isHandled(tracee.process.pid, signal)
    ) {
      tracee.until = undefined;
    }
    if (tracee.rewaits && !isIgnored(tracee.process.pid, signal)) {
      calls.interrupted.end(tracee);
    }
    if (isStopSignal(signal) && ending.isProgram(tracee.process.pid)) {
      this.#jobControl.note(tracee.tid, signal);
    }
    const ended = signal === SIGCONT && tracee.continued;
    tracee.continued = false;
    if (
      !ended && calls.interrupted.has(tracee) &&
      isIgnored(tracee.process.pid, signal)
    ) {
      calls.interrupted.restart(tracee);
    }
    resume.go(tracee, signal);
  }

  /** Whether a tracee has looked at the processor's counter: it has been answered. */
  #isCounter(tracee: Tracee): boolean {
    const { calls, counter } = this.#parts;
    if (counter === undefined) return false;
    const registers = calls.registersOf(tracee);
    return registers !== undefined &&
      counter.answer(tracee.tid, tracee.process, registers) &&
      calls.answers.write(tracee);
  }

  /** A filter sent a call to the tracer. */
  #seccomp(tracee: Tracee): void {
    const { calls, entry, family, notices, resume, vdso } = this.#parts;
    // The program's own filter may do so too: with a call that was looked at
    // already, or that jail's filter lets pass. The tracer's decision holds.
    if (vdso?.has(tracee.tid)) return resume.toCall(tracee);
    if (tracee.inFlight !== undefined) return this.#goOn(tracee);
    if (entry !== undefined) return resume.go(tracee, 0);
    // The launcher is about to become the program: its filter is there.
    if (!family.started) notices?.begin(tracee.tid);
    calls.enter(tracee);
  }

  /**
   * A call that was looked at is sent to the tracer once more.
   *
   * @throws {Error} where it is another one
   */
  #goOn(tracee: Tracee): void {
    const { calls, resume } = this.#parts;
    const registers = calls.registersOf(tracee);
    if (registers === undefined) return;
    if (!registers.isCallOf(tracee.made)) {
      throw new Error("Cannot let a call go on: it is not the one in flight");
    }
    resume.toCall(tracee);
    calls.goesOn(tracee);
  }

  /** The entry or the exit of a call. */
  #syscall(tracee: Tracee): void {
    const { arch, calls, entry, family, resume, vdso } = this.#parts;
    if (vdso?.has(tracee.tid)) return this.#images.withoutVdso(tracee);
    const again = tracee.rewaits;
    if (entry === undefined) {
      return again ? calls.interrupted.enter(tracee) : this.#exit(tracee);
    }
    const action = entry.actionOf(tracee.tid);
    // Before the program there is the launcher: its calls are jail's own.
    const own = !family.started && action.kind !== "exit" &&
      action.nr !== SYSCALLS.execve[arch.name];
    if (own) return resume.go(tracee, 0);
    switch (action.kind) {
      case "exit":
        return this.#exit(tracee);
      case "allow":
        return again ? calls.interrupted.enter(tracee) : resume.go(tracee, 0);
      case "errno":
        return calls.fail(tracee, action.errno);
      case "trace":
        return calls.enter(tracee);
      case "kill":
        kill(tracee.process.pid, SIGKILL);
        return;
    }
  }

  /** Sees to it that a task tells of its end, where there are others, or it counts. */
  #tellEnd(tracee: Tracee): void {
    const tells = tracee.process.threads > 1 ||
      this.#parts.accounts?.counts === true;
    if (tracee.tellsEnd === tells) return;
    tracee.tellsEnd = tells;
    setOptions(tracee.tid, tells ? THREAD_OPTIONS : OPTIONS);
  }

  /** A thread is about to end: it makes no call any more, and needs nothing. */
  #leaving(tracee: Tracee): void {
    const { accounts, calls, family, freezer, resume, strangers } = this.#parts;
    const { process } = tracee;
    const executed = process.executing === tracee;
    accounts?.ends(tracee);
    const endsItself = this.#exits.has(calls.registersOf(tracee)?.nr);
    tracee.held.length = 0;
    family.left(tracee);
    freezer.gone(tracee);
    calls.drop(tracee);
    resume.go(tracee, 0);
    if (executed) this.#serveAgain(process);
    // Another thread ends the process: its code does not tell that of a kill.
    if (!endsItself) strangers.ended(tracee.space);
  }

  #exit(tracee: Tracee): void {
    const { calls, resume } = this.#parts;
    const { process } = tracee;
    const executed = process.executing === tracee;
    if (!calls.leave(tracee)) resume.go(tracee, 0);
    if (executed) this.#serveAgain(process);
  }

  /** The exec is over that the other threads of a process waited for. */
  #serveAgain(process: Process): void {
    const { family } = this.#parts;
    for (const tracee of family.threadsOf(process)) {
      for (const status of tracee.held.splice(0)) this.handle(tracee, status);
    }
  }

  /** A tracee is gone, and its process with it where it is the first thread. */
  #gone(tracee: Tracee, kind: "exited" | "killed", value: number): void {
    const { ending, family, room, strangers, vdso } = this.#parts;
    const { process, tid } = tracee;
    const first = tid === process.pid;
    const executed = process.executing === tracee;
    // It may be the end of a newborn that has got the id, and not the thread's.
    if (executed && !first) strangers.doubt(tid);
    const all = first && process.threads > 1;
    const gone = all ? family.threadsOf(process) : [tracee];
    for (const one of gone) family.remove(one);
    vdso?.drop(tid);
    room?.gone(tracee);
    for (const one of gone) letGo(this.#parts, one);
    if (executed) this.#serveAgain(process);
    if (ending.isProgram(tracee.tid)) {
      ending.ended(
        kind === "exited"
          ? { kind: "exited", code: value }
          : { kind: "signaled", signal: value },
      );
    }
    if (kind === "killed") strangers.ended(tracee.space);
    else strangers.adoptOrphans();
  }

  /** The whole process of a tracee was stopped by a job-control signal. */
  #group(tracee: Tracee, signal: number): void {
    const { ending, family, options, waits } = this.#parts;
    tracee.halted = true;
    tracee.wasHalted = true;
    listen(tracee.tid);
    const { stopped } = options;
    if (!ending.isProgram(tracee.tid) || stopped === undefined) return;
    if (!this.#jobControl.stopsJail()) return;
    // Who goes on then has no call on its way, such as one that takes the terminal
    // from who is in front by the time that it is made; nor one that reads there.
    quiet(family, waits, () => ending.look());
    // It may have been continued meanwhile, or be gone.
    const changed = waits.stopOf(tracee.tid) !== undefined ||
      family.ended.has(tracee.tid);
    if (changed) return;
    let next = 0;
    stopped(signal, () => {
      // Whoever is continued says so, but may not have come to it yet.
      if (!isStopped(tracee.tid)) return false;
      next = waits.wait(tracee.tid, WNOHANG);
      return next === 0;
    });
    // A shell continues jail and the program together. Where somebody
    // continued jail alone, the program goes on too.
    const until = Date.now() + CONTINUE_MS;
    while (next === 0 && Date.now() < until) {
      next = waits.wait(tracee.tid, WNOHANG);
    }
    if (next > 0) this.handle(tracee, waits.status);
    else if (next === 0) kill(tracee.process.pid, SIGCONT);
  }
}
