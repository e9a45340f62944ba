/**
 * Every system call of x86-64 and arm64, once: numbers, group, class, arguments.
 *
 * The numbers are those of `arch/x86/entry/syscalls/syscall_64.tbl` and
 * `include/uapi/asm-generic/unistd.h`; `scripts/syscalls.ts` compares them with
 * the headers of the machine. A number that is not here is refused.
 */

import type { ArchName } from "./arch.ts";

export type { ArchName } from "./arch.ts";

/**
 * What happens to a call where no policy says otherwise.
 *
 * - `unrestricted`: it works on what the process already holds, so it is made.
 *   Guards on constant arguments may still refuse some uses of it.
 * - `checked`: a path, a descriptor or an argument decides.
 * - `virtual`: jail answers it itself, or may be told to.
 * - `forbidden`: it is refused.
 */
export type SyscallClass =
  | "unrestricted"
  | "checked"
  | "virtual"
  | "forbidden";

/**
 * What a call is about: the word after the `@` in `calls: {allow: ["@net"]}`.
 *
 * - `file`: names files, or changes their metadata
 * - `fd`: works on an open file as a whole
 * - `io`: moves data, waits for it
 * - `memory`, `process`, `thread`, `sched`, `signal`, `time`: what they say
 * - `identity`: user, group and capability numbers
 * - `net`: sockets; `ipc`: System V and POSIX message queues and the like
 * - `mount`, `keyring`, `kernel` (modules, BPF, ports), `system` (what the
 *   whole machine has one of)
 * - `debug`: looks into other processes
 * - `security`: gives rights up
 * - `obsolete`: the kernel has the number and nothing behind it
 */
export type Group =
  | "debug"
  | "fd"
  | "file"
  | "identity"
  | "io"
  | "ipc"
  | "kernel"
  | "keyring"
  | "memory"
  | "mount"
  | "net"
  | "obsolete"
  | "process"
  | "sched"
  | "security"
  | "signal"
  | "system"
  | "thread"
  | "time";

/** What an argument is that names a file: {@linkcode ArgKind} says what each means. */
export type PathKind =
  | "stat-path"
  | "stat-link"
  | "read-path"
  | "read-link"
  | "write-path"
  | "write-link"
  | "run-path"
  | "open-path"
  | "chdir-path"
  | "rename-from"
  | "rename-to"
  | "link-from"
  | "link-to";

/**
 * What one argument is.
 *
 * Those that name a file are relative to the `dirfd` before them, or to the
 * working directory where there is none:
 *
 * - `stat-path`, `stat-link`: only seen that it exists; `-link` does not follow
 *   a link in the last component
 * - `read-path`, `read-link`: read
 * - `write-path`, `write-link`: changed, created or removed
 * - `run-path`: executed
 * - `open-path`: as `open-flags` or `open-how` says; with neither (`creat`),
 *   O_CREAT | O_WRONLY | O_TRUNC
 * - `chdir-path`: a directory, seen
 * - `rename-from`, `rename-to`, `link-from`, `link-to`: links not followed
 *
 * and these change what is before them:
 *
 * - `at-flags`: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH; AT_REMOVEDIR in `unlinkat`
 * - `at-flags-follow`: AT_SYMLINK_FOLLOW, AT_EMPTY_PATH
 * - `inotify-mask`: IN_DONT_FOLLOW
 * - `rename-flags`: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT
 *
 * `write-fd` is a descriptor whose file changes though it may be open only for
 * reading, `read-fd` one whose file is read though it may be open only for
 * writing. `pid`, `tid` and `pgid` may name something outside the jail, 0 is
 * the caller; `which` says what `who` is (PRIO_PROCESS, IOPRIO_WHO_PGRP, …).
 * `address` is a place in the address space itself, which may be mapped or not.
 * `sockaddr`, `msghdr` and `mmsghdr` are read by the kernel; where it only
 * fills them they are `ptr`. `buf` is bytes or a struct that a call reads or
 * fills, `ptr` anything else in memory, `string` text that names no file.
 */
export type ArgKind =
  // Files.
  | PathKind
  | "dirfd"
  | "open-flags"
  | "open-how"
  | "at-flags"
  | "at-flags-follow"
  | "inotify-mask"
  | "rename-flags"
  | "access-mode"
  | "mode"
  | "dev"
  | "offset"
  // Descriptors.
  | "fd"
  | "read-fd"
  | "write-fd"
  | "pidfd"
  | "ioctl"
  | "fcntl"
  // Processes.
  | "pid"
  | "tid"
  | "pgid"
  | "which"
  | "who"
  | "uid"
  | "gid"
  | "signal"
  | "clone-flags"
  | "prctl"
  | "cap-header"
  // Memory.
  | "address"
  | "prot"
  | "map-flags"
  | "ptr"
  | "buf"
  | "iovec"
  | "string"
  | "argv"
  | "envp"
  | "sockaddr"
  | "msghdr"
  | "mmsghdr"
  | "socket-family"
  | "socket-type"
  | "socket-level"
  | "socket-option"
  | "message-flags"
  | "timespec"
  | "sigset"
  // Numbers.
  | "clock"
  | "size"
  | "int"
  | "uint"
  | "long";

/**
 * How many bits of an argument the kernel looks at.
 *
 * The rest of a 32-bit argument's register is whatever the program put there:
 * compare the low word only. (Of `mode` it takes 16.)
 */
export const ARG_BITS: Readonly<Record<ArgKind, 32 | 64>> = {
  "stat-path": 64,
  "stat-link": 64,
  "read-path": 64,
  "read-link": 64,
  "write-path": 64,
  "write-link": 64,
  "run-path": 64,
  "open-path": 64,
  "chdir-path": 64,
  "rename-from": 64,
  "rename-to": 64,
  "link-from": 64,
  "link-to": 64,
  "dirfd": 32,
  "open-flags": 32,
  "open-how": 64,
  "at-flags": 32,
  "at-flags-follow": 32,
  "inotify-mask": 32,
  "rename-flags": 32,
  "access-mode": 32,
  "mode": 32,
  "dev": 32,
  "offset": 64,
  "fd": 32,
  "read-fd": 32,
  "write-fd": 32,
  "pidfd": 32,
  "ioctl": 32,
  "fcntl": 32,
  "pid": 32,
  "tid": 32,
  "pgid": 32,
  "which": 32,
  "who": 32,
  "uid": 32,
  "gid": 32,
  "signal": 32,
  "clone-flags": 64,
  "prctl": 32,
  "cap-header": 64,
  "address": 64,
  "prot": 64,
  "map-flags": 64,
  "ptr": 64,
  "buf": 64,
  "iovec": 64,
  "string": 64,
  "argv": 64,
  "envp": 64,
  "sockaddr": 64,
  "msghdr": 64,
  "mmsghdr": 64,
  "socket-family": 32,
  "socket-type": 32,
  "socket-level": 32,
  "socket-option": 32,
  "message-flags": 32,
  "timespec": 64,
  "sigset": 64,
  "clock": 32,
  "size": 64,
  "int": 32,
  "uint": 32,
  "long": 64,
};

