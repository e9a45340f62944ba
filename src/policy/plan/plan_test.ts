import { PIN_END } from "../../abi/pin.ts";
import { assert, assertEquals } from "@std/assert";
import type { ErrnoName } from "../../abi/errno.ts";
import { type SyscallName, SYSCALLS } from "../../abi/syscalls.ts";
import { NEVER_ALLOWED } from "../calls.ts";
import type { RuleRef } from "../decision.ts";
import type { CallArguments, FilterAction } from "./guard.ts";
import type { NetRuleSet } from "../net/net.ts";
import { actionOf, type CallEntry, type CallPlan, planCalls } from "./plan.ts";
import { EMPTY_LAYER, type Policy } from "../policy.ts";

const NONE: Policy = { ...EMPTY_LAYER, net: "none", sys: {} };
const ALL: Policy = { ...EMPTY_LAYER, net: "all", sys: {} };
const REF: RuleRef = { source: "p.yaml", keys: ["calls"], text: "rule" };
const EVERYTHING: Policy = {
  ...ALL,
  write: { ...ALL.write, allow: [{ pattern: "/", ref: REF }] },
};

/**
 * `allow`, `look`, `pid 2`, `write-fd 0`, `refuse EPERM` (by the tracer), `done`,
 * or an errno.
 */
type Short = string;

type Case = readonly [SyscallName, readonly (number | bigint)[], Short];

function argumentsOf(args: readonly (number | bigint)[]): CallArguments {
  const at = (i: number): bigint => BigInt.asUintN(64, BigInt(args[i] ?? 0));
  return {
    uint: (i) => Number(BigInt.asUintN(32, at(i))),
    address: (i) => Number(at(i)),
  };
}

function short(action: FilterAction): Short {
  switch (action.kind) {
    case "allow":
    case "kill":
      return action.kind;
    case "errno":
      return action.errno;
    case "return":
      return action.value === 0 ? "done" : `${action.value}`;
    case "trace":
      return shortLook(action);
  }
}

function shortLook(action: FilterAction & { kind: "trace" }): Short {
  const { look } = action;
  switch (look.kind) {
    case "call":
      return "look";
    case "room":
      return "room";
    case "output":
      return `output ${look.fd} ${look.size}`;
    case "answer":
    case "pair":
    case "peer":
    case "retime":
    case "rights":
    case "moves":
    case "shared":
      return look.kind;
    case "copy":
      return `copy ${look.args.join(" ")}`;
    case "async":
    case "flow":
    case "modes":
    case "pid":
    case "pidfd":
    case "group":
    case "group-at":
    case "write-fd":
    case "option":
    case "hears":
    case "timeout":
      return `${look.kind} ${look.arg}`;
    case "refuse":
      switch (look.refusal.kind) {
        case "errno":
          return `refuse ${look.refusal.errno}`;
        case "kill":
          return "refuse by killing";
        case "signal":
          return `refuse by ${look.refusal.signal}`;
        case "return":
          return `refuse with ${look.refusal.value}`;
      }
  }
}

function ask(
  plan: CallPlan,
  name: SyscallName,
  args: readonly (number | bigint)[] = [],
): Short {
  return short(actionOf(plan.get(name) as CallEntry, argumentsOf(args)));
}

function test(about: string, plan: CallPlan, cases: readonly Case[]): void {
  for (const [name, args, wanted] of cases) {
    const text = args.map((arg) => arg < 0 ? `${arg}` : `0x${arg.toString(16)}`)
      .join(", ");
    Deno.test(`planCalls() ${about}: ${name}(${text}) is ${wanted}`, () => {
      assertEquals(ask(plan, name, args), wanted);
    });
  }
}

const BIT32 = 0x1_0000_0000n;
const TAG = 0x5a00_0000_0000_0000n;
const PIN = 0x1_0000;
const AFTER_PINS = PIN_END;
const MMAP = [4096, 3];
const ANON = 0x22;

