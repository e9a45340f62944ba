/** What the tracer knows of each tracee, and of what tracees share. */

import type { Endpoint } from "../../policy/net/endpoint.ts";
import type { TraceeMaps } from "../../sys/task/maps.ts";
import { interrupt, isInStop } from "../../sys/task/ptrace.ts";
import { isStopped } from "../../sys/task/task.ts";
import type { View } from "../../sys/view.ts";
import type { Hold } from "../hold/lock.ts";
import type { KeptName, Placed } from "../look/looked.ts";
import type { Words } from "../look/words.ts";
import type { Owner } from "../path/place.ts";
import type { WorkingDirectory } from "../path/working_directory.ts";
import type { PinRegion } from "./pin.ts";
import type { Registers } from "./registers.ts";

/** A process: threads with one id. */
export interface Process {
  /** Its id, which is its leader's. */
  readonly pid: number;
  /** How many tracees it has. */
  threads: number;
  /** Whether it has, or may have, a seccomp filter of its own. */
  filtered: boolean;
  /** Whether it gives a terminal to its jobs, as a shell does. */
  hasJobs: boolean;
  /** The real path of what it runs, as a byte string; "" where unknown. */
  program: string;
  /**
   * Of a dynamic loader that is run itself: by which name it opens what it runs,
   * a byte string; else "".
   */
  loads: string;
  /** The thread of it whose exec is in the kernel, and may end the others. */
  executing: Tracee | undefined;
  /** Whether it has ended, and what it used is in the accounts. */
  counted: boolean;
  /**
   * Whether it makes all of its calls itself: it may be able to do less than jail,
   * or more, or is slow to take an answer.
   */
  unanswered: boolean;
}

/** An address space, shared by threads and by vfork's child. */
export interface Space {
  /** How many tracees live in it. */
  tracees: number;
  /** The read-only pages that checked arguments are put in, once there are any. */
  readonly pins: PinRegion;
  /** Where it is of files. */
  readonly maps: TraceeMaps;
  /**
   * Whether somebody who had it was ended by others, and may have made another one
   * that nobody has told of: the kernel may write there in that one's name.
   */
  untold: boolean;
}

/** A table of descriptors, shared by threads and by CLONE_FILES. */
export interface Files {
  /** How many tracees use it. */
  tracees: number;
}

/** A working directory, a root and a umask, shared by threads and by CLONE_FS. */
export interface Directories {
  /** How many tracees use them. */
  tracees: number;
  /** The first of them. */
  readonly cwd: WorkingDirectory;
  /** Those in whose calls in flight a relative path begins there. */
  readonly resting: Set<Tracee>;
  /** Those whose calls in flight move it. */
  readonly moving: Set<Tracee>;
}

/**
 * What has to be done about a socket when a call returns: one that was `made`
 * gets a filter, one that was `bound` is remembered, one that was `connected` before
 * sends as before where that has failed.
 */
export type SocketDuty = "made" | "bound" | "connected";

/** A call that is in the kernel, and what has to be put right when it returns. */
export interface InFlight {
  /** The slot of pinned arguments that it uses; -1 for none. */
  readonly slot: number;
  /** Whether others were stopped so that it can have its descriptors alone. */
  readonly frozen: boolean;
  /** Whether it is not the tracee's own, but maps the pinned pages. */
  readonly maps: boolean;
  /** Whether it is not the tracee's own either, but a rest before that is made. */
  readonly rests?: boolean;
  /** How many bytes of output it may write; where it writes none, absent. */
  readonly output?: number;
  /** Errors after which the tracee's own call is made again. */
  readonly retryOn: readonly number[];
  /** What has to be done about its socket before anybody uses it. */
  readonly after?: SocketDuty | undefined;
  /** What it binds a socket to. */
  readonly bindsTo?: Endpoint | undefined;
  /** Whether it tells of the other end, which may be jail in a resolver's place. */
  readonly tellsPeer?: boolean;
  /** Where no link may have come by it. */
  readonly placed?: readonly Placed[];
  /** What jail holds open until it is over. */
  readonly held?: KeptName | undefined;
  /** Whether it has what was left of its time, or of its bytes. */
  readonly rewaits?: boolean;
  /** Since when it may wait by the timeout of its socket; absent for any other. */
  readonly since?: number | undefined;
}

/** A call that only has to be seen to return, and for which nothing is held. */
export const NOTHING_HELD: InFlight = {
  slot: -1,
  frozen: false,
  maps: false,
  retryOn: [],
};

/** An exec that was allowed, to be looked at again when the image is there. */
export interface PendingExec {
  /** The real path of the image that the kernel must have loaded. */
  readonly image: string;
  /** The real path of its ELF interpreter; "" for none. */
  readonly loader: string;
  /** For a dynamic loader that is run itself: what it must be told. */
  readonly told: Words | undefined;
  /** Whether it is looked at, which is left out for a control of a test alone. */
  verify: boolean;
}

