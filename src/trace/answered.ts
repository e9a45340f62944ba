/**
 * Calls that wait in the kernel until the tracer has answered them.
 *
 * They look at a file, or open it for reading (`src/policy/answered.ts`). The
 * tracer does that in the program's place, with a descriptor of its own for the
 * file that the policy was asked about, without a link on the way: what the
 * program has in memory, and what comes to the path later, are not looked at
 * again. What cannot be answered so is made by the program itself, as every
 * other call: it is marked, and stops.
 */

import {
  EAGAIN,
  EINVAL,
  ELOOP,
  EMFILE,
  ENFILE,
  ENOENT,
  ENOMEM,
  ERESTARTNOINTR,
  ERESTARTSYS,
} from "../abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { STAT } from "../abi/stat.ts";
import { MARK } from "../policy/answered.ts";
import { actionOf } from "../policy/plan.ts";
import { close, fstat, openat2 } from "../sys/files.ts";
import type { Listener } from "../sys/listener.ts";
import { interrupt } from "../sys/ptrace.ts";
import { confinementOf } from "../sys/task.ts";
import { isOnPlainFileSystem, lookFor, openAgain } from "./in_place.ts";
import { lookAt } from "./look_at.ts";
import type { Looked } from "./looked.ts";
import { look } from "./magic.ts";
import { unmark } from "./marks.ts";
import type { OpenRequest } from "./open.ts";
import { cString, kindOf, type Place } from "./place.ts";
import type { CallSpec } from "./spec.ts";
import type { Tools } from "./tools.ts";
import { isHeldByExec, type Tracee } from "./tracee.ts";

/** How often a file is looked for that is something else by the time it is found. */
const MAX_TRIES = 4;

/** What came of an attempt to answer a call. */
type Tried = "answered" | "changed" | "must be made";

/** What it means where a file cannot be opened, and is not what the program is told. */
const FAILURES: ReadonlyMap<number, Tried> = new Map<number, Tried>([
  [ENOENT, "changed"],
  [ELOOP, "changed"],
  [EAGAIN, "must be made"],
  // What jail itself has too little of.
  [EMFILE, "must be made"],
  [ENFILE, "must be made"],
  [ENOMEM, "must be made"],
]);

const stat = new Uint8Array(STAT.size);

/** Answers calls. */
export class AnsweredCalls {
  readonly #tools: Tools;
  readonly #confinement = confinementOf("self");