test("by default", planCalls(NONE, { observe: false, sockets: "streams" }), [
  // What a program does all the time.
  ["read", [0, 0, 1], "allow"],
  ["openat", [], "look"],
  ["openat2", [], "look"],
  ["fchmodat2", [], "look"],
  ["execve", [], "look"],
  ["wait4", [-1], "allow"],
  ["uname", [0], "allow"],
  // Processes: fork, a thread of glibc, posix_spawn.
  ["clone", [0x0120_0011], "allow"],
  ["clone", [0x003d_0f00], "allow"],
  ["clone", [0x4111], "allow"],
  ["clone", [0x1000 | 17], "allow"], // CLONE_PIDFD
  ["clone", [0x0080_0011], "EPERM"], // CLONE_UNTRACED
  ["clone", [0x0080_0011n | BIT32], "EPERM"],
  ["clone", [0x0000_2011], "EPERM"], // CLONE_PTRACE
  ["clone", [0x0000_8011], "EPERM"], // CLONE_PARENT
  ["clone", [0x1000_0011], "EPERM"], // CLONE_NEWUSER
  ["clone", [0x0002_0011], "EPERM"], // CLONE_NEWNS
  ["clone", [0x4000_0011], "EPERM"], // CLONE_NEWNET
  ["clone", [0x0200_0011], "EPERM"], // CLONE_NEWCGROUP
  ["clone", [0x0400_0011], "EPERM"], // CLONE_NEWUTS
  ["clone", [0x0800_0011], "EPERM"], // CLONE_NEWIPC
  ["clone", [0x2000_0011], "EPERM"], // CLONE_NEWPID
  ["clone3", [1, 88], "ENOSYS"],
  ["sendfile", [1, 3, 0, 1], "copy 0 1"],
  ["sendfile", [1, 3, 64, 1], "allow"],
  ["splice", [3, 0, 1, 0, 1, 0], "copy 0 2"],
  ["splice", [3, 64, 1, 0, 1, 0], "allow"],
  ["splice", [3, 0, 1, 64, 1, 0], "allow"],
  ["unshare", [0x600], "allow"],
  ["unshare", [0x0004_0000], "allow"],
  ["unshare", [0x1000_0000], "EPERM"],
  ["unshare", [0x80], "EPERM"], // CLONE_NEWTIME
  ["unshare", [0x600n | BIT32], "EPERM"],
  ["setns", [3, 0], "EPERM"],
  ["personality", [0], "allow"],
  ["personality", [0xffff_ffff], "allow"],
  ["personality", [-1], "allow"],
  ["personality", [0x4_0000], "allow"], // ADDR_NO_RANDOMIZE
  ["personality", [8], "EPERM"], // PER_LINUX32
  ["personality", [0x40_0000], "EPERM"], // READ_IMPLIES_EXEC
  ["setpgid", [0, 0], "group 1"],
  ["setpgid", [0, 7], "group 1"],
  ["newfstatat", [3, 0, 0x5000, 0x1000], "allow"],
  ["newfstatat", [3, 1, 0x5000, 0x1000], "look"],
  ["newfstatat", [-100, 0, 0x5000, 0x1000], "look"],
  ["newfstatat", [3, BIT32, 0x5000, 0x1000], "look"],
  ["statx", [3, 0, 0x1000], "allow"],
  ["statx", [-100, 0x5000, 0], "look"],
  ["statx", [-100, 0, 0x1000], "look"],
  ["capget", [1, 0], "allow"],
  ["capget", [1, 1], "look"],
  ["getpgid", [0], "allow"],
  ["getpgid", [1], "look"],
  ["getsid", [1], "look"],
  ["get_robust_list", [0], "allow"],
  ["get_robust_list", [1], "look"],
  ["setrlimit", [7, 1], "allow"],
  ["setrlimit", [4, 1], "done"], // RLIMIT_CORE
  ["setrlimit", [4n | BIT32, 1], "done"],
  ["prlimit64", [0, 7, 1, 0], "allow"],
  ["prlimit64", [0, 4, 0, 1], "allow"],
  ["prlimit64", [0, 4, 1, 0], "done"],
  ["prlimit64", [0, 4, 1, 1], "look"],
  ["prlimit64", [1, 7, 1, 0], "look"],
  ["prlimit64", [BIT32, 7, 1, 0], "allow"],
  // prctl.
  ["prctl", [15, 1], "allow"], // PR_SET_NAME
  ["prctl", [38, 1], "allow"], // PR_SET_NO_NEW_PRIVS
  ["prctl", [22, 2, 1], "look"], // PR_SET_SECCOMP, SECCOMP_MODE_FILTER
  ["prctl", [22, 1], "EINVAL"], // SECCOMP_MODE_STRICT
  ["prctl", [0x5356_4d41, 0], "allow"], // PR_SET_VMA
  ["prctl", [4, 1], "allow"], // PR_SET_DUMPABLE
  ["prctl", [4, 0], "done"],
  ["prctl", [4n | BIT32, 0], "done"],
  ["prctl", [4, 2], "EINVAL"],
  ["prctl", [35, 13], "EPERM"], // PR_SET_MM
  ["prctl", [0x5961_6d61, 1], "EINVAL"], // PR_SET_PTRACER
  ["prctl", [59, 1], "EINVAL"], // PR_SET_SYSCALL_USER_DISPATCH
  ["prctl", [62, 2, 1], "EINVAL"], // PR_SCHED_CORE
  ["prctl", [26, 2], "EINVAL"], // PR_SET_TSC
  ["prctl", [999], "EINVAL"],
  ["arch_prctl", [0x1002, 1], "allow"], // ARCH_SET_FS
  ["arch_prctl", [0x3001, 1], "EINVAL"], // a probe of glibc
  ["arch_prctl", [0x2003, 1], "EINVAL"], // ARCH_MAP_VDSO_64
  ["arch_prctl", [0x4002, 6], "EINVAL"], // ARCH_ENABLE_TAGGED_ADDR
  // seccomp.
  ["seccomp", [1, 0, 1], "look"],
  ["seccomp", [1, 1, 1], "look"],
  ["seccomp", [1, 8, 1], "EBUSY"],
  ["seccomp", [1n | BIT32, 8n | BIT32, 1], "EBUSY"],
  ["seccomp", [1, 0x28, 1], "EBUSY"],
  ["seccomp", [1, 0x40, 1], "EINVAL"],
  ["seccomp", [1, BIT32, 1], "look"], // the kernel takes 32 bits
  ["seccomp", [2, 0, 1], "allow"],
  ["seccomp", [3, 0, 1], "allow"],
  ["seccomp", [4, 0, 1], "EINVAL"],
  // Signals, and what sends them.
  ["kill", [0, 9], "look"],
  ["kill", [-1, 9], "look"],
  ["tgkill", [1, 1, 9], "look"],
  ["tkill", [1, 9], "look"],
  ["rt_sigqueueinfo", [1, 9, 0], "look"],
  ["pidfd_open", [1, 0], "look"],
  ["pidfd_send_signal", [3, 9, 0, 0], "pidfd 0"],
  ["pidfd_send_signal", [3, 9, 0, 4], "EINVAL"],
  ["pidfd_send_signal", [3, 19, 0, 0], "pidfd 0"],
  ...[19, 20, 21, 22].flatMap((signal): Case[] => [
    ["pidfd_send_signal", [3, signal, 1, 0], "EPERM"],
    ["rt_sigqueueinfo", [1, signal, 1], "EPERM"],
    ["rt_tgsigqueueinfo", [1, 1, signal, 1], "EPERM"],
  ]),
  ["getsockopt", [3, 1, 3], "allow"],
  ["getsockopt", [3, 1, 77], "ENOPROTOOPT"], // SO_PEERPIDFD
  ["setsockopt", [3, 1, 76], "ENOPROTOOPT"], // SO_PASSPIDFD
  ["fcntl", [3, 4, 0o4000], "allow"], // F_SETFL, O_NONBLOCK
  ["fcntl", [3, 4, 0o24000], "async 0"], // O_ASYNC
  ["fcntl", [3, 4, 0o44000], "async 0"], // O_DIRECT
  ["fcntl", [3, 8, 100], "pid 2"], // F_SETOWN
  ["fcntl", [3, 10, 9], "EPERM"], // F_SETSIG
  ["fcntl", [3, 8n | BIT32, 100], "pid 2"],
  ["fcntl", [3, 15, 1], "EPERM"], // F_SETOWN_EX
  ["fcntl", [3, 1035, 1], "allow"], // F_GET_RW_HINT
  ["fcntl", [3, 1036, 1], "write-fd 0"], // F_SET_RW_HINT
  ["fcntl", [3, 1030, 10], "allow"],
  ["fcntl", [3, 6, 1], "allow"],
  ["fcntl", [3, 1024, 0], "EACCES"], // F_SETLEASE
  ["fcntl", [3, 1024, 2], "allow"],
  ["fcntl", [3, 1026, 1], "EINVAL"], // F_NOTIFY
  ["fcntl", [3, 4242, 1], "EINVAL"],
  // ioctl.
  ["ioctl", [1, 0x5401, 1], "allow"], // TCGETS
  ["ioctl", [1, 0x5413, 1], "allow"],
  ["ioctl", [1, 0x540a, 0], "flow 0"], // TCXONC TCOOFF
  ["ioctl", [1, 0x540a, 1], "allow"],
  ["ioctl", [1, 0x540a, 2], "flow 0"],
  ["ioctl", [1, 0x540b, 0], "modes 0"], // TCFLSH TCIFLUSH
  ["ioctl", [1, 0x540b, 1], "flow 0"],
  ["ioctl", [1, 0x540b, 2], "flow 0"],
  ["exit", [0], "allow"],
  ["ioctl", [1, 0x5410, 1], "group-at 2"], // TIOCSPGRP
  ["ioctl", [1, 0x540e, 0], "modes 0"], // TIOCSCTTY
  ["ioctl", [1, 0x540e, 1], "modes 0"],
  ["ioctl", [1, 0x5412, 1], "EPERM"], // TIOCSTI
  ["ioctl", [1, 0x5412n | BIT32, 1], "EPERM"],
  ["ioctl", [1, 0x541c, 1], "EPERM"], // TIOCLINUX
  ["ioctl", [1, 0x541d, 1], "EPERM"], // TIOCCONS
  ["ioctl", [1, 0x4004_5436, 9], "EPERM"], // TIOCSIG
  ["ioctl", [1, 0x8901, 1], "EPERM"], // FIOSETOWN
  ["ioctl", [1, 0x8902, 1], "EPERM"], // SIOCSPGRP
  ["ioctl", [1, 0x5452, 1], "done"], // FIOASYNC
  ["ioctl", [1, 0x5414, 1], "write-fd 0"], // TIOCSWINSZ
  ["ioctl", [1, 0x540c, 0], "write-fd 0"], // TIOCEXCL
  ["ioctl", [1, 0x540d, 0], "write-fd 0"], // TIOCNXCL
  ["ioctl", [1, 0x4008_6602, 1], "write-fd 0"], // FS_IOC_SETFLAGS
  ["ioctl", [1, 0x4080_6685, 1], "write-fd 0"], // FS_IOC_ENABLE_VERITY
  ["ioctl", [1, 0x5000_940e, 1], "ENOTTY"], // BTRFS_IOC_SUBVOL_CREATE
  ["ioctl", [1, 0x8038_586b, 1], "ENOTTY"], // XFS_IOC_OPEN_BY_HANDLE
  ["ioctl", [1, 0x5423, 1], "ENOTTY"], // TIOCSETD
  // Memory.
  ["mmap", [0, ...MMAP, ANON], "allow"],
  ["mmap", [0x7f00_0000_0000n, ...MMAP, ANON | 0x10], "allow"],
  ["mmap", [AFTER_PINS, ...MMAP, ANON | 0x10], "allow"],
  ["mmap", [0, ...MMAP, ANON | 0x10], "refuse EPERM"],
  ["mmap", [PIN, ...MMAP, ANON], "refuse EPERM"],
  ["mmap", [PIN, ...MMAP, ANON | 0x10], "refuse EPERM"],
  ["mmap", [PIN, ...MMAP, ANON | 0x10_0000], "refuse EPERM"],
  ["mmap", [AFTER_PINS - 1, ...MMAP, ANON | 0x10], "refuse EPERM"],
  ["mmap", [0x1000, ...MMAP, ANON | 0x10], "refuse EPERM"],
  ["mmap", [BIT32 | BigInt(PIN), ...MMAP, ANON | 0x10], "allow"],
  ["munmap", [PIN, 4096], "EPERM"],
  ["munmap", [0, 1n << 47n], "EPERM"],
  ["munmap", [TAG | BigInt(PIN), 4096], "EPERM"],
  ["munmap", [AFTER_PINS, 4096], "allow"],
  // Memory that grows down would come to where the pins are, without a call.
  ["mmap", [0, 4096, 3, ANON | 0x100], "EPERM"],
  ["mmap", [AFTER_PINS, 4096, 3, ANON | 0x100], "EPERM"],
  ["mprotect", [0x7f00_0000_0000n, 4096, 0x0100_0003], "EINVAL"],
  // What was checked there could be gone before the kernel reads it.
  ["mmap", [0, 4096, 3, 0x28], "EINVAL"], // MAP_DROPPABLE
  ["mmap", [AFTER_PINS, 4096, 3, BIT32 | 0x28n], "EINVAL"],
  ["io_setup", [1, 1], "look"],
  ["mprotect", [PIN, 4096, 3], "EPERM"],
  ["mprotect", [TAG | BigInt(PIN), 4096, 3], "EPERM"],
  ["mprotect", [BIT32 | BigInt(PIN), 4096, 3], "allow"],
  ["pkey_mprotect", [PIN, 4096, 3], "EPERM"],
  ["madvise", [PIN, 4096, 4], "EPERM"],
  ["madvise", [0, AFTER_PINS, 4], "EPERM"],
  ["mseal", [PIN, 4096], "EPERM"],
  ["mbind", [PIN, 4096], "EPERM"],
  ["mbind", [AFTER_PINS, 4096], "EPERM"],
  ["remap_file_pages", [PIN], "EPERM"],
  ["shmat", [1, PIN, 0], "EPERM"],
  ["mremap", [PIN, 4096, 4096, 3, 0x1000_0000], "EPERM"],
  ["mremap", [0x1000_0000, 4096, 4096, 3, PIN], "EPERM"],
  ["mremap", [0x1000_0000, 4096, 4096, 3, 0], "EPERM"],
  ["mremap", [0x1000_0000, 4096, 8192, 1, PIN], "allow"],
  ["mremap", [0x1000_0000, 4096, 4096, 5, PIN], "EPERM"],
  ["mremap", [0x1000_0000, 4096, 4096, 5, 0], "allow"],
  ["map_shadow_stack", [0, 4096, 1], "allow"],
  ["map_shadow_stack", [PIN, 4096, 1], "EPERM"],
  ["memfd_create", [1, 1], "allow"],
  ["memfd_secret", [0], "ENOSYS"],
  // Scheduling and time.
  ["sched_setscheduler", [0, 0, 1], "allow"],
  ["sched_setscheduler", [7, 0, 1], "look"],
  ["setpriority", [0, 0, 5], "allow"],
  ["setpriority", [0, 7, 5], "pid 1"],
  ["setpriority", [1, 0, 5], "pid 1"],
  ["setpriority", [1, 7, 5], "pid 1"],
  ["setpriority", [2, 0, 5], "EPERM"],
  ["ioprio_set", [1, 0, 5], "allow"],
  ["ioprio_set", [1, 7, 5], "pid 1"],
  ["ioprio_set", [2, 0, 5], "pid 1"],
  ["ioprio_set", [3, 0, 5], "EPERM"],
  ["clock_gettime", [1, 1], "allow"],
  ["clock_gettime", [-2, 1], "allow"], // CLOCK_THREAD_CPUTIME_ID's own form
  ["clock_gettime", [-6, 1], "allow"],
  ["clock_gettime", [(~100 << 3) | 6, 1], "allow"], // a thread, of this process
  ["clock_gettime", [(~100 << 3) | 2, 1], "pid 0"], // of a process
  ["clock_gettime", [(~5 << 3) | 3, 1], "allow"], // a clock device
  ["futex", [1, 128, 1], "allow"],
  ["futex", [1, 0x86, 1], "ENOSYS"], // FUTEX_LOCK_PI
  ["futex", [1, 7, 1], "ENOSYS"], // FUTEX_UNLOCK_PI
  ["futex", [1, 0x88, 1], "ENOSYS"], // FUTEX_TRYLOCK_PI
  ["futex", [1, 11, 1], "ENOSYS"], // FUTEX_WAIT_REQUEUE_PI
  ["futex", [1, 12, 1], "ENOSYS"], // FUTEX_CMP_REQUEUE_PI
  ["futex", [1, 0x18d, 1], "ENOSYS"], // FUTEX_LOCK_PI2
  // Files.
  ["mknod", [1, 0o010644, 0], "look"],
  ["mknod", [1, 0o020644, 0x103], "EPERM"],
  ["mknodat", [-100, 1, 0o060644, 0x800], "EPERM"],
  ["mknodat", [-100, 1, 0o100644, 0], "look"],
  ["renameat2", [-100, 1, -100, 2, 4], "EPERM"], // RENAME_WHITEOUT
  ["renameat2", [-100, 1, -100, 2, 3], "look"],
  // Without the network.
  ["socket", [1, 1, 0], "EACCES"],
  ["socket", [2, 1, 0], "EACCES"],
  ["socket", [16, 3, 0], "EACCES"],
  ["socket", [16, 3, 9], "EPROTONOSUPPORT"], // NETLINK_AUDIT
  ["socket", [38, 5, 0], "EAFNOSUPPORT"], // AF_ALG
  ["socketpair", [1, 1, 0], "allow"],
  ["socketpair", [1, 0x8_0805, 0], "allow"], // SEQPACKET, with flags
  ["socketpair", [1, 2, 0], "EACCES"],
  ["socketpair", [1, 3, 0], "EACCES"], // SOCK_RAW is made SOCK_DGRAM
  ["socketpair", [2, 1, 0], "EACCES"],
  ["ioctl", [3, 0x8910, 1], "EACCES"], // SIOCGIFNAME
  ["ioctl", [3, 0x8927n | BIT32, 1], "EACCES"], // SIOCGIFHWADDR
  ["setsockopt", [3, 1, 25, 1, 4], "EACCES"], // SO_BINDTODEVICE
  ["setsockopt", [3, 1, BIT32 + 62n, 1, 4], "EACCES"], // SO_BINDTOIFINDEX
  ["setsockopt", [3, 1, 7, 1, 4], "allow"], // SO_SNDBUF
  ["setsockopt", [3, 1, 27, 1, 4], "EACCES"], // SO_DETACH_FILTER
  ["setsockopt", [3, 0, 1, 1, 4], "allow"], // IP_TOS
  ["setsockopt", [3, 6, 1, 1, 4], "allow"], // TCP_NODELAY
  ["setsockopt", [3, 0, 32, 1, 4], "EACCES"], // IP_MULTICAST_IF
  ["setsockopt", [3, BIT32, 50, 1, 4], "EACCES"], // IP_UNICAST_IF
  ["setsockopt", [3, 0, 35, 1, 8], "EACCES"], // IP_ADD_MEMBERSHIP
  ["setsockopt", [3, 41, 26, 1, 4], "allow"], // IPV6_V6ONLY
  ["setsockopt", [3, 41, BIT32 + 76n, 1, 4], "EACCES"], // IPV6_UNICAST_IF
  ["setsockopt", [3, 263, 18, 1, 4], "EACCES"], // PACKET_FANOUT
  ["setsockopt", [3, 282, 1, 1, 4], "allow"], // TLS_TX
  ["connect", [3, 1, 16], "EACCES"],
  ["bind", [3, 1, 16], "EACCES"],
  ["listen", [3, 1], "EACCES"],
  ["accept4", [3], "EACCES"],
  ["sendto", [3, 1, 1, 0, 0, 0], "allow"],
  ["sendto", [3, 1, 1, 0x4, 0, 0], "EPERM"], // MSG_DONTROUTE
  ["setsockopt", [3, 1, 5], "EACCES"], // SO_DONTROUTE
  ["sendto", [3, 1, 1, 0, 1, 16], "EACCES"],
  ["sendto", [3, 1, 1, 0, BIT32, 16], "EACCES"],
  ["sendmsg", [3, 1, 0], "allow"],
  ["sendmsg", [3, 1, 0x4000], "allow"], // MSG_NOSIGNAL
  ["sendmsg", [3, 1, 0x2000_4000], "EACCES"], // with MSG_FASTOPEN
  ["sendmmsg", [3, 1, 1, 0], "allow"],
  ["sendmmsg", [3, 1, 1, 0x2000_0000], "EACCES"],
  // Forbidden.
  ["ptrace", [16, 1], "EPERM"],
  ["process_vm_writev", [1], "EPERM"],
  ["pidfd_getfd", [3, 0], "EPERM"],
  ["mount", [], "EPERM"],
  ["open_by_handle_at", [], "EPERM"],
  ["bpf", [], "EPERM"],
  ["userfaultfd", [], "EPERM"],
  ["io_uring_setup", [1], "ENOSYS"],
  ["shmget", [], "ENOSYS"],
  ["mq_open", [], "ENOSYS"],
  ["keyctl", [], "ENOSYS"],
  ["clock_settime", [], "EPERM"],
]);

