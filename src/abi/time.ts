/** Constants of clocks. */

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
