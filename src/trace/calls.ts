/** What happens at a call that stopped: look, decide, let it go on or refuse. */

import type { Arch } from "../abi/arch.ts";
import {
  EEXIST,
  EINTR,
  ELOOP,
  ENOENT,
  ENOMEM,
  ENOSYS,
  ENOTDIR,
  EOPNOTSUPP,
  EPERM,
  ERESTARTNOHAND,
  errnoName,
  ESRCH,
} from "../abi/errno.ts";
import { PIN_START } from "../abi/pin.ts";
import { PR_SET_SECCOMP } from "../abi/prctl.ts";
import { SOCKADDR_STORAGE_SIZE } from "../abi/socket.ts";
import { SIGKILL } from "../abi/signal.ts";
import type { ArgIndex, Look } from "../policy/guard.ts";
import { actionOf } from "../policy/plan.ts";
import { close } from "../sys/files.ts";
import { kill } from "../sys/wait.ts";
import { changeAuxv, tellsAnything } from "./auxv.ts";
import { Answers, fixedRule, type Resumer } from "./answer.ts";
import { lookAtAddress } from "./address.ts";
import { Closed } from "./closed.ts";
import { Facts } from "./facts.ts";
import { replaceFile } from "./replace.ts";
import { lookAtExec } from "./exec.ts";
import type { Family } from "./family.ts";
import type { Freezer } from "./freeze.ts";
import { isOwnGroup, lookAtId } from "./ids.ts";
import { type Hold, PathLock } from "./lock.ts";
import { lookAtOpen } from "./look_open.ts";
import { lookAtDescriptor, lookAtPaths } from "./look_paths.ts";
import { type Looked, nothing } from "./looked.ts";
import { Output } from "./output.ts";
import type { TraceOptions } from "./options.ts";
import { lookAtMessages, sentOne } from "./message.ts";
import { inPrivateMemory } from "./private.ts";
import { processOf } from "./place.ts";
import { aimOf, signalMembers } from "./process.ts";
import type { Registers } from "./registers.ts";
import { Rewriter } from "./rewrite.ts";
import { type CallSpec, specsOf } from "./spec.ts";
import { SharedMemory } from "./shared.ts";
import {
  BoundSockets,
  filterSocket,
  lookAtBind,
  lookAtListen,
  lookAtSocket,
} from "./sockets.ts";
import { readVector } from "./vector.ts";
import {
  type InFlight,
  interruptCall,
  isHeldByExec,
  type Tracee,
} from "./tracee.ts";

/** How often an open is tried again because a link came in its way. */
const MAX_RETRIES = 16;

const LINK_CAME: readonly number[] = [ELOOP];
const LINK_CAME_OR_FILE_WENT: readonly number[] = [ELOOP, ENOENT];
const DIRECTORY_WENT: readonly number[] = [ENOTDIR];
const LINK_OR_FILE_CAME: readonly number[] = [ELOOP, EEXIST];

