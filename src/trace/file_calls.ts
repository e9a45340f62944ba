/** What happens at calls that name files, descriptors or addresses. */

import { EACCES, EAGAIN } from "../abi/errno.ts";
import { AT_EACCESS, AT_FDCWD } from "../abi/fcntl.ts";
import { MOVING } from "../policy/plan/answered.ts";
import { close } from "../sys/files.ts";
import { heedMove } from "../sys/mounted.ts";
import { goByPath, mayGoByPath } from "./hold/by_path.ts";
import { keepsNumber, mayWait } from "./hold/flight.ts";
import type { Flights } from "./hold/flights.ts";
import { hidesReading } from "./hold/last_read.ts";
import type { Hold } from "./hold/lock.ts";
import { isOneName } from "./hold/linkless.ts";
import { isMarked } from "./hold/marks.ts";
import { keepArguments } from "./hold/private.ts";
import { type Ids, isShutOut, tellsOfWay } from "./hold/searched.ts";
import { isSteady, mayStay, removesLink } from "./hold/unseen.ts";
import { type Looked, nothing } from "./look/looked.ts";
import {
  flushSocket,
  isDatagram,
  isPortless,
  silenceSocket,
  widenFilter,
} from "./look/senders.ts";
import { leads } from "./look/sockets.ts";
import type { CallSpec } from "./look/spec.ts";
import { lookAt } from "./look_at.ts";
import { resolveBase } from "./path/magic.ts";
import { replaceFile } from "./path/replace.ts";
import type { Tools } from "./tools.ts";
import type { Registers } from "./tracee/registers.ts";
import { interruptCall, ownerOf, type Tracee } from "./tracee/tracee.ts";

/** Those that wait for what a call holds. */
export interface Queue {
  /** Lets them try again, in their order. */
  drain(): void;
  /** Looks at a call anew; false where it has to wait. */
  lookAgain(tracee: Tracee): boolean;
}

/** Calls that name files, descriptors or addresses. */
export class FileCalls {
  readonly #tools: Tools;
  readonly #flights: Flights;
  readonly #queue: Queue;

  /**
   * Makes the handler of one run.
   *
   * @param tools what it works with
   * @param flights the calls that are in the kernel
   * @param queue those that wait
   */
  constructor(tools: Tools, flights: Flights, queue: Queue) {
    this.#tools = tools;
    this.#flights = flights;
    this.#queue = queue;
  }