test(
  "without the network, with a socket by which others hear",
  planCalls(NONE, { observe: false, heard: new Set(["datagrams"]) }),
  [
    ["setsockopt", [3, 1, 7, 1, 4], "hears 0"], // SO_SNDBUF
    ["setsockopt", [3, 0, 1, 1, 4], "hears 0"], // IP_TOS
    ["setsockopt", [3, 1, 27, 1, 4], "EACCES"], // SO_DETACH_FILTER
    ["shutdown", [3, 0], "hears 0"],
    ["epoll_ctl", [3, BIT32 + 1n, 4, 1], "hears 2"], // EPOLL_CTL_ADD
    ["epoll_ctl", [3, 2, 4, 1], "allow"],
  ],
);

test(
  "with the network, and not everything written",
  planCalls(ALL, { observe: false }),
  [
    ["socket", [1, 1, 0], "allow"],
    ["socket", [1, 5, 0], "allow"],
    ["socket", [1, 2, 0], "EACCES"],
    ["socket", [1, 0x8_0802, 0], "EACCES"],
    ["socket", [1, 3, 0], "EPERM"], // the kernel makes SOCK_DGRAM of SOCK_RAW
    ["socket", [2, 2, 17], "allow"],
    ["socketpair", [1, 1, 0], "allow"],
    ["socketpair", [1, 2, 0], "pair"],
  ],
);

