/**
 * What a call could tell of what others do on the machine, closed where a policy
 * says `sys: {others: deny}`.
 *
 * Two jails that share no file, no network and no process still share a kernel.
 * Whoever takes a lock on a file that both may read, makes processes or pipes,
 * which are numbered for all, or uses up what a user has only so much of, tells
 * the other one. Such calls are refused with the errno that programs know to
 * come of them. What takes time tells as well, if there is a clock.
 */

import * as fcntl from "../../abi/fcntl.ts";
import { FUTEX_PRIVATE } from "../../abi/futex.ts";
import * as ioctl from "../../abi/ioctls.ts";
import { MPOL_F_ADDR, MPOL_MF_STRICT } from "../../abi/mempolicy.ts";
import { MADV_COLLAPSE, MAP_HUGETLB } from "../../abi/mman.ts";
import {
  RLIMIT_CPU,
  RLIMIT_NPROC,
  RLIMIT_SIGPENDING,
} from "../../abi/resource.ts";
import { SIGRTMIN } from "../../abi/signal.ts";
import { SO_COOKIE, SO_ZEROCOPY, SOL_SOCKET } from "../../abi/socket.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import { RWF_NOWAIT } from "../../abi/uio.ts";
import type { Policy } from "../policy.ts";
import { given, type SysRules } from "../sys.ts";
import {
  type ArgIndex,
  bits,
  type Guard,
  is,
  isSet,
  masked,
  refuse,
  TRACE,
} from "./guard.ts";
import { TERMINAL_MODES } from "./surface_commands.ts";

const LOCKED = "locks of a file are seen by all who may read it";
const WAKES = "who may read a file can wait on it for others";
const NUMBERED = "it has a number that tells how many others made";
const SHARED = "the user has only so many, whoever has them";
const CACHED = "it tells what others have read";
const TERMINAL =
  "a terminal shows all who use it how it is set, and who has it";
const CLOCK = "it is a clock, which tells how long others keep one waiting";

/** Limits that tell how much of something there is, or what time it is. */
const TELLING_LIMITS = [RLIMIT_CPU, RLIMIT_NPROC, RLIMIT_SIGPENDING];

/** What sets a terminal, for all to see. */
const TERMINAL_CHANGES = [...TERMINAL_MODES, ioctl.TIOCSPGRP];

/** Queued signals are counted for the user; others are not. */
function noQueued(signal: ArgIndex): readonly Guard[] {
  return [refuse("EAGAIN", SHARED, bits(signal, ~(SIGRTMIN - 1) >>> 0))];
}

/**
 * When a file was last read, and what was, the tracer takes out: also where a
 * descriptor is asked about.
 */
const READING: readonly Guard[] = [{
  tests: [],
  action: TRACE,
  why: "it tells when others have read a file",
}];

