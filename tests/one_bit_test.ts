/**
 * Two jails under `sealed`, which may read a file in common, cannot pass one bit
 * from one to the other: neither by what their programs are told, nor by time.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { AT_EMPTY_PATH } from "../src/abi/fcntl.ts";
import { FS_IOC_FIEMAP } from "../src/abi/ioctls.ts";
import { type SyscallName, SYSCALLS } from "../src/abi/syscalls.ts";
import { loadLayers } from "../src/jail/layers.ts";
import { mergeLayers } from "../src/policy/merge.ts";
import type { FilterAction } from "../src/policy/plan/guard.ts";
import { type CallEntry, planCalls } from "../src/policy/plan/plan.ts";
import type { Engine } from "../src/trace/options.ts";
import { ENGINES, fixture, jail, jailArgv, run, start } from "./harness.ts";
import { type Scratch, scratch } from "./jail.ts";
import { needs } from "./needs.ts";

/** How often each bit is sent. */
const ROUNDS = 3;

/** How often a bit is sent by what tells of others, until all have told it. */
const MOST_ROUNDS = 8;

/** Calls that are made under `sealed`, and that `one_bit` tries to tell by. */
const TRIED: readonly SyscallName[] = names(
  `fcntl fstat futex ioctl kill lseek lstat mmap newfstatat open openat preadv2 stat
  statx`,
);

/** Why each other call that is made under `sealed` tells nothing of others. */
const TELLS_NOTHING: Readonly<Record<string, readonly SyscallName[]>> = {
  "it is about memory that is the program's own": names(
    `arch_prctl brk get_mempolicy map_shadow_stack membarrier mlock mlock2 mlockall
    mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free
    pkey_mprotect set_mempolicy set_mempolicy_home_node`,
  ),
  "it fills or drops what the kernel has of a file, and says nothing of that":
    names("fadvise64 madvise readahead sync sync_file_range syncfs"),
  "it is about the program itself, or a process of its jail": names(
    `capget capset exit exit_group get_robust_list getegid geteuid getgid
    getgroups getpgid getpgrp getpid getppid getpriority getresgid getresuid
    getsid gettid getuid ioprio_get ioprio_set personality pidfd_open
    pidfd_send_signal prctl sched_get_priority_max sched_get_priority_min
    sched_getattr sched_getparam sched_getscheduler sched_setattr
    sched_setparam sched_setscheduler set_robust_list set_tid_address setfsgid
    setfsuid setgid setgroups setpgid setpriority setregid setresgid setresuid
    setreuid setuid tgkill tkill umask unshare uprobe uretprobe`,
  ),
  "it is about limits of the program's own": names(
    "getrlimit prlimit64 setrlimit",
  ),
  "it is about signals, which come from the jail alone": names(
    `pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask
    rt_sigreturn rt_sigsuspend rt_sigtimedwait sigaltstack signalfd signalfd4`,
  ),
  "it waits for a time, and nothing tells how long that was": names(
    "clock_nanosleep nanosleep poll ppoll pselect6 sched_yield select",
  ),
  "it is the one processor that the program has": names(
    "getcpu sched_getaffinity",
  ),
  "it is the same for all, or random": names(
    "getrandom lsm_get_self_attr lsm_list_modules uname",
  ),
  "it takes rights away": names(
    `landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp`,
  ),
  "no child can be made": names("wait4 waitid"),
  "no timer can be made": names(
    `timer_delete timer_getoverrun timer_gettime timer_settime timerfd_settime`,
  ),
  "no context, watch or set of descriptors can be made": names(
    `epoll_ctl epoll_pwait epoll_pwait2 epoll_wait inotify_rm_watch io_cancel
    io_destroy io_getevents io_pgetevents io_submit`,
  ),
  "it is about a socket that was handed in, and its other end": names(
    `getpeername getsockname getsockopt recvfrom recvmmsg recvmsg sendto
    setsockopt shutdown`,
  ),
  "it is about descriptors of the program's own": names(
    `close close_range copy_file_range dup dup2 dup3 eventfd eventfd2 sendfile
    splice tee vmsplice`,
  ),
  "nobody writes to what it reads": names(
    `access chdir execve execveat faccessat faccessat2 fchdir fgetxattr
    file_getattr flistxattr getcwd getdents getdents64 getxattr getxattrat
    lgetxattr listxattr listxattrat llistxattr openat2 pread64
    preadv read readlink readlinkat readv`,
  ),
  "nothing that another one reads may be written": names(
    `chmod chown creat fallocate fchmod fchmodat fchmodat2 fchown fchownat
    fdatasync file_setattr fremovexattr fsetxattr fsync ftruncate futimesat
    lchown link linkat lremovexattr lsetxattr mkdir mkdirat mknod mknodat
    pwrite64 pwritev pwritev2 removexattr removexattrat rename renameat
    renameat2 rmdir setxattr setxattrat symlink symlinkat truncate unlink
    unlinkat utime utimensat utimes write writev`,
  ),
};