const ENDS: NetRuleSet = {
  allow: [{
    patterns: [{
      ...{ kind: "address", address: [127, 0, 0, 1], bits: 32, zone: "" },
      ports: { first: 80, last: 80 },
    }],
    ref: REF,
  }],
  deny: [],
  ignore: [],
};
const SOME: Policy = { ...ALL, net: { connect: ENDS, listen: ENDS } };

for (const [name, policy] of Object.entries({ NONE, ALL, SOME })) {
  test(
    `with a socket that jail reports to, and the network of ${name}`,
    planCalls(policy, { observe: false, heard: new Set(["messages"]) }),
    [
      ["shutdown", [2, 1], "hears 0"], // SHUT_WR
      ["shutdown", [2, BIT32], "allow"], // SHUT_RD
      ["setsockopt", [2, 1, 7, 1, 4], "hears 0"], // SO_SNDBUF
      ["setsockopt", [2, 1, BIT32 + 13n, 1, 8], "hears 0"], // SO_LINGER
      ["setsockopt", [2, 0, 2, 1, 4], "hears 0"], // IP_TTL
      ["setsockopt", [2, 6, 18, 1, 4], "hears 0"], // TCP_USER_TIMEOUT
      ["setsockopt", [2, 1, 76, 1, 4], "ENOPROTOOPT"], // SO_PASSPIDFD
      ["epoll_ctl", [3, 1, 4, 1], "allow"],
    ],
  );
}

