/**
 * The closed surface: which uses of a call are refused whatever a policy says.
 *
 * The first guard whose conditions hold decides; where none does, the call's
 * class in `src/abi/syscalls.ts` decides. All of it is known from registers, so
 * the filter in the kernel does it, and nothing can race with it.
 *
 * The filter runs again on a call that the tracer has changed. That second time
 * it takes "trace" for "allow", but still refuses what it refuses. So whatever
 * the tracer itself makes (`openat2`, `fchmodat2`, and the `mmap` of its pages)
 * is left to the tracer here, and the tracer refuses what the program makes.
 */

import * as fcntl from "../../abi/fcntl.ts";
import * as futex from "../../abi/futex.ts";
import * as ioctl from "../../abi/ioctls.ts";
import { IOPRIO_WHO_PGRP, IOPRIO_WHO_PROCESS } from "../../abi/ioprio.ts";
import {
  MAP_DROPPABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_TYPE,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
} from "../../abi/mman.ts";
import { ADDR_NO_RANDOMIZE, PER_LINUX } from "../../abi/personality.ts";
import { PIDFD_SIGNAL_PROCESS_GROUP } from "../../abi/pidfd.ts";
import { PIN_END, PIN_START } from "../../abi/pin.ts";
import * as prctl from "../../abi/prctl.ts";
import { PRIO_PGRP, PRIO_PROCESS, RLIMIT_CORE } from "../../abi/resource.ts";
import * as clone from "../../abi/sched.ts";
import * as seccomp from "../../abi/seccomp.ts";
import { SO_PASSPIDFD, SO_PEERPIDFD, SOL_SOCKET } from "../../abi/socket.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import {
  allow,
  below,
  bits,
  type Guard,
  is,
  isNot,
  isSet,
  isZero,
  masked,
  otherBits,
  refuse,
  TRACE,
} from "./guard.ts";
import {
  ARCH_PRCTL_OPTIONS,
  FCNTL_COMMANDS,
  IOCTL_COMMANDS,
  IOCTL_WRITES,
  PRCTL_OPTIONS,
  SECCOMP_FLAGS,
  TERMINAL_MODES,
  TERMINAL_SIGNALS,
} from "./surface_commands.ts";
import {
  copies,
  filters,
  flows,
  NEW_NAMESPACE,
  noDevices,
  noForgedStop,
  notDownwards,
  notPins,
  ofDescriptor,
  own,
  ownClock,
  ownOf,
  PINS,
  pretend,
  SHARED,
  tracerRefuses,
  unlessAllowed,
} from "./surface_guards.ts";

/** The guards of each call that has some. */
export const SURFACE: Readonly<
  Partial<Record<SyscallName, readonly Guard[]>>
