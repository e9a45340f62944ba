/** The tracees of a jail, and what they share. */

import type { Arch } from "../abi/arch.ts";
import { ESRCH } from "../abi/errno.ts";
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_THREAD,
  CLONE_VM,
  PID_MAX_LIMIT,
} from "../abi/sched.ts";
import { ownOpenFiles } from "../sys/origin.ts";
import { TraceeMaps } from "../sys/task/maps.ts";
import { kill } from "../sys/task/wait.ts";
import type { View } from "../sys/view.ts";
import type { Watchdog } from "../sys/watchdog.ts";
import { type Keeping, WorkingDirectory } from "./path/working_directory.ts";
import { PinRegion } from "./tracee/pin.ts";
import { Registers } from "./tracee/registers.ts";
import type {
  Directories,
  Files,
  Process,
  Space,
  Tracee,
} from "./tracee/tracee.ts";

/** How many working directories are kept open at once. */
const MOST_KEPT = 64;
/** Which part of the descriptors that jail may have is used with them at the most. */
const KEPT_PART = 1 / 4;

/** The tracees of a jail. */
export class Family {
  /** Every tracee, by its thread id. */
  readonly tracees: Map<number, Tracee> = new Map();
  /** Every process that has a tracee, by its id. */
  readonly processes: Map<number, Process> = new Map();
  /** Stops of tasks that nobody has told of yet: what they share is not known. */
  readonly untold: Map<number, number> = new Map();
  /**
   * Those whose end was waited for and is not handled yet: the id may be another's
   * by now.
   */
  readonly ended: Set<number> = new Set();
  readonly #arch: Arch;
  readonly #view: View;
  /** Ids that are or were those of processes of the jail, a bit each. */
  readonly #ids = new Uint8Array(PID_MAX_LIMIT / 8);
  /** Parents of a vfork that surely cannot run. */
  readonly #blocked: Set<Tracee> = new Set();
  /** The parents of vforks that are not known to be over, by the child. */
  readonly #waiting: Map<Tracee, Tracee> = new Map();
  /** What kills all of them where the tracer is held up. */
  #watchdog: Watchdog | undefined;
  /** What is kept of where they are. */
  readonly #keeping: Keeping;
  #exposed = false;
  /** Whether there was ever one of which nobody told what it shares. */
  #adopted = false;
  /**
   * Whether the program runs. Before, the one tracee is the launcher, which
   * shares jail's memory: nothing may be mapped or written there.
   */
  started = false;

  /**
   * Makes an empty one.
   *
   * @param arch the machine's half of the calling convention
   * @param view where the paths of the tracees begin
   * @param heardToMove whether each call stops that moves a working directory
   */
  constructor(arch: Arch, view: View, heardToMove = false) {
    this.#arch = arch;
    this.#view = view;
    const end = KEPT_PART * (ownOpenFiles()?.soft ?? 0);
    this.#keeping = { trusted: heardToMove, room: MOST_KEPT, end };
  }

  /**
   * Whether one tracee alone can run, so that nobody can change memory or
   * links between the tracer's look and the kernel's.
   *
   * The parent of a vfork cannot run until its child is done with its memory.
   * The kernel lets it go on before the tracer hears of that: at the child's
   * exec, and in the middle of its death. So it is taken to run as soon as the
   * child's exec is let go on, and as soon as the child has made another task,
   * which could go on while the child dies.
   */
  get alone(): boolean {
    return this.tracees.size - this.#blocked.size === 1 && !this.#exposed &&
      !this.#hasUntold();
  }