/**
 * What tells of others where they are not hidden, on any machine. What uses up
 * something of the user's is not among them: others would miss it.
 */
const CHANNELS = [
  ...["flock", "F_GETLK", "F_OFD_GETLK", "futex", "inotify", "fork", "pipe"],
  ...["SO_COOKIE", "SCM_RIGHTS", "rt_sigqueueinfo", "kill", "timer_create"],
  ...["SEEK_DATA", "FIOQSIZE", "st_blocks", "stx_blocks"],
];

function names(text: string): readonly SyscallName[] {
  return text.split(/\s+/) as SyscallName[];
}

function isMade(action: FilterAction): boolean {
  return action.kind === "allow" ||
    action.kind === "trace" && action.look.kind !== "refuse";
}

/** Whether a call is made with some arguments. */
function isOpen({ guards, action }: CallEntry): boolean {
  const always = guards.findIndex(({ tests }) => tests.length === 0);
  const reached = always < 0 ? guards : guards.slice(0, always + 1);
  return reached.some((guard) => isMade(guard.action)) ||
    always < 0 && isMade(action);
}

Deno.test("under sealed, every call that is made is tried, or has a reason to tell nothing", async () => {
  const variables = { cwd: "/", home: "/", tmp: "/", program: "/bin/true" };
  const policy = mergeLayers(await loadLayers("sealed", variables, "/"));
  const plan = planCalls(policy, { observe: false, sockets: "streams" });
  const made = [...plan].flatMap(([name, entry]) => isOpen(entry) ? name : []);
  const known = [...TRIED, ...Object.values(TELLS_NOTHING).flat()];
  assertEquals(known.toSorted(), made.toSorted());
});

/** What one jail's program sees while another one's sends a bit. */
async function see(
  flags: readonly string[],
  bit: 0 | 1,
  channels: readonly string[],
  engine: Engine,
  directory: Scratch,
): Promise<string> {
  const program = fixture("one_bit");
  const file = await directory.file("shared", "x".repeat(4096));
  const unread = await directory.file("shared.read", "x".repeat(1 << 19));
  // Read long ago, so that it is written down when it is read.
  await Deno.utime(unread, 1, 2);
  // A page of tmpfs is there from when somebody reads it.
  const holes = await Deno.makeTempFile({ dir: "/dev/shm" });
  await Deno.truncate(holes, 4096);
  await Deno.symlink(holes, `${file}.holes`);
  const all = [...flags, `--allow-read=${file},${unread},${holes}`];
  const run = (...words: string[]): Deno.ChildProcess =>
    start(jailArgv(all, [program, ...words, file, ...channels], engine));
  const seer = run("see");
  const seen = reader(seer);
  assertEquals(await seen.line(), "ready");
  const sender = run("send", String(bit));
  const sent = reader(sender);
  assertEquals(await sent.line(), "sent");
  const writer = seer.stdin.getWriter();
  await writer.write(new TextEncoder().encode("\n"));
  await writer.close();
  const text = await seen.rest();
  await sender.stdin.close();
  await sent.rest();
  for (const child of [seer, sender]) {
    assertEquals((await child.status).code, 0, await errors(child));
  }
  await Deno.remove(file);
  await Deno.remove(unread);
  await Deno.remove(holes);
  await Deno.remove(`${file}.holes`);
  return text;
}

function reader(
  { stdout }: Deno.ChildProcess,
): { line(): Promise<string>; rest(): Promise<string> } {
  const texts = stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const more = async (): Promise<boolean> => {
    const { value, done } = await texts.read();
    text += value ?? "";
    return !done;
  };
  return {
    line: async () => {
      while (!text.includes("\n") && await more());
      const [line = ""] = text.split("\n");
      text = text.slice(line.length + 1);
      return line;
    },
    rest: async () => {
      while (await more());
      return text;
    },
  };
}

