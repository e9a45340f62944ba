/**
 * What happens at calls that a stop has interrupted, and the program has not.
 *
 * A signal that is ignored never comes to a program, and interrupts nothing; the
 * kernel shows it to a tracer all the same, and some calls end by that, as by a stop
 * that jail itself wanted: signal(7). They are made again. How much of its time one
 * had waited when it was interrupted first nobody can tell; from then on its end is
 * looked for, so that the next interruption is one of the same wait. Of some calls the
 * kernel has done a part by then, and says how much: they go on with the rest.
 */

import { EAGAIN, EINTR, ERESTARTNOHAND } from "../abi/errno.ts";
import { AT_FDCWD, AT_STATX_DONT_SYNC } from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { MSG_PEEK, MSG_WAITALL } from "../abi/socket.ts";
import { STATX } from "../abi/stat.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import { actionOf } from "../policy/plan/plan.ts";
import { statx } from "../sys/files.ts";
import { isStream, timeoutOf } from "../sys/task/borrow.ts";
import {
  BUFFER,
  BYTES,
  setWaitTime,
  socketWait,
  waitTime,
} from "./hold/wait_time.ts";
import { askSocket, leads } from "./look/sockets.ts";
import { cString, kindOf } from "./path/place.ts";
import type { Tools } from "./tools.ts";
import { NOTHING_HELD, type Tracee } from "./tracee/tracee.ts";

/** Index of the flags of recvfrom(2). */
const FLAGS = 3;

const about = new Uint8Array(STATX.size);

/** Has interrupted calls made again. */
export class InterruptedCalls {
  readonly #tools: Tools;

  /**
   * Makes the handler of one run.
   *
   * @param tools what it works with
   */
  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /**
   * Whether the call that a tracee comes from was interrupted, and can be made again.
   * A close(2) has closed, whatever it says (NOTES of its page): by then the number
   * may be that of another file.
   */
  has(tracee: Tracee): boolean {
    const { answers } = this.#tools;
    if (!answers.read(tracee)) return false;
    const { nr, result } = answers.registers;
    if (nr < 0) return false;
    return result === -EINTR ? this.#name() !== "close" : this.#isCut(tracee);
  }

  /**
   * A tracee stopped by what the program does not see. The kernel makes most calls
   * again by itself that waited then; others it is told to, unless a handler runs.
   *
   * @param tracee who stopped
   * @param unseen whether it was in a call that nobody saw end, or had just left
   * it: what it waited for then has only begun
   * @returns whether it has been told to
   */
  resume(tracee: Tracee, unseen: boolean): boolean {
    if (tracee.inFlight !== undefined || !this.has(tracee)) return false;
    const { result } = this.#tools.answers.registers;
    const again = unseen || result > 0 || this.#waitTime(tracee) !== undefined;
    if (again) this.restart(tracee);
    return again;
  }

  /**
   * Makes the kernel make a call again where no handler runs. One that waits for a
   * time would have all of it again, and one of which some is done would do that again:
   * they stop before that.
   */
  restart(tracee: Tracee): void {
    const { answers } = this.#tools;
    const time = this.#waitTime(tracee) ?? Infinity;
    const done = Math.max(0, answers.registers.result);
    // What is known is another call's, which its program's own filter has kept from
    // being made again.
    tracee.until = undefined;
    if (time < Infinity || done > 0) {
      if (!answers.save(tracee)) return;
      if (time < Infinity) tracee.until = performance.now() + time;
      tracee.done = done;
      tracee.rewaits = true;
    }
    answers.registers.result = -ERESTARTNOHAND;
    answers.write(tracee);
  }

  /**
   * A tracee is about to wait again: for what is left of its time, or of what it sends
   * or receives. Another thread may have set a handler since the signal was ignored,
   * which makes another call here: that goes its way, and is looked at where the filter
   * says so.
   */
  enter(tracee: Tracee): void {
    tracee.rewaits = false;
    const { answers, resumer } = this.#tools;
    const { registers } = answers;
    if (!answers.read(tracee)) return;
    const name = this.#name();
    const { done, until } = tracee;
    const isSame = registers.isCallOf(tracee.saved);
    if (!isSame || name === undefined || until === undefined && done === 0) {
      tracee.until = undefined;
      tracee.done = 0;
      return resumer.go(tracee);
    }
    const left = (until ?? Infinity) - performance.now();
    // The timeout of a socket is that of others as well: it begins anew.
    if (socketWait(name) !== undefined && left <= 0) {
      tracee.until = undefined;
      return answers.answer(tracee, done > 0 ? done : -EAGAIN);
    }
    if (!answers.save(tracee)) return;
    if (done > 0) {
      registers.setArgument(BUFFER, registers.address(BUFFER) + done);
      registers.setArgument(BYTES, registers.address(BYTES) - done);
    } else setWaitTime(tracee.tid, name, registers, left);
    if (!answers.write(tracee)) return;
    tracee.inFlight = { ...NOTHING_HELD, rewaits: true };
    resumer.toExit(tracee);
  }

