/** Constants and structs from `include/uapi/linux/seccomp.h`. */

import type { Layout } from "./layout.ts";

/** Install a filter. */
export const SECCOMP_SET_MODE_FILTER = 1;

// include/uapi/linux/seccomp.h: operations of seccomp(2).
/** Only read, write, exit and sigreturn. */
export const SECCOMP_SET_MODE_STRICT = 0;
/** Does the kernel know an action? */
export const SECCOMP_GET_ACTION_AVAIL = 2;
/** How large are the structs of a listener? */
export const SECCOMP_GET_NOTIF_SIZES = 3;

// include/uapi/linux/seccomp.h: flags of SECCOMP_SET_MODE_FILTER.
/** For all threads. */
export const SECCOMP_FILTER_FLAG_TSYNC = 0x01;
/** Log what it refuses. */
export const SECCOMP_FILTER_FLAG_LOG = 0x02;
/** Do not restrain speculation. */
export const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 0x04;
/** Return an fd that answers for the kernel. */
export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 0x08;
/** Where a thread cannot follow, fail with ESRCH. */
export const SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 0x10;
/** With a listener: wait for it, signals or not. */
export const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 0x20;

// include/uapi/linux/seccomp.h: what a filter returns. Of several
// filters the lowest wins, as signed numbers.
/** SIGSYS to the process. */
export const SECCOMP_RET_KILL_PROCESS = 0x8000_0000;
/** SIGSYS to the thread. */
export const SECCOMP_RET_KILL_THREAD = 0x0000_0000;
/** A SIGSYS that it may handle. */
export const SECCOMP_RET_TRAP = 0x0003_0000;
/** The call fails with the errno in the data. */
export const SECCOMP_RET_ERRNO = 0x0005_0000;
/** The listener answers. */
export const SECCOMP_RET_USER_NOTIF = 0x7fc0_0000;
/** The tracer is asked; without one it is ENOSYS. */
export const SECCOMP_RET_TRACE = 0x7ff0_0000;
/** It is made, and logged. */
export const SECCOMP_RET_LOG = 0x7ffc_0000;
/** It is made. */
export const SECCOMP_RET_ALLOW = 0x7fff_0000;
/** The bits of the action. */
export const SECCOMP_RET_ACTION_FULL = 0xffff_0000;
/** The bits of the data. */
export const SECCOMP_RET_DATA = 0x0000_ffff;

/** What a filter sees of one call: `struct seccomp_data`. */
export const SECCOMP_DATA: Layout<
  | "nr"
  | "arch"
  | "instruction_pointer"
  | "arg0"
  | "arg1"
  | "arg2"
  | "arg3"
  | "arg4"
  | "arg5"
> = {
  size: 64,
  // deno-fmt-ignore
  fields: {
    nr:                  [ 0, "i32"], // int nr
    arch:                [ 4, "u32"], // __u32 arch
    instruction_pointer: [ 8, "u64"], // __u64 instruction_pointer
    arg0:                [16, "u64"], // __u64 args[6]
    arg1:                [24, "u64"],
    arg2:                [32, "u64"],
    arg3:                [40, "u64"],
    arg4:                [48, "u64"],
    arg5:                [56, "u64"],
  },
};