  /**
   * Makes the handler of one run.
   *
   * @param tools what it works with
   */
  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /**
   * Answers the call that a listener has taken.
   *
   * @param tracee who waits
   * @param spec which call it is
   * @param listener who hears of it, and of whose call the registers are
   * @returns whether it was answered, and does not have to be made
   */
  answer(tracee: Tracee, spec: CallSpec, listener: Listener): boolean {
    tracee.remake = "not";
    tracee.unmarked = undefined;
    // What is meant for a thread that an exec ends could reach the new image.
    if (!tracee.process.ownRights && !isHeldByExec(tracee)) {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const done = this.#try(tracee, spec, listener);
        if (done === "answered") return true;
        if (done === "must be made") break;
      }
    }
    this.#remake(tracee, listener);
    return false;
  }

  /** A new image is there: a security module may confine it in its own way. */
  entered({ process, tid }: Tracee): void {
    if (this.#confinement === "" || process.ownRights) return;
    process.ownRights = confinementOf(tid) !== this.#confinement;
  }

  /** Marks a call whose tracee has stopped for that, if it has. */
  mark(tracee: Tracee): void {
    if (tracee.remake !== "stop") return;
    const { answers } = this.#tools;
    const { registers } = answers;
    if (!answers.read(tracee)) return;
    tracee.remake = "not";
    if (registers.nr < 0 || registers.result !== -ERESTARTNOINTR) return;
    tracee.unmarked = registers.whole(MARK.arg);
    registers.setArgument(MARK.arg, MARK.value);
    if (answers.write(tracee)) tracee.remake = "marked";
  }

  /**
   * A tracee is about to get a signal. Calls that wait for an answer would not have
   * been interrupted, whatever the handler: they are made again.
   *
   * @param tracee who is stopped
   */
  interrupted(tracee: Tracee): void {
    const { answers, options } = this.#tools;
    const { registers } = answers;
    if (!answers.read(tracee)) return;
    const { remake } = tracee;
    tracee.remake = "not";
    if (remake === "marked") {
      unmark(tracee, registers);
      answers.write(tracee);
      return;
    }
    if (registers.nr < 0 || registers.result !== -ERESTARTSYS) return;
    const spec = this.#tools.specs.at(registers.nr);
    const entry = spec && options.plan.get(spec.syscall.name);
    if (entry === undefined) return;
    const action = actionOf(entry, registers);
    if (action.kind !== "trace" || action.waits !== true) return;
    // An open that was made may have waited for somebody.
    if (remake === "interrupted") return;
    registers.result = -ERESTARTNOINTR;
    answers.write(tracee);
  }

  /**
   * Has a call made by its tracee: it stops before it sees the answer, which makes
   * the kernel make the call again.
   */
  #remake(tracee: Tracee, listener: Listener): void {
    tracee.remake = "stop";
    interrupt(tracee.tid);
    listener.answer(-ERESTARTNOINTR);
  }

  /** Looks at a call, and answers it. */
  #try(tracee: Tracee, spec: CallSpec, listener: Listener): Tried {
    const { answers, closed } = this.#tools;
    tracee.waits = true;
    const looked = lookAt(tracee, spec, true, this.#tools);
    tracee.waits = false;
    if (looked === undefined) return "must be made";
    const found = looked.paths[0]?.place;
    try {
      looked.never ??= closed.why(looked, spec, tracee.process.pid);
      if (looked.held !== undefined) close(looked.held.fd);
      const descriptor = this.#descriptor(looked);
      if (
        looked.held !== undefined || descriptor < 0 && !isPlain(looked)
      ) {
        return "must be made";
      }
      const allowed = answers.allowed(tracee, spec, looked);
      if (allowed === "again") return "changed";
      if (!allowed) return "answered";
      if (looked.errno !== 0) return this.#tell(tracee, -looked.errno);
      if (found === undefined) return "must be made";
      if (descriptor >= 0) return this.#tellOf(tracee, spec, descriptor);
      if (found.kind === "missing") return this.#tell(tracee, -ENOENT);
      return this.#make(tracee, spec, found, looked.open, listener);
    } finally {
      if (found?.fd !== undefined) close(found.fd);
    }
  }

  #tell(tracee: Tracee, result: number): Tried {
    this.#tools.answers.answer(tracee, result);
    return "answered";
  }

  /** Makes a call in a tracee's place, with a descriptor of the file that is meant. */
  #make(
    tracee: Tracee,
    spec: CallSpec,
    place: Place,
    open: OpenRequest | undefined,
    listener: Listener,
  ): Tried {
    if (place.fd === undefined) {
      const fd = look(tracee.view, place.path);
      if (fd < 0) return this.#failed(tracee, fd);
      try {
        return fstat(fd, stat) >= 0 &&
            kindOf(get(STAT, stat, "st_mode")) === place.kind
          ? this.#make(tracee, spec, { ...place, fd }, open, listener)
          : "changed";
      } finally {
        close(fd);
      }
    }
    if (open === undefined) {
      const { registers } = this.#tools.answers;
      const result = lookFor(tracee, registers, spec, place.fd);
      if (result === undefined) return "must be made";
      // By a descriptor it is not there; by its path it is no link.
      const isNoLink = result === -ENOENT && place.kind !== "link";
      return this.#tell(tracee, isNoLink ? -EINVAL : result);
    }
    if (place.kind === "link" || !isOnPlainFileSystem(place.fd)) {
      return "must be made";
    }
    const fd = openAgain(tracee, place, place.fd, open.flags);
    if (fd < 0) return this.#failed(tracee, fd);
    listener.answerByFile(fd, open.flags);
    close(fd);
    return "answered";
  }

  /** Which descriptor of its own a call asks about, whatever it is; -1 for none. */
  #descriptor({ uses, paths: [path] }: Looked): number {
    if (path === undefined || path.written !== "" || path.dirfd < 0) return -1;
    return uses.length === 0
      ? this.#tools.answers.registers.int(path.dirfd)
      : -1;
  }

  /** Answers what a call asks about a descriptor. */
  #tellOf(tracee: Tracee, spec: CallSpec, descriptor: number): Tried {
    const name = cString(`/proc/${tracee.tid}/fd/${descriptor}`);
    const fd = openat2(AT_FDCWD, name, O_PATH | O_CLOEXEC, 0, 0);
    if (fd < 0) return "must be made";
    const { registers } = this.#tools.answers;
    const result = lookFor(tracee, registers, spec, fd);
    close(fd);
    return result === undefined ? "must be made" : this.#tell(tracee, result);
  }

  /** A file cannot be opened that was there a moment ago. */
  #failed(tracee: Tracee, result: number): Tried {
    const done = FAILURES.get(-result);
    return done ?? this.#tell(tracee, result);
  }
}

/** Whether a call is about a file that anybody finds by its path, and all of it. */
function isPlain(
  { uses, paths, descriptorsOf, changed, pinned, makes, seems, after }: Looked,
): boolean {
  if (descriptorsOf !== 0 || changed || pinned || makes || seems) return false;
  if (after !== undefined || paths.length > 1) return false;
  const looks = uses.every(({ access }) => access === "stat");
  return paths.every(({ written, place: { path, kind, via, magic, was } }) =>
    written !== "" && via === "" && magic !== true && was === undefined &&
    (looks ? kind !== "object" : PLAIN_KINDS.has(kind)) &&
    path !== "/proc" && !path.startsWith("/proc/")
  );
}

const PLAIN_KINDS: ReadonlySet<Place["kind"]> = new Set<Place["kind"]>([
  "directory",
  "file",
  "link",
  "missing",
]);
