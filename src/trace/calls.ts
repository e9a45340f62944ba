/** What happens at a call that stopped: look, decide, let it go on or refuse. */

import type { Arch } from "../abi/arch.ts";
import {
  EFAULT,
  EINTR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOMEM,
  ENOSYS,
  EPERM,
  ERESTARTNOHAND,
  ERRNO,
  errnoName,
  ESRCH,
} from "../abi/errno.ts";
import { AT_FDCWD, O_CREAT, O_EXCL } from "../abi/fcntl.ts";
import {
  MAP_ANONYMOUS,
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE,
  PROT_READ,
} from "../abi/mman.ts";
import { OPEN_HOW } from "../abi/openat2.ts";
import { PIN_SIZE, PIN_START } from "../abi/pin.ts";
import { SIGNAL } from "../abi/signal.ts";
import { type SyscallName, SYSCALLS } from "../abi/syscalls.ts";
import { SystemCallError } from "../errors.ts";
import type { Call } from "../policy/call.ts";
import type { Decision, Refusal, RuleRef } from "../policy/decision.ts";
import type { Look } from "../policy/guard.ts";
import { actionOf } from "../policy/plan.ts";
import { readRegisters, writeRegisters } from "../sys/ptrace.ts";
import { kill } from "../sys/wait.ts";
import { lookAtExec } from "./exec.ts";
import type { Family } from "./family.ts";
import type { Freezer } from "./freeze.ts";
import { type Hold, PathLock } from "./lock.ts";
import {
  lookAtDescriptor,
  lookAtOpen,
  lookAtPaths,
  type Looked,
  nothing,
} from "./look.ts";
import type { TraceOptions } from "./options.ts";
import { HOW_BEFORE_PATH } from "./pin.ts";
import { aimOf, signalMembers } from "./process.ts";
import { Registers } from "./registers.ts";
import { PATH_MAX } from "./resolve.ts";
import { type CallSpec, specsOf } from "./spec.ts";
import { callText } from "./text.ts";
import type { InFlight, Tracee } from "./tracee.ts";

/** How often an open is tried again because a link came in its way. */
const MAX_RETRIES = 16;

/** How calls resume a tracee, and end the jail. */
export interface Resumer {
  /** Resumes a tracee; its next stop is whatever the engine asks for. */
  go(tracee: Tracee): void;
  /** Resumes a tracee until the exit of the call that it is in. */
  toExit(tracee: Tracee): void;
  /** Ends the whole jail because the policy says so. */
  kill(): void;
}

/** What happens at calls that stopped. */
export class Calls {
  readonly #options: TraceOptions;
  readonly #family: Family;
  readonly #resumer: Resumer;
  readonly #freezer: Freezer;
  readonly #specs: ReadonlyArray<CallSpec | undefined>;
  readonly #registers: Registers;
  readonly #lock = new PathLock();
  readonly #waiting: Tracee[] = [];
  readonly #syscallSize: number;
  readonly #mmap: number;
  readonly #openat2: number;

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
    this.#registers = new Registers(arch);
    this.#syscallSize = arch.syscallInstruction;
    this.#mmap = SYSCALLS.mmap[arch.name] as number;
    this.#openat2 = SYSCALLS.openat2[arch.name] as number;
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
    if (!this.#look(tracee)) return;
    const at = this.#waiting.indexOf(tracee);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#drain();
  }