/**
 * How a call that was to be answered is made after all: not; its tracee will
 * `stop`, to have it marked; it is `marked`, and will stop before it is made; or it
 * was made, and interrupted.
 */
export type Remake = "not" | "stop" | "marked" | "interrupted";

/** One traced thread. */
export interface Tracee {
  /** Its thread id: an exec gives it that of the first thread of its process. */
  tid: number;
  /** Its process. */
  process: Process;
  /** Where its paths begin. */
  readonly view: View;
  /** Its address space. */
  space: Space;
  /** Its descriptors. */
  files: Files;
  /** Where it is. An exec keeps it shared. */
  readonly directories: Directories;
  /** Whether it is in a stop that the tracer has not ended. */
  stopped: boolean;
  /** Whether a job-control signal stopped it, and nobody has continued it. */
  halted: boolean;
  /** Whether it was so since it last went on: what it waited for then is over. */
  wasHalted: boolean;
  /** Whether it has gone on from that, and got no signal since. */
  continued: boolean;
  /** The child of its vfork that it waits for. */
  vfork: Tracee | undefined;
  /** The registers as they were at the entry of the call in flight. */
  readonly saved: Registers;
  /** The registers that the call in flight was made with. */
  readonly made: Registers;
  /** Its call in flight, where something has to be done at its exit. */
  inFlight: InFlight | undefined;
  /** Its exec, from the check to the new image. */
  exec: PendingExec | undefined;
  /** How it holds the path lock. */
  lock: Hold | undefined;
  /**
   * The number of the call that it holds the path lock for, where nobody sees
   * that call end: it is over by the tracee's next stop; else -1.
   */
  unseen: number;
  /** Wait statuses that came while it was held, oldest first. */
  readonly held: number[];
  /** Whether its stops are held back because another call needs it still. */
  frozen: boolean;
  /** Whether the kernel stops it when it ends (`PTRACE_O_TRACEEXIT`). */
  tellsEnd: boolean;
  /**
   * Whether it ends, and runs no more. The first thread of a process is not
   * reported to have ended before the last one has, and neither stops nor tells
   * any more.
   */
  leaving: boolean;
  /**
   * Whether the tracer has interrupted it, and its call may say EINTR for that.
   * Any stop ends the interruption itself, but the call finds out all the same:
   * ptrace_stop() in the kernel's kernel/signal.c leaves TIF_SIGPENDING set.
   */
  interrupted: boolean;
  /** How often its current call was tried again because a link came in its way. */
  retries: number;
  /** Whether its call waits for an answer, and is looked at for that. */
  waits: boolean;
  /** Whether another one moves a directory while that call is looked at. */
  besideMove: boolean;
  /**
   * When its call is over that waits for a time, in milliseconds of this process's
   * clock, infinite where that is years away: also where the kernel makes it again,
   * once it was interrupted. `undefined` in any other call.
   */
  until: number | undefined;
  /**
   * Whether it is about to make a call again that waits for `until`, or of which some
   * is done: it would begin anew, and stops before that.
   */
  rewaits: boolean;
  /** How much of that call was done before it was interrupted, in bytes. */
  done: number;
  /** How the call that it waited for an answer of comes to be made by itself. */
  remake: Remake;
  /** What is the program's own in place of the mark, while its call has one. */
  unmarked: bigint | undefined;
}

/** Whose path it is that a tracee names. */
export function ownerOf(
  { process, tid, view, waits, besideMove, directories: { cwd } }: Tracee,
): Owner {
  return { pid: process.pid, tid, view, keeps: waits, besideMove, cwd };
}

/**
 * Whether a tracee has to wait for the exec of another thread of its process. An
 * exec ends the other threads and takes the leader's id: were one of them served
 * meanwhile, what is meant for it could reach the new image.
 */
export function isHeldByExec(tracee: Tracee): boolean {
  const { executing } = tracee.process;
  return executing !== undefined && executing !== tracee;
}

/**
 * Whether a tracee is in a stop at this moment, and so alive. One that is halted is
 * no stopped tracee to ptrace(2), since `PTRACE_LISTEN` has let it go.
 */
export function stays({ tid, stopped, halted }: Tracee): boolean {
  return stopped && (halted ? isStopped(tid) : isInStop(tid));
}

/**
 * Makes a tracee stop, though its call may wait for something.
 *
 * @param tracee who runs
 * @returns 0, or a negative errno
 */
export function interruptCall(tracee: Tracee): number {
  tracee.interrupted = true;
  return interrupt(tracee.tid);
}