const NAMED: NetRuleSet = {
  ...ENDS,
  allow: [...ENDS.allow, {
    patterns: [{
      ...{ kind: "name", name: "example.org", wildcard: false },
      ports: { first: 443, last: 443 },
    }],
    ref: { source: "test", keys: [], text: "example.org:443" },
  }],
};

test(
  "with rules that name hosts",
  planCalls({ ...ALL, net: { connect: NAMED, listen: ENDS } }, {
    observe: false,
  }),
  [
    ["getpeername", [3, 1, 1], "peer"],
    ["recvfrom", [3, 1, 1, 0, 0, 0], "allow"],
    ["recvfrom", [3, 1, 1, 0, 1, 1], "peer"],
    ["recvfrom", [3, 1, 1, 0, BIT32, 1], "peer"],
    ["recvmsg", [3, 1, 0], "peer"],
    ["recvmmsg", [3, 1, 2, 0, 0], "peer"],
    ["getsockname", [3, 1, 1], "allow"],
    ["read", [3, 1, 1], "allow"],
  ],
);

test("with rules about the network", planCalls(SOME, { observe: false }), [
  ["ioctl", [3, 0x8933, 1], "allow"], // SIOCGIFINDEX
  ["ioctl", [3, 0x8912, 1], "EACCES"], // SIOCGIFCONF
  ["connect", [3, 1, 16], "look"],
  ["bind", [3, 1, 16], "look"],
  ["listen", [3, 1], "look"],
  ["accept4", [3], "allow"],
  ["getpeername", [3, 1, 1], "allow"],
  ["recvfrom", [3, 1, 1, 0, 1, 1], "allow"],
  ["recvmsg", [3, 1, 0], "allow"],
  ["sendto", [3, 1, 1, 0, 0, 0], "allow"],
  ["sendto", [3, 1, 1, 0x4, 0, 0], "EPERM"], // MSG_DONTROUTE
  ["sendmsg", [3, 1, 0x4], "EPERM"],
  ["sendmmsg", [3, 1, 1, 0x4], "EPERM"],
  ["sendto", [3, 1, 1, 0, 1, 16], "look"],
  ["sendto", [3, 1, 1, 0, BIT32, 16], "look"],
  ["sendmsg", [3, 1, 0], "look"],
  ["sendmmsg", [3, 1, 2, 0], "look"],
  ["socket", [2, 0x8_0801, 6], "allow"],
  ["socket", [10, 1, 0], "allow"],
  ["socket", [2, 2, 0], "look"],
  ["socket", [10, 0x8_0802, 17], "look"],
  ["socket", [2, 1, 17], "EPROTONOSUPPORT"],
  ["socket", [2, 1, 262], "EPROTONOSUPPORT"], // MPTCP
  ["socket", [2, 1, 132], "EPROTONOSUPPORT"], // SCTP
  ["socket", [2, 2, 1], "EPROTONOSUPPORT"], // ping
  ["socket", [2, 10, 0], "EPROTONOSUPPORT"], // SOCK_PACKET
  ["socket", [2, 3, 17], "EPERM"],
  ["socket", [1, 1, 0], "EACCES"],
  ["socket", [16, 3, 0], "EACCES"],
  ["socket", [17, 3, 3], "EAFNOSUPPORT"],
  ["socket", [40, 1, 0], "EAFNOSUPPORT"],
  ["socketpair", [1, 2, 0], "allow"],
  ["socketpair", [2, 1, 0], "EACCES"],
  ["setsockopt", [3, 1, 2], "option 0"], // SO_REUSEADDR
  ["setsockopt", [3, 1, 16], "option 0"], // SO_PASSCRED
  ["setsockopt", [3, 1, 25], "EPERM"], // SO_BINDTODEVICE
  ["setsockopt", [3, BIT32 + 1n, BIT32 + 25n], "EPERM"],
  // SO_DONTROUTE, SO_MARK and SO_BINDTOIFINDEX; filters of its own; what a port gets.
  ...[5, 36, 62, 26, 27, 44, 50, 49, 51, 52, 68].map((option): Case => [
    "setsockopt",
    [3, 1, option],
    "EPERM",
  ]),
  ["setsockopt", [3, 1, 76], "ENOPROTOOPT"], // SO_PASSPIDFD
  ["setsockopt", [3, 0, 4], "EPERM"], // IP_OPTIONS
  ["setsockopt", [3, 0, 1], "allow"],
  ["setsockopt", [3, 41, 57], "EPERM"], // IPV6_RTHDR
  ["setsockopt", [3, 41, 26], "allow"],
  ["setsockopt", [3, 6, 1], "allow"],
  ["setsockopt", [3, 6, 30], "EOPNOTSUPP"], // TCP_FASTOPEN_CONNECT
  ["setsockopt", [3, 6, 31], "EPERM"], // TCP_ULP
  ["setsockopt", [3, 17, 100], "EPERM"], // UDP_ENCAP
  ["setsockopt", [3, 132, 1], "EPERM"],
]);