  /** A tracee stopped at the exit of a call; whether something was in flight. */
  leave(tracee: Tracee): boolean {
    const flight = tracee.inFlight;
    if (flight === undefined) return false;
    if (!this.#read(tracee)) return true;
    const registers = this.#registers;
    const { result } = registers;
    const { saved } = tracee;
    registers.copy(saved);
    if (flight.then === "map") {
      this.#mapped(tracee, result);
    } else if (this.#lostRace(tracee, flight, result)) {
      this.#again(saved.nr);
    } else {
      tracee.retries = 0;
      registers.result = result;
    }
    this.#end(tracee);
    if (this.#write(tracee)) this.#resumer.go(tracee);
    this.#drain();
    return true;
  }

  /** A tracee is gone, or has a new image: what it held is free. */
  drop(tracee: Tracee): void {
    const at = this.#waiting.indexOf(tracee);
    if (at >= 0) this.#waiting.splice(at, 1);
    if (tracee.inFlight?.then === "map") tracee.space.pins.state = "absent";
    this.#end(tracee);
    this.#unlock(tracee);
    this.#drain();
  }

  /** The registers of a stopped tracee; `undefined` where it is gone. */
  registersOf(tracee: Tracee): Registers | undefined {
    return this.#read(tracee) ? this.#registers : undefined;
  }

  /** Whether the call that a tracee comes from was interrupted by a signal. */
  wasInterrupted(tracee: Tracee): boolean {
    return this.#read(tracee) && this.#registers.result === -EINTR &&
      this.#registers.nr >= 0;
  }

  /** Makes the kernel make an interrupted call again where no handler runs. */
  restart(tracee: Tracee): void {
    this.#registers.result = -ERESTARTNOHAND;
    this.#write(tracee);
  }

  /** Refuses the call at whose entry a tracee is stopped, without a decision. */
  fail(tracee: Tracee, errno: number): void {
    if (this.#read(tracee)) this.#answer(tracee, -errno);
  }

  #end(tracee: Tracee): void {
    const flight = tracee.inFlight;
    if (flight === undefined) return;
    tracee.inFlight = undefined;
    if (flight.slot >= 0) tracee.space.pins.give(flight.slot);
    this.#unlock(tracee);
    if (flight.frozen) this.#freezer.thaw(tracee);
  }

  /** Lets those that wait try again, in their order. */
  #drain(): void {
    while (this.#waiting.length > 0) {
      const tracee = this.#waiting[0] as Tracee;
      if (tracee.frozen) return;
      if (!this.#look(tracee)) return;
      const at = this.#waiting.indexOf(tracee);
      if (at >= 0) this.#waiting.splice(at, 1);
    }
  }

  /** Looks at a call; false where it has to wait. */
  #look(tracee: Tracee): boolean {
    if (!this.#read(tracee)) return true;
    const spec = this.#specs[this.#registers.nr];
    const entry = spec && this.#options.plan.get(spec.syscall.name);
    if (spec === undefined || entry === undefined) {
      this.#answer(tracee, -ENOSYS);
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
        this.#refuse(tracee, spec, action, fixed("the filter"));
        return true;
      case "trace":
        return this.#lookAt(tracee, spec, action.look);
    }
  }

  #lookAt(tracee: Tracee, spec: CallSpec, look: Look): boolean {
    switch (look.kind) {
      case "refuse":
        this.#refuse(tracee, spec, look.refusal, look.rule);
        return true;
      case "pid":
        this.#process(tracee, { ...spec, pid: look.arg });
        return true;
      case "write-fd":
        return this.#file(tracee, {
          ...spec,
          treatment: "descriptor",
          fd: look.arg,
        });
      case "call":
        return this.#lookAtCall(tracee, spec);
    }
  }

  #lookAtCall(tracee: Tracee, spec: CallSpec): boolean {
    switch (spec.treatment) {
      case "open":
      case "exec":
      case "paths":
      case "descriptor":
        return this.#file(tracee, spec);
      case "process":
        this.#process(tracee, spec);
        return true;
      case "plain":
        this.#plain(tracee, spec);
        return true;
    }
  }

  #file(tracee: Tracee, spec: CallSpec): boolean {
    const alone = this.#family.alone || this.#options.unsafe === true;
    const pins = spec.paths.length > 0 && !alone;
    if (pins && !this.#prepare(tracee)) return true;
    if (pins && tracee.space.pins.state === "mapping") return false;
    const hold: Hold | undefined = !pins || spec.treatment === "open"
      ? undefined
      : spec.movesLinks
      ? "exclusive"
      : "shared";
    if (hold !== undefined && tracee.lock === undefined) {
      if (!this.#lock.take(hold)) return false;
      tracee.lock = hold;
    }
    const done = this.#under(tracee, spec, alone);
    if (done !== "wait") this.#freezer.release(tracee);
    // Whoever waits for others to stop keeps the lock, or one of those that
    // are stopped could hold it.
    if (done === "done" || done === "wait" && !this.#freezer.has(tracee)) {
      this.#unlock(tracee);
    }
    return done !== "wait";
  }

  #unlock(tracee: Tracee): void {
    if (tracee.lock === undefined) return;
    this.#lock.give(tracee.lock);
    tracee.lock = undefined;
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
    if (spec.treatment === "exec") {
      const exec = lookAtExec(tracee, registers, spec, isOwn);
      looked = exec.looked;
      tracee.exec = exec.pending === undefined
        ? undefined
        : { ...exec.pending, verify: !alone };
    } else if (spec.treatment === "open") {
      looked = lookAtOpen(tracee, registers, spec, isOwn);
    } else if (spec.paths.length > 0) {
      looked = lookAtPaths(tracee, registers, spec, isOwn);
    } else {
      looked = lookAtDescriptor(tracee, registers, spec, isOwn);
    }
    const shared = looked.descriptorsOf !== 0 && !alone &&
      !this.#freezer.has(tracee) &&
      this.#freezer.needed(tracee, looked.descriptorsOf);
    if (shared) {
      // Looked at again when nobody else can change the descriptor.
      return this.#freezer.start(tracee, looked.descriptorsOf)
        ? this.#under(tracee, spec, alone)
        : "wait";
    }
    if (!this.#allowed(tracee, spec, looked)) return "done";
    if (looked.errno !== 0) {
      this.#answer(tracee, -looked.errno);
      return "done";
    }
    if (alone || looked.paths.length === 0) {
      if (this.#freezer.has(tracee)) {
        this.#fly(tracee, spec, -1);
        return "in flight";
      }
      this.#resumer.go(tracee);
      return "done";
    }
    return this.#pin(tracee, spec, looked);
  }

  /** Makes a call that was checked take its paths from pinned pages. */
  #pin(
    tracee: Tracee,
    spec: CallSpec,
    looked: Looked,
  ): "in flight" | "done" | "wait" {
    const registers = this.#registers;
    const { pins } = tracee.space;
    const slot = pins.take();
    if (slot < 0) {
      if (!this.#freezer.has(tracee)) return "wait";
      // Those that have the slots are stopped for this very call.
      this.#answer(tracee, -ENOMEM);
      return "done";
    }
    tracee.saved.copy(registers);
    let failed = 0;
    looked.paths.forEach((path, index) => {
      const text = kernelPath(spec, path.written, path.place);
      // NULL in place of a path means the descriptor.
      if (failed < 0 || registers.address(path.arg) === 0) return;
      if (text.length >= PATH_MAX) {
        failed = -ENAMETOOLONG;
        return;
      }
      const open = looked.open;
      const real = open !== undefined && path.place.via === "";
      const address = real
        ? pins.putOpen(
          tracee.tid,
          slot,
          text,
          openFlags(open.flags, path.place.kind !== "missing"),
          keepsCreate(open.flags, path.place.kind !== "missing")
            ? open.mode
            : 0,
        )
        : pins.putPath(tracee.tid, slot, index as 0 | 1, text);
      if (address < 0) {
        failed = address;
        return;
      }
      if (!real) {
        registers.setArgument(path.arg, address);
        return;
      }
      registers.nr = this.#openat2;
      registers.setArgument(0, AT_FDCWD);
      registers.setArgument(1, address);
      registers.setArgument(2, address - HOW_BEFORE_PATH);
      registers.setArgument(3, OPEN_HOW.size);
    });
    if (failed < 0) {
      pins.give(slot);
      registers.copy(tracee.saved);
      this.#answer(tracee, failed === -ENAMETOOLONG ? failed : -EFAULT);
      return "done";
    }
    if (!this.#write(tracee)) {
      pins.give(slot);
      return "done";
    }
    this.#fly(
      tracee,
      spec,
      slot,
      looked.paths[0]?.place.kind === "link" ? "restore" : "retry",
    );
    return "in flight";
  }

  #fly(
    tracee: Tracee,
    spec: CallSpec,
    slot: number,
    then: InFlight["then"] = "restore",
  ): void {
    if (slot < 0) tracee.saved.copy(this.#registers);
    const frozen = this.#freezer.keep(tracee);
    tracee.inFlight = {
      spec,
      slot,
      frozen,
      then: spec.treatment === "open" ? then : "restore",
    };
    this.#resumer.toExit(tracee);
  }

  /** Sees to it that pinned pages are there; false where a tracee maps them. */
  #prepare(tracee: Tracee): boolean {
    const { pins } = tracee.space;
    if (pins.state !== "absent") return true;
    const registers = this.#registers;
    tracee.saved.copy(registers);
    registers.nr = this.#mmap;
    registers.setArgument(0, PIN_START);
    registers.setArgument(1, PIN_SIZE);
    registers.setArgument(2, PROT_READ);
    registers.setArgument(
      3,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
    );
    registers.setArgument(4, -1);
    registers.setArgument(5, 0);
    if (!this.#write(tracee)) return false;
    pins.state = "mapping";
    tracee.inFlight = {
      spec: this.#specs[this.#mmap] as CallSpec,
      slot: -1,
      frozen: false,
      then: "map",
    };
    this.#resumer.toExit(tracee);
    return false;
  }

  /** The pages were mapped, or not: the tracee's own call comes next. */
  #mapped(tracee: Tracee, result: number): void {
    const { pins } = tracee.space;
    if (result === PIN_START) {
      pins.state = "mapped";
      this.#again(tracee.saved.nr);
      return;
    }
    pins.state = "absent";
    // No pages, no call: what cannot be pinned is refused.
    this.#registers.result = -ENOMEM;
  }

  /** Makes the tracee make its call again. */
  #again(nr: number): void {
    const registers = this.#registers;
    registers.ip -= this.#syscallSize;
    registers.result = nr;
  }

  /** Whether an open failed because of what another tracee did meanwhile. */
  #lostRace(tracee: Tracee, flight: InFlight, result: number): boolean {
    if (flight.then !== "retry") return false;
    if (result !== -ELOOP && result !== -ENOENT) return false;
    // A file that is missing is missing: try once more, no longer.
    const most = result === -ELOOP ? MAX_RETRIES : 1;
    return tracee.retries++ < most;
  }

  #process(tracee: Tracee, spec: CallSpec): void {
    const registers = this.#registers;
    if (!this.#allowed(tracee, spec, nothing())) return;
    const { processes, isOwn } = this.#family;
    const aim = aimOf(tracee, registers, spec, processes, isOwn);
    switch (aim.kind) {
      case "own":
        return this.#resumer.go(tracee);
      case "foreign":
        return this.#refuse(
          tracee,
          spec,
          { kind: "errno", errno: errnoName(aim.errno) },
          fixed("a process outside the jail"),
        );
      case "members":
        return this.#answer(
          tracee,
          signalMembers(aim.members, registers.int(1)),
        );
    }
  }

  #plain(tracee: Tracee, spec: CallSpec): void {
    if (!this.#allowed(tracee, spec, nothing())) return;
    if (spec.syscall.name === "io_setup") this.#family.expose();
    this.#resumer.go(tracee);
  }

  /** Refuses a call, and tells of it. */
  #refuse(
    tracee: Tracee,
    spec: CallSpec,
    refusal: Refusal,
    rule: RuleRef,
  ): void {
    const decision: Decision = { kind: "refuse", refusal, rule, use: -1 };
    this.#observe(tracee, spec, nothing(), decision);
    this.#apply(tracee, refusal);
  }

  /** Asks the policy; applies a refusal. */
  #allowed(tracee: Tracee, spec: CallSpec, looked: Looked): boolean {
    const decision: Decision = looked.never !== undefined
      ? {
        kind: "refuse",
        refusal: { kind: "errno", errno: "EPERM" },
        rule: fixed(looked.never),
        use: -1,
      }
      : this.#options.decide(callOf(spec.syscall.name, looked));
    this.#observe(tracee, spec, looked, decision);
    if (decision.kind === "allow") return true;
    this.#apply(tracee, decision.refusal);
    return false;
  }

  #apply(tracee: Tracee, refusal: Refusal): void {
    switch (refusal.kind) {
      case "errno":
        return this.#answer(tracee, -ERRNO[refusal.errno]);
      case "return":
        return this.#answer(tracee, refusal.value);
      case "signal":
        kill(tracee.process.pid, SIGNAL[refusal.signal]);
        return this.#answer(tracee, -EPERM);
      case "kill":
        return this.#resumer.kill();
    }
  }

  #observe(
    tracee: Tracee,
    spec: CallSpec,
    looked: Looked,
    decision: Decision,
  ): void {
    const { observe } = this.#options;
    if (observe === undefined) return;
    observe({
      time: Date.now(),
      pid: tracee.process.pid,
      tid: tracee.tid,
      program: tracee.process.program,
      call: callOf(spec.syscall.name, looked),
      text: callText(tracee.tid, this.#registers, spec),
      decision,
    });
  }

  /** Gives a call a result without making it. */
  #answer(tracee: Tracee, result: number): void {
    const registers = this.#registers;
    registers.nr = -1;
    registers.result = result;
    if (this.#write(tracee)) this.#resumer.go(tracee);
  }

  #read(tracee: Tracee): boolean {
    return alive(
      readRegisters(tracee.tid, this.#registers.bytes),
      "read registers",
    );
  }

  #write(tracee: Tracee): boolean {
    return alive(
      writeRegisters(tracee.tid, this.#registers.bytes),
      "write registers",
    );
  }
}

