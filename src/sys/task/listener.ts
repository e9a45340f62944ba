/**
 * Calls that wait in the kernel for an answer, in place of being made:
 * seccomp_unotify(2).
 *
 * Who waits can only be killed meanwhile, once the call was taken. Nothing of its
 * answer is read from its memory again, so there is nothing to race for.
 */

import { EINTR, EINVAL, ENOSYS, EPERM, errnoName } from "../../abi/errno.ts";
import { O_CLOEXEC } from "../../abi/fcntl.ts";
import { set } from "../../abi/layout.ts";
import { POLLFD, POLLIN } from "../../abi/poll.ts";
import {
  LISTENER_FLAGS,
  SECCOMP_IOCTL_NOTIF_ADDFD,
  SECCOMP_IOCTL_NOTIF_RECV,
  SECCOMP_IOCTL_NOTIF_SEND,
  SECCOMP_IOCTL_NOTIF_SET_FLAGS,
  SECCOMP_NOTIF,
  SECCOMP_NOTIF_ADDFD,
  SECCOMP_NOTIF_RESP,
  SECCOMP_SET_MODE_FILTER,
  SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP,
} from "../../abi/seccomp.ts";
import { SystemCallError } from "../../errors.ts";
import { eachName } from "../directory.ts";
import { close, readLink } from "../files.ts";
import { callNumber } from "../host.ts";
import { libc } from "../libc.ts";
import { borrowDescriptor } from "./borrow.ts";
import type { Changes } from "./changes.ts";

/** Whether this kernel has such listeners: Linux 5.19 and later. */
export function hasListener(): boolean {
  // Flags that it knows are looked at before the filter, of which there is none.
  const result = libc.syscallIIBB(
    callNumber("seccomp"),
    SECCOMP_SET_MODE_FILTER,
    LISTENER_FLAGS,
    null,
    null,
  );
  return errnoName(-result) === "EFAULT";
}

/** How the kernel calls a listener in /proc. */
const NAME = "anon_inode:seccomp notify";

/** Words of `struct seccomp_notif`. */
const ID = SECCOMP_NOTIF.fields.id[0] >> 2;
const PID = SECCOMP_NOTIF.fields.pid[0] >> 2;
const RESP = {
  id: SECCOMP_NOTIF_RESP.fields.id[0] >> 2,
  value: SECCOMP_NOTIF_RESP.fields.val[0] >> 2,
  error: SECCOMP_NOTIF_RESP.fields.error[0] >> 2,
} as const;
const ADD = {
  id: SECCOMP_NOTIF_ADDFD.fields.id[0] >> 2,
  from: SECCOMP_NOTIF_ADDFD.fields.srcfd[0] >> 2,
  flags: SECCOMP_NOTIF_ADDFD.fields.newfd_flags[0] >> 2,
} as const;

// Words of 64 bits: a number would take the slow path of Deno's calls.
const RECV = BigInt(SECCOMP_IOCTL_NOTIF_RECV);
const SEND = BigInt(SECCOMP_IOCTL_NOTIF_SEND);
const ADDFD = BigInt(SECCOMP_IOCTL_NOTIF_ADDFD);
const TWO = 2n;

const REVENTS = POLLFD.fields.revents[0];

/** A wait has found that a call waits. */
export const CALL = 1;
/** A wait has found that a task has changed. */
export const CHANGE = 2;
/** A wait has found nothing for as long as it was to take. */
export const NOTHING = 4;
/** A signal has ended a wait, most often that of a task that has changed. */
export const SIGNAL = 8;

/** A listener cannot be had, before anything of the program has run. */
export class ListenerError extends SystemCallError {}

/** The listener of a jail's filter. */
export class Listener {
  /** The call that was taken last, as `struct seccomp_notif` in words. */
  readonly notice: Int32Array;
  readonly #fd: number;
  readonly #changes: Changes;
  readonly #bytes = new Uint8Array(SECCOMP_NOTIF.size);
  readonly #response = new Uint8Array(SECCOMP_NOTIF_RESP.size);
  readonly #responseWords = new Int32Array(this.#response.buffer);
  readonly #adding = new Uint8Array(SECCOMP_NOTIF_ADDFD.size);
  readonly #addingWords = new Int32Array(this.#adding.buffer);
  readonly #polled = new Uint8Array(2 * POLLFD.size);