test("with the network", planCalls(EVERYTHING, { observe: false }), [
  ["mbind", [PIN, 4096], "EPERM"],
  ["mbind", [AFTER_PINS, 4096], "allow"],
  ["ioctl", [3, 0x8927, 1], "allow"], // SIOCGIFHWADDR
  ["socket", [1, 1, 0], "allow"],
  ["socket", [2, 0x8_0801, 6], "allow"],
  ["socket", [10, 2, 17], "allow"],
  ["socket", [2, 2, 1], "allow"], // ping
  ["socket", [2, 3, 1], "EPERM"], // SOCK_RAW
  ["socket", [2, 1, 132], "EPROTONOSUPPORT"], // SCTP
  ["socket", [16, 3, 0], "allow"], // NETLINK_ROUTE
  ["socket", [16, 3, 15], "EPROTONOSUPPORT"],
  ["socket", [17, 3, 3], "EAFNOSUPPORT"], // AF_PACKET
  ["socket", [38, 5, 0], "EAFNOSUPPORT"], // AF_ALG
  ["socket", [40, 1, 0], "EAFNOSUPPORT"], // AF_VSOCK
  ["socket", [1, 2, 0], "allow"],
  ["socket", [2, 99, 0], "EINVAL"], // as the kernel says
  ["socketpair", [1, 2, 0], "allow"],
  ["socketpair", [1, 0x1_0001, 0], "EINVAL"],
  ["socketpair", [2, 1, 0], "EOPNOTSUPP"],
  ["connect", [3, 1, 16], "look"],
  ["sendmsg", [3, 1, 0], "allow"],
  ["bind", [3, 1, 16], "look"],
]);

