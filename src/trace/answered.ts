/**
 * Calls that wait in the kernel until the tracer has answered them.
 *
 * They look at a file, or open it for reading (`src/policy/plan/answered.ts`). The
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
} from "../abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../abi/fcntl.ts";
import { close, openat2 } from "../sys/files.ts";
import type { Listener } from "../sys/task/listener.ts";
import { confinementOf, fileRightsOf } from "../sys/task/task.ts";
import { isOnPlainFileSystem, lookFor, openAgain } from "./hold/in_place.ts";
import { Marks } from "./hold/marks.ts";
import type { Looked } from "./look/looked.ts";
import type { CallSpec } from "./look/spec.ts";
import { lookAt } from "./look_at.ts";
import { look } from "./path/magic.ts";
import { cString, kindOfOpen, type Place } from "./path/place.ts";
import { statOf } from "./path/quick.ts";
import type { Tools } from "./tools.ts";
import { isHeldByExec, type Tracee } from "./tracee/tracee.ts";

/** How often a file is looked for that is something else by the time it is found. */
const MAX_TRIES = 4;

/**
 * How long a process may keep the tracer waiting, in milliseconds, to be answered.
 * On a machine with much to do it takes some tens.
 */
const PATIENCE_MS = 200;

/** What came of an attempt to answer a call. */
type Tried = "answered" | "changed" | "must be made";

/** Why jail cannot open a file that the program may be able to open. */
const OWN_FAILURES: ReadonlySet<number> = new Set([
  ...[EAGAIN, EMFILE, ENFILE, ENOMEM],
]);

/** Answers calls. */
export class AnsweredCalls {
  /** Has calls made that cannot be answered. */
  readonly marks: Marks;
  readonly #tools: Tools;
  readonly #between: () => void;
  readonly #confinement = confinementOf("self");
  #rights: string | undefined;

  /**
   * Makes the handler of one run.
   *
   * @param tools what it works with
   * @param between sees to limits, where an answer takes long
   */
  constructor(tools: Tools, between: () => void) {
    this.#between = between;
    this.marks = new Marks(tools);
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
    if (!tracee.process.unanswered && !isHeldByExec(tracee)) {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const done = this.#try(tracee, spec, listener);
        if (done === "answered") return true;
        if (done === "must be made") break;
      }
    }
    this.marks.remake(tracee, listener);
    return false;
  }

  /**
   * A new image is there: it may be able to do less than jail from the start, or be
   * confined by a security module in its own way.
   */
  entered({ process, tid }: Tracee): void {
    if (process.unanswered) return;
    // What changes its rights later is a call that the tracer hears of.
    this.#rights ??= fileRightsOf("self");
    const isFirst = !this.#tools.family.started;
    process.unanswered = isFirst && fileRightsOf(tid) !== this.#rights ||
      this.#confinement !== "" && confinementOf(tid) !== this.#confinement;
  }

  /** Looks at a call, and answers it. */
  #try(tracee: Tracee, spec: CallSpec, listener: Listener): Tried {
    const { closed, lock } = this.#tools;
    tracee.waits = true;
    tracee.besideMove = lock.movesTree;
    const looked = lookAt(tracee, spec, true, this.#tools);
    tracee.waits = false;
    tracee.besideMove = false;
    if (looked === undefined) return "must be made";
    looked.never ??= closed.why(looked, spec, tracee.process.pid, true);
    const found = looked.paths[0]?.place;
    let fd = found?.fd ?? -1;
    try {
      if (looked.held !== undefined) {
        close(looked.held.fd);
        return this.#leave(tracee, spec, looked);
      }
      const descriptor = this.#descriptor(looked);
      if (descriptor >= 0) {
        fd = referTo(tracee, descriptor);
        if (fd < 0) return "must be made";
      } else if (found !== undefined) {
        if (!isPlain(looked)) return this.#leave(tracee, spec, looked);
        if (fd < 0 && isThere(looked)) {
          fd = look(tracee.view, found.path);
          if (fd < 0 || kindOfOpen(fd) !== found.kind) return "changed";
        }
        if (fd < 0 || dependsOnCaller(looked, fd)) {
          return this.#leave(tracee, spec, looked);
        }
      }
      return this.#decide(tracee, spec, looked, fd, listener);
    } finally {
      if (fd >= 0) close(fd);
    }
  }

  /** Asks the policy about a call, and makes it with a reference to its file. */
  #decide(
    tracee: Tracee,
    spec: CallSpec,
    looked: Looked,
    fd: number,
    listener: Listener,
  ): Tried {
    const { answers } = this.#tools;
    // Whoever makes it after all, or is looked at again, is told of then.
    if (answers.refused(tracee, spec, looked)) return "answered";
    const tell = (result: number): Tried => {
      if (OWN_FAILURES.has(-result)) return "must be made";
      answers.tellAllowed(tracee, spec, looked);
      answers.answer(tracee, result);
      return "answered";
    };
    const [path] = looked.paths;
    if (looked.errno !== 0 || path === undefined) return tell(-looked.errno);
    const { place } = path;
    if (place.kind === "missing") return tell(-ENOENT);
    if (looked.open === undefined) {
      const known = statOf(place);
      const result = lookFor(tracee, answers.registers, spec, fd, known);
      if (result === undefined) return "must be made";
      // By a descriptor it is not there; by its path it is no link.
      const isNoLink = result === -ENOENT && path.written !== "";
      return tell(isNoLink ? -EINVAL : result);
    }
    const again = openAgain(tracee, place, fd, looked.open.flags);
    if (again === -ENOENT || again === -ELOOP) return "changed";
    if (again < 0) return tell(again);
    answers.tellAllowed(tracee, spec, looked);
    const start = performance.now();
    listener.answerByFile(again, looked.open.flags, this.#between);
    // Who is hardly ever scheduled must not keep the tracer from others.
    if (performance.now() > start + PATIENCE_MS) {
      tracee.process.unanswered = true;
    }
    return "answered";
  }

  /** Leaves a call to who makes it, unless it is refused: then nobody has to. */
  #leave(tracee: Tracee, spec: CallSpec, looked: Looked): Tried {
    return this.#tools.answers.refused(tracee, spec, looked)
      ? "answered"
      : "must be made";
  }

  /** Which descriptor of its own a call asks about, whatever it is; -1 for none. */
  #descriptor({ uses, paths: [path] }: Looked): number {
    if (path === undefined || path.written !== "" || path.dirfd < 0) return -1;
    return uses.length === 0
      ? this.#tools.answers.registers.int(path.dirfd)
      : -1;
  }
}

/** A reference to what a descriptor of a tracee is of, or a negative errno. */
function referTo({ tid }: Tracee, descriptor: number): number {
  const name = cString(`/proc/${tid}/fd/${descriptor}`);
  return openat2(AT_FDCWD, name, O_PATH | O_CLOEXEC, 0, 0);
}

/** Whether a call, once allowed, finds something. */
function isThere({ errno, paths: [path] }: Looked): boolean {
  return errno === 0 && path !== undefined && path.place.kind !== "missing";
}

/**
 * Whether it matters who makes a call: beneath another procfs, say, which may have
 * been mounted just now, jail may look into processes that the program may not.
 *
 * @param looked what the call means
 * @param fd a reference to its file, or to the last directory on the way
 */
function dependsOnCaller({ open, paths: [path] }: Looked, fd: number): boolean {
  if (open !== undefined && path?.place.kind === "link") return true;
  return !isOnPlainFileSystem(fd, statOf(path?.place));
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