/** What happens at calls that stopped. */
export class Calls {
  readonly #options: TraceOptions;
  readonly #family: Family;
  readonly #resumer: Resumer;
  readonly #freezer: Freezer;
  readonly #specs: ReadonlyArray<CallSpec | undefined>;
  readonly #answers: Answers;
  readonly #registers: Registers;
  readonly #lock = new PathLock(interruptCall);
  readonly #waiting: Tracee[] = [];
  #draining = false;
  /** How many calls in flight have ended. */
  #ended = 0;
  readonly #rewriter: Rewriter;
  readonly #closed: Closed;
  /** What may be written to the program's output, where that is limited. */
  readonly #output: Output | undefined;
  /** What may be mapped to be shared, where memory is limited. */
  readonly #shared: SharedMemory;
  readonly #bound = new BoundSockets();
  readonly #facts: Facts | undefined;
  readonly #syscallSize: number;

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
    this.#options = options;
    this.#family = family;
    this.#freezer = freezer;
    this.#resumer = resumer;
    this.#specs = specsOf(arch.name);
    this.#answers = new Answers(options, arch, family, resumer);
    this.#registers = this.#answers.registers;
    this.#syscallSize = arch.syscallInstruction;
    this.#rewriter = new Rewriter(arch);
    this.#facts = options.sys && new Facts(options.sys.rules, family.isOwn);
    const { stdio, keepFds } = options.launch;
    const output = options.limits?.output;
    if (output !== undefined) {
      this.#output = new Output(stdio.slice(1), output.most);
    }
    this.#shared = new SharedMemory(options.limits?.memory?.most ?? Infinity);
    this.#closed = new Closed(
      [...stdio, ...keepFds],
      () => family.processes.keys(),
    );
  }

  /** How many calls were refused. */
  get denials(): number {
    return this.#answers.denials;
  }

  /** A tracee stopped at the entry of a call that has to be looked at. */
  enter(tracee: Tracee): void {
    if (this.#waiting.length > 0 && !this.#family.alone) {
      this.#waiting.push(tracee);
      this.#drain();
      return;
    }
    if (!this.#look(tracee)) this.#waiting.push(tracee);
  }

  /** A tracee has its descriptors alone now: its call is looked at again. */
  ready(tracee: Tracee): void {
    const at = this.#waiting.indexOf(tracee);
    if (at >= 0) this.#waiting.splice(at, 1);
    if (this.#look(tracee)) this.#drain();
    else this.#waiting.unshift(tracee);
  }

  /** A tracee stopped at the exit of a call; whether something was in flight. */
  leave(tracee: Tracee): boolean {
    const flight = tracee.inFlight;
    if (flight === undefined) return false;
    if (!this.#answers.read(tracee)) return true;
    const registers = this.#registers;
    const { result } = registers;
    const { saved } = tracee;
    if (flight.output !== undefined) this.#output?.give(flight.output, result);
    registers.copy(saved);
    if (flight.maps) {
      this.#mapped(tracee, result);
    } else if (this.#lostRace(tracee, flight, result)) {
      this.#again(saved.nr);
    } else {
      tracee.retries = 0;
      registers.result = tracee.interrupted && result === -EINTR
        // The program did not ask for that: the call is made again, unless a
        // handler runs as well.
        ? -ERESTARTNOHAND
        : this.#finish(tracee, flight, result);
    }
    tracee.interrupted = false;
    // Written before others are let go on, who need the registers for theirs.
    if (this.#answers.write(tracee)) this.#resumer.go(tracee);
    this.#end(tracee);
    this.#drain();
    return true;
  }

  /** Does what is left to do of a call that was made; what it returns. */
  #finish(tracee: Tracee, flight: InFlight, result: number): number {
    if (result < 0) return result;
    const filter = this.#options.net?.sources;
    const leads = this.#leads(tracee);
    if (flight.after === "made" && filter !== undefined) {
      const filtered = filterSocket(tracee, leads, result, filter);
      if (!filtered) {
        kill(tracee.process.pid, SIGKILL);
        this.#endSharers(tracee);
      }
    } else if (flight.after === "bound") {
      this.#bound.add(tracee, leads, tracee.saved.int(0));
    }
    if (flight.slot < 0) return result;
    return this.#specs[tracee.saved.nr]?.syscall.name === "sendmmsg"
      ? sentOne(tracee, result)
      : result;
  }

  /** Whether a tracee's descriptors are those of its process's first thread. */
  #leads(tracee: Tracee): boolean {
    const leader = this.#family.tracees.get(tracee.process.pid);
    return leader !== undefined && !leader.leaving &&
      leader.files === tracee.files;
  }

  /** A tracee makes its call no more: it waits for nothing. */
  forget(tracee: Tracee): void {
    this.#lock.forget(tracee);
    for (const queue of [this.#waiting, tracee.space.pins.waiting]) {
      const at = queue.indexOf(tracee);
      if (at >= 0) queue.splice(at, 1);
    }
  }

  /** A tracee is gone, or has a new image: what it held is free. */
  drop(tracee: Tracee): void {
    this.forget(tracee);
    if (tracee.inFlight?.maps === true) tracee.space.pins.state = "absent";
    if (tracee.inFlight?.after === "made") this.#endSharers(tracee);
    this.#end(tracee);
    this.#lock.give(tracee);
    this.#drain();
  }

  /** The jail is no more. */
  close(): void {
    this.#closed.close();
  }

  /**
   * A tracee is killed before its new socket got a filter. Others that have the
   * same descriptors would have one without.
   */
  #endSharers(tracee: Tracee): void {
    for (const other of this.#family.tracees.values()) {
      // Its own id may be somebody else's by now.
      if (other !== tracee && other.files === tracee.files) {
        kill(other.process.pid, SIGKILL);
      }
    }
  }

  /** Reads and writes registers, and answers calls. */
  get answers(): Answers {
    return this.#answers;
  }

  /** What a new image is told in place of the kernel's: false where it cannot be. */
  tell(tracee: Tracee): boolean {
    const { sys } = this.#options;
    if (sys === undefined || !tellsAnything(sys.rules)) return true;
    const sp = this.registersOf(tracee)?.sp ?? 0;
    const chance = this.#facts?.chance(tracee.process);
    return changeAuxv(tracee.tid, sp, sys.rules, chance);
  }

  /** The registers of a stopped tracee; `undefined` where it is gone. */
  registersOf(tracee: Tracee): Registers | undefined {
    return this.#answers.read(tracee) ? this.#registers : undefined;
  }

  /** Whether the call that a tracee comes from was interrupted by a signal. */
  wasInterrupted(tracee: Tracee): boolean {
    return this.#answers.read(tracee) && this.#registers.result === -EINTR &&
      this.#registers.nr >= 0;
  }

  /** Makes the kernel make an interrupted call again where no handler runs. */
  restart(tracee: Tracee): void {
    this.#registers.result = -ERESTARTNOHAND;
    this.#answers.write(tracee);
  }

  /**
   * Whether a call keeps its number, so that a filter of the process's own sees
   * it as what it is; an open needs the lock then. Where the kernel has jail's
   * filter, both see the program's own call first, and a filter that lets
   * sendmmsg(2) pass is taken to know sendmsg(2).
   */
  #keepsNumber({ process }: Tracee, { treatment }: CallSpec): boolean {
    return process.filtered &&
      (treatment === "open" || this.#options.engine === "ptrace");
  }

  /** Refuses the call at whose entry a tracee is stopped, without a decision. */
  fail(tracee: Tracee, errno: number): void {
    if (this.#answers.read(tracee)) this.#answers.answer(tracee, -errno);
  }

  #end(tracee: Tracee): void {
    const flight = tracee.inFlight;
    if (flight === undefined) return;
    this.#ended++;
    tracee.inFlight = undefined;
    tracee.exec = undefined;
    if (tracee.process.executing === tracee) {
      tracee.process.executing = undefined;
    }
    if (flight.slot >= 0) {
      const { pins } = tracee.space;
      pins.give(flight.slot);
      this.#waiting.push(...pins.waiting.splice(0));
    }
    this.#lock.give(tracee);
    if (flight.held !== undefined) close(flight.held.fd);
    if (flight.frozen) this.#freezer.thaw(tracee);
  }

  /** Lets those that wait try again, in their order. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (let at = 0; at < this.#waiting.length;) {
      const tracee = this.#waiting[at] as Tracee;
      if (isHeldByExec(tracee)) {
        at++;
        continue;
      }
      this.#waiting.splice(at, 1);
      if (!tracee.frozen && this.#look(tracee)) continue;
      this.#waiting.splice(at, 0, tracee);
      break;
    }
    this.#draining = false;
  }

  /** Looks at a call; false where it has to wait. */
  #look(tracee: Tracee): boolean {
    if (isHeldByExec(tracee)) return false;
    if (!this.#answers.read(tracee)) return true;
    const spec = this.#specs[this.#registers.nr];
    const entry = spec && this.#options.plan.get(spec.syscall.name);
    if (spec === undefined || entry === undefined) {
      this.#answers.answer(tracee, -ENOSYS);
      return true;
    }
    // The conditions that made it stop say what to look at.
    const action = actionOf(entry, this.#registers);
    switch (action.kind) {
      case "allow":
        this.#resumer.go(tracee);
        return true;
      case "errno":
      case "kill":
      case "return":
        this.#answers.refuse(tracee, spec, action, fixedRule("the filter"));
        return true;
      case "trace":
        return this.#lookAt(tracee, spec, action.look);
    }
  }

  #lookAt(tracee: Tracee, spec: CallSpec, look: Look): boolean {
    switch (look.kind) {
      case "refuse":
        this.#answers.refuse(tracee, spec, look.refusal, look.rule);
        return true;
      case "pid":
        this.#process(tracee, { ...spec, pid: look.arg });
        return true;
      case "group":
        this.#group(tracee, spec, look.arg);
        return true;
      case "group-at":
        tracee.process.hasJobs = true;
        return this.#file(tracee, {
          ...spec,
          treatment: "id",
          address: look.arg,
        });
      case "write-fd":
        return this.#file(tracee, {
          ...spec,
          treatment: "descriptor",
          fd: look.arg,
        });
      case "room":
        this.#make(tracee, spec);
        return true;
      case "shared":
        this.#share(tracee, spec);
        return true;
      case "output":
        this.#write(tracee, look.fd, look.size);
        return true;
      case "answer":
        this.#answer(tracee, spec);
        return true;
      case "retime":
        this.#retime(tracee, spec);
        return true;
      case "call":
        return this.#lookAtCall(tracee, spec);
    }
  }

  #lookAtCall(tracee: Tracee, spec: CallSpec): boolean {
    if (this.#sendsOutput(tracee, spec)) {
      this.#answers.answer(tracee, -EOPNOTSUPP);
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
      case "id":
        return this.#file(tracee, spec);
      case "process":
        this.#process(tracee, spec);
        return true;
      case "plain":
        return this.#plain(tracee, spec);
    }
  }

  #file(tracee: Tracee, spec: CallSpec): boolean {
    if (this.#freezer.waits(tracee)) return false;
    const alone = this.#family.alone || this.#options.unsafe === true;
    const pins = !alone &&
      (spec.paths.length > 0 || spec.treatment === "address" ||
        spec.treatment === "message" || spec.treatment === "id");
    if (pins && tracee.space.pins.state === "mapping") return false;
    if (pins && !this.#prepare(tracee)) return true;
    const ended = this.#ended;
    this.#lock.forget(tracee);
    if (pins && spec.treatment !== "id" && tracee.lock === undefined) {
      const hold: Hold = spec.movesLinks
        ? "exclusive"
        : spec.treatment === "open" && !this.#keepsNumber(tracee, spec)
        ? "open"
        : "shared";
      if (!this.#locks(tracee, hold)) return this.#anew(tracee, ended);
    }
    const done = this.#under(tracee, spec, alone);
    // Whoever waits for others to stop keeps the lock, or one of those that
    // are stopped could hold it.
    if (done === "done" || done === "wait" && !this.#freezer.has(tracee)) {
      this.#lock.give(tracee);
    }
    if (done === "wait") return this.#anew(tracee, ended);
    if (this.#freezer.release(tracee)) this.#drain();
    return true;
  }

  /** Puts a file that says what the policy does in place of one that is opened. */
  #replace(looked: Looked): boolean {
    const [path] = looked.paths;
    if (looked.open === undefined || path === undefined) return false;
    return replaceFile(looked, path, looked.open, this.#options.sys);
  }

  /** Looks again where calls have ended by now that a tracee would wait for. */
  #anew(tracee: Tracee, ended: number): boolean {
    return this.#ended !== ended && this.#look(tracee);
  }

  /** Takes the lock; false where the call has to wait for it. */
  #locks(tracee: Tracee, hold: Hold): boolean {
    if (this.#lock.take(tracee, hold)) return true;
    // One of those that are stopped for it could hold the lock. Their calls may
    // end here, before anybody knows that this one waits.
    this.#freezer.release(tracee);
    return false;
  }

  /** Looks at a call and decides, with the lock that it needs. */
  #under(
    tracee: Tracee,
    spec: CallSpec,
    alone: boolean,
  ): "in flight" | "done" | "wait" {
    const registers = this.#registers;
    const { isOwn } = this.#family;
    let looked: Looked;
    tracee.exec = undefined;
    if (spec.treatment === "exec") {
      const single = this.#family.single || this.#options.unsafe === true;
      const exec = lookAtExec(tracee, registers, spec, isOwn, single);
      looked = exec.looked;
      tracee.exec = exec.pending;
    } else if (spec.treatment === "open") {
      looked = lookAtOpen(tracee, registers, spec, isOwn);
    } else if (spec.treatment === "address") {
      looked = lookAtAddress(tracee, registers, spec, isOwn);
      if (spec.syscall.name === "bind" && this.#options.net !== undefined) {
        lookAtBind(looked, tracee, registers, this.#leads(tracee));
      }
    } else if (spec.treatment === "message") {
      looked = lookAtMessages(tracee, registers, spec, isOwn, alone);
    } else if (spec.treatment === "socket") {
      looked = lookAtSocket(tracee, this.#leads(tracee));
    } else if (spec.treatment === "listen") {
      const leads = this.#leads(tracee);
      looked = lookAtListen(tracee, registers, leads, this.#bound);
    } else if (spec.treatment === "id") {
      const id = lookAtId(tracee, registers, spec, this.#family);
      if (id.foreign) {
        this.#refuseForeign(tracee, spec, ESRCH);
        return "done";
      }
      looked = id.looked;
    } else if (spec.paths.length > 0) {
      looked = lookAtPaths(tracee, registers, spec, isOwn);
    } else {
      looked = lookAtDescriptor(tracee, registers, spec, isOwn);
    }
    // A directory that is none yet will be a new one, with no device in it.
    const moves = !alone && looked.moves.some(({ tree }) => tree);
    if (moves && !this.#locks(tracee, "tree")) return "wait";
    const shared = looked.descriptorsOf !== 0 && !alone &&
      !this.#freezer.has(tracee) &&
      this.#freezer.needed(tracee, looked.descriptorsOf);
    if (shared) {
      // Looked at again when nobody else can change the descriptor.
      return this.#freezer.start(tracee, looked.descriptorsOf)
        ? this.#under(tracee, spec, alone)
        : "wait";
    }
    const replaced = this.#replace(looked);
    const inMemory = looked.paths.length > 0 || looked.address !== undefined ||
      looked.messages.length > 0;
    const asIs = !replaced && (!inMemory || this.#options.unsafe === true ||
      alone && !looked.changed &&
        (!this.#family.started ||
          !looked.pinned && inPrivateMemory(tracee, registers, spec, looked)));
    if (!asIs && !this.#prepare(tracee)) return "in flight";
    looked.never ??= this.#closed.why(looked, spec, tracee.process.pid);
    const done = this.#decided(tracee, spec, looked, asIs);
    const { held } = looked;
    if (held !== undefined && tracee.inFlight?.held !== held) close(held.fd);
    return done === "again" ? this.#under(tracee, spec, alone) : done;
  }

  /** Asks the policy about a call, and makes it as it has to be made. */
  #decided(
    tracee: Tracee,
    spec: CallSpec,
    looked: Looked,
    asIs: boolean,
  ): "in flight" | "done" | "wait" | "again" {
    const registers = this.#registers;
    const allowed = this.#answers.allowed(tracee, spec, looked);
    if (allowed === "again") return allowed;
    if (!allowed) return "done";
    if (looked.errno !== 0) {
      this.#answers.answer(tracee, -looked.errno);
      return "done";
    }
    // An address that is no path needs no lock, and its call may block for long.
    if (looked.paths.length === 0) this.#lock.give(tracee);
    if (spec.treatment === "exec") {
      this.#family.release(tracee);
      if (tracee.exec !== undefined) {
        tracee.exec.verify = this.#options.unsafe !== true;
      }
    }
    if (!asIs) return this.#pin(tracee, spec, looked);
    const makes = looked.makes && this.#options.unsafe !== true;
    const ends = looked.held !== undefined || looked.after !== undefined;
    if (!makes && !ends && !this.#freezer.has(tracee)) {
      this.#resumer.go(tracee);
      return "done";
    }
    tracee.saved.copy(registers);
    if (makes) {
      this.#rewriter.exclude(registers, spec, looked);
      if (!this.#answers.write(tracee)) return "done";
    }
    this.#fly(tracee, spec, -1, looked);
    return "in flight";
  }

  /** Makes a call that was checked take its arguments from pinned pages. */
  #pin(
    tracee: Tracee,
    spec: CallSpec,
    looked: Looked,
  ): "in flight" | "done" | "wait" {
    const registers = this.#registers;
    const { pins } = tracee.space;
    const slot = pins.take(lengthOf(looked), mayWait(spec));
    if (slot < 0) {
      // Those that have the slots may be stopped for this very call.
      if (this.#freezer.has(tracee)) this.#answers.answer(tracee, -ENOMEM);
      // Calls that wait keep theirs: nobody else must wait for that.
      else pins.waiting.push(tracee);
      return "done";
    }
    tracee.saved.copy(registers);
    const failed = this.#rewriter.pin(
      tracee,
      registers,
      spec,
      looked,
      slot,
      {
        alone: this.#family.alone,
        keepsNumber: this.#keepsNumber(tracee, spec),
      },
    );
    if (failed < 0) {
      pins.give(slot);
      registers.copy(tracee.saved);
      this.#answers.answer(tracee, failed);
      return "done";
    }
    if (!this.#answers.write(tracee)) {
      pins.give(slot);
      return "done";
    }
    this.#fly(tracee, spec, slot, looked);
    if (namesOther(tracee, spec, looked)) this.#resumer.aims(tracee);
    return "in flight";
  }

  /** Lets a call go whose registers have been saved. */
  #fly(tracee: Tracee, spec: CallSpec, slot: number, looked: Looked): void {
    if (tracee.exec !== undefined) tracee.process.executing = tracee;
    const frozen = this.#freezer.keep(tracee);
    tracee.inFlight = {
      slot,
      frozen,
      maps: false,
      retryOn: raceOf(looked),
      after: looked.after,
      held: looked.held,
    };
    this.#resumer.toExit(tracee);
    if (mayWait(spec)) this.#lock.mayWait(tracee);
  }

  /** Sees to it that pinned pages are there; false where a tracee maps them. */
  #prepare(tracee: Tracee): boolean {
    const { pins } = tracee.space;
    pins.settle(tracee.tid);
    if (pins.state !== "absent") return true;
    tracee.saved.copy(this.#registers);
    this.#rewriter.mapPins(this.#registers);
    if (!this.#answers.write(tracee)) return false;
    pins.state = "mapping";
    tracee.inFlight = {
      slot: -1,
      frozen: false,
      maps: true,
      retryOn: [],
    };
    this.#resumer.toExit(tracee);
    return false;
  }

  /** The pages were mapped, or not: the tracee's own call comes next. */
  #mapped(tracee: Tracee, result: number): void {
    const { pins } = tracee.space;
    const there = result === PIN_START;
    pins.state = there ? "mapped" : "absent";
    if (there) this.#again(tracee.saved.nr);
    // No pages, no call: what cannot be pinned is refused.
    else this.#registers.result = -ENOMEM;
  }

  /** Makes the tracee make its call again. */
  #again(nr: number): void {
    const registers = this.#registers;
    registers.ip -= this.#syscallSize;
    registers.result = nr;
  }

  /** Whether a call failed because of what another tracee did meanwhile. */
  #lostRace(tracee: Tracee, flight: InFlight, result: number): boolean {
    return flight.retryOn.includes(-result) && tracee.retries++ < MAX_RETRIES;
  }

  /** Whether a call with an address sends to the output, where that is limited. */
  #sendsOutput(tracee: Tracee, { treatment, syscall }: CallSpec): boolean {
    const sends = treatment === "message" || syscall.name === "sendto";
    return sends && this.#output !== undefined &&
      this.#output.has(tracee.tid, this.#registers.int(0));
  }

  /** A tracee is about to write to a descriptor, to its output perhaps. */
  #write(tracee: Tracee, fd: ArgIndex, arg: ArgIndex | -1 | "refuse"): void {
    const registers = this.#registers;
    const output = this.#output;
    if (output === undefined || !output.has(tracee.tid, registers.int(fd))) {
      return this.#resumer.go(tracee);
    }
    if (arg === "refuse") return this.#answers.answer(tracee, -EOPNOTSUPP);
    const vector = arg >= 0 ? undefined : readVector(
      tracee.tid,
      registers.address(1),
      registers.uint(2),
    );
    if (typeof vector === "number") return this.#answers.answer(tracee, vector);
    const size = vector?.total ?? registers.address(arg);
    const { alone } = this.#family;
    if (size === 0 && (vector === undefined || alone)) {
      return this.#resumer.go(tracee);
    }
    const whole = vector === undefined || alone && size <= output.left;
    const taken = output.take(whole ? size : vector.length);
    if (taken === 0 && size > 0) {
      return this.#resumer.exceeds(tracee, "output", output.used);
    }
    tracee.saved.copy(registers);
    if (!whole) {
      // In the memory it could be more by now. As any write, it may be short.
      const failed = this.#rewriter.writeFirst(registers, vector.base, taken);
      if (failed < 0) {
        output.give(taken, 0);
        return this.#answers.answer(tracee, failed);
      }
    } else if (arg >= 0 && taken < size) {
      registers.setArgument(arg, taken);
    }
    const changed = !whole || taken < size;
    if (changed && !this.#answers.write(tracee)) return;
    tracee.inFlight = {
      ...{ slot: -1, frozen: false, maps: false, retryOn: [] },
      output: taken,
    };
    this.#resumer.toExit(tracee);
  }

  /** A tracee is about to make a process or a thread. */
  #make(tracee: Tracee, spec: CallSpec): void {
    if (this.#resumer.makesRoom(tracee)) return this.#resumer.go(tracee);
    const rule = this.#options.limits?.processes?.ref ?? fixedRule("limits");
    const refusal = { kind: "errno", errno: "EAGAIN" } as const;
    this.#answers.refuse(tracee, spec, refusal, rule);
  }

  /** A tracee is about to map what may be shared. */
  #share(tracee: Tracee, spec: CallSpec): void {
    if (this.#shared.take(tracee.tid, this.#registers)) {
      return this.#resumer.go(tracee);
    }
    const rule = this.#options.limits?.memory?.ref ?? fixedRule("limits");
    const refusal = { kind: "errno", errno: "ENOMEM" } as const;
    this.#answers.refuse(tracee, spec, refusal, rule);
  }

  #process(tracee: Tracee, spec: CallSpec): void {
    const registers = this.#registers;
    if (!this.#answers.allowed(tracee, spec, nothing())) return;
    const { processes, isOwn } = this.#family;
    const aim = aimOf(tracee, registers, spec, processes, isOwn);
    switch (aim.kind) {
      case "own":
        return this.#resumer.go(tracee);
      case "other":
        tracee.saved.copy(registers);
        this.#fly(tracee, spec, -1, nothing());
        return this.#resumer.aims(tracee);
      case "foreign":
        return this.#refuseForeign(tracee, spec, aim.errno);
      case "members":
        return this.#answers.answer(
          tracee,
          signalMembers(aim.members, registers.int(1)),
        );
    }
  }

  /** Gives a call the result that the policy says. */
  #answer(tracee: Tracee, spec: CallSpec): void {
    if (!this.#answers.allowed(tracee, spec, nothing())) return;
    const registers = this.#registers;
    const result = this.#facts?.answer(tracee, registers, spec.syscall.name);
    this.#answers.answer(tracee, result ?? -ENOSYS);
  }

  /** Makes a call wait for the kernel's time in place of the program's. */
  #retime(tracee: Tracee, spec: CallSpec): void {
    if (!this.#answers.allowed(tracee, spec, nothing())) return;
    const registers = this.#registers;
    tracee.saved.copy(registers);
    const name = spec.syscall.name;
    const failed = this.#facts?.time?.retime(tracee, registers, name) ??
      -ENOSYS;
    if (failed < 0) {
      registers.copy(tracee.saved);
      this.#answers.answer(tracee, failed);
    } else if (this.#answers.write(tracee)) {
      // At its exit its registers are its own, so that it restarts as it was.
      tracee.inFlight = { slot: -1, frozen: false, maps: false, retryOn: [] };
      this.#resumer.toExit(tracee);
    }
  }

  /** A call that means a group by its number. */
  #group(tracee: Tracee, spec: CallSpec, arg: number): void {
    if (!isOwnGroup(this.#registers.int(arg), this.#family)) {
      return this.#refuseForeign(tracee, spec, EPERM);
    }
    if (!this.#answers.allowed(tracee, spec, nothing())) return;
    tracee.saved.copy(this.#registers);
    this.#fly(tracee, spec, -1, nothing());
    this.#resumer.aims(tracee);
  }

  #refuseForeign(tracee: Tracee, spec: CallSpec, errno: number): void {
    this.#answers.refuse(
      tracee,
      spec,
      { kind: "errno", errno: errnoName(errno) },
      fixedRule("a process outside the jail"),
    );
  }

  #plain(tracee: Tracee, spec: CallSpec): boolean {
    const { name } = spec.syscall;
    const filters = name === "seccomp" ||
      name === "prctl" && this.#registers.int(0) === PR_SET_SECCOMP;
    if (filters && !this.#family.alone) {
      // The filter may not let the pages be mapped later.
      if (tracee.space.pins.state === "mapping") return false;
      if (!this.#prepare(tracee)) return true;
    }
    if (!this.#answers.allowed(tracee, spec, nothing())) return true;
    if (filters) tracee.process.filtered = true;
    if (name === "io_setup") this.#family.expose();
    // Of ioctl(2) this is TIOCSCTTY alone.
    if (name === "ioctl") tracee.process.hasJobs = true;
    this.#resumer.go(tracee);
    return true;
  }
}