/** One system call. */
export interface Syscall {
  /** Its name, as the kernel's table spells it. */
  readonly name: SyscallName;
  /** Its number on x86-64, if it has one. */
  readonly x86_64: number | undefined;
  /** Its number on arm64, if it has one. */
  readonly aarch64: number | undefined;
  /** What it is about. */
  readonly group: Group;
  /** What happens to it where no policy says otherwise. */
  readonly kind: SyscallClass;
  /** What its arguments are, in order; the kernel takes no more than these. */
  readonly args: readonly ArgKind[];
}

/** A call's name, as the kernel's table spells it. */
// deno-fmt-ignore
export type SyscallName =
  | "_sysctl" | "accept" | "accept4" | "access" | "acct" | "add_key"
  | "adjtimex" | "afs_syscall" | "alarm" | "arch_prctl" | "bind" | "bpf" | "brk"
  | "cachestat" | "capget" | "capset" | "chdir" | "chmod" | "chown" | "chroot"
  | "clock_adjtime" | "clock_getres" | "clock_gettime" | "clock_nanosleep"
  | "clock_settime" | "clone" | "clone3" | "close" | "close_range" | "connect"
  | "copy_file_range" | "creat" | "create_module" | "delete_module" | "dup"
  | "dup2" | "dup3" | "epoll_create" | "epoll_create1" | "epoll_ctl"
  | "epoll_ctl_old" | "epoll_pwait" | "epoll_pwait2" | "epoll_wait"
  | "epoll_wait_old" | "eventfd" | "eventfd2" | "execve" | "execveat" | "exit"
  | "exit_group" | "faccessat" | "faccessat2" | "fadvise64" | "fallocate"
  | "fanotify_init" | "fanotify_mark" | "fchdir" | "fchmod" | "fchmodat"
  | "fchmodat2" | "fchown" | "fchownat" | "fcntl" | "fdatasync" | "fgetxattr"
  | "file_getattr" | "file_setattr" | "finit_module" | "flistxattr" | "flock"
  | "fork" | "fremovexattr" | "fsconfig" | "fsetxattr" | "fsmount" | "fsopen"
  | "fspick" | "fstat" | "fstatfs" | "fsync" | "ftruncate" | "futex"
  | "futex_requeue" | "futex_wait" | "futex_waitv" | "futex_wake" | "futimesat"
  | "get_kernel_syms" | "get_mempolicy" | "get_robust_list" | "get_thread_area"
  | "getcpu" | "getcwd" | "getdents" | "getdents64" | "getegid" | "geteuid"
  | "getgid" | "getgroups" | "getitimer" | "getpeername" | "getpgid" | "getpgrp"
  | "getpid" | "getpmsg" | "getppid" | "getpriority" | "getrandom" | "getresgid"
  | "getresuid" | "getrlimit" | "getrusage" | "getsid" | "getsockname"
  | "getsockopt" | "gettid" | "gettimeofday" | "getuid" | "getxattr"
  | "getxattrat" | "init_module" | "inotify_add_watch" | "inotify_init"
  | "inotify_init1" | "inotify_rm_watch" | "io_cancel" | "io_destroy"
  | "io_getevents" | "io_pgetevents" | "io_setup" | "io_submit"
  | "io_uring_enter" | "io_uring_register" | "io_uring_setup" | "ioctl"
  | "ioperm" | "iopl" | "ioprio_get" | "ioprio_set" | "kcmp" | "kexec_file_load"
  | "kexec_load" | "keyctl" | "kill" | "landlock_add_rule"
  | "landlock_create_ruleset" | "landlock_restrict_self" | "lchown"
  | "lgetxattr" | "link" | "linkat" | "listen" | "listmount" | "listns"
  | "listxattr" | "listxattrat" | "llistxattr" | "lookup_dcookie"
  | "lremovexattr" | "lseek" | "lsetxattr" | "lsm_get_self_attr"
  | "lsm_list_modules" | "lsm_set_self_attr" | "lstat" | "madvise"
  | "map_shadow_stack" | "mbind" | "membarrier" | "memfd_create"
  | "memfd_secret" | "migrate_pages" | "mincore" | "mkdir" | "mkdirat" | "mknod"
  | "mknodat" | "mlock" | "mlock2" | "mlockall" | "mmap" | "modify_ldt"
  | "mount" | "mount_setattr" | "move_mount" | "move_pages" | "mprotect"
  | "mq_getsetattr" | "mq_notify" | "mq_open" | "mq_timedreceive"
  | "mq_timedsend" | "mq_unlink" | "mremap" | "mseal" | "msgctl" | "msgget"
  | "msgrcv" | "msgsnd" | "msync" | "munlock" | "munlockall" | "munmap"
  | "name_to_handle_at" | "nanosleep" | "newfstatat" | "nfsservctl" | "open"
  | "open_by_handle_at" | "open_tree" | "open_tree_attr" | "openat" | "openat2"
  | "pause" | "perf_event_open" | "personality" | "pidfd_getfd" | "pidfd_open"
  | "pidfd_send_signal" | "pipe" | "pipe2" | "pivot_root" | "pkey_alloc"
  | "pkey_free" | "pkey_mprotect" | "poll" | "ppoll" | "prctl" | "pread64"
  | "preadv" | "preadv2" | "prlimit64" | "process_madvise" | "process_mrelease"
  | "process_vm_readv" | "process_vm_writev" | "pselect6" | "ptrace" | "putpmsg"
  | "pwrite64" | "pwritev" | "pwritev2" | "query_module" | "quotactl"
  | "quotactl_fd" | "read" | "readahead" | "readlink" | "readlinkat" | "readv"
  | "reboot" | "recvfrom" | "recvmmsg" | "recvmsg" | "remap_file_pages"
  | "removexattr" | "removexattrat" | "rename" | "renameat" | "renameat2"
  | "request_key" | "restart_syscall" | "rmdir" | "rseq" | "rseq_slice_yield"
  | "rt_sigaction" | "rt_sigpending" | "rt_sigprocmask" | "rt_sigqueueinfo"
  | "rt_sigreturn" | "rt_sigsuspend" | "rt_sigtimedwait" | "rt_tgsigqueueinfo"
  | "sched_get_priority_max" | "sched_get_priority_min" | "sched_getaffinity"
  | "sched_getattr" | "sched_getparam" | "sched_getscheduler"
  | "sched_rr_get_interval" | "sched_setaffinity" | "sched_setattr"
  | "sched_setparam" | "sched_setscheduler" | "sched_yield" | "seccomp"
  | "security" | "select" | "semctl" | "semget" | "semop" | "semtimedop"
  | "sendfile" | "sendmmsg" | "sendmsg" | "sendto" | "set_mempolicy"
  | "set_mempolicy_home_node" | "set_robust_list" | "set_thread_area"
  | "set_tid_address" | "setdomainname" | "setfsgid" | "setfsuid" | "setgid"
  | "setgroups" | "sethostname" | "setitimer" | "setns" | "setpgid"
  | "setpriority" | "setregid" | "setresgid" | "setresuid" | "setreuid"
  | "setrlimit" | "setsid" | "setsockopt" | "settimeofday" | "setuid"
  | "setxattr" | "setxattrat" | "shmat" | "shmctl" | "shmdt" | "shmget"
  | "shutdown" | "sigaltstack" | "signalfd" | "signalfd4" | "socket"
  | "socketpair" | "splice" | "stat" | "statfs" | "statmount" | "statx"
  | "swapoff" | "swapon" | "symlink" | "symlinkat" | "sync" | "sync_file_range"
  | "syncfs" | "sysfs" | "sysinfo" | "syslog" | "tee" | "tgkill" | "time"
  | "timer_create" | "timer_delete" | "timer_getoverrun" | "timer_gettime"
  | "timer_settime" | "timerfd_create" | "timerfd_gettime" | "timerfd_settime"
  | "times" | "tkill" | "truncate" | "tuxcall" | "umask" | "umount2" | "uname"
  | "unlink" | "unlinkat" | "unshare" | "uprobe" | "uretprobe" | "uselib"
  | "userfaultfd" | "ustat" | "utime" | "utimensat" | "utimes" | "vfork"
  | "vhangup" | "vmsplice" | "vserver" | "wait4" | "waitid" | "write" | "writev";