async function errors({ stderr }: Deno.ChildProcess): Promise<string> {
  return await new Response(stderr).text();
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(["gcc"], `two sealed jails (${engine}) cannot pass one bit`),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const sealed = (bit: 0 | 1): Promise<string> =>
        see(["-p", "sealed"], bit, [], engine, directory);
      const nothing = await sealed(0);
      assertEquals(nothing.split("\n").length > CHANNELS.length, true, nothing);
      for (let round = 0; round < ROUNDS; round++) {
        assertEquals(await sealed(1), nothing);
        assertEquals(await sealed(0), nothing);
      }
    },
  });
}

Deno.test({
  ...needs(
    ["gcc"],
    "two jails pass a bit by many calls, where others are told of",
  ),
  async fn(): Promise<void> {
    await using directory = await scratch();
    const told = async (bit: 0 | 1): Promise<string[]> => {
      const flags = ["-p", "minimal"];
      const text = await see(flags, bit, CHANNELS, "seccomp", directory);
      return text.trimEnd().split("\n");
    };
    // Others on the machine make processes as well, and hide the bit at times.
    let silent: readonly string[] = CHANNELS;
    for (let round = 0; round < MOST_ROUNDS && silent.length > 0; round++) {
      const [zero, one] = [await told(0), await told(1)];
      assertEquals([zero.length, one.length], [
        CHANNELS.length,
        CHANNELS.length,
      ]);
      silent = silent.filter((channel) =>
        zero.some((line) =>
          line.startsWith(`${channel}: `) && one.includes(line)
        )
      );
    }
    assertEquals(silent, []);
  },
});

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["gcc"],
      `a sealed program (${engine}) is not told that others rename a file`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      for (const name of ["seen", "seen/inner", "others"]) {
        await Deno.mkdir(`${root}/${name}`);
      }
      const program = fixture("see_renames");
      const other = start([program, "rename", `${root}/others`]);
      const others = reader(other);
      assertEquals(await others.line(), "ready");
      const { stdout, stderr } = await jail(
        ["-p", "sealed", `-R=${root}/seen`],
        [program, "see", `${root}/seen`],
        { engine },
      );
      other.kill("SIGKILL");
      await other.stdin.close();
      await others.rest();
      await errors(other);
      assertEquals(stdout, "0 0\n", stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a program (${engine}) that is told nothing of others is not told when a file was read, by a call without a path either`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const file = await directory.file("file", "text");
      const [read, changed] = [1_000_000_000, 1_100_000_000];
      await Deno.utime(file, read, changed);
      const { arch } = Deno.build;
      const code = `import ctypes, os, struct
libc = ctypes.CDLL(None)
calls = (${SYSCALLS.newfstatat[arch]}, "told", ${AT_EMPTY_PATH}), (${
        SYSCALLS.statx[arch]
      }, ${AT_EMPTY_PATH}, 0xfff, "told")
fd = os.open("${file}", os.O_RDONLY)
for path in b"", None:
  for number, *rest in calls:
    told = ctypes.create_string_buffer(256)
    libc.syscall(number, fd, path, *(told if one == "told" else one for one in rest))
    words = struct.unpack("32Q", told.raw)
    print(${read} in words, ${changed} in words)`;
      const { stdout, stderr } = await jail(
        `{extends: base, read: ["${directory.path}"], sys: {others: deny}}`,
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      // Before Linux 6.11 a path is needed.
      const each = (told: string): string => `False ${told}\n`.repeat(2);
      assertMatch(
        stdout,
        new RegExp(`^${each("True")}${each("(?:True|False)")}$`),
        stderr,
      );
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a program (${engine}) that is told nothing of others is not told whether its file shares blocks with a copy`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const file = await directory.file("file", "text");
      const code = `import errno, fcntl, struct
with open("${file}") as file:
  try: fcntl.ioctl(file, ${FS_IOC_FIEMAP}, struct.pack("QQIIII56x", 0, 1 << 62, 0, 0, 1, 0))
  except OSError as error: print(error.errno == errno.EOPNOTSUPP)`;
      const { stdout, stderr } = await jail(
        `{extends: base, read: ["${directory.path}"], sys: {others: deny}}`,
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      // As on file systems that do not tell it anybody.
      assertEquals(stdout, "True\n", stderr);
    },
  });
}

