/** The processor's own counter of time, where a policy closes or gives the clocks. */

import type { Arch } from "../../abi/arch.ts";
import { get, getBig, set } from "../../abi/layout.ts";
import { SI_KERNEL, SIGINFO } from "../../abi/signal.ts";
import { CLOCK_MONOTONIC, TIMESPEC } from "../../abi/time.ts";
import { readClock } from "../../sys/clock.ts";
import { readMemory } from "../../sys/task/memory.ts";
import { readSignalInfo } from "../../sys/task/ptrace.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Process } from "../tracee/tracee.ts";

const info = new Uint8Array(SIGINFO.size);
const code = new Uint8Array(3);
const now = new Uint8Array(TIMESPEC.size);

/** How much a counter that tells no time goes on at each look. */
const STEP = 1000n;

/**
 * Answers `rdtsc` and `rdtscp`, which fault since PR_SET_TSC says so: the dynamic
 * linker of glibc reads the counter at every start, and would end of it.
 *
 * It counts nanoseconds of the monotonic clock, which the program may ask anyway,
 * or, where every clock is closed, how often a process has looked.
 */
export class Counter {
  readonly #arch: Arch;
  readonly #closed: boolean;
  readonly #looks = new WeakMap<Process, bigint>();

  /**
   * Makes one.
   *
   * @param arch the machine's half of the calling convention
   * @param closed whether it must tell no time
   */
  constructor(arch: Arch, closed: boolean) {
    this.#arch = arch;
    this.#closed = closed;
  }

  /**
   * Carries out the instruction at which a tracee has got SIGSEGV, if it is one
   * of these. Were it changed meanwhile by another thread, the program would see
   * no other thing than had that been done a moment later.
   *
   * @param tid the tracee
   * @param process its process
   * @param registers its registers, which are changed
   * @returns whether it was; else the signal is the program's
   */
  answer(tid: number, process: Process, registers: Registers): boolean {
    if (readSignalInfo(tid, info) < 0) return false;
    if (get(SIGINFO, info, "si_code") !== SI_KERNEL) return false;
    if (readMemory(tid, registers.ip, code, 3) < 2) return false;
    const length = lengthOf(code);
    if (length === 0) return false;
    const ticks = this.#ticks(process);
    const { regs } = this.#arch;
    set(regs, registers.bytes, "rax", BigInt.asUintN(32, ticks));
    set(regs, registers.bytes, "rdx", ticks >> 32n);
    // Which processor it is: the first.
    if (length === 3) set(regs, registers.bytes, "rcx", 0);
    registers.ip += length;
    return true;
  }

  #ticks(process: Process): bigint {
    if (!this.#closed) {
      readClock(CLOCK_MONOTONIC, now);
      return getBig(TIMESPEC, now, "tv_sec") * 1_000_000_000n +
        getBig(TIMESPEC, now, "tv_nsec");
    }
    const ticks = (this.#looks.get(process) ?? 0n) + STEP;
    this.#looks.set(process, ticks);
    return ticks;
  }
}

/** How long the instruction is: `rdtsc` 0f 31, `rdtscp` 0f 01 f9; 0 for others. */
function lengthOf([first, second, third]: Uint8Array): number {
  if (first !== 0x0f) return 0;
  if (second === 0x31) return 2;
  return second === 0x01 && third === 0xf9 ? 3 : 0;
}
