/** Who makes the call that is decided at the moment. */

import { getpgid } from "../../sys/task/task.ts";
import type { Resumer } from "../answer.ts";
import type { Family } from "../family.ts";
import { imageOf } from "../look/executed.ts";
import type { Looked } from "../look/looked.ts";
import type { CallSpec } from "../look/spec.ts";
import { callText } from "../look/text.ts";
import type { Caller } from "../options.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";

/** The tracee whose call is decided at the moment. */
export class CurrentCaller implements Caller {
  readonly #registers: Registers;
  readonly #family: Family;
  readonly #resumer: Resumer;
  #tracee: Tracee | undefined;
  #spec: CallSpec | undefined;
  #looked: Looked | undefined;

  /** Makes it: the tracee's registers, the tracees, and how they are stopped. */
  constructor(registers: Registers, family: Family, resumer: Resumer) {
    this.#registers = registers;
    this.#family = family;
    this.#resumer = resumer;
  }

  /** A tracee makes a call, which was looked at: it is the one. */
  become(tracee: Tracee, spec: CallSpec, looked: Looked): void {
    this.#tracee = tracee;
    this.#spec = spec;
    this.#looked = looked;
  }

  get pid(): number {
    return this.#tracee?.process.pid ?? 0;
  }

  get program(): string {
    return this.#tracee === undefined
      ? ""
      : imageOf(this.#tracee.view, this.#tracee.tid);
  }

  get text(): string {
    return this.#tracee === undefined || this.#spec === undefined
      ? ""
      : callText(
        this.#tracee.tid,
        this.#registers,
        this.#spec,
        this.#looked,
      );
  }

  get asker(): object {
    return this.#tracee ?? this;
  }

  quiet(): void {
    this.#resumer.quiet();
  }

  get left(): number {
    return this.#resumer.left();
  }

  hasMember(group: number): boolean {
    for (const pid of this.#family.processes.keys()) {
      if (getpgid(pid) === group) return true;
    }
    return false;
  }
}
