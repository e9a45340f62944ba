/**
 * Calls that are in the kernel: how they get there as they were checked, and
 * what is put right when they return.
 */

import {
  EACCES,
  EAGAIN,
  EINPROGRESS,
  EINTR,
  ENOMEM,
  ERESTART_RESTARTBLOCK,
  ERESTARTNOHAND,
  ERESTARTNOINTR,
  ERESTARTSYS,
} from "../../abi/errno.ts";
import { PIN_START } from "../../abi/pin.ts";
import { SIGKILL } from "../../abi/signal.ts";
import type { Call } from "../../policy/call.ts";
import { MOVING } from "../../policy/plan/answered.ts";
import { close } from "../../sys/files.ts";
import { connectAgain } from "../../sys/inet.ts";
import { heedMove } from "../../sys/mounted.ts";
import { isTcp, timeoutOf } from "../../sys/task/borrow.ts";
import { interrupt } from "../../sys/task/ptrace.ts";
import { kill } from "../../sys/task/wait.ts";
import type { Looked, Placed } from "../look/looked.ts";
import { sentOne } from "../look/message.ts";
import { askSocket, filterSocket, leads } from "../look/sockets.ts";
import type { CallSpec } from "../look/spec.ts";
import type { Tools } from "../tools.ts";
import type { Registers } from "../tracee/registers.ts";
import { type InFlight, NOTHING_HELD, type Tracee } from "../tracee/tracee.ts";
import {
  keepsNumber,
  lengthOf,
  mayWait,
  namesOther,
  raceOf,
  usesSocket,
} from "./flight.ts";
import { hideReading, hidesReading } from "./last_read.ts";
import { clear } from "./placed.ts";
import { BYTES } from "./wait_time.ts";

/** How often an open is tried again because a link came in its way. */
const MAX_RETRIES = 16;

/** What a call returns that was interrupted, as a tracer sees it. */
const INTERRUPTED: readonly number[] = [
  EINTR,
  ERESTARTSYS,
  ERESTARTNOINTR,
  ERESTARTNOHAND,
  ERESTART_RESTARTBLOCK,
];

/** Calls that are in the kernel. */
export class Flights {
  /** How many have ended. */
  ended = 0;
  readonly #tools: Tools;
  readonly #wake: (tracees: readonly Tracee[]) => void;

  /**
   * Makes the calls of one run.
   *
   * @param tools what they are made with
   * @param wake told of those that waited for room to pin a call
   */
  constructor(tools: Tools, wake: (tracees: readonly Tracee[]) => void) {
    this.#tools = tools;
    this.#wake = wake;
  }

  /** Lets a call go whose registers have been saved. */
  begin(tracee: Tracee, spec: CallSpec, slot: number, looked: Looked): void {
    const { freezer, resumer, lock } = this.#tools;
    // One that failed, and that nobody saw end, is still there in the next call.
    const executes = spec.treatment === "exec" && tracee.exec !== undefined;
    if (executes) tracee.process.executing = tracee;
    const frozen = freezer.keep(tracee);
    if (MOVING.has(spec.syscall.name)) tracee.directories.moving.add(tracee);
    tracee.inFlight = {
      slot,
      frozen,
      maps: false,
      retryOn: raceOf(spec, looked),
      after: looked.after,
      bindsTo: looked.after === "bound" ? looked.net[0]?.endpoint : undefined,
      placed: looked.placed,
      held: looked.held,
      since: usesSocket(spec) ? performance.now() : undefined,
    };
    resumer.toExit(tracee);
    if (mayWait(spec)) lock.mayWait(tracee);
  }