/** Asks for what would tell of others by a count, a number or a time. */
const COUNTS = `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def handle(path):
    words, mount = (ctypes.c_uint * 34)(128), ctypes.c_int()
    # AT_HANDLE_FID: of any file, from Linux 6.7 on.
    if libc.name_to_handle_at(-100, path.encode(), words, ctypes.byref(mount), 0x200) < 0:
        return ctypes.get_errno() != 0, any(words[2:])
    return words[2:]
def counts(path):
    s = os.lstat(path)
    return s.st_nlink, s.st_ino, int(s.st_atime), int(s.st_mtime), int(s.st_ctime)
def tell(call, *args):
    try:
        print(*args, call(*args))
    except OSError as error:
        print(*args, error.strerror)
for path in "/proc/self/exe", "/proc/self/fd/0", "/dev/null":
    tell(counts, path)
    print(handle(path))
for path in "/proc", "/proc/self/", "/proc/self/fd", "/dev/pts":
    tell(counts, path)
    tell(os.listdir, path)
for flags in os.O_RDWR, os.O_WRONLY:
    tell(os.open, "/dev/ptmx", flags)
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a program (${engine}) that is told nothing of others counts no processes, files of procfs or terminals`,
    ),
    async fn(): Promise<void> {
      const policy = "{extends: base, sys: {others: deny}}";
      const argv = ["/usr/bin/python3", "-c", COUNTS];
      const { stdout, stderr } = await jail(policy, argv, { engine });
      const denied = (what: string): string => `${what} Permission denied`;
      assertEquals([stderr, ...stdout.trimEnd().split("\n")], [
        "",
        "/proc/self/exe (1, 1, 0, 0, 0)",
        "(True, False)",
        "/proc/self/fd/0 (1, 1, 0, 0, 0)",
        "(True, False)",
        stdout.match(/^\/dev\/null \(1, [0-9]+, 0, 0, 0\)$/m)?.[0] ?? "",
        "(True, False)",
        ...["/proc", "/proc/self/", "/proc/self/fd", "/dev/pts"]
          .flatMap((path) => [denied(path), denied(path)]),
        ...[2, 1].map((flags) => denied(`/dev/ptmx ${flags}`)),
      ]);
    },
  });
}

/** Tries what is numbered or counted of sockets, by one that is its input. */
const SOCKETS = `import array, errno, socket
one = socket.socket(fileno=0)
def tell(what, call, *args):
    try:
        call(*args)
        print(what, "ok")
    except OSError as error:
        print(what, errno.errorcode.get(error.errno))
SO_COOKIE, SO_ZEROCOPY, SCM_RIGHTS = 57, 60, 1
tell("cookie", one.getsockopt, socket.SOL_SOCKET, SO_COOKIE, 8)
tell("zero copy", one.setsockopt, socket.SOL_SOCKET, SO_ZEROCOPY, 1)
rights = [(socket.SOL_SOCKET, SCM_RIGHTS, array.array("i", [1]))]
tell("descriptors", one.sendmsg, [b"x"], rights)
tell("bytes", one.send, b"x")
`;

/** Runs what comes behind with a connection as its input. */
const WITH_SOCKET = `import socket, subprocess, sys
server = socket.create_server(("127.0.0.1", 0))
pairs = socket.socketpair(), (socket.create_connection(server.getsockname()), server)
for one, _ in pairs:
    subprocess.run(sys.argv[1:], stdin=one)
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a program (${engine}) that is told nothing of others counts none by a socket that it is handed`,
    ),
    async fn(): Promise<void> {
      const ask = ["/usr/bin/python3", "-c", SOCKETS];
      const handed = async (...flags: readonly string[]): Promise<string> => {
        const argv = jailArgv(flags, ask, engine);
        const ended = await run([
          ...["/usr/bin/python3", "-c", WITH_SOCKET],
          ...argv,
        ]);
        return ended.stdout;
      };
      const closed = "cookie ENOPROTOOPT\nzero copy ENOTSUP\n" +
        "descriptors EACCES\nbytes ok\n";
      await using directory = await scratch();
      const policy = "{extends: base, sys: {others: deny}}";
      const file = await directory.file("alone.yaml", policy);
      assertEquals(await handed("-p", file), `${closed}${closed}`);
      const open = await handed("-p", "base");
      assertMatch(open, /^cookie ok\nzero copy .*\ndescriptors ok\nbytes ok\n/);
      assertMatch(open, /\ncookie ok\nzero copy ok\n.*\nbytes ok\n$/);
    },
  });
}