test("with any socket", planCalls(NONE, { observe: false }), [
  ["sendmsg", [3, 1, 0], "EACCES"],
  ["sendmmsg", [3, 1, 1, 0], "EACCES"],
]);

test("observed", planCalls(NONE, { observe: true }), [
  ["read", [], "allow"],
  ["openat", [], "look"],
  ["ptrace", [16, 1], "refuse EPERM"],
  ["socket", [2, 1, 0], "refuse EACCES"],
  ["shmget", [], "refuse ENOSYS"],
  ["ioctl", [1, 0x5412, 1], "refuse EPERM"],
  ["clone3", [], "ENOSYS"], // libc falls back: nothing to tell of
  ["prctl", [4, 0], "done"],
]);

const RULES: Policy = {
  ...NONE,
  calls: {
    allow: [
      { name: "ioctl", ref: REF },
      { name: "shmat", ref: REF },
      { name: "@ipc", ref: REF },
      { name: "@kernel", ref: REF },
      { name: "acct", ref: REF },
      { name: "quotactl", ref: REF },
      { name: "openat", ref: REF },
    ],
    refuse: [
      { name: "getrandom", ref: REF },
      { name: "sysinfo", ref: REF, refusal: { kind: "errno", errno: "EIO" } },
      { name: "openat2", ref: REF },
      { name: "fork", ref: REF, refusal: { kind: "kill" } },
      {
        name: "vfork",
        ref: REF,
        refusal: { kind: "signal", signal: "SIGSYS" },
      },
      { name: "getpid", ref: REF, refusal: { kind: "return", value: 0 } },
      { name: "gettid", ref: REF, refusal: { kind: "return", value: 42 } },
      { name: "access", ref: REF, refusal: { kind: "return", value: 0 } },
      { name: "msgget", ref: REF },
    ],
  },
};

test("with rules for calls", planCalls(RULES, { observe: false }), [
  ["ioctl", [1, 0x5000_940e, 1], "allow"], // no longer closed
  ["ioctl", [1, 0x5412, 1], "EPERM"], // TIOCSTI is
  ["shmget", [], "allow"],
  ["shmat", [1, 0, 0], "allow"],
  ["shmat", [1, PIN, 0], "EPERM"],
  ["bpf", [], "EPERM"],
  ["init_module", [], "EPERM"],
  ["acct", [1], "look"], // its path is one like any other
  ["quotactl", [1, 1], "look"],
  ["openat", [], "look"],
  ["getrandom", [], "EPERM"],
  ["sysinfo", [], "EIO"],
  ["openat2", [], "refuse EPERM"], // the tracer makes it
  ["fork", [], "refuse by killing"],
  ["vfork", [], "refuse by SIGSYS"],
  ["getpid", [], "done"],
  ["gettid", [], "refuse with 42"],
  ["access", [], "refuse with 0"],
  ["msgget", [], "EPERM"], // a refusal beats an allow
]);

const KILLING: Policy = {
  ...NONE,
  default: { refusal: { kind: "kill" }, ref: REF },
};

test("with a default", planCalls(KILLING, { observe: false }), [
  ["ptrace", [16, 1], "refuse by killing"],
  ["shmget", [], "refuse by killing"],
  ["clone3", [], "ENOSYS"],
  ["io_uring_setup", [], "ENOSYS"],
  ["socket", [2, 1, 0], "EACCES"],
  ["openat", [], "look"],
]);

const LIMITED: Policy = {
  ...NONE,
  limits: { processes: { most: 9, ref: REF } },
};

test("with a limit of processes", planCalls(LIMITED, { observe: false }), [
  ["fork", [], "room"],
  ["vfork", [], "room"],
  ["clone", [0x11], "room"],
  ["clone", [0x003d_0f00], "room"], // a thread
  ["clone", [0x1000_0000], "EPERM"], // CLONE_NEWUSER
  ["clone3", [0, 88], "ENOSYS"],
]);

const REMEMBERING: Policy = {
  ...NONE,
  limits: { memory: { most: 9, ref: REF } },
};

test("with a limit of memory", planCalls(REMEMBERING, { observe: false }), [
  ["memfd_create", [1, 0], "ENOSYS"],
  ["prctl", [78, 1, 4096, 0, 0], "EINVAL"], // PR_FUTEX_HASH_SET_SLOTS
  ["prctl", [78, 2, 0, 0, 0], "allow"],
  ["vmsplice", [1, 0, 1, 0], "EINVAL"],
  ["setsockopt", [3, 1, 60, 0, 4], "EOPNOTSUPP"], // SO_ZEROCOPY
  ["mmap", [0, 4096, 3, ANON, -1, 0], "allow"],
  ["mmap", [0, 4096, 3, 0x21, -1, 0], "shared"],
  ["mmap", [0, 4096, 3, 3, 5, 0], "shared"],
  ["mmap", [0, 4096, 3, 0x121, -1, 0], "EPERM"], // MAP_GROWSDOWN
  ["mmap", [0, 4096, 3, 0x28, -1, 0], "EINVAL"], // MAP_DROPPABLE
  ["mmap", [AFTER_PINS, 4096, 3, 0x31, -1, 0], "shared"],
  ["mmap", [4096, 4096, 3, 0x31, -1, 0], "refuse EPERM"],
]);