  /**
   * Whether nobody but a stopped tracee can change its memory, its descriptors,
   * and where it is, before it has made another task: others may run, but share
   * none of it.
   */
  owns({ space, files, directories }: Tracee): boolean {
    if (this.#exposed || this.#adopted || this.#hasUntold()) return false;
    if (files.tracees !== 1 || directories.tracees !== 1) return false;
    let sharers = space.tracees;
    if (sharers === 1) return true;
    for (const parent of this.#blocked) if (parent.space === space) sharers--;
    return sharers === 1;
  }

  /**
   * Whether each call that moves where a tracee is stops before it is made, and it is
   * known who shares that with whom.
   */
  get hearsMoves(): boolean {
    return this.#keeping.trusted && !this.#hasUntold();
  }

  #hasUntold(): boolean {
    for (const tid of this.untold.keys()) {
      if (!this.tracees.has(tid)) return true;
    }
    return false;
  }

  /** From now on every process is killed by a watchdog where it comes to that. */
  guard(watchdog: Watchdog): void {
    this.#watchdog = watchdog;
    for (const pid of this.processes.keys()) watchdog.add(pid);
  }

  /** Whether the watchdog has killed. */
  get bitten(): boolean {
    return this.#watchdog?.hasBitten === true;
  }

  /** A process has ended, and is waited for now, or was just now. */
  ends(pid: number): void {
    this.#watchdog?.remove(pid);
  }

  /** The jail is no more. */
  close(): void {
    this.#watchdog?.stop();
  }

  /** From now on the kernel may write to a tracee's memory while it is stopped. */
  expose(): void {
    this.#exposed = true;
  }

  /**
   * Whether an id is that of a process or thread of the jail. It stays that until
   * the tracer waits for it; but for a thread's, which an exec frees at once.
   */
  readonly isOwn = (id: number): boolean => {
    if (this.ended.has(id)) return false;
    if (this.processes.has(id)) return true;
    const tracee = this.tracees.get(id);
    return tracee !== undefined && tracee.process.executing === undefined;
  };

  /**
   * Whether an id is, or ever was, that of a process of the jail. It may be
   * somebody else's by now.
   */
  wasOwn(pid: number): boolean {
    return ((this.#ids[pid >> 3] ?? 0) & 1 << (pid & 7)) !== 0;
  }

  /**
   * Sends a signal to a process of the jail.
   *
   * Race: its id is another's as soon as its end was waited for. A process that is
   * known, and is not among those, has not been waited for.
   *
   * @returns 0, or a negative errno
   */
  readonly signal = ({ pid }: Process, signal: number): number =>
    this.ended.has(pid) ? -ESRCH : kill(pid, signal);

  /** Adds the program itself. */
  addProgram(pid: number): Tracee {
    return this.#add(
      pid,
      this.#process(pid, ""),
      spaceOf(new PinRegion()),
      { tracees: 0 },
      this.#directories(),
    );
  }

  /**
   * Adds what a tracee made.
   *
   * @param parent who made it
   * @param tid its thread id
   * @param flags the `CLONE_*` flags that it was made with
   * @param vfork whether the parent waits for it
   */
  addChild(
    parent: Tracee,
    tid: number,
    flags: number,
    vfork: boolean,
  ): Tracee {
    const child = this.#add(
      tid,
      (flags & CLONE_THREAD) !== 0 ? parent.process : this.#process(
        tid,
        parent.process.program,
        parent.process.filtered,
        parent.process.unanswered,
      ),
      (flags & CLONE_VM) !== 0
        ? parent.space
        : spaceOf(parent.space.pins.fork()),
      (flags & CLONE_FILES) !== 0 ? parent.files : { tracees: 0 },
      (flags & CLONE_FS) !== 0 ? parent.directories : this.#directories(),
    );
    // The kernel has copied what it shall tell, too.
    child.tellsEnd = parent.tellsEnd;
    this.release(parent);
    // Who makes another one waits no more, though what the one before does, an
    // exec or its end, is perhaps not handled yet.
    if (parent.vfork !== undefined) this.endVforkOf(parent.vfork);
    if (vfork) {
      parent.vfork = child;
      this.#blocked.add(parent);
      this.#waiting.set(child, parent);
    }
    return child;
  }

