/** Constants and structs of clocks and timers. */

import type { Layout } from "./layout.ts";

// include/linux/posix-timers_types.h: clocks of processor time, which are negative.
/** The clock is a thread's; without it, a process's. */
export const CPUCLOCK_PERTHREAD = 4;
/** What it counts; 3 is a clock device's fd. */
export const CPUCLOCK_MASK = 3;
/** User and system time of the caller's process. */
export const CPUCLOCK_SELF_PROF = -8;
/** Its user time. */
export const CPUCLOCK_SELF_VIRT = -7;
/** Its time as the scheduler counts it. */
export const CPUCLOCK_SELF_SCHED = -6;
/** Under {@linkcode CPUCLOCK_MASK}: user and system time. */
export const CPUCLOCK_PROF = 0;
/** Under it: user time. */
export const CPUCLOCK_VIRT = 1;
/** Under it: time as the scheduler counts it. */
export const CPUCLOCK_SCHED = 2;

// include/uapi/linux/time.h: clocks.
/** The time of day. */
export const CLOCK_REALTIME = 0;
/** The time since some moment, without that in which the machine was suspended. */
export const CLOCK_MONOTONIC = 1;
/** CLOCK_REALTIME, to a tick. */
export const CLOCK_REALTIME_COARSE = 5;
/** CLOCK_REALTIME, whose timers wake the machine. */
export const CLOCK_REALTIME_ALARM = 8;
/** The time of day without leap seconds. */
export const CLOCK_TAI = 11;
/** The first of eight clocks that users set: Linux 6.17 on. */
export const CLOCK_AUX = 16;
/** The time is that of the clock, not how long to wait: TFD_TIMER_ABSTIME, too. */
export const TIMER_ABSTIME = 1;

/** A time: `struct __kernel_timespec`. */
export const TIMESPEC: Layout<"tv_sec" | "tv_nsec"> = {
  size: 16,
  // deno-fmt-ignore
  fields: {
    tv_sec:  [0, "i64"], // __kernel_time64_t tv_sec
    tv_nsec: [8, "i64"], // long long tv_nsec
  },
};

/** The timer of alarm(2); include/uapi/linux/time.h. Its times are in microseconds. */
export const ITIMER_REAL = 0;

/** When a timer expires, and how often again: `struct __kernel_itimerspec`. */
export const ITIMERSPEC: Layout<
  "it_interval_sec" | "it_interval_nsec" | "it_value_sec" | "it_value_nsec"
> = {
  size: 32,
  // deno-fmt-ignore
  fields: {
    it_interval_sec:  [ 0, "i64"], // it_interval.tv_sec
    it_interval_nsec: [ 8, "i64"], // it_interval.tv_nsec
    it_value_sec:     [16, "i64"], // it_value.tv_sec
    it_value_nsec:    [24, "i64"], // it_value.tv_nsec
  },
};

/** A timer sends its signal to the process, to any thread that does not block it. */
export const SIGEV_SIGNAL = 0;
/** A signal to one thread; include/uapi/asm-generic/siginfo.h. */
export const SIGEV_THREAD_ID = 4;

/** What a timer does at its end: `struct sigevent` of 64-bit machines. */
export const SIGEVENT: Layout<
  "sigev_signo" | "sigev_notify" | "sigev_notify_thread_id"
> = {
  size: 64,
  // deno-fmt-ignore
  fields: {
    sigev_signo:            [ 8, "i32"], // int sigev_signo
    sigev_notify:           [12, "i32"], // int sigev_notify
    sigev_notify_thread_id: [16, "i32"], // int _sigev_un._tid
  },
};
