/** Constants and structs from `linux/resource.h` and `asm-generic/resource.h`. */

import type { Layout } from "./layout.ts";

/** Seconds of processor time. */
export const RLIMIT_CPU = 0;
/** Size of a file that is written. */
export const RLIMIT_FSIZE = 1;
/** Size of private memory that may be written. */
export const RLIMIT_DATA = 2;
/** Size of a core file. */
export const RLIMIT_CORE = 4;
/** Number of processes of the user. */
export const RLIMIT_NPROC = 6;
/** One more than the largest fd. */
export const RLIMIT_NOFILE = 7;
/** Size of the address space. */
export const RLIMIT_AS = 9;
/** Number of signals of the user that are queued. */
export const RLIMIT_SIGPENDING = 11;

/** A limit: `struct rlimit64`. */
export const RLIMIT64: Layout<"rlim_cur" | "rlim_max"> = {
  size: 16,
  // deno-fmt-ignore
  fields: {
    rlim_cur: [0, "u64"], // __u64 rlim_cur
    rlim_max: [8, "u64"], // __u64 rlim_max
  },
};

/** What a process used: the part of `struct rusage` that is read. */
export const RUSAGE: Layout<
  | "ru_utime_sec"
  | "ru_utime_usec"
  | "ru_stime_sec"
  | "ru_stime_usec"
  | "ru_maxrss"
> = {
  size: 144,
  // deno-fmt-ignore
  fields: {
    ru_utime_sec:  [ 0, "i64"], // struct timeval ru_utime
    ru_utime_usec: [ 8, "i64"],
    ru_stime_sec:  [16, "i64"], // struct timeval ru_stime
    ru_stime_usec: [24, "i64"],
    ru_maxrss:     [32, "i64"], // __kernel_long_t ru_maxrss, in kilobytes
  },
};

/** No limit. */
export const RLIM64_INFINITY = 0xffff_ffff_ffff_ffffn;

/** setpriority(2): the id is that of a process or thread. */
export const PRIO_PROCESS = 0;

// include/uapi/linux/resource.h: whom setpriority(2) means.
/** A process group. */
export const PRIO_PGRP = 1;
/** All processes of a user. */
export const PRIO_USER = 2;