  /** Whether a call has to wait until there is room to pin it. */
  isFull(tracee: Tracee, spec: CallSpec, looked: Looked): boolean {
    // Those that have the slots may be stopped for this very call.
    if (this.#tools.freezer.has(tracee)) return false;
    const keeps = keepsNumber(tracee, this.#tools);
    const length = lengthOf(spec, looked, keeps);
    return !tracee.space.pins.hasRoom(length, mayWait(spec));
  }

  /** Makes a call that was checked take its arguments from pinned pages. */
  pin(
    tracee: Tracee,
    spec: CallSpec,
    looked: Looked,
  ): "in flight" | "done" | "wait" {
    const { answers, family, freezer, resumer, rewriter } = this.#tools;
    const { pins } = tracee.space;
    const keeps = keepsNumber(tracee, this.#tools);
    const slot = pins.take(lengthOf(spec, looked, keeps), mayWait(spec));
    if (slot < 0) {
      // Those that have the slots may be stopped for this very call.
      if (freezer.has(tracee)) answers.answer(tracee, -ENOMEM);
      // Calls that wait keep theirs: nobody else must wait for that.
      else pins.waiting.push(tracee);
      return "done";
    }
    const staysThere = family.alone || family.owns(tracee);
    const options = {
      staysThere,
      isKeptThere: staysThere || family.hearsMoves,
      keepsNumber: keeps,
    };
    const departs = this.depart(
      tracee,
      spec,
      slot,
      looked,
      (registers) =>
        rewriter.pin(tracee, registers, spec, looked, slot, options),
    );
    if (!departs) return "done";
    if (namesOther(tracee, spec, looked)) resumer.aims(tracee);
    return "in flight";
  }

  /**
   * Lets a call go that takes its arguments from a slot.
   *
   * @param tracee who makes it, stopped
   * @param spec the call
   * @param slot the slot, which is given back where the call does not go
   * @param looked what was checked
   * @param change puts that there, and changes the registers; returns 0, or the
   *   negated errno that the call fails with
   * @returns whether it goes
   */
  depart(
    tracee: Tracee,
    spec: CallSpec,
    slot: number,
    looked: Looked,
    change: (registers: Registers) => number,
  ): boolean {
    const { answers } = this.#tools;
    const { registers } = answers;
    const { pins } = tracee.space;
    if (!answers.save(tracee)) {
      pins.give(slot);
      return false;
    }
    const failed = change(registers);
    if (failed < 0) {
      pins.give(slot);
      registers.copy(tracee.saved);
      answers.answer(tracee, failed);
      return false;
    }
    if (!answers.write(tracee)) {
      pins.give(slot);
      return false;
    }
    if (looked.rests) tracee.directories.resting.add(tracee);
    this.begin(tracee, spec, slot, looked);
    return true;
  }

  /** Lets a call go that tells of the other end, to put that right. */
  beginTelling(tracee: Tracee): void {
    const { answers, resumer } = this.#tools;
    if (!answers.save(tracee)) return;
    tracee.inFlight = { ...NOTHING_HELD, tellsPeer: true };
    resumer.toExit(tracee);
  }

  /** Has a call made a moment later, with a new look. */
  rest(tracee: Tracee): void {
    const { answers, resumer, rewriter } = this.#tools;
    if (!answers.save(tracee)) return;
    rewriter.rest(answers.registers);
    if (!answers.write(tracee)) return;
    tracee.exec = undefined;
    tracee.inFlight = { ...NOTHING_HELD, rests: true };
    resumer.toExit(tracee);
  }

  /** Sees to it that pinned pages are there; false where a tracee maps them. */
  prepare(tracee: Tracee): boolean {
    const { answers, resumer, rewriter } = this.#tools;
    const { registers } = answers;
    const { pins } = tracee.space;
    pins.settle(tracee.tid);
    if (pins.state !== "absent") return true;
    if (!answers.save(tracee)) return false;
    rewriter.mapPins(registers);
    if (!answers.write(tracee)) return false;
    pins.state = "mapping";
    tracee.inFlight = { ...NOTHING_HELD, maps: true };
    resumer.toExit(tracee);
    return false;
  }

  /** The call of a tracee has returned; whether the tracee is still there. */
  land(tracee: Tracee, flight: InFlight): boolean {
    const { answers, freezer, output, resumer } = this.#tools;
    const { registers } = answers;
    if (!answers.read(tracee)) return false;
    const { result } = registers;
    const { saved } = tracee;
    if (flight.output !== undefined) output?.give(flight.output, result);
    if (result < 0) reconnect(flight);
    registers.copy(saved);
    const isCut = flight.rewaits === true && tracee.done > 0;
    const goesOn = isCut && goesOnAfter(tracee, registers, result);
    if (result !== -EINTR && !goesOn) tracee.until = undefined;
    if (flight.maps) {
      this.#mapped(tracee, result);
    } else if (flight.rests === true) {
      // A signal ends what the call itself would wait for as well.
      if (result === -EINTR) registers.result = restarts(tracee, ERESTARTSYS);
      else this.#again(saved.nr);
    } else if (lostRace(tracee, flight, result)) {
      this.#again(saved.nr);
    } else {
      tracee.retries = 0;
      // The program did not ask to be interrupted by jail; and of a time that it
      // cannot write to the kernel says EINTR, whatever interrupts: the call is
      // made again, unless a handler runs as well.
      const again = tracee.interrupted || tracee.until !== undefined;
      registers.result = goesOn
        ? restarts(tracee, ERESTARTNOHAND)
        : again && result === -EINTR
        ? this.#interrupted(tracee, flight)
        : isCut
        ? tracee.done
        : this.#finish(tracee, flight, result);
    }
    tracee.rewaits = flight.rewaits === true &&
      registers.result === -ERESTARTNOHAND;
    if (!tracee.rewaits) tracee.done = 0;
    tracee.interrupted = false;
    tracee.remake = registers.result === -ERESTARTSYS ? "interrupted" : "not";
    // Written before others are let go on, who need the registers for theirs.
    const goes = answers.write(tracee);
    if (goes && !freezer.park(tracee)) resumer.go(tracee);
    this.end(tracee);
    return true;
  }

  /**
   * What a call returns that was interrupted, which the program does not see: it is
   * made again, unless a handler runs. One that waits by the timeout of its socket
   * would have all of that each time, and is over where it has had it once.
   */
  #interrupted(tracee: Tracee, { since }: InFlight): number {
    if (since === undefined) return restarts(tracee, ERESTARTNOHAND);
    const { family } = this.#tools;
    const { saved } = tracee;
    const leading = leads(tracee, family);
    const over = askSocket(tracee, leading, saved.int(0), (fd) => {
      const time = timeoutOf(fd, "send");
      if (time > 0) tracee.until ??= since + time;
      if (performance.now() < (tracee.until ?? Infinity)) return undefined;
      tracee.until = undefined;
      return this.#connects(saved.nr) && isTcp(fd) ? EINPROGRESS : EAGAIN;
    });
    return over === undefined ? restarts(tracee, ERESTARTNOHAND) : -over;
  }

  #connects(nr: number): boolean {
    return this.#tools.specs.at(nr)?.syscall.name === "connect";
  }

  /** Does what is left to do of a call that was made; what it returns. */
  #finish(tracee: Tracee, flight: InFlight, result: number): number {
    const { bound, family, names, options, sources, specs } = this.#tools;
    const { saved } = tracee;
    const { syscall, treatment } = specs.at(saved.nr) ?? {};
    if (syscall !== undefined && hidesReading(options, syscall)) {
      const hidden = hideReading(tracee.tid, saved, syscall, result);
      if (!hidden) kill(tracee.process.pid, SIGKILL);
    }
    // As for what is there and may not be executed, which it could be.
    const isUntold = treatment === "exec" && flight.retryOn.includes(-result);
    if (isUntold) return -EACCES;
    if (result < 0) return result;
    if (this.#clears(tracee, flight.placed)) return -EACCES;
    if (flight.tellsPeer === true) {
      names?.restore(tracee, syscall?.name ?? "", result);
    }
    const leading = leads(tracee, family);
    if (flight.after === "made" && sources !== undefined) {
      const filtered = filterSocket(tracee, leading, result, sources);
      if (!filtered) {
        kill(tracee.process.pid, SIGKILL);
        this.#endSharers(tracee);
      }
    } else if (flight.bindsTo !== undefined && !tracee.process.filtered) {
      // A filter of the program's own can say 0 and bind nothing.
      bound.add(tracee, leading, saved.int(0), flight.bindsTo);
    }
    if (flight.slot < 0) return result;
    return syscall?.name === "sendmmsg" ? sentOne(tracee, result) : result;
  }

  /** The pages were mapped, or not: the tracee's own call comes next. */
  #mapped(tracee: Tracee, result: number): void {
    const { pins } = tracee.space;
    const there = result === PIN_START;
    pins.state = there ? "mapped" : "absent";
    if (there) this.#again(tracee.saved.nr);
    // No pages, no call: what cannot be pinned is refused.
    else this.#tools.answers.registers.result = -ENOMEM;
  }