const GUARDS: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  // Locks.
  ["flock", [refuse("ENOLCK", LOCKED)]],
  ["fcntl", [
    refuse(
      "ENOLCK",
      LOCKED,
      is(
        1,
        fcntl.F_GETLK,
        fcntl.F_SETLK,
        fcntl.F_SETLKW,
        fcntl.F_OFD_GETLK,
        fcntl.F_OFD_SETLK,
        fcntl.F_OFD_SETLKW,
      ),
    ),
    refuse("EPERM", SHARED, is(1, fcntl.F_SETPIPE_SZ)),
  ]],
  ["futex", [refuse("ENOSYS", WAKES, masked(1, FUTEX_PRIVATE, 0))]],
  ["futex_requeue", [refuse("ENOSYS", WAKES)]],
  ["futex_wait", [refuse("ENOSYS", WAKES)]],
  ["futex_waitv", [refuse("ENOSYS", WAKES)]],
  ["futex_wake", [refuse("ENOSYS", WAKES)]],
  // What is numbered: processes and threads, and inodes of what has no name.
  ["clone", [refuse("EAGAIN", NUMBERED)]],
  ["fork", [refuse("EAGAIN", NUMBERED)]],
  ["vfork", [refuse("EAGAIN", NUMBERED)]],
  // Who leads a session may take a terminal, and nobody else then.
  ["setsid", [refuse("EPERM", TERMINAL)]],
  ["memfd_create", [refuse("ENOSYS", NUMBERED)]],
  // A handle has the number of a file, of which the tracer tells none in procfs. There
  // are file systems without handles.
  ["name_to_handle_at", [refuse("EOPNOTSUPP", NUMBERED)]],
  ["pipe", [refuse("ENFILE", NUMBERED)]],
  ["pipe2", [refuse("ENFILE", NUMBERED)]],
  // Their cookies, and what is on its way in them, besides. One may be handed in.
  ["socketpair", [refuse("ENFILE", NUMBERED)]],
  ["getsockopt", [
    refuse("ENOPROTOOPT", NUMBERED, is(1, SOL_SOCKET), is(2, SO_COOKIE)),
  ]],
  ["setsockopt", [
    refuse("EOPNOTSUPP", SHARED, is(1, SOL_SOCKET), is(2, SO_ZEROCOPY)),
  ]],
  // What a user, or the machine, has only so much of.
  ["epoll_create", [refuse("EMFILE", SHARED)]],
  ["epoll_create1", [refuse("EMFILE", SHARED)]],
  ["inotify_add_watch", [refuse("ENOSPC", "it tells what others do to files")]],
  ["inotify_init", [refuse("EMFILE", SHARED)]],
  ["inotify_init1", [refuse("EMFILE", SHARED)]],
  ["io_setup", [refuse("EAGAIN", SHARED)]],
  ["kill", noQueued(1)],
  ["madvise", [refuse("EINVAL", SHARED, is(2, MADV_COLLAPSE))]],
  ["mmap", [refuse("ENOMEM", SHARED, bits(3, MAP_HUGETLB))]],
  ["pidfd_send_signal", [
    refuse("EAGAIN", SHARED, isSet(2)),
    ...noQueued(1),
  ]],
  ["prlimit64", [
    refuse("EPERM", SHARED, is(1, ...TELLING_LIMITS), isSet(2)),
  ]],
  ["rt_sigqueueinfo", [refuse("EAGAIN", SHARED)]],
  ["rt_tgsigqueueinfo", [refuse("EAGAIN", SHARED)]],
  ["setrlimit", [refuse("EPERM", SHARED, is(0, ...TELLING_LIMITS))]],
  ["tgkill", noQueued(2)],
  ["timer_create", [refuse("EAGAIN", SHARED)]],
  ["tkill", noQueued(1)],
  // What the kernel has in memory of a file. Room that was set aside counts as a
  // hole until it is read; and in tmpfs who reads a hole by a mapping fills it.
  ["cachestat", [refuse("EPERM", CACHED)]],
  ["get_mempolicy", [refuse("EPERM", CACHED, bits(4, MPOL_F_ADDR))]],
  ["getrusage", [refuse("EPERM", CACHED)]],
  ["lseek", [
    refuse("EINVAL", CACHED, is(2, fcntl.SEEK_DATA, fcntl.SEEK_HOLE)),
  ]],
  ["mbind", [refuse("EPERM", CACHED, bits(5, MPOL_MF_STRICT))]],
  ["mincore", [refuse("EPERM", CACHED)]],
  ["preadv2", [refuse("EOPNOTSUPP", CACHED, bits(5, RWF_NOWAIT))]],
  ["pwritev2", [refuse("EOPNOTSUPP", CACHED, bits(5, RWF_NOWAIT))]],
  // What measures how long the others keep one waiting.
  ["alarm", [refuse("EPERM", CLOCK)]],
  ["setitimer", [refuse("EPERM", CLOCK)]],
  ["timerfd_create", [refuse("EPERM", CLOCK)]],
  // It tells of each time that another one ran.
  // Every C library asks for it, and does without.
  ["rseq", [{
    ...refuse("ENOSYS", "it tells when others run on the processor"),
    quiet: true,
  }]],
  ["rseq_slice_yield", [refuse("ENOSYS", "it belongs to rseq")]],
  // What the machine has.
  ["ioctl", [
    refuse("EPERM", SHARED, is(1, ioctl.RNDGETENTCNT)),
    refuse("EPERM", TERMINAL, is(1, ...TERMINAL_CHANGES)),
    refuse("ENOTTY", CACHED, is(1, ioctl.FIOQSIZE)),
    refuse(
      "EOPNOTSUPP",
      "it tells whether others have copied a file",
      is(1, ioctl.FS_IOC_FIEMAP),
    ),
  ]],
  ["fstatfs", [refuse("EPERM", "it tells how much room others have taken")]],
  ["statfs", [refuse("EPERM", "it tells how much room others have taken")]],
  ["sched_rr_get_interval", [refuse("EPERM", "it tells how many others run")]],
  ["sysinfo", [refuse("EPERM", "it tells what the machine does")]],
  ...(["fstat", "newfstatat", "statx"] as const).map((name) =>
    [name, READING] as const
  ),
]);

/** A message may have descriptors: of those on their way a user has only so many. */
const NO_MESSAGES: readonly Guard[] = [refuse("EACCES", SHARED)];

/** Calls that tell when a file was last read, and how much of it is there. */
const TELLS_OF_READING: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "fstat",
  "lstat",
  "newfstatat",
  "stat",
  "statx",
]);

/** Whether a policy lets nothing be told of what others do. */
function hidesOthers(sys: SysRules): boolean {
  return given(sys.others) !== undefined;
}

/** Whether a call tells when a file was last read, which is to be taken out. */
export function tellsOfReading(sys: SysRules, name: SyscallName): boolean {
  return hidesOthers(sys) && TELLS_OF_READING.has(name);
}

/**
 * The guards of a call that come before all others, where nothing may be told of
 * what others do.
 *
 * @param name the call
 * @param policy the policy
 */
export function othersGuards(
  name: SyscallName,
  { net, sys }: Policy,
): readonly Guard[] {
  const { others } = sys;
  if (others === undefined || !hidesOthers(sys)) return [];
  // Where there is a network, names are asked for by messages.
  const sends = name === "sendmsg" || name === "sendmmsg";
  const guards = sends && net === "none" ? NO_MESSAGES : GUARDS.get(name);
  return (guards ?? []).map((guard) => ({
    ...guard,
    rule: others.ref,
  }));
}