> = {
  // Processes.
  clone: [
    refuse("EPERM", "it would make a namespace", bits(0, NEW_NAMESPACE)),
    refuse(
      "EPERM",
      "the tracer could not follow",
      bits(0, clone.CLONE_UNTRACED | clone.CLONE_PTRACE),
    ),
    // Of the first process, the sibling would be a child of jail itself.
    refuse(
      "EPERM",
      "it would be a child of another process",
      bits(0, clone.CLONE_PARENT),
    ),
  ],
  // Its flags are in memory, where they can change after a check. Every libc
  // falls back on clone.
  clone3: [{ ...refuse("ENOSYS", "its flags are in memory"), quiet: true }],
  unshare: [
    refuse(
      "EPERM",
      "it would make a namespace",
      otherBits(
        0,
        clone.CLONE_FS | clone.CLONE_FILES | clone.CLONE_SYSVSEM,
      ),
    ),
    allow("it stops sharing, and gains nothing"),
  ],
  personality: [
    // A layout without randomness harms the program alone; sanitizers ask for it.
    allow(
      "it is plain Linux, or a question",
      is(0, PER_LINUX, ADDR_NO_RANDOMIZE, 0xffff_ffff),
    ),
    refuse("EPERM", "only plain Linux is known"),
  ],
  prctl: [
    allow("it concerns the caller alone", is(0, ...PRCTL_OPTIONS)),
    refuse(
      "EINVAL",
      "there is a filter already",
      is(0, prctl.PR_SET_SECCOMP),
      isNot(1, seccomp.SECCOMP_MODE_FILTER),
    ),
    // Takes no flags, so no listener.
    filters(is(0, prctl.PR_SET_SECCOMP)),
    allow(
      "its user may trace it, which the tracer needs",
      is(0, prctl.PR_SET_DUMPABLE),
      is(1, 1),
    ),
    // It would take the process's memory out of the reach of a tracer without
    // privilege, which then has to refuse every call that names a file. What it
    // protects from is not in the jail (nobody may trace) or does not happen
    // (no core is dumped), so programs that insist on it (sftp-server) go on.
    pretend(
      "the tracer has to read its memory",
      is(0, prctl.PR_SET_DUMPABLE),
      is(1, 0),
    ),
    refuse(
      "EPERM",
      "it changes what the kernel says of the process",
      is(0, prctl.PR_SET_MM, prctl.PR_SET_SECUREBITS),
    ),
    // PR_SET_PTRACER: no other tracer. PR_SET_SYSCALL_USER_DISPATCH: a call that
    // the tracer has sent back would become a signal. PR_SCHED_CORE: takes the
    // id of another process. PR_SET_TSC: jail decides about clocks. To kernels
    // without them they are unknown, as all that is not listed is here.
    { ...refuse("EINVAL", "the option is not known"), quiet: true },
  ],
  arch_prctl: [
    allow("it concerns the caller alone", is(0, ...ARCH_PRCTL_OPTIONS)),
    { ...refuse("EINVAL", "the option is not known"), quiet: true },
  ],
  // The kernel lets a process join any group of its session, and shares with it
  // what a terminal sends. To those that it leaves behind it may send a signal.
  setpgid: [
    {
      tests: [],
      action: { kind: "trace", look: { kind: "group", arg: 1 } },
      why: "it may concern a group outside the jail",
    },
  ],
  // The process id is in memory. Without a place for the answer nobody is meant.
  // Of a path that is not there, the descriptor is meant, as fstat(2) means it:
  // from Linux 6.11 on with AT_EMPTY_PATH, and else it is EFAULT. Nothing can be
  // at address 0. Beside no descriptor it is the working directory.
  newfstatat: ofDescriptor(),
  statx: ofDescriptor(),
  capget: [allow("it asks for the version", isZero(1))],
  getpgid: own(0),
  getsid: own(0),
  get_robust_list: own(0),
  // A core would be written by the kernel, where no rule is asked. The limit is
  // 1 from the start (src/sys/launch/confine.ts), and 0 would be worse.
  setrlimit: [pretend("no core is dumped", is(0, RLIMIT_CORE))],
  prlimit64: [
    pretend("no core is dumped", is(1, RLIMIT_CORE), isSet(2), isZero(3)),
    {
      tests: [is(1, RLIMIT_CORE), isSet(2)],
      action: TRACE,
      why: "no core is dumped, and it asks as well",
    },
    ...own(0),
  ],
  // Signals.
  rt_sigqueueinfo: noForgedStop(1),
  rt_tgsigqueueinfo: noForgedStop(2),
  pidfd_send_signal: [
    refuse(
      "EINVAL",
      "a group may have members outside the jail",
      bits(3, PIDFD_SIGNAL_PROCESS_GROUP),
    ),
    ...noForgedStop(1, isSet(2)),
    {
      tests: [],
      action: { kind: "trace", look: { kind: "pidfd", arg: 0 } },
      why: "it may mean a process outside the jail",
    },
  ],
  // These give a descriptor of a process at the other end of a socket, outside
  // the jail perhaps, which could then be signalled. Older kernels lack them.
  getsockopt: [
    refuse(
      "ENOPROTOOPT",
      "it gives a descriptor of another process",
      is(1, SOL_SOCKET),
      is(2, SO_PEERPIDFD),
    ),
  ],
  setsockopt: [
    refuse(
      "ENOPROTOOPT",
      "it gives a descriptor of another process",
      is(1, SOL_SOCKET),
      is(2, SO_PASSPIDFD),
    ),
  ],
  // Scheduling.
  getpriority: ownOf(PRIO_PROCESS, PRIO_PGRP),
  setpriority: ownOf(PRIO_PROCESS, PRIO_PGRP),
  ioprio_get: ownOf(IOPRIO_WHO_PROCESS, IOPRIO_WHO_PGRP),
  ioprio_set: ownOf(IOPRIO_WHO_PROCESS, IOPRIO_WHO_PGRP),
  sched_getattr: own(0),
  sched_getparam: own(0),
  sched_getscheduler: own(0),
  sched_rr_get_interval: own(0),
  sched_setattr: own(0),
  sched_setparam: own(0),
  sched_setscheduler: own(0),
  // Time.
  clock_getres: ownClock(),
  clock_gettime: ownClock(),
  clock_nanosleep: ownClock(),
  timer_create: ownClock(),
  // The futex tells the owner's id: it would answer whether there is such a
  // thread, and lend it a priority. glibc reports ENOTSUP for such mutexes.
  futex: [
    unlessAllowed(
      "ENOSYS",
      "its owner may be outside the jail",
      masked(
        1,
        futex.FUTEX_CMD_MASK,
        futex.FUTEX_LOCK_PI,
        futex.FUTEX_UNLOCK_PI,
        futex.FUTEX_TRYLOCK_PI,
        futex.FUTEX_WAIT_REQUEUE_PI,
        futex.FUTEX_CMP_REQUEUE_PI,
        futex.FUTEX_LOCK_PI2,
      ),
    ),
  ],
  // Memory. munlock, msync and the like change nothing that is in a page.
  mmap: [
    // It would grow into the pages of src/abi/pin.ts without any call.
    refuse("EPERM", "memory that grows down", bits(3, MAP_GROWSDOWN)),
    // A checked argument there could be gone: src/trace/hold/private.ts. C libraries
    // ask for it, and go without it before Linux 6.11.
    {
      ...refuse(
        "EINVAL",
        "memory that the kernel takes away",
        masked(3, MAP_TYPE, MAP_DROPPABLE),
      ),
      quiet: true,
    },
    allow(
      "it is placed by the kernel",
      isZero(0),
      masked(3, MAP_FIXED | MAP_FIXED_NOREPLACE, 0),
    ),
    tracerRefuses("mmap", "EPERM", PINS, below(0, PIN_END)),
  ],
  mprotect: [...notPins(0), ...notDownwards(2)],
  pkey_mprotect: [...notPins(0), ...notDownwards(2)],
  munmap: notPins(0),
  madvise: notPins(0),
  mseal: notPins(0),
  mbind: notPins(0),
  set_mempolicy_home_node: notPins(0),
  remap_file_pages: notPins(0),
  shmat: [
    refuse("EPERM", PINS, isSet(1), below(1, PIN_END)),
    ...SHARED,
  ],
  map_shadow_stack: [
    refuse("EPERM", PINS, isSet(0), below(0, PIN_END)),
  ],
  mremap: [
    ...notPins(0),
    refuse("EPERM", PINS, bits(3, MREMAP_FIXED), below(4, PIN_END)),
    // Without MREMAP_FIXED the new address is a wish, and 0 is none.
    refuse(
      "EPERM",
      PINS,
      bits(3, MREMAP_DONTUNMAP),
      isSet(4),
      below(4, PIN_END),
    ),
  ],
  move_pages: [refuse("EPERM", "it means another process", isNot(0, 0))],
  migrate_pages: [refuse("EPERM", "it means another process", isNot(0, 0))],
  memfd_secret: [unlessAllowed("ENOSYS", "the tracer could not read it")],
  modify_ldt: [unlessAllowed("ENOSYS", "it makes segments of another width")],
  // Files.
  mknod: noDevices(1),
  mknodat: noDevices(2),
  // It leaves a device of numbers 0 behind, which hides a file in an overlay.
  renameat2: [
    refuse("EPERM", "no device may be made", bits(4, fcntl.RENAME_WHITEOUT)),
  ],
  // By such a path it would pass any filter of the program's own, as jail's do.
  openat2: [
    {
      tests: [below(1, PIN_START)],
      action: TRACE,
      why: "no address can be that low",
    },
    tracerRefuses("openat2", "EFAULT", PINS, below(1, PIN_END)),
  ],
  // While they wait for a socket or a terminal they keep the lock of the pipe at the
  // other end: whoever writes there, or closes it, is not even ended by SIGKILL.
  sendfile: [copies([0, 1], isZero(2))],
  splice: [copies([0, 2], isZero(1), isZero(3))],
  fcntl: [
    // A terminal's owner is the group in its foreground, whoever that is: with
    // O_ASYNC, every byte of output would send that group a signal.
    // With O_DIRECT a pipe is read otherwise by all who use it.
    {
      tests: [is(1, fcntl.F_SETFL), bits(2, fcntl.O_ASYNC | fcntl.O_DIRECT)],
      action: { kind: "trace", look: { kind: "async", arg: 0 } },
      why: "signals go to the owner, and others may use the same pipe",
    },
    // Of a file that was open before, as a terminal, somebody outside may be the
    // owner, and get any signal then: SIGKILL, where it had asked for SIGIO.
    refuse("EPERM", "it sends signals to others", is(1, fcntl.F_SETSIG)),
    allow(
      "it concerns the descriptor and its file",
      is(1, ...FCNTL_COMMANDS),
    ),
    {
      tests: [is(1, fcntl.F_SET_RW_HINT, fcntl.F_SET_FILE_RW_HINT)],
      action: { kind: "trace", look: { kind: "write-fd", arg: 0 } },
      why: "it changes a file that may be open for reading only",
    },
    {
      tests: [is(1, fcntl.F_SETOWN)],
      action: { kind: "trace", look: { kind: "pid", arg: 2 } },
      why: "signals go to the owner",
    },
    refuse(
      "EPERM",
      "the owner is in memory, and signals go to it",
      is(1, fcntl.F_SETOWN_EX),
    ),
    allow(
      "it gives up a lease",
      is(1, fcntl.F_SETLEASE),
      is(2, fcntl.F_UNLCK),
    ),
    refuse(
      "EACCES",
      "others would have to wait for it",
      is(1, fcntl.F_SETLEASE),
    ),
    refuse("EINVAL", "the command is not known"),
  ],
  ioctl: [
    // To take one from another session, as 1 asks for, needs CAP_SYS_ADMIN, which
    // nobody keeps. Go's Setctty and setsid(1) always ask so.
    {
      tests: [is(1, ioctl.TIOCSCTTY)],
      action: { kind: "trace", look: { kind: "modes", arg: 0 } },
      why: "who has a terminal may have jobs, and goes on before them",
    },
    // jail writes to the same terminal: its report must come, and not block.
    flows(is(1, ioctl.TCXONC), is(2, ioctl.TCOOFF, ioctl.TCIOFF)),
    flows(is(1, ioctl.TCFLSH), is(2, ioctl.TCOFLUSH, ioctl.TCIOFLUSH)),
    {
      tests: [is(1, ...TERMINAL_MODES, ...TERMINAL_SIGNALS)],
      action: { kind: "trace", look: { kind: "modes", arg: 0 } },
      why: "others may use the same terminal",
    },
    {
      tests: [is(1, ioctl.TCFLSH), is(2, ioctl.TCIFLUSH)],
      action: { kind: "trace", look: { kind: "modes", arg: 0 } },
      why: "it may be typed for others",
    },
    {
      tests: [is(1, ioctl.TCXONC), is(2, ioctl.TCION)],
      action: { kind: "trace", look: { kind: "modes", arg: 0 } },
      why: "it sends something by a line",
    },
    allow(
      "it concerns what the descriptor may do",
      is(1, ...IOCTL_COMMANDS),
    ),
    {
      tests: [is(1, ioctl.TIOCSPGRP)],
      action: { kind: "trace", look: { kind: "group-at", arg: 2 } },
      why: "the group may be outside the jail",
    },
    // A terminal has one size for all who use it, and tells them of a new one. Who
    // asks for it alone keeps all others from opening it.
    {
      tests: [is(1, ioctl.TIOCSWINSZ, ioctl.TIOCEXCL, ioctl.TIOCNXCL)],
      action: { kind: "trace", look: { kind: "write-fd", arg: 0 } },
      why: "others may use the same terminal",
    },
    {
      tests: [is(1, ...IOCTL_WRITES)],
      action: { kind: "trace", look: { kind: "write-fd", arg: 0 } },
      why: "it changes a file that may be open for reading only",
    },
    // nginx does not start without it, and never waits for the signal.
    pretend("it sends signals to others", is(1, ioctl.FIOASYNC)),
    refuse(
      "EPERM",
      "it puts words into the mouth of the terminal's user",
      is(1, ioctl.TIOCSTI, ioctl.TIOCLINUX, ioctl.TIOCCONS),
    ),
    refuse(
      "EPERM",
      "it sends signals to others",
      is(1, ioctl.FIOSETOWN, ioctl.SIOCSPGRP, ioctl.TIOCSIG),
    ),
    unlessAllowed("ENOTTY", "the command is not known"),
  ],
  // A listener of the program's own would answer before the tracer is asked;
  // EBUSY is the kernel's answer where there is a listener already.
  seccomp: [
    refuse(
      "EBUSY",
      "it would answer before the jail",
      is(0, seccomp.SECCOMP_SET_MODE_FILTER),
      bits(1, seccomp.SECCOMP_FILTER_FLAG_NEW_LISTENER),
    ),
    refuse(
      "EINVAL",
      "the flag is not known",
      is(0, seccomp.SECCOMP_SET_MODE_FILTER),
      bits(1, ~SECCOMP_FLAGS >>> 0),
    ),
    filters(is(0, seccomp.SECCOMP_SET_MODE_FILTER)),
    allow(
      "it asks what there is",
      is(
        0,
        seccomp.SECCOMP_GET_ACTION_AVAIL,
        seccomp.SECCOMP_GET_NOTIF_SIZES,
      ),
    ),
    refuse("EINVAL", "the operation is not known"),
  ],
  // What programs do without when it is not there, as on some kernels.
  io_uring_setup: [refuse("ENOSYS", "it makes calls that no filter sees")],
  io_uring_enter: [refuse("ENOSYS", "it makes calls that no filter sees")],
  io_uring_register: [refuse("ENOSYS", "it makes calls that no filter sees")],
  add_key: SHARED,
  keyctl: SHARED,
  listmount: SHARED,
  listns: SHARED,
  mq_getsetattr: SHARED,
  mq_notify: SHARED,
  mq_open: SHARED,
  mq_timedreceive: SHARED,
  mq_timedsend: SHARED,
  mq_unlink: SHARED,
  msgctl: SHARED,
  msgget: SHARED,
  msgrcv: SHARED,
  msgsnd: SHARED,
  request_key: SHARED,
  semctl: SHARED,
  semget: SHARED,
  semop: SHARED,
  semtimedop: SHARED,
  shmctl: SHARED,
  shmdt: SHARED,
  shmget: SHARED,
  statmount: SHARED,
};