  /**
   * Takes the listener of a filter that a tracee has just installed.
   *
   * @param tid the tracee, stopped, and the only task of its process
   * @param changes what tells of tasks that have stopped
   * @throws {SystemCallError} where it cannot be had
   */
  constructor(tid: number, changes: Changes) {
    this.notice = new Int32Array(this.#bytes.buffer);
    this.#changes = changes;
    this.#fd = findListener(tid);
    // Older kernels know no flags, and wake another processor. Where a container
    // refuses the call, it refuses to take calls as well.
    const flags = libc.syscallIII(
      callNumber("ioctl"),
      this.#fd,
      SECCOMP_IOCTL_NOTIF_SET_FLAGS,
      SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP,
    );
    if (flags < 0 && flags !== -EINVAL) {
      close(this.#fd);
      throw listenerError("ioctl()", -flags);
    }
    [this.#fd, changes.fd].forEach((fd, at) => {
      const polled = this.#polled.subarray(at * POLLFD.size);
      set(POLLFD, polled, "fd", fd);
      set(POLLFD, polled, "events", POLLIN);
    });
  }

  /** Which thread's call was taken last. */
  get tid(): number {
    return this.notice[PID] as number;
  }

  /**
   * Waits until a call waits, or a task has changed, or a signal came.
   *
   * @param milliseconds how long at most; -1 for as long as it takes
   * @returns `CALL` and `CHANGE`, as bits, or `NOTHING`, or `SIGNAL`
   */
  wait(milliseconds = -1): number {
    const found = libc.poll(this.#polled, TWO, milliseconds);
    if (found === 0) return NOTHING;
    if (found < 0) {
      mayBeMade("poll()", found);
      this.#changes.heed();
      return SIGNAL;
    }
    const call = this.#polled[REVENTS] as number;
    const change = this.#polled[POLLFD.size + REVENTS] as number;
    if (change !== 0) this.#changes.heed();
    return ((call & POLLIN) !== 0 ? CALL : 0) | (change !== 0 ? CHANGE : 0);
  }

  /** Takes a call that waits; whether there still was one. */
  take(): boolean {
    this.#bytes.fill(0);
    const taken = libc.ioctl(this.#fd, RECV, this.#bytes);
    mayBeMade("ioctl()", taken);
    return taken >= 0;
  }

  /**
   * Answers the call that was taken last. Who was killed meanwhile needs none.
   *
   * @param result what it returns: 0 or more, or a negated errno
   */
  answer(result: number): void {
    const words = this.#responseWords;
    words[RESP.id] = this.notice[ID] as number;
    words[RESP.id + 1] = this.notice[ID + 1] as number;
    words[RESP.value] = Math.max(0, result);
    words[RESP.error] = Math.min(0, result);
    let sent: number;
    do sent = libc.ioctl(this.#fd, SEND, this.#response); while (
      sent === -EINTR
    );
    mayBeMade("ioctl()", sent);
  }

  /**
   * Answers the call that was taken last by a descriptor for an open file, which
   * this process has open no longer by then: what is locked by it, say, must be free
   * when the program has closed it.
   *
   * Who waits has to run for that. What ends a wait (a pulse) ends this one too, and
   * it goes on.
   *
   * @param fd a descriptor of this process, which is closed
   * @param flags `O_CLOEXEC`, or none
   * @param between told when the wait was ended
   */
  answerByFile(fd: number, flags: number, between: () => void): void {
    const words = this.#addingWords;
    words[ADD.id] = this.notice[ID] as number;
    words[ADD.id + 1] = this.notice[ID + 1] as number;
    words[ADD.from] = fd;
    words[ADD.flags] = flags & O_CLOEXEC;
    let number = this.#add();
    for (; number === -EINTR; number = this.#add()) between();
    close(fd);
    // It has no room for one more, say.
    this.answer(number);
  }

  #add(): number {
    return libc.ioctl(this.#fd, ADDFD, this.#adding);
  }

  /** Gives it back. Whoever waits gets ENOSYS. */
  close(): void {
    close(this.#fd);
  }
}

/**
 * Ends the run where a call about those that wait is refused, as by a container: they
 * would wait for ever. What else it fails with is usual: a signal came, or who waited
 * is gone. And while functions are called by their addresses an errno is not always
 * theirs: Deno's own functions end on the way, and V8 may make calls there.
 *
 * @throws {SystemCallError} where it is refused
 */
function mayBeMade(call: string, result: number): void {
  if (result !== -EPERM && result !== -ENOSYS) return;
  throw new SystemCallError("answer calls", call, errnoName(-result));
}

/** Finds the listener among a tracee's descriptors, and gets a copy of it. */
function findListener(tid: number): number {
  for (const name of eachName(`/proc/${tid}/fd`)) {
    if (readLink(`/proc/${tid}/fd/${name}`) !== NAME) continue;
    const fd = borrowDescriptor(tid, true, Number(name));
    if (fd >= 0) return fd;
    throw listenerError("pidfd_getfd()", -fd);
  }
  throw listenerError("seccomp()", EPERM);
}

function listenerError(call: string, errno: number): ListenerError {
  return new ListenerError("listen to calls", call, errnoName(errno));
}