test(
  "with a limit of memory, and memfds by name",
  planCalls({
    ...REMEMBERING,
    calls: { allow: [{ name: "memfd_create", ref: REF }], refuse: [] },
  }, { observe: false }),
  [["memfd_create", [1, 0], "allow"]],
);

const COUNTED: Policy = { ...NONE, limits: { written: { most: 9, ref: REF } } };

test("with a limit of bytes written", planCalls(COUNTED, { observe: false }), [
  ["write", [1, 0, 1], "allow"],
  ["sendfile", [1, 3, 64, 1], "allow"],
  ["fallocate", [1, 0, 0, 1], "EOPNOTSUPP"],
  ["ioctl", [1, 0x4004_9409, 3], "EOPNOTSUPP"], // FICLONE
  ["ioctl", [1, 0x4020_940d, 0], "EOPNOTSUPP"], // FICLONERANGE
  ["ioctl", [1, 0x5401, 0], "allow"], // TCGETS
  ["splice", [1, 0, 3, 0, 1, 0], "EINVAL"],
  ["vmsplice", [1, 0, 1, 0], "EINVAL"],
  ["io_setup", [1, 0], "ENOSYS"],
  ["fork", [], "allow"],
]);

const TALKING: Policy = { ...NONE, limits: { output: { most: 9, ref: REF } } };

test(
  "with a limit of output",
  planCalls(TALKING, { observe: false, sockets: "streams" }),
  [
    ["write", [1, 0, 1], "output 0 2"],
    ["writev", [1, 0, 1], "output 0 -1"],
    ["sendfile", [1, 3, 64, 1], "output 0 3"],
    ["sendfile", [1, 3, 0, 1], "copy 0 1"],
    ["copy_file_range", [3, 0, 1, 0, 1, 0], "output 2 4"],
    ["sendto", [1, 0, 1, 0, 0, 0], "output 0 2"],
    ["sendto", [1, 0, 1, 0, 1, 16], "EACCES"],
    ["sendmsg", [1, 0, 0], "output 0 refuse"],
    ["sendmmsg", [1, 0, 0], "output 0 refuse"],
    ["splice", [1, 0, 3, 0, 1, 0], "EINVAL"],
    ["read", [0, 0, 1], "allow"],
  ],
);

Deno.test("planCalls() plans every call of the table", () => {
  assertEquals(
    [...planCalls(NONE, { observe: false }).keys()],
    Object.keys(SYSCALLS) as SyscallName[],
  );
});

Deno.test("planCalls() refuses every forbidden call, whatever its arguments", () => {
  const plan = planCalls(NONE, { observe: false });
  const refusals: readonly Short[] = ["EPERM", "ENOSYS"] satisfies ErrnoName[];
  for (const { name, kind } of Object.values(SYSCALLS)) {
    if (kind !== "forbidden" || name.endsWith("_pages")) continue;
    for (const args of [[], [1, 1, 1, 1, 1, 1], [-1, -1, -1, -1, -1, -1]]) {
      assert(refusals.includes(ask(plan, name, args)), name);
    }
  }
});

Deno.test("planCalls() never allows what no policy may allow", () => {
  const allow = [...NEVER_ALLOWED].map((name) => ({ name, ref: REF }));
  const plan = planCalls(
    { ...NONE, calls: { allow, refuse: [] } },
    { observe: false },
  );
  const without = planCalls(NONE, { observe: false });
  for (const name of NEVER_ALLOWED) {
    assertEquals(plan.get(name), without.get(name), name);
  }
});

/** An address, and the same with a top byte that the kernel may not look at. */
function tagged(address: bigint): bigint[] {
  return [address, TAG | address];
}

Deno.test("planCalls() lets no call that takes an address at a place work on the pins", () => {
  const plan = planCalls(NONE, { observe: false });
  // They change no content, no protection and no place.
  const harmless: ReadonlySet<SyscallName> = new Set<SyscallName>([
    "brk",
    "get_mempolicy",
    "mincore",
    "mlock",
    "mlock2",
    "msync",
    "munlock",
    "shmdt",
  ]);
  for (const { name, args } of Object.values(SYSCALLS)) {
    const arg = args.indexOf("address");
    if (arg < 0 || harmless.has(name)) continue;
    for (const at of [PIN, PIN_END - 1].map(BigInt).flatMap(tagged)) {
      const values = [0n, 0n, 0n, 0n, 0n, 0n];
      values[arg] = at;
      const answer = ask(plan, name, values);
      assert(answer === "EPERM" || answer === "refuse EPERM", name);
    }
  }
});

Deno.test("planCalls() gives the rule with a refusal that is left to the tracer", () => {
  const plan = planCalls(RULES, { observe: false });
  assertEquals(plan.get("fork")?.action, {
    kind: "trace",
    look: { kind: "refuse", refusal: { kind: "kill" }, rule: REF },
  });
});

Deno.test("planCalls() shares no port, and lets no program aim the kernel's choice", () => {
  const plan = planCalls(SOME, { observe: false });
  assertEquals(ask(plan, "setsockopt", [3, 1, 15]), "EPERM");
  assertEquals(ask(plan, "setsockopt", [3, 1, 2]), "option 0");
  assertEquals(ask(plan, "setsockopt", [3, 0, 51]), "EPERM");
});
