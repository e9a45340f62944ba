/** What happens at calls that use what is limited over the whole jail. */

import { EOPNOTSUPP } from "../abi/errno.ts";
import type { ArgIndex } from "../policy/plan/guard.ts";
import { fixedRule } from "./answer.ts";
import { FilterMemory } from "./limits/filters.ts";
import { SharedMemory } from "./limits/shared.ts";
import type { CallSpec } from "./look/spec.ts";
import { readVector } from "./look/vector.ts";
import type { Tools } from "./tools.ts";
import { NOTHING_HELD, type Tracee } from "./tracee/tracee.ts";

/** Calls that use what is limited. */
export class LimitedCalls {
  readonly #tools: Tools;
  /** What may be mapped to be shared, where memory is limited. */
  readonly #shared: SharedMemory;
  /** What filters of their own programs may have, where memory is limited. */
  readonly #filters: FilterMemory;

  /**
   * Makes the handler of one run.
   *
   * @param tools what it works with
   */
  constructor(tools: Tools) {
    this.#tools = tools;
    const most = tools.options.limits?.memory?.most ?? Infinity;
    this.#shared = new SharedMemory(most);
    this.#filters = new FilterMemory(most);
  }

  /** Whether a call with an address sends to the output, where that is limited. */
  sendsOutput(tracee: Tracee, { treatment, syscall }: CallSpec): boolean {
    const sends = treatment === "message" || syscall.name === "sendto";
    const { answers, output } = this.#tools;
    return sends && output !== undefined &&
      output.has(tracee.tid, answers.registers.int(0));
  }

  /** A tracee is about to write to a descriptor, to its output perhaps. */
  write(tracee: Tracee, fd: ArgIndex, arg: ArgIndex | -1 | "refuse"): void {
    const { answers, family, output, resumer, rewriter } = this.#tools;
    const { registers } = answers;
    if (output === undefined || !output.has(tracee.tid, registers.int(fd))) {
      return resumer.go(tracee);
    }
    if (arg === "refuse") return answers.answer(tracee, -EOPNOTSUPP);
    const vector = arg >= 0 ? undefined : readVector(
      tracee.tid,
      registers.address(1),
      registers.uint(2),
    );
    if (typeof vector === "number") return answers.answer(tracee, vector);
    const size = vector?.total ?? registers.address(arg);
    const { alone } = family;
    if (size === 0 && (vector === undefined || alone)) {
      return resumer.go(tracee);
    }
    const whole = vector === undefined || alone && size <= output.left;
    const taken = output.take(whole ? size : vector.length);
    if (taken === 0 && size > 0) {
      return resumer.exceeds(tracee, "output", output.used);
    }
    if (!answers.save(tracee)) {
      output.give(taken, 0);
      return;
    }
    if (!whole) {
      // In the memory it could be more by now. As any write, it may be short.
      const failed = rewriter.writeFirst(registers, vector.base, taken);
      if (failed < 0) {
        output.give(taken, 0);
        return answers.answer(tracee, failed);
      }
    } else if (arg >= 0 && taken < size) {
      registers.setArgument(arg, taken);
    }
    const changed = !whole || taken < size;
    if (changed && !answers.write(tracee)) return;
    tracee.inFlight = { ...NOTHING_HELD, output: taken };
    resumer.toExit(tracee);
  }

  /** A tracee is about to copy with sendfile(2): splice(2) is closed there. */
  copy(tracee: Tracee): void {
    if (this.#tools.output !== undefined) return this.write(tracee, 0, 3);
    this.#tools.resumer.go(tracee);
  }

  /** A tracee is about to make a process or a thread. */
  make(tracee: Tracee, spec: CallSpec): void {
    const { answers, options, resumer } = this.#tools;
    if (resumer.makesRoom(tracee)) return resumer.go(tracee);
    const rule = options.limits?.processes?.ref ?? fixedRule("limits");
    const refusal = { kind: "errno", errno: "EAGAIN" } as const;
    answers.refuse(tracee, spec, refusal, rule);
  }

  /** A tracee is about to map what may be shared. */
  share(tracee: Tracee, spec: CallSpec): void {
    const { answers, resumer } = this.#tools;
    if (this.#shared.take(tracee.tid, answers.registers)) {
      return resumer.go(tracee);
    }
    this.#exceedsMemory(tracee, spec);
  }

  /**
   * A tracee is about to give itself a filter.
   *
   * @param tracee who does so, stopped at the call
   * @param spec the call
   * @param instructions how long the filter is
   * @returns whether there is room for it; else the call is refused
   */
  filter(tracee: Tracee, spec: CallSpec, instructions: number): boolean {
    if (this.#filters.take(instructions)) return true;
    this.#exceedsMemory(tracee, spec);
    return false;
  }

  #exceedsMemory(tracee: Tracee, spec: CallSpec): void {
    const { answers, options } = this.#tools;
    const rule = options.limits?.memory?.ref ?? fixedRule("limits");
    const refusal = { kind: "errno", errno: "ENOMEM" } as const;
    answers.refuse(tracee, spec, refusal, rule);
  }
}
