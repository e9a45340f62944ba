/** Constants and structs from `include/uapi/linux/ptrace.h`. */

import type { Layout } from "./layout.ts";

// Requests.
/** Write a word of a stopped tracee's memory. */
export const PTRACE_POKEDATA = 5;
/** Resume, and deliver a signal. */
export const PTRACE_CONT = 7;
/** Read the general registers; x86 only (`asm/ptrace-abi.h`). */
export const PTRACE_GETREGS = 12;
/** Write the general registers; x86 only (`asm/ptrace-abi.h`). */
export const PTRACE_SETREGS = 13;
/** Let go. */
export const PTRACE_DETACH = 17;
/** Resume until the next entry to or exit from a call. */
export const PTRACE_SYSCALL = 24;
/** Change the options. */
export const PTRACE_SETOPTIONS = 0x4200;
/** What an event is about. */
export const PTRACE_GETEVENTMSG = 0x4201;
/** Read the signal that is being delivered. */
export const PTRACE_GETSIGINFO = 0x4202;
/** Change the signal that is being delivered. */
export const PTRACE_SETSIGINFO = 0x4203;
/** Read one set of registers. */
export const PTRACE_GETREGSET = 0x4204;
/** Write one set of registers. */
export const PTRACE_SETREGSET = 0x4205;
/** Attach without a stop. */
export const PTRACE_SEIZE = 0x4206;
/** Stop a seized tracee. */
export const PTRACE_INTERRUPT = 0x4207;
/** Leave a tracee in its group stop. */
export const PTRACE_LISTEN = 0x4208;
/** What the call at this stop is: `struct ptrace_syscall_info`. */
export const PTRACE_GET_SYSCALL_INFO = 0x420e;

// Events, in bits 16 to 23 of a wait status.
/** fork, or a clone whose signal is SIGCHLD. */
export const PTRACE_EVENT_FORK = 1;
/** vfork. */
export const PTRACE_EVENT_VFORK = 2;
/** clone. */
export const PTRACE_EVENT_CLONE = 3;
/** A new image is in place. */
export const PTRACE_EVENT_EXEC = 4;
/** The child of a vfork is done with its parent's memory. */
export const PTRACE_EVENT_VFORK_DONE = 5;
/** About to end. */
export const PTRACE_EVENT_EXIT = 6;
/** A filter said `SECCOMP_RET_TRACE`. */
export const PTRACE_EVENT_SECCOMP = 7;
/** A group stop, an interrupt, or a new tracee. */
export const PTRACE_EVENT_STOP = 128;

// Options.
/** Set bit 7 of the signal at a stop for a call. */
export const PTRACE_O_TRACESYSGOOD = 0x0000_0001;
/** Stop at a fork, and trace what it made. */
export const PTRACE_O_TRACEFORK = 0x0000_0002;
/** Stop at a vfork, and trace what it made. */
export const PTRACE_O_TRACEVFORK = 0x0000_0004;
/** Stop at a clone, and trace what it made. */
export const PTRACE_O_TRACECLONE = 0x0000_0008;
/** Stop after an exec. */
export const PTRACE_O_TRACEEXEC = 0x0000_0010;
/** Stop at the end of a vfork. */
export const PTRACE_O_TRACEVFORKDONE = 0x0000_0020;
/** Stop before the end. */
export const PTRACE_O_TRACEEXIT = 0x0000_0040;
/** Stop where a filter says `SECCOMP_RET_TRACE`. */
export const PTRACE_O_TRACESECCOMP = 0x0000_0080;
/** Kill the tracee when the tracer ends. */
export const PTRACE_O_EXITKILL = 0x0010_0000;

// ptrace_syscall_info.op
/** Not at a call. */
export const PTRACE_SYSCALL_INFO_NONE = 0;
/** At the entry to a call. */
export const PTRACE_SYSCALL_INFO_ENTRY = 1;
/** At the exit from a call. */
export const PTRACE_SYSCALL_INFO_EXIT = 2;
/** At a filter's `SECCOMP_RET_TRACE`. */
export const PTRACE_SYSCALL_INFO_SECCOMP = 3;

/** What `PTRACE_GET_SYSCALL_INFO` tells: `struct ptrace_syscall_info`. */
export const PTRACE_SYSCALL_INFO: Layout<
  | "op"
  | "arch"
  | "instruction_pointer"
  | "stack_pointer"
  | "nr"
  | "arg0"
  | "arg1"
  | "arg2"
  | "arg3"
  | "arg4"
  | "arg5"
  | "rval"
  | "is_error"
  | "ret_data"
> = {
  size: 88,
  // deno-fmt-ignore
  fields: {
    op:                  [ 0, "u8"],  // __u8 op
    arch:                [ 4, "u32"], // __u32 arch
    instruction_pointer: [ 8, "u64"], // __u64 instruction_pointer
    stack_pointer:       [16, "u64"], // __u64 stack_pointer
    nr:                  [24, "u64"], // __u64 entry.nr, seccomp.nr
    arg0:                [32, "u64"], // __u64 entry.args[6], seccomp.args[6]
    arg1:                [40, "u64"],
    arg2:                [48, "u64"],
    arg3:                [56, "u64"],
    arg4:                [64, "u64"],
    arg5:                [72, "u64"],
    rval:                [24, "i64"], // __s64 exit.rval
    is_error:            [32, "u8"],  // __u8 exit.is_error
    ret_data:            [80, "u32"], // __u32 seccomp.ret_data
  },
};