/**
 * Runs a program twice at one terminal, with the way to use it as its last
 * argument.
 */
const TWICE = `import os, pty, subprocess, sys
terminal = pty.openpty()[1]
for way in "set", "see":
    subprocess.run(sys.argv[1:] + [way], stdin=terminal, start_new_session=True)
`;

/** Sets a terminal, or sees how it is set. */
const SETTING = `import errno, sys, termios
modes = termios.tcgetattr(0)
if sys.argv[1] == "see": print(modes[6][termios.VDISCARD])
else:
    modes[6][termios.VDISCARD] = b"x"
    try: termios.tcsetattr(0, termios.TCSANOW, modes)
    except termios.error as error: print(errno.errorcode[error.args[0]])
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a sealed program (${engine}) leaves the terminal as it is, which another may be at`,
    ),
    async fn(): Promise<void> {
      const program = ["/usr/bin/python3", "-S", "-c", SETTING];
      const flags = ["-p", "sealed", "-R=/usr,/etc"];
      const { stdout } = await run([
        ...["python3", "-c", TWICE],
        ...jailArgv(flags, program, engine),
      ]);
      assertEquals(stdout, "EPERM\nb'\\x0f'\n");
    },
  });
}

/** Tries to take the terminal that it is at, which nobody else can take then. */
const TAKING = `import errno, fcntl, os, termios
for take in os.setsid, lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0):
    try: print(take())
    except OSError as error: print(errno.errorcode[error.errno])
`;

/** Runs a program at a terminal that nobody has. */
const AT_A_TERMINAL = `import pty, subprocess, sys
subprocess.run(sys.argv[1:], stdin=pty.openpty()[1], start_new_session=True)
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a sealed program (${engine}) takes no terminal, which another would see`,
    ),
    async fn(): Promise<void> {
      const program = ["/usr/bin/python3", "-S", "-c", TAKING];
      const flags = ["-p", "sealed", "-R=/usr,/etc"];
      const { stdout } = await run([
        ...["python3", "-c", AT_A_TERMINAL],
        ...jailArgv(flags, program, engine),
      ]);
      assertEquals(stdout, "EPERM\nEPERM\n");
    },
  });
}

/** What tells of others, by whatever name, to a program that may read all files. */
const TELLING = `
/proc/bus/input/devices /proc/cgroups /proc/cpuinfo /proc/devices /proc/iomem
/proc/kallsyms /proc/key-users /proc/keys /proc/loadavg /proc/meminfo /proc/mounts
/proc/net/dev /proc/net/unix /proc/partitions /proc/pressure/cpu /proc/stat
/proc/self/autogroup /proc/self/cgroup /proc/self/cpuset /proc/self/fdinfo/0
/proc/self/io
/proc/self/maps /proc/self/mountinfo
/proc/self/net/sockstat /proc/self/smaps /proc/self/stat /proc/self/status
/proc/self/task /proc/sys/fs/file-nr /proc/sys/kernel/ns_last_pid
/proc/sysvipc/shm /proc/thread-self/fdinfo/0 /proc/thread-self/io
/proc/thread-self/net/dev /proc/thread-self/stat /proc/thread-self/status
/proc/uptime /proc/vmallocinfo /sys/kernel/mm/ksm/run`.trim().split(/\s+/);

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a sealed program (${engine}) that may read all files reads none that counts for all`,
    ),
    async fn(): Promise<void> {
      const { stdout, stderr } = await jail(
        ["-p", "sealed", "-R"],
        [
          ...["/usr/bin/python3", "-c"],
          `import sys
for path in sys.argv[1:]:
    try: print(path, bool(open(path, "rb").read(1)))
    except PermissionError: pass
    except (FileNotFoundError, IsADirectoryError): print(path, "is not closed")`,
          ...TELLING,
        ],
        { engine },
      );
      assertEquals([stdout, stderr], ["", ""]);
    },
  });
}
