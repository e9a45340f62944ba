/** Whether jail stops because the program did. */

import { get } from "../abi/layout.ts";
import {
  SI_KERNEL,
  SI_TKILL,
  SI_USER,
  SIGINFO,
  SIGSTOP,
  SIGTSTP,
} from "../abi/signal.ts";
import type { Limits } from "../policy/limits.ts";
import { isJob } from "../sys/task/groups.ts";
import { readSignalInfo } from "../sys/task/ptrace.ts";
import { getsid, hasTimer } from "../sys/task/task.ts";
import { isForeground } from "../sys/terminal.ts";
import type { Family } from "./family.ts";

/**
 * Who sent the program a signal that stops it: the terminal or a process
 * outside, a process of the jail, or jail in place of one that meant the whole
 * group; or a process outside that stops the program alone, where nobody who has
 * started jail looks for that.
 */
type Sender = "outside" | "inside" | "group" | "unseen";

/**
 * Whether jail stops because the program did, so that its parent sees it.
 *
 * A jail that is stopped serves nobody, so one tracee must not stop it while
 * another means to continue the program. Whoever is outside may, and a whole
 * jail that has stopped, and that no timer continues, may; so may a signal to
 * the group of jail itself, by which a program suspends its job, where a
 * terminal has that job in front.
 *
 * Nor does it hear that the program is continued, where nobody continues jail. A
 * shell continues its jobs as a whole. Where jail is no job, whoever is outside and
 * stops the program alone, as cpulimit(1) does, continues it alone.
 *
 * A jail that is stopped sees to no limit either. So under a time limit nobody
 * inside stops it, and under the others that are looked at from time to time
 * only all do, who use nothing then.
 */
export class JobControl {
  readonly #family: Family;
  /** Whether time has to pass, and whether what is used is to be looked at. */
  readonly #timed: boolean;
  readonly #looks: boolean;
  readonly #info = new Uint8Array(SIGINFO.size);
  #sender: Sender = "outside";

  /**
   * Makes one.
   *
   * @param family the tracees
   * @param limits what must hold, also while the program is stopped
   */
  constructor(family: Family, limits: Limits) {
    const { time, cpu, memory, written } = limits;
    this.#family = family;
    this.#timed = time !== undefined;
    this.#looks = (cpu ?? memory ?? written) !== undefined;
  }

  /** Remembers who stops the program, at the delivery of the signal. */
  note(tid: number, signal: number): void {
    this.#sender = this.#senderTo(tid, signal);
  }

  #senderTo(tid: number, signal: number): Sender {
    if (readSignalInfo(tid, this.#info) < 0) return "inside";
    const pid = get(SIGINFO, this.#info, "si_pid");
    switch (get(SIGINFO, this.#info, "si_code")) {
      case SI_KERNEL:
        // A terminal. In jail's session it is jail's; a terminal that the
        // program made rules another one. Ctrl-Z comes from there; the others
        // come to whoever leaves the group in front, and uses the terminal.
        if ((this.#timed || this.#looks) && signal !== SIGTSTP) return "inside";
        return getsid(tid) === getsid(0) ? "outside" : "inside";
      case SI_USER:
      case SI_TKILL:
        if (pid === Deno.pid) return "group";
        // The sender may be gone by now: the signal was blocked perhaps. Of one
        // too many to wait the kernel notes no sender, and how many may wait is
        // for the program to say.
        if (pid === 0 || this.#family.wasOwn(pid)) return "inside";
        // One that means the whole group stops jail too, which cannot ignore it.
        return signal === SIGSTOP && !isJob() ? "unseen" : "outside";
      default:
        // A timer, the end of a child, or what a process made up.
        return "inside";
    }
  }

  /** Whether jail stops now that the program has. */
  stopsJail(): boolean {
    if (this.#sender === "outside") return true;
    if (this.#timed || this.#sender === "unseen") return false;
    if (this.#sender === "group" && !this.#looks && isForeground()) return true;
    return [...this.#family.tracees.values()].every((other) =>
      other.halted && !hasTimer(other.process.pid)
    );
  }
}
