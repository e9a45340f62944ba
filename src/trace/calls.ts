/** What happens at a call that stopped, and who has to wait with it. */

import type { Arch } from "../abi/arch.ts";
import { ENOSYS, EOPNOTSUPP } from "../abi/errno.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import { MOVING } from "../policy/plan/answered.ts";
import type { Look } from "../policy/plan/guard.ts";
import { actionOf } from "../policy/plan/plan.ts";
import type { Listener } from "../sys/task/listener.ts";
import { AimedCalls } from "./aimed_calls.ts";
import { type Answers, fixedRule, type Resumer } from "./answer.ts";
import { AnsweredCalls } from "./answered.ts";
import { mayCopy } from "./copies.ts";
import { FactCalls } from "./fact_calls.ts";
import { SHOWS_CPUS } from "./facts/shown_cpus.ts";
import type { Family } from "./family.ts";
import { FileCalls } from "./file_calls.ts";
import { mayWait } from "./hold/flight.ts";
import { Flights } from "./hold/flights.ts";
import type { Freezer } from "./hold/freeze.ts";
import { InterruptedCalls } from "./interrupted_calls.ts";
import { LimitedCalls } from "./limited_calls.ts";
import type { CallSpec } from "./look/spec.ts";
import type { TraceOptions } from "./options.ts";
import { makePair } from "./pairs.ts";
import { enterPlain } from "./plain_call.ts";
import { makeTools, type Tools } from "./tools.ts";
import type { Registers } from "./tracee/registers.ts";
import { isHeldByExec, type Tracee } from "./tracee/tracee.ts";

/** What happens at calls that stopped. */
export class Calls {
  /** What happens at calls that were interrupted. */
  readonly interrupted: InterruptedCalls;
  readonly #tools: Tools;
  readonly #flights: Flights;
  readonly #files: FileCalls;
  readonly #aimed: AimedCalls;
  readonly #limited: LimitedCalls;
  readonly #facts: FactCalls;
  readonly #answered: AnsweredCalls | undefined;
  readonly #waiting: Tracee[] = [];
  readonly #looks = new Map<SyscallName, number>();
  #draining = false;

