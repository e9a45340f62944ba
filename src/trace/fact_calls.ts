/** What happens at calls that tell a fact of the system, and at a new image. */

import { EFAULT, ENOSYS } from "../abi/errno.ts";
import { TIMESPEC } from "../abi/time.ts";
import { readMemory } from "../sys/task/memory.ts";
import { Facts } from "./facts/facts.ts";
import type { Flights } from "./hold/flights.ts";
import { millisecondsOf, setMilliseconds } from "./hold/wait_time.ts";
import { changeAuxv, tellsAnything } from "./image/auxv.ts";
import { nothing } from "./look/looked.ts";
import type { CallSpec } from "./look/spec.ts";
import type { Tools } from "./tools.ts";
import { NOTHING_HELD, type Tracee } from "./tracee/tracee.ts";

/** Calls that are answered by the policy. */
export class FactCalls {
  readonly #tools: Tools;
  readonly #facts: Facts | undefined;
  readonly #flights: Flights;

  /**
   * Makes the handler of one run.
   *
   * @param tools what it works with
   * @param flights the calls that are in the kernel
   */
  constructor(tools: Tools, flights: Flights) {
    this.#tools = tools;
    this.#flights = flights;
    const { family, options: { sys } } = tools;
    this.#facts = sys && new Facts(sys.rules, family.isOwn);
  }

  /** What a new image is told in place of the kernel's: false where it cannot be. */
  tell(tracee: Tracee): boolean {
    const { answers, options: { sys } } = this.#tools;
    if (sys === undefined || !tellsAnything(sys.rules)) return true;
    const sp = answers.read(tracee) ? answers.registers.sp : 0;
    const chance = this.#facts?.chance(tracee.process);
    return changeAuxv(tracee.tid, sp, sys.rules, chance);
  }

  /** Gives a call the result that the policy says. */
  answer(tracee: Tracee, spec: CallSpec): void {
    const { answers } = this.#tools;
    if (!answers.allowed(tracee, spec, nothing())) return;
    const { registers } = answers;
    const result = this.#facts?.answer(tracee, registers, spec.syscall.name);
    answers.answer(tracee, result ?? -ENOSYS);
  }

  /** Makes a call wait for the kernel's time in place of the program's. */
  retime(tracee: Tracee, spec: CallSpec): void {
    const { answers, resumer } = this.#tools;
    if (!answers.allowed(tracee, spec, nothing())) return;
    const { registers } = answers;
    if (!answers.save(tracee)) return;
    const name = spec.syscall.name;
    const failed = this.#facts?.time?.retime(tracee, registers, name) ??
      -ENOSYS;
    if (failed < 0) {
      registers.copy(tracee.saved);
      answers.answer(tracee, failed);
    } else if (answers.write(tracee)) {
      // At its exit its registers are its own, so that it restarts as it was.
      tracee.inFlight = NOTHING_HELD;
      resumer.toExit(tracee);
    }
  }

  /**
   * Lets a call wait that would write to its time how much of that is left. Where
   * the kernel cannot, as on pinned pages, it says nothing of it.
   *
   * @returns false where it has to wait for the pages
   */
  wait(tracee: Tracee, spec: CallSpec): boolean {
    const { answers } = this.#tools;
    if (tracee.space.pins.state === "mapping") return false;
    if (!this.#flights.prepare(tracee)) return true;
    const looked = nothing();
    if (!answers.allowed(tracee, spec, looked)) return true;
    const time = new Uint8Array(TIMESPEC.size);
    const address = answers.registers.address(spec.address);
    if (readMemory(tracee.tid, address, time, time.length) !== time.length) {
      answers.answer(tracee, -EFAULT);
      return true;
    }
    looked.address = time;
    const until = untilOf(time, spec, tracee.until);
    const flies = this.#flights.pin(tracee, spec, looked) === "in flight";
    if (flies) tracee.until = until;
    return true;
  }
}

/**
 * When a call is over that waits for a time. One that was interrupted, and is made
 * again, waits for what is left of that: the kernel could not say so.
 *
 * @param time what the call has, changed to what is left
 * @param spec the call
 * @param known when it is over, where it is made again
 * @returns the moment, in milliseconds; infinite where it is years away
 */
function untilOf(
  time: Uint8Array,
  { syscall }: CallSpec,
  known = Infinity,
): number {
  // The second field of select(2)'s is in microseconds.
  const unit = syscall.name === "select" ? 1e3 : 1e6;
  const now = performance.now();
  if (known === Infinity) return now + millisecondsOf(time, unit);
  setMilliseconds(time, known - now, unit);
  return known;
}