  /**
   * Adds a tracee whose maker is gone, from what the kernel says it shares.
   *
   * @param tid its thread id
   * @param kin a tracee with the same memory
   * @param user a tracee with the same descriptors
   */
  addOrphan(
    tid: number,
    kin: Tracee | undefined,
    user: Tracee | undefined,
  ): Tracee {
    this.#adopted = true;
    this.#keeping.trusted = false;
    return this.#add(
      tid,
      // Its maker may have had a filter, and changed its rights.
      this.#process(tid, "", true, true),
      kin?.space ?? spaceOf(PinRegion.ofCopy()),
      user?.files ?? { tracees: 0 },
      this.#directories(),
    );
  }

  /** From now on the parent that waits for this tracee's vfork may run. */
  release(child: Tracee): void {
    const parent = this.parentOf(child);
    if (parent !== undefined) this.#blocked.delete(parent);
  }

  /** A tracee runs no more, though it is not gone yet. */
  left(tracee: Tracee): void {
    tracee.leaving = true;
    this.endVforkOf(tracee);
  }

  /** The parent that waits for a tracee, which it made by vfork(2). */
  parentOf(child: Tracee): Tracee | undefined {
    return this.#waiting.get(child);
  }

  /** The tracees of a process. */
  threadsOf(process: Process): Tracee[] {
    return [...this.tracees.values()].filter((one) => one.process === process);
  }

  /** Forgets a tracee that is gone. */
  remove(tracee: Tracee): void {
    this.tracees.delete(tracee.tid);
    leave(tracee);
    const { directories } = tracee;
    if (--directories.tracees === 0) directories.cwd.close();
    if (--tracee.process.threads === 0) {
      this.processes.delete(tracee.process.pid);
      // A birth may have been told of after the death.
      this.ends(tracee.process.pid);
    }
    this.endVforkOf(tracee);
    this.#blocked.delete(tracee);
    if (tracee.vfork !== undefined) this.#waiting.delete(tracee.vfork);
  }

  /**
   * A tracee's exec has gone so far that the tracee is alone in its process, and
   * has the id of the first thread.
   *
   * @returns the others, which are gone
   */
  lead(tracee: Tracee): Tracee[] {
    const { process, tid } = tracee;
    const gone = this.threadsOf(process).filter((one) => one !== tracee);
    for (const other of gone) this.remove(other);
    this.tracees.delete(tid);
    tracee.tid = process.pid;
    this.tracees.set(tracee.tid, tracee);
    return gone;
  }

  /** A tracee, alone in its process, has a new image: its memory and descriptors. */
  exec(tracee: Tracee): void {
    this.endVforkOf(tracee);
    leave(tracee);
    tracee.space = spaceOf(new PinRegion());
    tracee.space.tracees = 1;
    tracee.files = { tracees: 1 };
  }

  /** A vfork's child is done with its parent's memory: the parent runs on. */
  endVforkOf(child: Tracee): void {
    this.release(child);
    const parent = this.parentOf(child);
    if (parent === undefined) return;
    parent.vfork = undefined;
    this.#waiting.delete(child);
  }

  #directories(): Directories {
    return {
      tracees: 0,
      cwd: new WorkingDirectory(this.#keeping),
      resting: new Set(),
      moving: new Set(),
    };
  }

  #process(
    pid: number,
    program: string,
    filtered = false,
    unanswered = false,
  ): Process {
    const process: Process = {
      pid,
      threads: 0,
      filtered,
      hasJobs: false,
      program,
      loads: "",
      executing: undefined,
      counted: false,
      unanswered,
    };
    this.processes.set(pid, process);
    // Its birth may be told of after its end: its id is perhaps another's by then.
    if (!this.ended.has(pid)) this.#watchdog?.add(pid);
    const byte = this.#ids[pid >> 3] ?? 0;
    this.#ids[pid >> 3] = byte | 1 << (pid & 7);
    return process;
  }

  #add(
    tid: number,
    process: Process,
    space: Space,
    files: Files,
    directories: Directories,
  ): Tracee {
    process.threads++;
    space.tracees++;
    files.tracees++;
    directories.tracees++;
    const tracee: Tracee = {
      tid,
      process,
      view: this.#view,
      space,
      files,
      directories,
      stopped: false,
      halted: false,
      wasHalted: false,
      continued: false,
      vfork: undefined,
      saved: new Registers(this.#arch),
      made: new Registers(this.#arch),
      inFlight: undefined,
      exec: undefined,
      lock: undefined,
      unseen: -1,
      held: [],
      frozen: false,
      tellsEnd: false,
      leaving: false,
      interrupted: false,
      retries: 0,
      waits: false,
      besideMove: false,
      until: undefined,
      rewaits: false,
      done: 0,
      remake: "not",
      unmarked: undefined,
    };
    this.tracees.set(tid, tracee);
    return tracee;
  }
}

/** A tracee no longer uses what it shared. */
function leave({ space, files }: Tracee): void {
  files.tracees--;
  if (--space.tracees > 0) return;
  space.pins.close();
  space.maps.close();
}

function spaceOf(pins: PinRegion): Space {
  return { tracees: 0, pins, maps: new TraceeMaps(), untold: false };
}
