/**
 * What happens at calls that a stop has interrupted, and the program has not.
 *
 * A signal that is ignored never comes to a program, and interrupts nothing; the
 * kernel shows it to a tracer all the same, and some calls end by that, as by a stop
 * that jail itself wanted: signal(7). They are made again. How much of its time one
 * had waited when it was interrupted first nobody can tell; from then on its end is
 * looked for, so that the next interruption is one of the same wait.
 */

import { EAGAIN, EINTR, ERESTARTNOHAND } from "../abi/errno.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import { actionOf } from "../policy/plan/plan.ts";
import { close } from "../sys/files.ts";
import { timeoutOf } from "../sys/task/borrow.ts";
import { setWaitTime, socketWait, waitTime } from "./hold/wait_time.ts";
import { borrowSocket, leads } from "./look/sockets.ts";
import type { Tools } from "./tools.ts";
import { NOTHING_HELD, type Tracee } from "./tracee/tracee.ts";

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
    return result === -EINTR && nr >= 0 && this.#name() !== "close";
  }

  /**
   * A tracee stopped because the tracer wanted it to. The kernel makes most calls
   * again by itself that waited then; others it is told to, unless a handler runs.
   *
   * @param tracee who stopped
   * @param unseen whether it was in a call that nobody saw end, or had just left
   * it: what it waited for then has only begun
   */
  resume(tracee: Tracee, unseen: boolean): void {
    if (tracee.inFlight !== undefined || !this.has(tracee)) return;
    if (unseen || this.#waitTime(tracee) !== undefined) this.restart(tracee);
  }

  /**
   * Makes the kernel make a call again where no handler runs. One that waits for a
   * time would have all of it again, and stops before that.
   */
  restart(tracee: Tracee): void {
    const { answers } = this.#tools;
    const time = this.#waitTime(tracee) ?? Infinity;
    if (time < Infinity) {
      if (!answers.save(tracee)) return;
      tracee.until ??= performance.now() + time;
      tracee.rewaits = true;
    }
    answers.registers.result = -ERESTARTNOHAND;
    answers.write(tracee);
  }

  /**
   * A tracee is about to wait again: for what is left of its time. Another thread may
   * have set a handler since the signal was ignored, which makes another call here:
   * that goes its way, and is looked at where the filter says so.
   */
  enter(tracee: Tracee): void {
    tracee.rewaits = false;
    const { answers, resumer } = this.#tools;
    const { registers } = answers;
    if (!answers.read(tracee)) return;
    const name = this.#name();
    const { until } = tracee;
    const isSame = registers.isCallOf(tracee.saved);
    if (!isSame || name === undefined || until === undefined) {
      tracee.until = undefined;
      return resumer.go(tracee);
    }
    // The timeout of a socket is that of others as well: it begins anew.
    if (socketWait(name) !== undefined && until <= performance.now()) {
      tracee.until = undefined;
      return answers.answer(tracee, -EAGAIN);
    }
    if (!answers.save(tracee)) return;
    setWaitTime(tracee.tid, name, registers, until - performance.now());
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
    // It may be about to make the call already, which comes after a handler then.
    if (registers.result !== -ERESTARTNOHAND) return;
    registers.result = -EINTR;
    answers.write(tracee);
  }

  /** The call whose registers were read last. */
  #name(): SyscallName | undefined {
    const { answers, specs } = this.#tools;
    return specs.at(answers.registers.nr)?.syscall.name;
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
    const { answers: { registers }, family, options } = this.#tools;
    const entry = options.plan.get(name);
    const isLookedAt = entry !== undefined &&
      actionOf(entry, registers).kind !== "allow";
    if (isLookedAt) return undefined;
    const fd = borrowSocket(tracee, leads(tracee, family), registers.int(0));
    if (fd < 0) return undefined;
    const time = timeoutOf(fd, way);
    close(fd);
    return time === 0 ? undefined : time;
  }
}