/** Numbers are -1 where the architecture has no such call. */
type Row = readonly [
  x86_64: number,
  aarch64: number,
  group: Group,
  kind: SyscallClass,
  ...args: ArgKind[],
];

// deno-fmt-ignore: the columns are the documentation.
const TABLE: Readonly<Record<SyscallName, Row>> = {
  //                        x86-64 arm64 group        class          arguments
  _sysctl:                 [ 156,   -1, "obsolete",  "forbidden",    "ptr"],
  accept:                  [  43,  202, "net",       "checked",      "fd", "ptr", "ptr"],
  accept4:                 [ 288,  242, "net",       "checked",      "fd", "ptr", "ptr", "int"],
  access:                  [  21,   -1, "file",      "checked",      "stat-path", "access-mode"],
  acct:                    [ 163,   89, "system",    "forbidden",    "write-path"],
  add_key:                 [ 248,  217, "keyring",   "forbidden",    "string", "string", "buf", "size", "int"], // keyrings are shared with the whole session
  adjtimex:                [ 159,  171, "time",      "forbidden",    "ptr"], // sets the clock
  afs_syscall:             [ 183,   -1, "obsolete",  "forbidden"],
  alarm:                   [  37,   -1, "time",      "unrestricted", "uint"],
  arch_prctl:              [ 158,   -1, "process",   "unrestricted", "int", "long"],
  bind:                    [  49,  200, "net",       "checked",      "fd", "sockaddr", "int"], // a unix address creates a file
  bpf:                     [ 321,  280, "kernel",    "forbidden",    "int", "ptr", "uint"],
  brk:                     [  12,  214, "memory",    "unrestricted", "address"],
  cachestat:               [ 451,  451, "fd",        "unrestricted", "fd", "ptr", "buf", "uint"],
  capget:                  [ 125,   90, "identity",  "checked",      "cap-header", "buf"], // tells of other processes: the pid is in memory
  capset:                  [ 126,   91, "identity",  "unrestricted", "cap-header", "ptr"],
  chdir:                   [  80,   49, "file",      "checked",      "chdir-path"],
  chmod:                   [  90,   -1, "file",      "checked",      "write-path", "mode"],
  chown:                   [  92,   -1, "file",      "checked",      "write-path", "uid", "gid"],
  chroot:                  [ 161,   51, "mount",     "forbidden",    "chdir-path"],
  clock_adjtime:           [ 305,  266, "time",      "forbidden",    "clock", "ptr"], // sets the clock
  clock_getres:            [ 229,  114, "time",      "unrestricted", "clock", "buf"],
  clock_gettime:           [ 228,  113, "time",      "unrestricted", "clock", "buf"], // a negative clock may be that of another process
  clock_nanosleep:         [ 230,  115, "time",      "unrestricted", "clock", "int", "timespec", "buf"],
  clock_settime:           [ 227,  112, "time",      "forbidden",    "clock", "timespec"],
  clone:                   [  56,  220, "process",   "unrestricted", "clone-flags", "ptr", "ptr", "ptr", "ptr"], // flags are guarded
  clone3:                  [ 435,  435, "process",   "virtual",      "ptr", "size"], // flags in memory: ENOSYS, and libc calls clone
  close:                   [   3,   57, "fd",        "unrestricted", "fd"],
  close_range:             [ 436,  436, "fd",        "unrestricted", "uint", "uint", "uint"],
  connect:                 [  42,  203, "net",       "checked",      "fd", "sockaddr", "int"],
  copy_file_range:         [ 326,  285, "io",        "unrestricted", "fd", "ptr", "fd", "ptr", "size", "uint"],
  creat:                   [  85,   -1, "file",      "checked",      "open-path", "mode"],
  create_module:           [ 174,   -1, "obsolete",  "forbidden",    "string", "size"],
  delete_module:           [ 176,  106, "kernel",    "forbidden",    "string", "uint"],
  dup:                     [  32,   23, "fd",        "unrestricted", "fd"],
  dup2:                    [  33,   -1, "fd",        "unrestricted", "fd", "fd"],
  dup3:                    [ 292,   24, "fd",        "unrestricted", "fd", "fd", "int"],
  epoll_create:            [ 213,   -1, "io",        "unrestricted", "int"],
  epoll_create1:           [ 291,   20, "io",        "unrestricted", "int"],
  epoll_ctl:               [ 233,   21, "io",        "unrestricted", "fd", "int", "fd", "ptr"],
  epoll_ctl_old:           [ 214,   -1, "obsolete",  "forbidden"],
  epoll_pwait:             [ 281,   22, "io",        "unrestricted", "fd", "buf", "int", "int", "sigset", "size"],
  epoll_pwait2:            [ 441,  441, "io",        "unrestricted", "fd", "buf", "int", "timespec", "sigset", "size"],
  epoll_wait:              [ 232,   -1, "io",        "unrestricted", "fd", "buf", "int", "int"],
  epoll_wait_old:          [ 215,   -1, "obsolete",  "forbidden"],
  eventfd:                 [ 284,   -1, "io",        "unrestricted", "uint"],
  eventfd2:                [ 290,   19, "io",        "unrestricted", "uint", "int"],
  execve:                  [  59,  221, "process",   "checked",      "run-path", "argv", "envp"],
  execveat:                [ 322,  281, "process",   "checked",      "dirfd", "run-path", "argv", "envp", "at-flags"],
  exit:                    [  60,   93, "process",   "unrestricted", "int"],
  exit_group:              [ 231,   94, "process",   "unrestricted", "int"],
  faccessat:               [ 269,   48, "file",      "checked",      "dirfd", "stat-path", "access-mode"],
  faccessat2:              [ 439,  439, "file",      "checked",      "dirfd", "stat-path", "access-mode", "at-flags"],
  fadvise64:               [ 221,  223, "fd",        "unrestricted", "fd", "offset", "size", "int"],
  fallocate:               [ 285,   47, "fd",        "unrestricted", "fd", "int", "offset", "offset"],
  fanotify_init:           [ 300,  262, "file",      "forbidden",    "uint", "uint"], // sees what others do to files
  fanotify_mark:           [ 301,  263, "file",      "forbidden",    "fd", "uint", "long", "dirfd", "read-path"],
  fchdir:                  [  81,   50, "file",      "unrestricted", "fd"], // the descriptor was opened under the policy
  fchmod:                  [  91,   52, "file",      "checked",      "write-fd", "mode"],
  fchmodat:                [ 268,   53, "file",      "checked",      "dirfd", "write-path", "mode"],
  fchmodat2:               [ 452,  452, "file",      "checked",      "dirfd", "write-path", "mode", "at-flags"],
  fchown:                  [  93,   55, "file",      "checked",      "write-fd", "uid", "gid"],
  fchownat:                [ 260,   54, "file",      "checked",      "dirfd", "write-path", "uid", "gid", "at-flags"],
  fcntl:                   [  72,   25, "fd",        "checked",      "fd", "fcntl", "long"], // F_SETOWN aims signals at others
  fdatasync:               [  75,   83, "fd",        "unrestricted", "fd"],
  fgetxattr:               [ 193,   10, "file",      "checked",      "read-fd", "string", "buf", "size"], // a descriptor open for writing only would do
  file_getattr:            [ 468,  468, "file",      "checked",      "dirfd", "stat-path", "buf", "size", "at-flags"],
  file_setattr:            [ 469,  469, "file",      "checked",      "dirfd", "write-path", "ptr", "size", "at-flags"],
  finit_module:            [ 313,  273, "kernel",    "forbidden",    "fd", "string", "int"],
  flistxattr:              [ 196,   13, "file",      "checked",      "read-fd", "buf", "size"],
  flock:                   [  73,   32, "fd",        "unrestricted", "fd", "int"],
  fork:                    [  57,   -1, "process",   "unrestricted"],
  fremovexattr:            [ 199,   16, "file",      "checked",      "write-fd", "string"],
  fsconfig:                [ 431,  431, "mount",     "forbidden",    "fd", "uint", "string", "ptr", "int"],
  fsetxattr:               [ 190,    7, "file",      "checked",      "write-fd", "string", "buf", "size", "int"],
  fsmount:                 [ 432,  432, "mount",     "forbidden",    "fd", "uint", "uint"],
  fsopen:                  [ 430,  430, "mount",     "forbidden",    "string", "uint"],
  fspick:                  [ 433,  433, "mount",     "forbidden",    "dirfd", "stat-path", "uint"],
  fstat:                   [   5,   80, "fd",        "unrestricted", "fd", "buf"],
  fstatfs:                 [ 138,   44, "fd",        "unrestricted", "fd", "buf"],
  fsync:                   [  74,   82, "fd",        "unrestricted", "fd"],
  ftruncate:               [  77,   46, "fd",        "unrestricted", "fd", "offset"],
  futex:                   [ 202,   98, "thread",    "unrestricted", "ptr", "int", "uint", "timespec", "ptr", "uint"], // PI operations name an owner by number
  futex_requeue:           [ 456,  456, "thread",    "unrestricted", "ptr", "uint", "int", "int"],
  futex_wait:              [ 455,  455, "thread",    "unrestricted", "ptr", "long", "long", "uint", "timespec", "clock"],
  futex_waitv:             [ 449,  449, "thread",    "unrestricted", "ptr", "uint", "uint", "timespec", "clock"],
  futex_wake:              [ 454,  454, "thread",    "unrestricted", "ptr", "long", "int", "uint"],
  futimesat:               [ 261,   -1, "file",      "checked",      "dirfd", "write-path", "ptr"],
  get_kernel_syms:         [ 177,   -1, "obsolete",  "forbidden",    "ptr"],
  get_mempolicy:           [ 239,  236, "memory",    "unrestricted", "ptr", "ptr", "long", "address", "long"],
  get_robust_list:         [ 274,  100, "thread",    "checked",      "tid", "ptr", "ptr"], // tells of other processes
  get_thread_area:         [ 211,   -1, "obsolete",  "forbidden",    "ptr"],
  getcpu:                  [ 309,  168, "sched",     "unrestricted", "ptr", "ptr", "ptr"],
  getcwd:                  [  79,   17, "file",      "unrestricted", "buf", "size"],
  getdents:                [  78,   -1, "fd",        "unrestricted", "fd", "buf", "uint"],
  getdents64:              [ 217,   61, "fd",        "unrestricted", "fd", "buf", "uint"],
  getegid:                 [ 108,  177, "identity",  "unrestricted"],
  geteuid:                 [ 107,  175, "identity",  "unrestricted"],
  getgid:                  [ 104,  176, "identity",  "unrestricted"],
  getgroups:               [ 115,  158, "identity",  "unrestricted", "int", "buf"],
  getitimer:               [  36,  102, "time",      "unrestricted", "int", "buf"],
  getpeername:             [  52,  205, "net",       "unrestricted", "fd", "ptr", "ptr"],
  getpgid:                 [ 121,  155, "process",   "checked",      "pid"], // tells of other processes, as do getsid and sched_get*
  getpgrp:                 [ 111,   -1, "process",   "unrestricted"],
  getpid:                  [  39,  172, "process",   "unrestricted"],
  getpmsg:                 [ 181,   -1, "obsolete",  "forbidden"],
  getppid:                 [ 110,  173, "process",   "unrestricted"],
  getpriority:             [ 140,  141, "sched",     "checked",      "which", "who"],
  getrandom:               [ 318,  278, "system",    "unrestricted", "buf", "size", "uint"],
  getresgid:               [ 120,  150, "identity",  "unrestricted", "ptr", "ptr", "ptr"],
  getresuid:               [ 118,  148, "identity",  "unrestricted", "ptr", "ptr", "ptr"],
  getrlimit:               [  97,  163, "process",   "unrestricted", "uint", "buf"],
  getrusage:               [  98,  165, "process",   "unrestricted", "int", "buf"],
  getsid:                  [ 124,  156, "process",   "checked",      "pid"],
  getsockname:             [  51,  204, "net",       "unrestricted", "fd", "ptr", "ptr"],
  getsockopt:              [  55,  209, "net",       "unrestricted", "fd", "socket-level", "socket-option", "buf", "ptr"],
  gettid:                  [ 186,  178, "process",   "unrestricted"],
  gettimeofday:            [  96,  169, "time",      "unrestricted", "buf", "buf"],
  getuid:                  [ 102,  174, "identity",  "unrestricted"],
  getxattr:                [ 191,    8, "file",      "checked",      "read-path", "string", "buf", "size"],
  getxattrat:              [ 464,  464, "file",      "checked",      "dirfd", "read-path", "at-flags", "string", "ptr", "size"],
  init_module:             [ 175,  105, "kernel",    "forbidden",    "buf", "size", "string"],
  inotify_add_watch:       [ 254,   27, "file",      "checked",      "fd", "read-path", "inotify-mask"],
  inotify_init:            [ 253,   -1, "file",      "unrestricted"],
  inotify_init1:           [ 294,   26, "file",      "unrestricted", "int"],
  inotify_rm_watch:        [ 255,   28, "file",      "unrestricted", "fd", "int"],
  io_cancel:               [ 210,    3, "io",        "unrestricted", "long", "ptr", "buf"],
  io_destroy:              [ 207,    1, "io",        "unrestricted", "long"],
  io_getevents:            [ 208,    4, "io",        "unrestricted", "long", "long", "long", "buf", "timespec"],
  io_pgetevents:           [ 333,  292, "io",        "unrestricted", "long", "long", "long", "buf", "timespec", "ptr"],
  io_setup:                [ 206,    0, "io",        "checked",      "uint", "ptr"], // the kernel then writes memory at any time
  io_submit:               [ 209,    2, "io",        "unrestricted", "long", "long", "ptr"], // reads and writes open descriptors only
  io_uring_enter:          [ 426,  426, "io",        "forbidden",    "fd", "uint", "uint", "uint", "ptr", "size"], // makes calls that no filter sees
  io_uring_register:       [ 427,  427, "io",        "forbidden",    "fd", "uint", "ptr", "uint"],
  io_uring_setup:          [ 425,  425, "io",        "forbidden",    "uint", "ptr"],
  ioctl:                   [  16,   29, "fd",        "checked",      "fd", "ioctl", "long"], // TIOCSTI, FS_IOC_SETFLAGS, ...
  ioperm:                  [ 173,   -1, "kernel",    "forbidden",    "long", "long", "int"],
  iopl:                    [ 172,   -1, "kernel",    "forbidden",    "uint"],
  ioprio_get:              [ 252,   31, "sched",     "checked",      "which", "who"],
  ioprio_set:              [ 251,   30, "sched",     "checked",      "which", "who", "int"],
  kcmp:                    [ 312,  272, "debug",     "forbidden",    "pid", "pid", "int", "long", "long"],
  kexec_file_load:         [ 320,  294, "kernel",    "forbidden",    "fd", "fd", "size", "string", "long"],
  kexec_load:              [ 246,  104, "kernel",    "forbidden",    "long", "long", "ptr", "long"],
  keyctl:                  [ 250,  219, "keyring",   "forbidden",    "int", "long", "long", "long", "long"],
  kill:                    [  62,  129, "signal",    "checked",      "pid", "signal"],
  landlock_add_rule:       [ 445,  445, "security",  "unrestricted", "fd", "int", "ptr", "uint"], // Landlock can only take away
  landlock_create_ruleset: [ 444,  444, "security",  "unrestricted", "ptr", "size", "uint"],
  landlock_restrict_self:  [ 446,  446, "security",  "unrestricted", "fd", "uint"],
  lchown:                  [  94,   -1, "file",      "checked",      "write-link", "uid", "gid"],
  lgetxattr:               [ 192,    9, "file",      "checked",      "read-link", "string", "buf", "size"],
  link:                    [  86,   -1, "file",      "checked",      "link-from", "link-to"],
  linkat:                  [ 265,   37, "file",      "checked",      "dirfd", "link-from", "dirfd", "link-to", "at-flags-follow"],
  listen:                  [  50,  201, "net",       "checked",      "fd", "int"],
  listmount:               [ 458,  458, "mount",     "forbidden",    "ptr", "buf", "size", "uint"], // names mounts outside
  listns:                  [ 470,  470, "system",    "forbidden",    "ptr", "buf", "size", "uint"], // names namespaces outside
  listxattr:               [ 194,   11, "file",      "checked",      "read-path", "buf", "size"],
  listxattrat:             [ 465,  465, "file",      "checked",      "dirfd", "read-path", "at-flags", "buf", "size"],
  llistxattr:              [ 195,   12, "file",      "checked",      "read-link", "buf", "size"],
  lookup_dcookie:          [ 212,   18, "file",      "forbidden",    "long", "buf", "size"],
  lremovexattr:            [ 198,   15, "file",      "checked",      "write-link", "string"],
  lseek:                   [   8,   62, "fd",        "unrestricted", "fd", "offset", "uint"],
  lsetxattr:               [ 189,    6, "file",      "checked",      "write-link", "string", "buf", "size", "int"],
  lsm_get_self_attr:       [ 459,  459, "security",  "unrestricted", "uint", "buf", "ptr", "uint"],
  lsm_list_modules:        [ 461,  461, "security",  "unrestricted", "buf", "ptr", "uint"],
  lsm_set_self_attr:       [ 460,  460, "security",  "forbidden",    "uint", "ptr", "uint", "uint"], // may change to a profile that allows more
  lstat:                   [   6,   -1, "file",      "checked",      "stat-link", "buf"],
  madvise:                 [  28,  233, "memory",    "unrestricted", "address", "size", "int"],
  map_shadow_stack:        [ 453,  453, "memory",    "unrestricted", "address", "size", "uint"],
  mbind:                   [ 237,  235, "memory",    "unrestricted", "address", "size", "long", "ptr", "long", "uint"],
  membarrier:              [ 324,  283, "thread",    "unrestricted", "int", "uint", "int"],
  memfd_create:            [ 319,  279, "memory",    "unrestricted", "string", "uint"],
  memfd_secret:            [ 447,  447, "memory",    "forbidden",    "uint"], // a tracer cannot read it
  migrate_pages:           [ 256,  238, "memory",    "forbidden",    "pid", "long", "ptr", "ptr"],
  mincore:                 [  27,  232, "memory",    "unrestricted", "address", "size", "buf"],
  mkdir:                   [  83,   -1, "file",      "checked",      "write-link", "mode"],
  mkdirat:                 [ 258,   34, "file",      "checked",      "dirfd", "write-link", "mode"],
  mknod:                   [ 133,   -1, "file",      "checked",      "write-link", "mode", "dev"],
  mknodat:                 [ 259,   33, "file",      "checked",      "dirfd", "write-link", "mode", "dev"],
  mlock:                   [ 149,  228, "memory",    "unrestricted", "address", "size"],
  mlock2:                  [ 325,  284, "memory",    "unrestricted", "address", "size", "int"],
  mlockall:                [ 151,  230, "memory",    "unrestricted", "int"],
  mmap:                    [   9,  222, "memory",    "unrestricted", "address", "size", "prot", "map-flags", "fd", "offset"], // addresses are guarded
  modify_ldt:              [ 154,   -1, "memory",    "forbidden",    "int", "ptr", "size"], // segments of another width
  mount:                   [ 165,   40, "mount",     "forbidden",    "string", "write-path", "string", "long", "ptr"],
  mount_setattr:           [ 442,  442, "mount",     "forbidden",    "dirfd", "write-path", "at-flags", "ptr", "size"],
  move_mount:              [ 429,  429, "mount",     "forbidden",    "dirfd", "stat-path", "dirfd", "write-path", "uint"],
  move_pages:              [ 279,  239, "memory",    "forbidden",    "pid", "long", "ptr", "ptr", "buf", "int"],
  mprotect:                [  10,  226, "memory",    "unrestricted", "address", "size", "prot"],
  mq_getsetattr:           [ 245,  185, "ipc",       "forbidden",    "fd", "ptr", "ptr"], // POSIX queues have names beyond every path rule
  mq_notify:               [ 244,  184, "ipc",       "forbidden",    "fd", "ptr"],
  mq_open:                 [ 240,  180, "ipc",       "forbidden",    "string", "int", "mode", "ptr"],
  mq_timedreceive:         [ 243,  183, "ipc",       "forbidden",    "fd", "buf", "size", "ptr", "timespec"],
  mq_timedsend:            [ 242,  182, "ipc",       "forbidden",    "fd", "buf", "size", "uint", "timespec"],
  mq_unlink:               [ 241,  181, "ipc",       "forbidden",    "string"],
  mremap:                  [  25,  216, "memory",    "unrestricted", "address", "size", "size", "long", "address"],
  mseal:                   [ 462,  462, "memory",    "unrestricted", "address", "size", "long"],
  msgctl:                  [  71,  187, "ipc",       "forbidden",    "int", "int", "ptr"], // System V objects belong to the whole machine
  msgget:                  [  68,  186, "ipc",       "forbidden",    "int", "int"],
  msgrcv:                  [  70,  188, "ipc",       "forbidden",    "int", "buf", "size", "long", "int"],
  msgsnd:                  [  69,  189, "ipc",       "forbidden",    "int", "buf", "size", "int"],
  msync:                   [  26,  227, "memory",    "unrestricted", "address", "size", "int"],
  munlock:                 [ 150,  229, "memory",    "unrestricted", "address", "size"],
  munlockall:              [ 152,  231, "memory",    "unrestricted"],
  munmap:                  [  11,  215, "memory",    "unrestricted", "address", "size"],
  name_to_handle_at:       [ 303,  264, "file",      "checked",      "dirfd", "stat-link", "ptr", "ptr", "at-flags-follow"],
  nanosleep:               [  35,  101, "time",      "unrestricted", "timespec", "buf"],
  newfstatat:              [ 262,   79, "file",      "checked",      "dirfd", "stat-path", "buf", "at-flags"],
  nfsservctl:              [ 180,   42, "obsolete",  "forbidden",    "int", "ptr", "ptr"],
  open:                    [   2,   -1, "file",      "checked",      "open-path", "open-flags", "mode"],
  open_by_handle_at:       [ 304,  265, "file",      "forbidden",    "fd", "ptr", "int"], // opens by inode, past every path rule
  open_tree:               [ 428,  428, "mount",     "forbidden",    "dirfd", "stat-path", "at-flags"],
  open_tree_attr:          [ 467,  467, "mount",     "forbidden",    "dirfd", "stat-path", "at-flags", "ptr", "size"],
  openat:                  [ 257,   56, "file",      "checked",      "dirfd", "open-path", "open-flags", "mode"],
  openat2:                 [ 437,  437, "file",      "checked",      "dirfd", "open-path", "open-how", "size"],
  pause:                   [  34,   -1, "signal",    "unrestricted"],
  perf_event_open:         [ 298,  241, "kernel",    "forbidden",    "ptr", "pid", "int", "fd", "long"],
  personality:             [ 135,   92, "process",   "checked",      "uint"],
  pidfd_getfd:             [ 438,  438, "debug",     "forbidden",    "pidfd", "fd", "uint"], // takes descriptors of others
  pidfd_open:              [ 434,  434, "process",   "checked",      "pid", "uint"],
  pidfd_send_signal:       [ 424,  424, "signal",    "checked",      "pidfd", "signal", "ptr", "uint"],
  pipe:                    [  22,   -1, "io",        "unrestricted", "ptr"],
  pipe2:                   [ 293,   59, "io",        "unrestricted", "ptr", "int"],
  pivot_root:              [ 155,   41, "mount",     "forbidden",    "chdir-path", "chdir-path"],
  pkey_alloc:              [ 330,  289, "memory",    "unrestricted", "long", "long"],
  pkey_free:               [ 331,  290, "memory",    "unrestricted", "int"],
  pkey_mprotect:           [ 329,  288, "memory",    "unrestricted", "address", "size", "prot", "int"],
  poll:                    [   7,   -1, "io",        "unrestricted", "ptr", "uint", "int"],
  ppoll:                   [ 271,   73, "io",        "unrestricted", "ptr", "uint", "timespec", "sigset", "size"],
  prctl:                   [ 157,  167, "process",   "checked",      "prctl", "long", "long", "long", "long"],
  pread64:                 [  17,   67, "io",        "unrestricted", "fd", "buf", "size", "offset"],
  preadv:                  [ 295,   69, "io",        "unrestricted", "fd", "iovec", "long", "long", "long"],
  preadv2:                 [ 327,  286, "io",        "unrestricted", "fd", "iovec", "long", "long", "long", "int"],
  prlimit64:               [ 302,  261, "process",   "checked",      "pid", "uint", "ptr", "buf"],
  process_madvise:         [ 440,  440, "debug",     "forbidden",    "pidfd", "iovec", "size", "int", "uint"],
  process_mrelease:        [ 448,  448, "debug",     "forbidden",    "pidfd", "uint"],
  process_vm_readv:        [ 310,  270, "debug",     "forbidden",    "pid", "iovec", "long", "iovec", "long", "long"],
  process_vm_writev:       [ 311,  271, "debug",     "forbidden",    "pid", "iovec", "long", "iovec", "long", "long"],
  pselect6:                [ 270,   72, "io",        "unrestricted", "int", "ptr", "ptr", "ptr", "timespec", "ptr"],
  ptrace:                  [ 101,  117, "debug",     "forbidden",    "long", "pid", "long", "long"],
  putpmsg:                 [ 182,   -1, "obsolete",  "forbidden"],
  pwrite64:                [  18,   68, "io",        "unrestricted", "fd", "buf", "size", "offset"],
  pwritev:                 [ 296,   70, "io",        "unrestricted", "fd", "iovec", "long", "long", "long"],
  pwritev2:                [ 328,  287, "io",        "unrestricted", "fd", "iovec", "long", "long", "long", "int"],
  query_module:            [ 178,   -1, "obsolete",  "forbidden",    "string", "int", "ptr", "size", "ptr"],
  quotactl:                [ 179,   60, "system",    "forbidden",    "uint", "stat-path", "int", "ptr"],
  quotactl_fd:             [ 443,  443, "system",    "forbidden",    "fd", "uint", "int", "ptr"],
  read:                    [   0,   63, "io",        "unrestricted", "fd", "buf", "size"],
  readahead:               [ 187,  213, "fd",        "unrestricted", "fd", "offset", "size"],
  readlink:                [  89,   -1, "file",      "checked",      "stat-link", "buf", "int"],
  readlinkat:              [ 267,   78, "file",      "checked",      "dirfd", "stat-link", "buf", "int"],
  readv:                   [  19,   65, "io",        "unrestricted", "fd", "iovec", "long"],
  reboot:                  [ 169,  142, "system",    "forbidden",    "int", "int", "uint", "ptr"],
  recvfrom:                [  45,  207, "net",       "unrestricted", "fd", "buf", "size", "uint", "ptr", "ptr"],
  recvmmsg:                [ 299,  243, "net",       "unrestricted", "fd", "ptr", "uint", "uint", "timespec"],
  recvmsg:                 [  47,  212, "net",       "unrestricted", "fd", "ptr", "uint"],
  remap_file_pages:        [ 216,  234, "memory",    "forbidden",    "address", "size", "long", "size", "long"], // moves pages beneath mappings; rarely used
  removexattr:             [ 197,   14, "file",      "checked",      "write-path", "string"],
  removexattrat:           [ 466,  466, "file",      "checked",      "dirfd", "write-path", "at-flags", "string"],
  rename:                  [  82,   -1, "file",      "checked",      "rename-from", "rename-to"],
  renameat:                [ 264,   38, "file",      "checked",      "dirfd", "rename-from", "dirfd", "rename-to"],
  renameat2:               [ 316,  276, "file",      "checked",      "dirfd", "rename-from", "dirfd", "rename-to", "rename-flags"],
  request_key:             [ 249,  218, "keyring",   "forbidden",    "string", "string", "string", "int"],
  restart_syscall:         [ 219,  128, "signal",    "unrestricted"],
  rmdir:                   [  84,   -1, "file",      "checked",      "write-link"],
  rseq:                    [ 334,  293, "thread",    "unrestricted", "ptr", "uint", "int", "uint"],
  rseq_slice_yield:        [ 471,  471, "thread",    "unrestricted"],
  rt_sigaction:            [  13,  134, "signal",    "unrestricted", "signal", "ptr", "buf", "size"],
  rt_sigpending:           [ 127,  136, "signal",    "unrestricted", "buf", "size"],
  rt_sigprocmask:          [  14,  135, "signal",    "unrestricted", "int", "sigset", "buf", "size"],
  rt_sigqueueinfo:         [ 129,  138, "signal",    "checked",      "pid", "signal", "ptr"],
  rt_sigreturn:            [  15,  139, "signal",    "unrestricted"],
  rt_sigsuspend:           [ 130,  133, "signal",    "unrestricted", "sigset", "size"],
  rt_sigtimedwait:         [ 128,  137, "signal",    "unrestricted", "sigset", "buf", "timespec", "size"],
  rt_tgsigqueueinfo:       [ 297,  240, "signal",    "checked",      "pid", "tid", "signal", "ptr"],
  sched_get_priority_max:  [ 146,  125, "sched",     "unrestricted", "int"],
  sched_get_priority_min:  [ 147,  126, "sched",     "unrestricted", "int"],
  sched_getaffinity:       [ 204,  123, "sched",     "checked",      "tid", "uint", "buf"],
  sched_getattr:           [ 315,  275, "sched",     "checked",      "tid", "buf", "uint", "uint"],
  sched_getparam:          [ 143,  121, "sched",     "checked",      "tid", "buf"],
  sched_getscheduler:      [ 145,  120, "sched",     "checked",      "tid"],
  sched_rr_get_interval:   [ 148,  127, "sched",     "checked",      "tid", "buf"],
  sched_setaffinity:       [ 203,  122, "sched",     "checked",      "tid", "uint", "ptr"],
  sched_setattr:           [ 314,  274, "sched",     "checked",      "tid", "ptr", "uint"],
  sched_setparam:          [ 142,  118, "sched",     "checked",      "tid", "ptr"],
  sched_setscheduler:      [ 144,  119, "sched",     "checked",      "tid", "int", "ptr"],
  sched_yield:             [  24,  124, "sched",     "unrestricted"],
  seccomp:                 [ 317,  277, "security",  "checked",      "uint", "uint", "ptr"], // a listener would answer before the jail
  security:                [ 185,   -1, "obsolete",  "forbidden"],
  select:                  [  23,   -1, "io",        "unrestricted", "int", "ptr", "ptr", "ptr", "ptr"],
  semctl:                  [  66,  191, "ipc",       "forbidden",    "int", "int", "int", "long"],
  semget:                  [  64,  190, "ipc",       "forbidden",    "int", "int", "int"],
  semop:                   [  65,  193, "ipc",       "forbidden",    "int", "ptr", "uint"],
  semtimedop:              [ 220,  192, "ipc",       "forbidden",    "int", "ptr", "uint", "timespec"],
  sendfile:                [  40,   71, "io",        "unrestricted", "fd", "fd", "ptr", "size"],
  sendmmsg:                [ 307,  269, "net",       "checked",      "fd", "mmsghdr", "uint", "message-flags"],
  sendmsg:                 [  46,  211, "net",       "checked",      "fd", "msghdr", "message-flags"],
  sendto:                  [  44,  206, "net",       "checked",      "fd", "buf", "size", "message-flags", "sockaddr", "int"],
  set_mempolicy:           [ 238,  237, "memory",    "unrestricted", "int", "ptr", "long"],
  set_mempolicy_home_node: [ 450,  450, "memory",    "unrestricted", "address", "size", "long", "long"],
  set_robust_list:         [ 273,   99, "thread",    "unrestricted", "ptr", "size"],
  set_thread_area:         [ 205,   -1, "obsolete",  "forbidden",    "ptr"],
  set_tid_address:         [ 218,   96, "process",   "unrestricted", "ptr"],
  setdomainname:           [ 171,  162, "system",    "forbidden",    "string", "int"],
  setfsgid:                [ 123,  152, "identity",  "unrestricted", "gid"],
  setfsuid:                [ 122,  151, "identity",  "unrestricted", "uid"],
  setgid:                  [ 106,  144, "identity",  "unrestricted", "gid"],
  setgroups:               [ 116,  159, "identity",  "unrestricted", "int", "ptr"],
  sethostname:             [ 170,  161, "system",    "forbidden",    "string", "int"],
  setitimer:               [  38,  103, "time",      "unrestricted", "int", "ptr", "buf"],
  setns:                   [ 308,  268, "process",   "forbidden",    "fd", "int"],
  setpgid:                 [ 109,  154, "process",   "unrestricted", "pid", "pgid"], // itself and its children alone, into groups of the jail
  setpriority:             [ 141,  140, "sched",     "checked",      "which", "who", "int"],
  setregid:                [ 114,  143, "identity",  "unrestricted", "gid", "gid"],
  setresgid:               [ 119,  149, "identity",  "unrestricted", "gid", "gid", "gid"],
  setresuid:               [ 117,  147, "identity",  "unrestricted", "uid", "uid", "uid"],
  setreuid:                [ 113,  145, "identity",  "unrestricted", "uid", "uid"],
  setrlimit:               [ 160,  164, "process",   "unrestricted", "uint", "ptr"],
  setsid:                  [ 112,  157, "process",   "unrestricted"],
  setsockopt:              [  54,  208, "net",       "unrestricted", "fd", "socket-level", "socket-option", "buf", "int"],
  settimeofday:            [ 164,  170, "time",      "forbidden",    "ptr", "ptr"],
  setuid:                  [ 105,  146, "identity",  "unrestricted", "uid"],
  setxattr:                [ 188,    5, "file",      "checked",      "write-path", "string", "buf", "size", "int"],
  setxattrat:              [ 463,  463, "file",      "checked",      "dirfd", "write-path", "at-flags", "string", "ptr", "size"],
  shmat:                   [  30,  196, "ipc",       "forbidden",    "int", "address", "int"],
  shmctl:                  [  31,  195, "ipc",       "forbidden",    "int", "int", "ptr"],
  shmdt:                   [  67,  197, "ipc",       "forbidden",    "address"],
  shmget:                  [  29,  194, "ipc",       "forbidden",    "int", "size", "int"],
  shutdown:                [  48,  210, "net",       "unrestricted", "fd", "int"],
  sigaltstack:             [ 131,  132, "signal",    "unrestricted", "ptr", "buf"],
  signalfd:                [ 282,   -1, "signal",    "unrestricted", "fd", "sigset", "size"],
  signalfd4:               [ 289,   74, "signal",    "unrestricted", "fd", "sigset", "size", "int"],
  socket:                  [  41,  198, "net",       "checked",      "socket-family", "socket-type", "int"],
  socketpair:              [  53,  199, "net",       "checked",      "socket-family", "socket-type", "int", "buf"],
  splice:                  [ 275,   76, "io",        "unrestricted", "fd", "ptr", "fd", "ptr", "size", "uint"],
  stat:                    [   4,   -1, "file",      "checked",      "stat-path", "buf"],
  statfs:                  [ 137,   43, "file",      "checked",      "stat-path", "buf"],
  statmount:               [ 457,  457, "mount",     "forbidden",    "ptr", "buf", "size", "uint"],
  statx:                   [ 332,  291, "file",      "checked",      "dirfd", "stat-path", "at-flags", "uint", "buf"],
  swapoff:                 [ 168,  225, "system",    "forbidden",    "write-path"],
  swapon:                  [ 167,  224, "system",    "forbidden",    "write-path", "int"],
  symlink:                 [  88,   -1, "file",      "checked",      "string", "write-link"],
  symlinkat:               [ 266,   36, "file",      "checked",      "string", "dirfd", "write-link"],
  sync:                    [ 162,   81, "file",      "unrestricted"],
  sync_file_range:         [ 277,   84, "fd",        "unrestricted", "fd", "offset", "offset", "uint"],
  syncfs:                  [ 306,  267, "fd",        "unrestricted", "fd"],
  sysfs:                   [ 139,   -1, "system",    "forbidden",    "int", "long", "long"],
  sysinfo:                 [  99,  179, "system",    "virtual",      "buf"],
  syslog:                  [ 103,  116, "system",    "forbidden",    "int", "buf", "int"],
  tee:                     [ 276,   77, "io",        "unrestricted", "fd", "fd", "size", "uint"],
  tgkill:                  [ 234,  131, "signal",    "checked",      "pid", "tid", "signal"],
  time:                    [ 201,   -1, "time",      "unrestricted", "ptr"],
  timer_create:            [ 222,  107, "time",      "unrestricted", "clock", "ptr", "ptr"], // may signal threads of its own process only
  timer_delete:            [ 226,  111, "time",      "unrestricted", "int"],
  timer_getoverrun:        [ 225,  109, "time",      "unrestricted", "int"],
  timer_gettime:           [ 224,  108, "time",      "unrestricted", "int", "buf"],
  timer_settime:           [ 223,  110, "time",      "unrestricted", "int", "int", "ptr", "buf"],
  timerfd_create:          [ 283,   85, "time",      "unrestricted", "clock", "int"],
  timerfd_gettime:         [ 287,   87, "time",      "unrestricted", "fd", "buf"],
  timerfd_settime:         [ 286,   86, "time",      "unrestricted", "fd", "int", "ptr", "buf"],
  times:                   [ 100,  153, "time",      "unrestricted", "buf"],
  tkill:                   [ 200,  130, "signal",    "checked",      "tid", "signal"],
  truncate:                [  76,   45, "file",      "checked",      "write-path", "offset"],
  tuxcall:                 [ 184,   -1, "obsolete",  "forbidden"],
  umask:                   [  95,  166, "process",   "unrestricted", "mode"],
  umount2:                 [ 166,   39, "mount",     "forbidden",    "write-path", "int"],
  uname:                   [  63,  160, "system",    "virtual",      "buf"],
  unlink:                  [  87,   -1, "file",      "checked",      "write-link"],
  unlinkat:                [ 263,   35, "file",      "checked",      "dirfd", "write-link", "at-flags"],
  unshare:                 [ 272,   97, "process",   "checked",      "clone-flags"],
  uprobe:                  [ 336,   -1, "debug",     "unrestricted"], // the kernel's own trampoline; any other caller gets a signal
  uretprobe:               [ 335,   -1, "debug",     "unrestricted"], // likewise
  uselib:                  [ 134,   -1, "file",      "forbidden",    "read-path"],
  userfaultfd:             [ 323,  282, "memory",    "forbidden",    "int"], // holds the kernel between check and use
  ustat:                   [ 136,   -1, "system",    "forbidden",    "uint", "buf"],
  utime:                   [ 132,   -1, "file",      "checked",      "write-path", "ptr"],
  utimensat:               [ 280,   88, "file",      "checked",      "dirfd", "write-path", "timespec", "at-flags"],
  utimes:                  [ 235,   -1, "file",      "checked",      "write-path", "ptr"],
  vfork:                   [  58,   -1, "process",   "unrestricted"],
  vhangup:                 [ 153,   58, "system",    "forbidden"],
  vmsplice:                [ 278,   75, "io",        "unrestricted", "fd", "iovec", "long", "uint"], // lends pages to a pipe, and nobody may write to them
  vserver:                 [ 236,   -1, "obsolete",  "forbidden"],
  wait4:                   [  61,  260, "process",   "unrestricted", "pid", "ptr", "int", "buf"],
  waitid:                  [ 247,   95, "process",   "unrestricted", "int", "pid", "buf", "int", "buf"],
  write:                   [   1,   64, "io",        "unrestricted", "fd", "buf", "size"],
  writev:                  [  20,   66, "io",        "unrestricted", "fd", "iovec", "long"],
};

