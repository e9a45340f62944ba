/** Constants and structs from `include/uapi/linux/sched.h`. */

import type { Layout } from "./layout.ts";

/** Share memory. */
export const CLONE_VM = 0x0000_0100;
/** Reset the handlers of signals. */
export const CLONE_CLEAR_SIGHAND = 0x1_0000_0000;

/** What to make: `struct clone_args`. */
export const CLONE_ARGS: Layout<
  "flags" | "child_tid" | "exit_signal" | "stack" | "stack_size" | "cgroup"
> = {
  size: 88,
  // deno-fmt-ignore
  fields: {
    flags:       [ 0, "u64"], // __aligned_u64 flags
    child_tid:   [16, "u64"], // __aligned_u64 child_tid
    exit_signal: [32, "u64"], // __aligned_u64 exit_signal
    stack:       [40, "u64"], // __aligned_u64 stack
    stack_size:  [48, "u64"], // __aligned_u64 stack_size
    cgroup:      [80, "u64"], // __aligned_u64 cgroup
  },
};

// include/uapi/linux/sched.h: flags of clone(2) and unshare(2).
/** Share working directory, root and umask. */
export const CLONE_FS = 0x0000_0200;
/** Share the table of fds. */
export const CLONE_FILES = 0x0000_0400;
/** Share handlers of signals. */
export const CLONE_SIGHAND = 0x0000_0800;
/** Let the tracer go on with the new one. */
export const CLONE_PTRACE = 0x0000_2000;
/** Begin in the control group whose directory is given: of clone3 alone. */
export const CLONE_INTO_CGROUP = 0x2_0000_0000;
/** A sibling of the caller, not a child. */
export const CLONE_PARENT = 0x0000_8000;
/** New mount namespace. */
export const CLONE_NEWNS = 0x0002_0000;
/** Share the undo list of semaphores. */
export const CLONE_SYSVSEM = 0x0004_0000;
/** No tracer may follow. */
export const CLONE_UNTRACED = 0x0080_0000;
/** New cgroup namespace. */
export const CLONE_NEWCGROUP = 0x0200_0000;
/** New namespace of host names. */
export const CLONE_NEWUTS = 0x0400_0000;
/** New IPC namespace. */
export const CLONE_NEWIPC = 0x0800_0000;
/** New user namespace. */
export const CLONE_NEWUSER = 0x1000_0000;
/** New pid namespace. */
export const CLONE_NEWPID = 0x2000_0000;
/** New network namespace. */
export const CLONE_NEWNET = 0x4000_0000;
/** A word is 0, and who waits on it woken, when the new one ends. */
export const CLONE_CHILD_CLEARTID = 0x0020_0000;
/** In the same process. */
export const CLONE_THREAD = 0x0001_0000;
/** The caller gets the new process's id, where the third argument says. */
export const CLONE_PARENT_SETTID = 0x0010_0000;
/** The caller waits until the new process is done with its memory. */
export const CLONE_VFORK = 0x0000_4000;

// include/linux/threads.h
/** More than any process id, whatever `kernel.pid_max` says. */
export const PID_MAX_LIMIT = 4 * 1024 * 1024;

// include/uapi/linux/sched.h: policies of scheduling.
/** Tasks run by turns. */
export const SCHED_NORMAL = 0;
/** Tasks run by turns, and for longer at a time. */
export const SCHED_BATCH = 3;
/** When nobody else runs. */
export const SCHED_IDLE = 5;
/** Beside a policy: children do not inherit it. */
export const SCHED_RESET_ON_FORK = 0x4000_0000;
