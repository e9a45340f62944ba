/** Constants and structs from `include/uapi/linux/seccomp.h`. */

import type { Layout } from "./layout.ts";

/** Install a filter. */
export const SECCOMP_SET_MODE_FILTER = 1;

// include/uapi/linux/seccomp.h: modes of prctl(PR_SET_SECCOMP).
/** By a filter. */
export const SECCOMP_MODE_FILTER = 2;

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
/** A filter with a listener, which alone ends the wait for it. */
export const LISTENER_FLAGS: number = SECCOMP_FILTER_FLAG_NEW_LISTENER |
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

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

// include/uapi/linux/seccomp.h: requests of ioctl(2) to a listener.
/** Takes a call that waits; a `SECCOMP_NOTIF` of zeros gets it. */
export const SECCOMP_IOCTL_NOTIF_RECV = 0xc050_2100;
/** Answers one, by a `SECCOMP_NOTIF_RESP`. */
export const SECCOMP_IOCTL_NOTIF_SEND = 0xc018_2101;
/** Puts a descriptor into the caller's table, by a `SECCOMP_NOTIF_ADDFD`. */
export const SECCOMP_IOCTL_NOTIF_ADDFD = 0x4018_2103;
/** How a listener works: the flags that follow, as a word. */
export const SECCOMP_IOCTL_NOTIF_SET_FLAGS = 0x4008_2104;
/** Who waits and who answers take turns on one processor. */
export const SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP = 0x01;

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

/** A call that waits for an answer: `struct seccomp_notif`. */
export const SECCOMP_NOTIF: Layout<"id" | "pid" | "data"> = {
  size: 80,
  // deno-fmt-ignore
  fields: {
    id:   [ 0, "u64"], // __u64 id
    pid:  [ 8, "u32"], // __u32 pid, of the thread
    data: [16, "u64"], // struct seccomp_data data
  },
};

/** The answer: `struct seccomp_notif_resp`. */
export const SECCOMP_NOTIF_RESP: Layout<"id" | "val" | "error" | "flags"> = {
  size: 24,
  // deno-fmt-ignore
  fields: {
    id:    [ 0, "u64"], // __u64 id
    val:   [ 8, "i64"], // __s64 val
    error: [16, "i32"], // __s32 error, negative
    flags: [20, "u32"], // __u32 flags
  },
};

/** A descriptor for who waits: `struct seccomp_notif_addfd`. */
export const SECCOMP_NOTIF_ADDFD: Layout<
  "id" | "flags" | "srcfd" | "newfd" | "newfd_flags"
> = {
  size: 24,
  // deno-fmt-ignore
  fields: {
    id:          [ 0, "u64"], // __u64 id
    flags:       [ 8, "u32"], // __u32 flags
    srcfd:       [12, "u32"], // __u32 srcfd
    newfd:       [16, "u32"], // __u32 newfd
    newfd_flags: [20, "u32"], // __u32 newfd_flags
  },
};
