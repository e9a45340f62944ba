/** Calls that do the same, under several names. */

import type { SyscallName } from "./syscalls.ts";

/** Each line is one thing that is done, and the calls that do it. */
const TWINS: readonly (readonly SyscallName[])[] = [
  ["open", "openat", "openat2", "creat"],
  ["stat", "lstat", "fstat", "newfstatat", "statx"],
  ["access", "faccessat", "faccessat2"],
  ["readlink", "readlinkat"],
  ["unlink", "unlinkat"],
  ["rmdir", "unlinkat"],
  ["mkdir", "mkdirat"],
  ["mknod", "mknodat"],
  ["rename", "renameat", "renameat2"],
  ["link", "linkat"],
  ["symlink", "symlinkat"],
  ["chmod", "fchmod", "fchmodat", "fchmodat2"],
  ["chown", "lchown", "fchown", "fchownat"],
  ["utime", "utimes", "futimesat", "utimensat"],
  ["truncate", "ftruncate"],
  ["chdir", "fchdir"],
  ["statfs", "fstatfs"],
  ["getdents", "getdents64"],
  ["inotify_init", "inotify_init1"],
  ["setxattr", "lsetxattr", "fsetxattr", "setxattrat"],
  ["getxattr", "lgetxattr", "fgetxattr", "getxattrat"],
  ["listxattr", "llistxattr", "flistxattr", "listxattrat"],
  ["removexattr", "lremovexattr", "fremovexattr", "removexattrat"],
  ["read", "readv", "pread64", "preadv", "preadv2"],
  ["write", "writev", "pwrite64", "pwritev", "pwritev2"],
  ["pipe", "pipe2"],
  ["dup", "dup2", "dup3"],
  ["poll", "ppoll"],
  ["select", "pselect6"],
  ["accept", "accept4"],
  ["sendto", "sendmsg", "sendmmsg"],
  ["recvfrom", "recvmsg", "recvmmsg"],
  ["fork", "vfork", "clone"],
  ["execve", "execveat"],
  ["wait4", "waitid"],
  [
    ...["kill", "tkill", "tgkill", "pidfd_send_signal"] as const,
    ...["rt_sigqueueinfo", "rt_tgsigqueueinfo"] as const,
  ],
  ["setrlimit", "prlimit64"],
  ["getrlimit", "prlimit64"],
  ["sched_setscheduler", "sched_setparam", "sched_setattr"],
  ["time", "gettimeofday", "clock_gettime"],
  ["nanosleep", "clock_nanosleep"],
  ["alarm", "setitimer", "timer_create"],
];

/**
 * The other calls that do what one does.
 *
 * @param name the call
 */
export function twinsOf(name: SyscallName): readonly SyscallName[] {
  const all = TWINS.filter((calls) => calls.includes(name)).flat();
  return [...new Set(all)].filter((one) => one !== name);
}
