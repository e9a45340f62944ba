/** Answers calls that tell the time of day, and changes those that tell it besides. */

import { EFAULT, EINVAL, ENOSYS } from "../../abi/errno.ts";
import { getBig, set } from "../../abi/layout.ts";
import { RUSAGE } from "../../abi/resource.ts";
import { type SyscallName, SYSCALLS } from "../../abi/syscalls.ts";
import {
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
  CLOCK_TAI,
  ITIMER_REAL,
  ITIMERSPEC,
  TIMESPEC,
} from "../../abi/time.ts";
import type { TimeRule } from "../../policy/sys.ts";
import { readClock } from "../../sys/clock.ts";
import { hostArch } from "../../sys/host.ts";
import {
  readMemory,
  storeBelowStack,
  storeMemory,
} from "../../sys/task/memory.ts";
import { clockOfFd, clockOfTimer } from "../../sys/task/timers.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";
import { WallClock } from "./clock.ts";

/** The clocks that tell the time of day, and that a timer can have. */
const WALL_CLOCKS = [CLOCK_REALTIME, CLOCK_REALTIME_ALARM, CLOCK_TAI];

/** Answers what is about the time. */
export class TimeFacts {
  readonly #clock: WallClock;
  readonly #bytes = new Uint8Array(ITIMERSPEC.size);
  readonly #setitimer = SYSCALLS.setitimer[hostArch().name] as number;

  /**
   * Starts the clock.
   *
   * @param rule what it says
   */
  constructor(rule: TimeRule) {
    this.#clock = new WallClock(rule, readClock);
  }

  /**
   * Answers a call.
   *
   * @param tid who made it
   * @param registers its registers
   * @param name clock_gettime of a clock of the time of day, gettimeofday or time
   * @returns its result, or a negated errno; what it fills is filled
   */
  answer(tid: number, registers: Registers, name: SyscallName): number {
    switch (name) {
      case "clock_gettime":
        return this.#time(tid, registers.address(1), 1);
      case "gettimeofday":
        return this.#timeOfDay(tid, registers);
      case "time":
        return this.#seconds(tid, registers.address(0));
    }
    return -ENOSYS;
  }

  /**
   * Puts the real time of day in place of that which a call waits for, or takes out
   * of a call what would tell one.
   *
   * A time is put below the stack, and not on pinned pages. A thread that changes it
   * there changes how long its own program waits, and may so find out the real
   * time, which time stamps tell anyway (SECURITY.md).
   *
   * @param tracee who made the call
   * @param registers its registers, which are changed
   * @param name the call
   * @returns 0, or the negated errno that the call fails with
   */
  retime(tracee: Tracee, registers: Registers, name: SyscallName): number {
    const { tid } = tracee;
    switch (name) {
      case "alarm":
        return this.#alarm(tid, registers);
      case "wait4":
        return withoutUsage(tid, registers, 3);
      case "waitid":
        return withoutUsage(tid, registers, 4);
      case "clock_nanosleep":
        return this.#retime(tid, registers, 2, TIMESPEC.size, 0);
      case "futex":
      case "futex_waitv":
        return this.#retime(tid, registers, 3, TIMESPEC.size, 0);
      case "futex_wait":
        return this.#retime(tid, registers, 4, TIMESPEC.size, 0);
      case "timer_settime":
      case "timerfd_settime": {
        const clock = name === "timer_settime"
          ? clockOfTimer(tracee.process.pid, registers.int(0))
          : clockOfFd(tid, registers.int(0));
        if (clock === undefined) return -EINVAL;
        return WALL_CLOCKS.includes(clock)
          ? this.#retime(
            tid,
            registers,
            2,
            ITIMERSPEC.size,
            ITIMERSPEC.fields.it_value_sec[0],
          )
          : 0;
      }
    }
    return -ENOSYS;
  }

  /** Stores seconds, and nanoseconds divided by something. */
  #time(tid: number, address: number, divisor: number): number {
    const clock = this.#clock;
    clock.read();
    this.#put(clock.seconds, Math.floor(clock.nanoseconds / divisor));
    return storeMemory(tid, address, this.#bytes, TIMESPEC.size);
  }

  /** A `struct timespec`; a `struct timeval` is as wide. */
  #put(seconds: number, rest: number): void {
    set(TIMESPEC, this.#bytes, "tv_sec", seconds);
    set(TIMESPEC, this.#bytes, "tv_nsec", rest);
  }

  #timeOfDay(tid: number, registers: Registers): number {
    const time = registers.address(0);
    const zone = registers.address(1);
    if (time !== 0) {
      const stored = this.#time(tid, time, 1000);
      if (stored < 0) return stored;
    }
    if (zone === 0) return 0;
    // struct timezone, which the kernel knows nothing of either.
    this.#bytes.fill(0, 0, 8);
    return storeMemory(tid, zone, this.#bytes, 8);
  }

  #seconds(tid: number, address: number): number {
    const clock = this.#clock;
    clock.read();
    const { seconds } = clock;
    if (address === 0) return seconds;
    this.#put(seconds, 0);
    const stored = storeMemory(tid, address, this.#bytes, 8);
    return stored < 0 ? stored : seconds;
  }

  #retime(
    tid: number,
    registers: Registers,
    arg: number,
    size: number,
    at: number,
  ): number {
    const address = registers.address(arg);
    const clock = this.#clock;
    const read = readMemory(tid, address, this.#bytes, size);
    if (read !== size) return -EFAULT;
    const value = this.#bytes.subarray(at, at + TIMESPEC.size);
    const seconds = getBig(TIMESPEC, value, "tv_sec");
    const nanoseconds = getBig(TIMESPEC, value, "tv_nsec");
    // What is no time the kernel refuses; 0 takes a timer back; what is further
    // than a number reaches does not come.
    const isTime = seconds >= 0n && seconds < 2n ** 40n && nanoseconds >= 0n &&
      nanoseconds < 1_000_000_000n && seconds + nanoseconds > 0n;
    if (!isTime) return 0;
    clock.readReal(Number(seconds), Number(nanoseconds));
    set(TIMESPEC, value, "tv_sec", clock.seconds);
    // A timer that is set to 0 would be taken back.
    set(TIMESPEC, value, "tv_nsec", Math.max(1, clock.nanoseconds));
    return this.#putBelow(tid, registers, arg, size);
  }

  /** Makes an alarm(2) a setitimer(2) that does not say how much was left. */
  #alarm(tid: number, registers: Registers): number {
    this.#bytes.fill(0);
    set(ITIMERSPEC, this.#bytes, "it_value_sec", registers.uint(0));
    registers.nr = this.#setitimer;
    registers.setArgument(0, ITIMER_REAL);
    registers.setArgument(2, 0);
    return this.#putBelow(tid, registers, 1, ITIMERSPEC.size);
  }

  /** Puts what a call is to read below the stack. */
  #putBelow(
    tid: number,
    registers: Registers,
    arg: number,
    size: number,
  ): number {
    const place = storeBelowStack(tid, registers.sp, this.#bytes, size);
    if (place < 0) return place;
    registers.setArgument(arg, place);
    return 0;
  }
}

/** Has a wait for a child say nothing of what time that used. */
function withoutUsage(
  tid: number,
  registers: Registers,
  arg: number,
): number {
  const address = registers.address(arg);
  registers.setArgument(arg, 0);
  return storeMemory(tid, address, new Uint8Array(RUSAGE.size), RUSAGE.size);
}