/** Every call by its name. */
export const SYSCALLS: Readonly<Record<SyscallName, Syscall>> = readTable();

/** Every group, sorted. */
export const GROUPS: readonly Group[] = [
  ...new Set(Object.values(SYSCALLS).map((call) => call.group)),
].sort();

/** Made for the architectures that are asked for: one, but in tests. */
const byNumber: Partial<Record<ArchName, readonly (Syscall | undefined)[]>> =
  {};

/**
 * Finds a call by its number.
 *
 * @param arch the architecture whose number it is
 * @param number the number
 * @returns the call, or `undefined` where the table has none: refuse it
 */
export function syscallByNumber(
  arch: ArchName,
  number: number,
): Syscall | undefined {
  return (byNumber[arch] ??= numbered(arch))[number];
}

/**
 * Tells whether text is the name of a call.
 *
 * @param text the text
 * @returns whether {@linkcode SYSCALLS} has it
 */
export function isSyscallName(text: string): text is SyscallName {
  return Object.hasOwn(TABLE, text);
}

/**
 * Tells whether text is the name of a group.
 *
 * @param text the text, without `@`
 * @returns whether {@linkcode GROUPS} has it
 */
export function isGroup(text: string): text is Group {
  return (GROUPS as readonly string[]).includes(text);
}

/**
 * The calls of a group.
 *
 * @param group the group
 * @returns their names, sorted
 */
export function syscallsOf(group: Group): SyscallName[] {
  return Object.values(SYSCALLS)
    .filter((call) => call.group === group)
    .map((call) => call.name);
}

function readTable(): Record<SyscallName, Syscall> {
  const calls: Partial<Record<SyscallName, Syscall>> = {};
  for (const name of Object.keys(TABLE) as SyscallName[]) {
    const row = TABLE[name];
    // By index: every start reads all rows, and a pattern iterates over each.
    const { 0: x86_64, 1: aarch64, 2: group, 3: kind } = row;
    calls[name] = {
      name,
      x86_64: x86_64 < 0 ? undefined : x86_64,
      aarch64: aarch64 < 0 ? undefined : aarch64,
      group,
      kind,
      args: row.slice(4) as ArgKind[],
    };
  }
  return calls as Record<SyscallName, Syscall>;
}

function numbered(arch: ArchName): (Syscall | undefined)[] {
  const calls: (Syscall | undefined)[] = [];
  for (const call of Object.values(SYSCALLS)) {
    const number = call[arch];
    if (number !== undefined) calls[number] = call;
  }
  return calls;
}