  /** Makes the tracee make its call again. */
  #again(nr: number): void {
    const registers = this.#tools.answers.registers;
    registers.ip -= this.#tools.arch.syscallInstruction;
    registers.result = nr;
  }

  /** The call of a tracee is over, or the tracee is: what it held is free. */
  end(tracee: Tracee): void {
    const flight = tracee.inFlight;
    if (flight === undefined) return;
    const { freezer, lock } = this.#tools;
    this.ended++;
    tracee.directories.resting.delete(tracee);
    tracee.directories.moving.delete(tracee);
    tracee.inFlight = undefined;
    tracee.exec = undefined;
    if (tracee.process.executing === tracee) {
      tracee.process.executing = undefined;
    }
    if (flight.slot >= 0) {
      const { pins } = tracee.space;
      pins.give(flight.slot);
      this.#wake(pins.waiting.splice(0));
    }
    if (tracee.lock === "tree") heedMove();
    lock.give(tracee);
    if (flight.held !== undefined) close(flight.held.fd);
    if (flight.frozen) freezer.thaw(tracee);
  }

  /** A tracee is gone, or has a new image, and its call never returns. */
  drop(tracee: Tracee): void {
    tracee.until = undefined;
    tracee.rewaits = false;
    tracee.done = 0;
    // It may have been killed after that, and others have the same memory.
    if (tracee.inFlight?.maps === true) tracee.space.pins.state = "unsure";
    if (tracee.inFlight?.after === "made") this.#endSharers(tracee);
    if (tracee.inFlight !== undefined) {
      const { placed } = tracee.inFlight;
      reconnect(tracee.inFlight);
      // It may have been made, or not.
      this.#clears(tracee, placed?.filter(({ cleared }) => cleared));
    }
    this.end(tracee);
  }

  /** Whether something has come by a call where the policy lets no link be put. */
  #clears({ view }: Tracee, placed: readonly Placed[] = []): boolean {
    const { options } = this.#tools;
    const refuses = (call: Call): boolean => options.refuses?.(call) === true;
    return placed.filter(({ path }) => clear(view, path, refuses)).length > 0;
  }

  /**
   * A tracee is killed before its new socket got a filter. Others that have the
   * same descriptors would have one without.
   */
  #endSharers(tracee: Tracee): void {
    for (const other of this.#tools.family.tracees.values()) {
      // Its own id may be somebody else's by now.
      if (other !== tracee && other.files === tracee.files) {
        this.#tools.family.signal(other.process, SIGKILL);
      }
    }
  }
}

/**
 * Counts what a call has done that was made again for the rest, and returns whether it
 * has to be once more: it was interrupted, which a handler alone would not let it be.
 */
function goesOnAfter(
  tracee: Tracee,
  registers: Registers,
  result: number,
): boolean {
  if (result > 0) tracee.done += result;
  const isOver = tracee.done >= registers.address(BYTES);
  return !isOver &&
    (result > 0 ? tracee.interrupted : INTERRUPTED.includes(-result));
}

/**
 * Has the kernel make a call again that a tracee is stopped at the exit of. It does so
 * where it looks for signals, and does that no more where another thread has taken the
 * one that interrupted the call: it has to stop once more.
 *
 * @returns what the call returns so
 */
function restarts({ tid }: Tracee, errno: number): number {
  interrupt(tid);
  return -errno;
}

/** Has a socket send as before where a connect(2) to somebody else may have failed. */
function reconnect({ after, held }: InFlight): void {
  if (after === "connected" && held !== undefined) connectAgain(held.fd);
}

/** Whether a call failed because of what another tracee did meanwhile. */
function lostRace(tracee: Tracee, flight: InFlight, result: number): boolean {
  return flight.retryOn.includes(-result) && tracee.retries++ < MAX_RETRIES;
}