  /**
   * Makes the handler of one run.
   *
   * @param options the run
   * @param arch the machine's half of the calling convention
   * @param family the tracees
   * @param freezer stops others for a call that needs its descriptors alone
   * @param resumer how tracees are resumed
   */
  constructor(
    options: TraceOptions,
    arch: Arch,
    family: Family,
    freezer: Freezer,
    resumer: Resumer,
  ) {
    const tools = makeTools(options, arch, family, freezer, resumer);
    this.#tools = tools;
    this.interrupted = new InterruptedCalls(tools);
    this.#flights = new Flights(
      tools,
      (tracees) => this.#waiting.push(...tracees),
    );
    this.#files = new FileCalls(tools, this.#flights, {
      drain: () => this.#drain(),
      lookAgain: (tracee) => this.#look(tracee),
    });
    this.#aimed = new AimedCalls(tools, this.#flights);
    this.#limited = new LimitedCalls(tools);
    this.#facts = new FactCalls(tools, this.#flights);
    this.#answered = options.answers === true
      ? new AnsweredCalls(tools, () => void resumer.goesOn())
      : undefined;
  }

  /** How many calls were refused. */
  get denials(): number {
    return this.#tools.answers.denials;
  }

  /** How often each call was looked at, by its name. */
  get looks(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#looks);
  }

  /** Reads and writes registers, and answers calls. */
  get answers(): Answers {
    return this.#tools.answers;
  }

  /** A call waits for the tracer's answer. */
  answer(tracee: Tracee, listener: Listener): void {
    this.settle(tracee);
    const { answers, specs } = this.#tools;
    answers.hear(listener);
    const spec = specs.at(answers.registers.nr);
    if (spec === undefined) return answers.answer(tracee, -ENOSYS);
    const answered = this.#answered?.answer(tracee, spec, listener) === true;
    this.#counted(spec.syscall.name, answered);
  }

  /** A tracee has stopped that was interrupted to make its call by itself. */
  mark(tracee: Tracee): void {
    this.#answered?.marks.mark(tracee);
  }

  /** A tracee has a new image. */
  entered(tracee: Tracee): void {
    this.#answered?.entered(tracee);
  }

  /** A tracee is about to get a signal, which must not interrupt a look at a file. */
  signal(tracee: Tracee): void {
    this.#answered?.marks.interrupted(tracee);
  }

  /** A tracee stopped at the entry of a call that has to be looked at. */
  enter(tracee: Tracee): void {
    tracee.remake = "not";
    if (this.#waiting.length > 0 && !this.#tools.family.alone) {
      this.#waiting.push(tracee);
      this.#drain();
      return;
    }
    this.#serve(tracee);
  }

  /** A call in flight goes into the kernel once more: there it may wait. */
  goesOn(tracee: Tracee): void {
    const { freezer, specs } = this.#tools;
    const spec = specs.at(tracee.made.nr);
    if (spec === undefined || !mayWait(spec)) return;
    freezer.letWait(tracee);
    if (freezer.next !== undefined) this.#drain();
  }

  /** A tracee has its descriptors alone now: its call is looked at again. */
  ready(tracee: Tracee): void {
    if (this.#look(tracee)) this.#drain();
    else if (!this.#tools.freezer.isAwaitedBy(tracee)) {
      this.#waiting.unshift(tracee);
    }
  }

  /** Whether the call that a tracee has stopped at means a file by its descriptor. */
  restsOnDescriptor(tracee: Tracee): boolean {
    const registers = this.registersOf(tracee);
    const spec = registers && this.#tools.specs.at(registers.nr);
    const entry = spec && this.#tools.options.plan.get(spec.syscall.name);
    if (registers === undefined || spec === undefined || entry === undefined) {
      return false;
    }
    const action = actionOf(entry, registers);
    if (action.kind !== "trace") return false;
    const { kind } = action.look;
    return kind === "write-fd" || kind === "pidfd" || kind === "async" ||
      kind === "flow" || kind === "modes" ||
      kind === "call" && spec.treatment === "descriptor";
  }

  /** A tracee stopped at the exit of a call; whether something was in flight. */
  leave(tracee: Tracee): boolean {
    const flight = tracee.inFlight;
    if (flight === undefined) return false;
    if (this.#flights.land(tracee, flight)) this.#drain();
    return true;
  }

  /** A tracee has stopped: its call is over that nobody saw end. */
  settle(tracee: Tracee): void {
    if (tracee.unseen < 0) return;
    this.#tools.lock.give(tracee);
    this.#drain();
  }

  /** A tracee makes its call no more: it waits for nothing. */
  forget(tracee: Tracee): void {
    this.#tools.lock.forget(tracee);
    this.#tools.freezer.forget(tracee);
    for (const queue of [this.#waiting, tracee.space.pins.waiting]) {
      const at = queue.indexOf(tracee);
      if (at >= 0) queue.splice(at, 1);
    }
  }

  /** A tracee is gone, or has a new image: what it held is free. */
  drop(tracee: Tracee): void {
    this.forget(tracee);
    this.#flights.drop(tracee);
    this.#tools.lock.give(tracee);
    this.#drain();
  }

  /** The jail is no more. */
  close(): void {
    this.#tools.closed.close();
  }

  /** What a new image is told in place of the kernel's: false where it cannot be. */
  tell(tracee: Tracee): boolean {
    return this.#facts.tell(tracee);
  }

  /** The registers of a stopped tracee; `undefined` where it is gone. */
  registersOf(tracee: Tracee): Registers | undefined {
    return this.answers.read(tracee) ? this.answers.registers : undefined;
  }

  /** Refuses the call at whose entry a tracee is stopped, without a decision. */
  fail(tracee: Tracee, errno: number): void {
    if (this.answers.read(tracee)) this.answers.answer(tracee, -errno);
  }

  /**
   * Looks at a call. One that has to wait does so behind others, but where it waits
   * for others to be stopped: that may take long, and holds up nobody.
   */
  #serve(tracee: Tracee): void {
    if (this.#look(tracee)) return;
    if (!this.#tools.freezer.isAwaitedBy(tracee)) this.#waiting.push(tracee);
  }

  /** Lets those that wait try again, in their order. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    const { freezer } = this.#tools;
    do {
      for (let { next } = freezer; next !== undefined; { next } = freezer) {
        freezer.forget(next);
        this.#serve(next);
      }
      this.#drainQueue();
    } while (freezer.next !== undefined);
    this.#draining = false;
  }

  #drainQueue(): void {
    const { freezer } = this.#tools;
    for (let at = 0; at < this.#waiting.length;) {
      const tracee = this.#waiting[at] as Tracee;
      if (isHeldByExec(tracee)) {
        at++;
        continue;
      }
      this.#waiting.splice(at, 1);
      if (!tracee.frozen && this.#look(tracee)) continue;
      if (freezer.isAwaitedBy(tracee)) continue;
      this.#waiting.splice(at, 0, tracee);
      break;
    }
  }

  /** Looks at a call; false where it has to wait. */
  #look(tracee: Tracee): boolean {
    if (isHeldByExec(tracee)) return false;
    const { answers, family, options, resumer, specs } = this.#tools;
    // Many may be looked at between two stops, and each for long. Who is killed
    // still has registers for a while.
    if (!resumer.goesOn()) return true;
    // Where the call is changed, all of its registers are needed: as most are beside
    // those that jail answers, which do not stop.
    const isKept = options.answers !== true &&
      (family.alone || family.owns(tracee));
    const there = isKept ? answers.readCall(tracee) : answers.read(tracee);
    if (!there) return true;
    const spec = specs.at(answers.registers.nr);
    const entry = spec && options.plan.get(spec.syscall.name);
    if (spec === undefined || entry === undefined) {
      answers.answer(tracee, -ENOSYS);
      return true;
    }
    const { name } = spec.syscall;
    if (SHOWS_CPUS.has(name)) resumer.showsCpus(false);
    if (MOVING.has(name)) {
      tracee.directories.cwd.moves(tracee.directories.tracees > 1);
    }
    // The conditions that made it stop say what to look at.
    const action = actionOf(entry, answers.registers);
    switch (action.kind) {
      case "allow":
        resumer.go(tracee);
        return true;
      case "errno":
      case "kill":
      case "return":
        answers.refuse(tracee, spec, action, fixedRule("the filter"));
        return true;
      case "trace":
        return this.#counted(
          spec.syscall.name,
          this.#lookAt(tracee, spec, action.look),
        );
    }
  }

  /** Counts a call that does not have to wait. */
  #counted(name: SyscallName, done: boolean): boolean {
    if (done) this.#looks.set(name, (this.#looks.get(name) ?? 0) + 1);
    return done;
  }

  #lookAt(tracee: Tracee, spec: CallSpec, look: Look): boolean {
    switch (look.kind) {
      case "refuse":
        this.answers.refuse(tracee, spec, look.refusal, look.rule);
        return true;
      case "pid":
        return this.#aims(tracee, { ...spec, pid: look.arg });
      case "group":
        return this.#served(this.#aimed.group(tracee, spec, look.arg));
      case "group-at":
        tracee.process.hasJobs = true;
        return this.#files.enter(tracee, {
          ...spec,
          treatment: "id",
          address: look.arg,
        });
      case "write-fd":
      case "pidfd":
      case "async":
      case "flow":
      case "modes":
      case "option":
      case "hears": {
        const treatment = look.kind === "write-fd" ? "descriptor" : look.kind;
        return this.#files.enter(tracee, { ...spec, treatment, fd: look.arg });
      }
      case "rights":
        // Who is another user by then may be moved no more (CAP_SYS_NICE).
        this.#tools.resumer.showsCpus(false);
        tracee.process.unanswered = true;
        this.#tools.resumer.go(tracee);
        return true;
      case "moves":
        return this.#files.move(tracee, spec);
      case "room":
        this.#limited.make(tracee, spec);
        return true;
      case "shared":
        this.#limited.share(tracee, spec);
        return true;
      case "output":
        this.#limited.write(tracee, look.fd, look.size);
        return true;
      case "copy":
        if (mayCopy(tracee, spec, look.args, this.#tools)) {
          this.#limited.copy(tracee);
        }
        return true;
      case "answer":
        this.#facts.answer(tracee, spec);
        return true;
      case "retime":
        this.#facts.retime(tracee, spec);
        return true;
      case "timeout":
        return this.#facts.wait(tracee, {
          ...spec,
          treatment: "timeout",
          address: look.arg,
        });
      case "pair":
        makePair(tracee, spec, this.#tools);
        return true;
      case "peer":
        this.#flights.beginTelling(tracee);
        return true;
      case "call":
        return this.#lookAtCall(tracee, spec);
    }
  }

  /** Looks at a call that means a process; false where it has to wait. */
  #aims(tracee: Tracee, spec: CallSpec): boolean {
    return this.#served(this.#aimed.process(tracee, spec));
  }

  /** Others have their turn once a call is on its way that others were stopped for. */
  #served(done: boolean): boolean {
    if (done && this.#tools.freezer.next !== undefined) this.#drain();
    return done;
  }

  #lookAtCall(tracee: Tracee, spec: CallSpec): boolean {
    if (this.#limited.sendsOutput(tracee, spec)) {
      this.answers.answer(tracee, -EOPNOTSUPP);
      return true;
    }
    switch (spec.treatment) {
      case "open":
      case "exec":
      case "paths":
      case "descriptor":
      case "address":
      case "message":
      case "socket":
      case "listen":
      case "option":
      case "hears":
      case "async":
      case "flow":
      case "modes":
      case "id":
      case "pidfd":
        return this.#files.enter(tracee, spec);
      case "process":
        return this.#aims(tracee, spec);
      case "timeout":
        return this.#facts.wait(tracee, spec);
      case "plain":
        return enterPlain(
          tracee,
          spec,
          this.#tools,
          this.#flights,
          this.#limited,
        );
    }
  }
}