/**
 * Whether a call names another process of the jail by its id, which must not be
 * somebody else's before the kernel looks. Nothing in /proc makes it wait.
 */
function namesOther(
  { process }: Tracee,
  spec: CallSpec,
  looked: Looked,
): boolean {
  if (spec.treatment === "id") return spec.syscall.name === "capget";
  // It waits for its siblings to be gone, and its image is looked at again.
  if (spec.treatment === "exec") return false;
  return looked.paths.some(({ place }) => {
    const pid = processOf(place.via) || processOf(place.path);
    return pid !== 0 && pid !== process.pid;
  });
}

/** Whether a call may wait in the kernel for what another tracee does. */
function mayWait({ treatment }: CallSpec): boolean {
  return treatment === "open" || treatment === "address" ||
    treatment === "message";
}

/** The most that what is pinned of a call is long, in bytes. */
function lengthOf({ paths, address, messages }: Looked): number {
  const [path] = paths;
  const [message] = messages;
  if (message !== undefined) {
    return message.control.length === 0 ? SOCKADDR_STORAGE_SIZE : Infinity;
  }
  if (path === undefined) return address?.length ?? 0;
  if (paths.length > 1) return Infinity;
  const { written, place } = path;
  // An address begins with two bytes, a path may end in a slash.
  return Math.max(written.length, place.path.length, place.via.length) + 4;
}

/** Errors that show that a file changed between the look and the call. */
function raceOf(looked: Looked): readonly number[] {
  const place = looked.paths[0]?.place;
  if (looked.pinned && looked.open === undefined) return DIRECTORY_WENT;
  if (looked.open === undefined || place === undefined) return [];
  switch (place.kind) {
    case "link":
      return [];
    case "missing":
      return looked.makes ? LINK_OR_FILE_CAME : LINK_CAME;
    default:
      return LINK_CAME_OR_FILE_WENT;
  }
}
