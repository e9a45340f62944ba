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
} from "../abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { STAT } from "../abi/stat.ts";
import type { FileKind } from "../policy/call.ts";
import { close, fstat, openat2 } from "../sys/files.ts";
import type { Listener } from "../sys/listener.ts";
import { confinementOf } from "../sys/task.ts";
import { isOnPlainFileSystem, lookFor, openAgain } from "./in_place.ts";
import { lookAt } from "./look_at.ts";
import type { Looked } from "./looked.ts";
import { look } from "./magic.ts";
import { Marks } from "./marks.ts";
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
  /** Has calls made that cannot be answered. */
  readonly marks: Marks;
  readonly #tools: Tools;
  readonly #confinement = confinementOf("self");

  /**
   * Makes the handler of one run.
   *
   * @param tools what it works with
   */
  constructor(tools: Tools) {
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
    if (!tracee.process.ownRights && !isHeldByExec(tracee)) {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const done = this.#try(tracee, spec, listener);
        if (done === "answered") return true;
        if (done === "must be made") break;
      }
    }
    this.marks.remake(tracee, listener);
    return false;
  }

  /** A new image is there: a security module may confine it in its own way. */
  entered({ process, tid }: Tracee): void {
    if (this.#confinement === "" || process.ownRights) return;
    process.ownRights = confinementOf(tid) !== this.#confinement;
  }

  /** Looks at a call, and answers it. */
  #try(tracee: Tracee, spec: CallSpec, listener: Listener): Tried {
    const { closed } = this.#tools;
    tracee.waits = true;
    const looked = lookAt(tracee, spec, true, this.#tools);
    tracee.waits = false;
    if (looked === undefined) return "must be made";
    looked.never ??= closed.why(looked, spec, tracee.process.pid);
    const found = looked.paths[0]?.place;
    let fd = found?.fd ?? -1;
    try {
      if (looked.held !== undefined) {
        close(looked.held.fd);
        return "must be made";
      }
      const descriptor = this.#descriptor(looked);
      if (descriptor >= 0) fd = referTo(tracee, descriptor);
      else if (!isPlain(looked)) return "must be made";
      else if (found !== undefined && fd < 0 && isThere(looked)) {
        fd = look(tracee.view, found.path);
        if (fd < 0 || kindAt(fd) !== found.kind) return "changed";
      }
      if (isThere(looked) && fd < 0) return "must be made";
      return dependsOnCaller(spec, looked, fd)
        ? "must be made"
        : this.#decide(tracee, spec, looked, fd, listener);
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
    const allowed = answers.allowed(tracee, spec, looked);
    if (allowed === "again") return "changed";
    if (!allowed) return "answered";
    const [path] = looked.paths;
    if (looked.errno !== 0 || path === undefined) {
      return this.#tell(tracee, -looked.errno);
    }
    const { place } = path;
    if (fd < 0) return this.#tell(tracee, -ENOENT);
    if (looked.open === undefined) {
      const result = lookFor(tracee, answers.registers, spec, fd);
      if (result === undefined) return "must be made";
      // By a descriptor it is not there; by its path it is no link.
      const isNoLink = result === -ENOENT && path.written !== "";
      return this.#tell(tracee, isNoLink ? -EINVAL : result);
    }
    const again = openAgain(tracee, place, fd, looked.open.flags);
    if (again < 0) return FAILURES.get(-again) ?? this.#tell(tracee, again);
    listener.answerByFile(again, looked.open.flags);
    close(again);
    return "answered";
  }

  #tell(tracee: Tracee, result: number): Tried {
    this.#tools.answers.answer(tracee, result);
    return "answered";
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

/** What kind of file a reference is of; `undefined` where it cannot be told. */
function kindAt(fd: number): FileKind | undefined {
  return fstat(fd, stat) < 0 ? undefined : kindOf(get(STAT, stat, "st_mode"));
}

/** Whether it matters who makes a call. */
function dependsOnCaller(
  { syscall }: CallSpec,
  { open, paths: [path] }: Looked,
  fd: number,
): boolean {
  if (fd < 0) return false;
  if (open !== undefined && path?.place.kind === "link") return true;
  const reads = open !== undefined || syscall.name.endsWith("xattr");
  return reads && !isOnPlainFileSystem(fd);
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