  /** Handles one; false where it has to wait. */
  enter(tracee: Tracee, spec: CallSpec): boolean {
    const { family, freezer, lock, options, resumer } = this.#tools;
    if (freezer.waits(tracee)) return false;
    if (spec.treatment === "exec" && freesId(tracee) && resumer.aiming()) {
      // One of those that are stopped for it could be the one that aims.
      freezer.release(tracee);
      return false;
    }
    const alone = family.alone || options.unsafe === true;
    const byPath = !alone && mayGoByPath(tracee, spec, this.#tools);
    const pins = byPath || !alone &&
        (spec.paths.length > 0 || spec.treatment === "address" ||
          spec.treatment === "message" || spec.treatment === "id");
    const unseen = pins && mayStay(tracee, spec, family);
    if (pins && tracee.space.pins.state === "mapping") return false;
    if (pins && !unseen && !this.#flights.prepare(tracee)) return true;
    const ended = this.#flights.ended;
    lock.forget(tracee);
    if (!staysMeanwhile(tracee, spec)) {
      // One of those that are stopped for it could be the one that moves.
      freezer.release(tracee);
      lock.give(tracee);
      return this.#anew(tracee, ended);
    }
    if (pins && spec.treatment !== "id" && tracee.lock === undefined) {
      // By a path the file is meant that has it: nobody may put another one there.
      const hold: Hold = spec.movesLinks || byPath
        ? "exclusive"
        : spec.treatment === "open" && !unseen &&
            !keepsNumber(tracee, this.#tools)
        ? "open"
        : "shared";
      if (!this.#locks(tracee, hold)) return this.#anew(tracee, ended);
    }
    const done = this.#under(tracee, spec, alone);
    // Whoever waits for others to stop keeps the lock, or one of those that
    // are stopped could hold it.
    if (done === "done" || done === "wait" && !freezer.has(tracee)) {
      lock.give(tracee);
    }
    if (done === "wait") return this.#anew(tracee, ended);
    if (mayWait(spec)) freezer.letWait(tracee);
    if (freezer.release(tracee) || freezer.next !== undefined) {
      this.#queue.drain();
    }
    return true;
  }

  /** Handles one that moves where a tracee is, as it may; false where it has to wait. */
  move(tracee: Tracee, spec: CallSpec): boolean {
    const { answers, family, resumer } = this.#tools;
    if (family.alone || tracee.directories.tracees === 1) {
      resumer.go(tracee);
      return true;
    }
    const ended = this.#flights.ended;
    if (!staysMeanwhile(tracee, spec)) return this.#anew(tracee, ended);
    if (answers.save(tracee)) {
      this.#flights.begin(tracee, spec, -1, nothing());
    }
    return true;
  }

  /** Puts a file that says what the policy does in place of one that is opened. */
  #replace(looked: Looked): boolean {
    const [path] = looked.paths;
    if (looked.open === undefined || path === undefined) return false;
    return replaceFile(looked, path, looked.open, this.#tools.options.sys);
  }

  /** Looks again where calls have ended by now that a tracee would wait for. */
  #anew(tracee: Tracee, ended: number): boolean {
    return this.#flights.ended !== ended && this.#queue.lookAgain(tracee);
  }

  /** Takes the lock; false where the call has to wait for it. */
  #locks(tracee: Tracee, hold: Hold): boolean {
    const { freezer, lock } = this.#tools;
    if (lock.take(tracee, hold)) return true;
    // One of those that are stopped for it could hold the lock. Their calls may
    // end here, before anybody knows that this one waits.
    freezer.release(tracee);
    return false;
  }

  /** Looks at a call and decides, with the lock that it needs. */
  #under(
    tracee: Tracee,
    spec: CallSpec,
    alone: boolean,
  ): "in flight" | "done" | "wait" {
    const { answers, family, freezer, lock, options } = this.#tools;
    const { registers } = answers;
    const unseen = tracee.lock === "shared" && mayStay(tracee, spec, family);
    const looked = lookAt(tracee, spec, alone, this.#tools);
    if (looked === undefined) return "done";
    if (tracee.lock !== undefined && mayGoByPath(tracee, spec, this.#tools)) {
      goByPath(looked, tracee, registers.int(0));
    }
    // A directory that is none yet will be a new one, with no device in it.
    const moves = !alone && looked.moves.some(({ tree }) => tree);
    if (moves && !this.#locks(tracee, "tree")) return "wait";
    if (tracee.lock === "shared" && removesLink(spec, looked)) {
      lock.give(tracee);
      if (!this.#locks(tracee, "exclusive")) return "wait";
    }
    // A new socket has no filter yet, and the parent of a vfork runs before anybody
    // hears that its child has died.
    const couldRun = !alone ||
      looked.after === "made" && options.unsafe !== true;
    const shared = looked.descriptorsOf !== 0 && couldRun &&
      !freezer.has(tracee) &&
      freezer.needed(tracee, looked.descriptorsOf);
    if (shared) {
      // Looked at again when nobody else can change the descriptor.
      return freezer.start(tracee, looked.descriptorsOf)
        ? this.#under(tracee, spec, alone)
        : "wait";
    }
    // By now it names another process, whose descriptors nobody keeps as they are.
    if (freezer.has(tracee) && !freezer.holds(tracee, looked.descriptorsOf)) {
      answers.answer(tracee, -EACCES);
      return "done";
    }
    const replaced = this.#replace(looked);
    const inMemory = looked.paths.length > 0 || looked.address !== undefined ||
      looked.messages.length > 0;
    const unchanged = !replaced && !looked.changed;
    const stays = unchanged &&
      (alone || unseen && tracee.lock === "shared" &&
          isSteady(tracee, looked));
    const asIs = !replaced && (!inMemory || options.unsafe === true) ||
      unchanged && alone && !family.started ||
      stays && family.started && !looked.pinned &&
        !couldLeave(tracee, spec, looked) &&
        keepArguments(tracee, registers, spec, looked);
    if (!asIs && !this.#flights.prepare(tracee)) return "in flight";
    looked.never ??= this.#tools.closed.why(looked, spec, tracee.process.pid);
    const done = this.#decided(tracee, spec, looked, asIs);
    const { held } = looked;
    if (held !== undefined && tracee.inFlight?.held !== held) close(held.fd);
    return done === "again" ? this.#under(tracee, spec, alone) : done;
  }

  /** What a call fails with: it may look into less than jail, which has looked. */
  #errnoOf(
    tracee: Tracee,
    spec: CallSpec,
    { errno, paths }: Looked,
  ): number {
    if (!tellsOfWay(errno)) return errno;
    return this.#isShutOut(tracee, spec, paths, "probably") ? EACCES : errno;
  }

  /** Whether a tracee may not search what some paths lead through, though jail may. */
  #isShutOut(
    tracee: Tracee,
    spec: CallSpec,
    paths: Looked["paths"],
    sure: "surely" | "probably",
  ): boolean {
    const { answers: { registers }, options } = this.#tools;
    const mayDoLess = tracee.process.unanswered || options.answers !== true;
    if (!mayDoLess) return false;
    const owner = ownerOf(tracee);
    const ids = idsOf(registers, spec);
    return paths.some(({ dirfd, place, written }) => {
      const at = dirfd < 0 ? AT_FDCWD : registers.int(dirfd);
      const start = written.startsWith("/") ? "/" : resolveBase(owner, at).path;
      return isShutOut(owner, start, place, ids, sure);
    });
  }

  /** Lets a socket receive from addresses with names that it sends to. */
  #admit(tracee: Tracee, { net }: Looked, widened: boolean): void {
    const { answers, family, named } = this.#tools;
    if (net.length === 0 || named === undefined) return;
    const fd = answers.registers.int(0);
    named.admit(tracee, leads(tracee, family), fd, net, widened);
  }

  /** Asks the policy about a call, and makes it as it has to be made. */
  #decided(
    tracee: Tracee,
    spec: CallSpec,
    looked: Looked,
    asIs: boolean,
  ): "in flight" | "done" | "wait" | "again" {
    const {
      answers,
      family,
      freezer,
      lock,
      options,
      resumer,
    } = this.#tools;
    const { registers } = answers;
    // Somebody outside has a lease of its file: whoever opens that waits for him.
    const waits = spec.treatment === "exec" && looked.errno === EAGAIN;
    if (waits && !tracee.process.filtered) {
      if (!answers.refused(tracee, spec, looked)) this.#flights.rest(tracee);
      return "done";
    }
    // It is looked at again when there is room for it, and told of then.
    const full = !asIs && looked.errno === 0 &&
      this.#flights.isFull(tracee, spec, looked);
    if (full) {
      const refused = answers.refused(tracee, spec, looked);
      if (!refused) tracee.space.pins.waiting.push(tracee);
      return "done";
    }
    const allowed = answers.allowed(tracee, spec, looked);
    if (allowed === "again") return allowed;
    if (!allowed) return "done";
    if (looked.errno !== 0) {
      answers.answer(tracee, -this.#errnoOf(tracee, spec, looked));
      return "done";
    }
    // The real path no more leads by links, and through what `..` leads out of.
    const left = asIs
      ? []
      : looked.paths.filter(({ place }) => place.climbs ?? place.through);
    if (left.length > 0 && this.#isShutOut(tracee, spec, left, "surely")) {
      answers.answer(tracee, -EACCES);
      return "done";
    }
    // A stream could listen there, once the kernel has given it that port in the
    // place of one where it may. It gets one when it connects.
    const unbound = looked.after === "bound" && answers.hasChosenPort;
    if (looked.seems || unbound) {
      answers.answer(tracee, 0);
      return "done";
    }
    // Nobody looks before that is done, or else whoever does looks again after it.
    if (looked.moves.some(({ tree }) => tree)) heedMove();
    const silent = !looked.net.some(isPortless) ||
      silenceSocket(tracee, leads(tracee, family), registers.int(0));
    if (!silent) {
      answers.answer(tracee, -EACCES);
      return "done";
    }
    if (spec.syscall.name === "connect" && looked.net.some(isDatagram)) {
      flushSocket(looked, tracee, leads(tracee, family), registers.int(0));
    }
    const granted = looked.net.some(isDatagram)
      ? options.net?.granted?.()
      : undefined;
    if (granted !== undefined) {
      widenFilter(tracee, leads(tracee, family), registers.int(0), granted);
    }
    this.#admit(tracee, looked, granted !== undefined);
    // An address that is no path needs no lock, and its call may block for long.
    if (looked.paths.length === 0) lock.give(tracee);
    if (spec.treatment === "exec") {
      family.release(tracee);
      if (tracee.exec !== undefined) {
        tracee.exec.verify = options.unsafe !== true;
      }
    }
    if (!asIs) return this.#flights.pin(tracee, spec, looked);
    // How an exec fails could tell of what it was not looked at for.
    const ends = spec.treatment === "exec" || looked.placed.length > 0 ||
      looked.held !== undefined || looked.after !== undefined ||
      isMarked(tracee, registers) || hidesReading(options, spec.syscall);
    if (!ends && !freezer.has(tracee)) {
      // Beside others it has the lock for as long as its call may take.
      const unseen = tracee.lock !== undefined;
      if (unseen) lock.leaveUnseen(tracee, registers.nr);
      resumer.go(tracee);
      return unseen ? "in flight" : "done";
    }
    if (!answers.save(tracee)) return "done";
    this.#flights.begin(tracee, spec, -1, looked);
    return "in flight";
  }
}

/** By which ids a call looks for its files. */
function idsOf(registers: Registers, { syscall: { args } }: CallSpec): Ids {
  if (!args.includes("access-mode")) return "effective";
  const flags = args.indexOf("at-flags");
  const asItself = flags >= 0 && (registers.uint(flags) & AT_EACCESS) !== 0;
  return asItself ? "effective" : "real";
}

/**
 * Whether a call may be made beside those in flight of others with the same
 * directories: where a relative path of theirs begins is not moved, and while that is
 * moved no address is looked at. What may wait in the kernel is interrupted for that,
 * and made again.
 */
function staysMeanwhile(
  { directories: { moving, resting } }: Tracee,
  { syscall, treatment }: CallSpec,
): boolean {
  if (MOVING.has(syscall.name)) {
    for (const other of resting) interruptCall(other);
    return resting.size === 0;
  }
  return moving.size === 0 ||
    treatment !== "address" && treatment !== "message";
}

/**
 * Whether an exec of a tracee frees its id, which it has no more then: a call that is
 * on its way to that id could reach whoever gets it.
 */
function freesId({ tid, process }: Tracee): boolean {
  return tid !== process.pid;
}

/**
 * Whether a path could lead elsewhere by the time that the kernel looks at it, though
 * nobody in the jail changes a link: where somebody outside turns one that it leads
 * through, puts one in the place of a directory or a file, or moves what `..` leads out
 * of; and out of the root where it is relative as well. An exec keeps its path, and its
 * image is looked at again.
 */
function couldLeave(
  { view }: Tracee,
  { treatment }: CallSpec,
  { paths }: Looked,
): boolean {
  if (treatment === "open") return true;
  return paths.some((path) => {
    const { written, place } = path;
    const turns = (place.climbs ?? place.through) !== undefined ||
      treatment === "paths" && place.via === "" && !isOneName(path);
    return turns && treatment !== "exec" ||
      view.leaks && written !== place.path;
  });
}