  /** A tracee gets a signal that ends what it would have waited for again. */
  end(tracee: Tracee): void {
    tracee.rewaits = false;
    tracee.until = undefined;
    const { answers } = this.#tools;
    if (!answers.read(tracee)) return;
    const { registers } = answers;
    const { done, saved } = tracee;
    // It may be about to make the call already, and would do so after the handler.
    const { syscallInstruction } = this.#tools.arch;
    const isAbout = registers.ip === saved.ip - syscallInstruction;
    if (registers.result !== -ERESTARTNOHAND && !isAbout) return;
    registers.ip = saved.ip;
    registers.result = done > 0 ? done : -EINTR;
    answers.write(tracee);
  }

  /** The call whose registers were read last. */
  #name(): SyscallName | undefined {
    const { answers, specs } = this.#tools;
    return specs.at(answers.registers.nr)?.syscall.name;
  }

  /**
   * Whether the kernel has done a part of it, and would have done all. One that is
   * looked at is not made again for the rest, since that would have to be, too.
   */
  #isCut(tracee: Tracee): boolean {
    const { registers } = this.#tools.answers;
    const { nr, result } = registers;
    if (result <= 0 || result >= registers.address(BYTES)) return false;
    // One that the kernel is about to make again has its number there.
    if (result === nr) return false;
    const name = this.#name();
    if (name === undefined || this.#isLookedAt(name)) return false;
    switch (name) {
      case "write":
        return this.#isToOthers(tracee);
      case "sendto":
        return true;
      case "recvfrom":
        return this.#isForAll() && this.#isByStream(tracee);
      default:
        return false;
    }
  }

  /**
   * Whether it goes to a pipe, a socket or a terminal: to a file all is written that
   * can be, and more would be too much (RLIMIT_FSIZE). Whoever else has the descriptors
   * may have put one in the place of what it went to.
   */
  #isToOthers({ tid }: Tracee): boolean {
    const fd = this.#tools.answers.registers.int(0);
    const path = cString(`/proc/${tid}/fd/${fd}`);
    if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, 0, about) < 0) return false;
    const kind = kindOf(get(STATX, about, "stx_mode"));
    return kind === "fifo" || kind === "socket" || kind === "device";
  }

  /** Whether it receives all that there is room for, and does not leave it there. */
  #isForAll(): boolean {
    const flags = this.#tools.answers.registers.int(FLAGS);
    return (flags & (MSG_WAITALL | MSG_PEEK)) === MSG_WAITALL;
  }

  /** Whether it is by a stream: of a datagram there is no rest. */
  #isByStream(tracee: Tracee): boolean {
    const { answers: { registers }, family } = this.#tools;
    const number = registers.int(0);
    return askSocket(tracee, leads(tracee, family), number, isStream) === true;
  }

  /** Whether the call is not let pass by its number and constants alone. */
  #isLookedAt(name: SyscallName): boolean {
    const { answers: { registers }, options } = this.#tools;
    const entry = options.plan.get(name);
    return entry !== undefined && actionOf(entry, registers).kind !== "allow";
  }

  /** For how long it waits; `undefined` for another call. */
  #waitTime(tracee: Tracee): number | undefined {
    const name = this.#name();
    return name &&
      (waitTime(tracee.tid, name, this.#tools.answers.registers) ??
        this.#socketTime(tracee, name));
  }

  /** The same of one whose socket says so, and that is not looked at. */
  #socketTime(tracee: Tracee, name: SyscallName): number | undefined {
    const way = socketWait(name);
    if (way === undefined) return undefined;
    const { answers: { registers }, family } = this.#tools;
    if (this.#isLookedAt(name)) return undefined;
    const number = registers.int(0);
    const leading = leads(tracee, family);
    const time = askSocket(tracee, leading, number, (fd) => timeoutOf(fd, way));
    return time === 0 ? undefined : time;
  }
}