/** Whether a request reached a tracee; one that is gone is normal life. */
function alive(result: number, action: string): boolean {
  if (result >= 0) return true;
  if (result === -ESRCH) return false;
  throw new SystemCallError(action, "ptrace()", errnoName(-result));
}

function fixed(text: string): RuleRef {
  return { source: "jail", keys: [], text };
}

function callOf(name: SyscallName, looked: Looked): Call {
  return looked.moves.length === 0
    ? { name, uses: looked.uses }
    : { name, uses: looked.uses, moves: looked.moves };
}

/** The path that the kernel is given instead of the tracee's. */
function kernelPath(
  spec: CallSpec,
  written: string,
  place: Looked["paths"][number]["place"],
): string {
  // By the name that it was given a script knows itself, so an exec keeps it;
  // the new image is looked at afterwards.
  if (written === "" || spec.treatment === "exec") return written;
  if (place.via !== "") return place.via;
  return place.slash ? `${place.path}/` : place.path;
}

function keepsCreate(flags: number, exists: boolean): boolean {
  return !exists || (flags & O_CREAT) === 0 || (flags & O_EXCL) !== 0;
}

/**
 * A file that was there when the policy was asked must not be made now: an
 * open that finds it gone is tried again.
 */
function openFlags(flags: number, exists: boolean): number {
  return keepsCreate(flags, exists) ? flags : flags & ~O_CREAT;
}
