/** Ways out of a jail, each stopped. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { PIN_END, PIN_SHORT_SIZE, PIN_START } from "../src/abi/pin.ts";
import { type SyscallName, SYSCALLS } from "../src/abi/syscalls.ts";
import { ENGINES, fixture, jail, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";
import { FILTER } from "./python.ts";

interface CallEscape {
  readonly what: string;
  readonly call: SyscallName | number;
  readonly args?: readonly string[];
  readonly errno: string;
}

const AT_FDCWD = "-100";
const EMPTY_PATH = "0x1000";

// What a single call tries, under a policy that allows all that can be allowed.
const CALLS: readonly CallEscape[] = [
  {
    what: "a child that no tracer follows",
    call: "clone",
    args: ["0x800011"],
    errno: "EPERM",
  },
  {
    what: "a child with a namespace of users",
    call: "clone",
    args: ["0x10000011"],
    errno: "EPERM",
  },
  {
    what: "a child of jail itself",
    call: "clone",
    args: ["0x8011"],
    errno: "EPERM",
  },
  {
    what: "flags of clone3 that change after the check",
    call: "clone3",
    args: ["zeros", "88"],
    errno: "ENOSYS",
  },
  {
    what: "a new namespace of users",
    call: "unshare",
    args: ["0x10000000"],
    errno: "EPERM",
  },
  {
    what: "another namespace",
    call: "setns",
    args: ["0", "0"],
    errno: "EPERM",
  },
  {
    what: "io_uring",
    call: "io_uring_setup",
    args: ["8", "zeros"],
    errno: "ENOSYS",
  },
  {
    what: "tracing of the tracer",
    call: "ptrace",
    args: ["0x4206", "ppid", "0", "0"],
    errno: "EPERM",
  },
  {
    what: "reading the tracer's memory",
    call: "process_vm_readv",
    args: ["ppid", "zeros", "1", "zeros", "1", "0"],
    errno: "EPERM",
  },
  {
    what: "writing the tracer's memory",
    call: "process_vm_writev",
    args: ["ppid", "zeros", "1", "zeros", "1", "0"],
    errno: "EPERM",
  },
  {
    what: "taking a descriptor of another process",
    call: "pidfd_getfd",
    args: ["0", "0", "0"],
    errno: "EPERM",
  },
  { what: "bpf", call: "bpf", args: ["0", "zeros", "32"], errno: "EPERM" },
  {
    what: "perf events",
    call: "perf_event_open",
    args: ["zeros", "ppid", "-1", "-1", "0"],
    errno: "EPERM",
  },
  { what: "userfaultfd", call: "userfaultfd", args: ["0"], errno: "EPERM" },
  {
    what: "a mount",
    call: "mount",
    args: ["/etc", "/mnt", "none", "0x1000", "0"],
    errno: "EPERM",
  },
  { what: "another root", call: "chroot", args: ["/usr"], errno: "EPERM" },
  {
    what: "a file opened by its handle",
    call: "open_by_handle_at",
    args: [AT_FDCWD, "zeros", "0"],
    errno: "EPERM",
  },
  {
    what: "a tree opened as a mount",
    call: "open_tree",
    args: [AT_FDCWD, "/etc", EMPTY_PATH],
    errno: "EPERM",
  },
  {
    what: "the kernel's keys",
    call: "keyctl",
    args: ["0", "-3", "0"],
    errno: "ENOSYS",
  },
  {
    what: "shared memory of the whole machine",
    call: "shmget",
    args: ["4711", "4096", "01600"],
    errno: "ENOSYS",
  },
  {
    what: "the tracer's limits",
    call: "prlimit64",
    args: ["ppid", "7", "zeros", "0"],
    errno: "ESRCH",
  },
  {
    what: "the tracer's processors",
    call: "sched_setaffinity",
    args: ["ppid", "8", "zeros"],
    errno: "ESRCH",
  },
  {
    what: "SIGKILL to the tracer",
    call: "kill",
    args: ["ppid", "9"],
    errno: "ESRCH",
  },
  {
    what: "SIGSTOP to the tracer's thread",
    call: "tkill",
    args: ["ppid", "19"],
    errno: "ESRCH",
  },
  {
    what: "SIGKILL by both ids of the tracer",
    call: "tgkill",
    args: ["ppid", "ppid", "9"],
    errno: "ESRCH",
  },
  {
    what: "a descriptor of the tracer's process",
    call: "pidfd_open",
    args: ["ppid", "0"],
    errno: "ESRCH",
  },
  {
    what: "words put into the terminal",
    call: "ioctl",
    args: ["0", "0x5412", "x"],
    errno: "EPERM",
  },
  {
    what: "words put into the terminal, with high bits in the command",
    call: "ioctl",
    args: ["0", "0x100005412", "x"],
    errno: "EPERM",
  },
  {
    what: "a call of x32",
    call: 0x4000_0000 + 257,
    args: [AT_FDCWD, "/etc/passwd", "0"],
    errno: "ENOSYS",
  },
  { what: "call -1", call: -1, errno: "ENOSYS" },
  { what: "a call that nobody knows yet", call: 999, errno: "ENOSYS" },
];

const SECRET = `extends: allow-all
read: {deny: ["@/secret"]}
write: {deny: ["@/secret"]}
`;

// What a few lines of shell try; @ is the directory that all of it is in.
const SCRIPTS: Readonly<Record<string, string>> = {
  "a hard link into a directory that may be written":
    "ln @/secret/file @/public/link; cat @/public/link",
  "a directory that is moved to where it may be read":
    "mv @/secret @/public/; cat @/public/secret/file",
  "a parent that is moved":
    "mv @ @.moved; cat @.moved/secret/file; mv @.moved @",
  "a directory moved over what is closed":
    "rm @/secret/file; mkdir @/x; echo new >@/x/file; mv -T @/x @/secret; cat @/secret/file",
  "two directories that change places":
    "mkdir @/x; mv --exchange -T @/x @/secret; cat @/x/file",
  "a closed name that is spelt in another way":
    "cat @/public/../secret/file @/public/./../public/..//secret/file",
  "a name from a working directory that was moved":
    "mkdir -p @/public/a/b; cd @/public/a/b; mv @/public/a/b @/b; cat ../secret/file",
  "a link to what is closed":
    "ln -s ../secret @/public/x; cat @/public/x/file; ln -s @/secret/file @/public/y; cat @/public/y",
  "a name from the root directory of a process":
    "cat /proc/self/root@/secret/file /proc/$$/root@/secret/file",
  "a name from the working directory of a process":
    "cd @; cat /proc/self/cwd/secret/file /proc/thread-self/cwd/secret/file",
  "a look into processes outside":
    "cat /proc/1/environ /proc/1/maps /proc/$PPID/status; ls /proc/$PPID/fd",
  "writing its own memory by a file":
    "(: >/proc/self/mem) && echo opened; (: >/proc/self/task/$BASHPID/mem) && echo opened",
  "slowing down all who are in the jail's session":
    "(: >/proc/self/autogroup) && echo opened; (: >/proc/$$/autogroup) && echo opened",
  "a setting of the kernel":
    "(: >>/proc/sys/kernel/core_pattern) && echo opened; (: >>/sys/kernel/mm/ksm/run) && echo opened",
  "a setting of the network, among the files of a process":
    "for f in self thread-self $$; do chmod --reference=/proc/net/dev /proc/$f/net/dev && echo opened; done",
  "the kernel's files":
    "head -c 4 /dev/kmsg /proc/kcore; (: >>/proc/sysrq-trigger) && echo opened",
};

/** What ends a program that makes calls of another architecture. */
const ENDS = { seccomp: "SIGSYS", ptrace: "SIGKILL" } as const;

/** Makes the files of a script, and the words that run it to its end. */
async function prepare(root: string, script: string): Promise<string[]> {
  await Deno.mkdir(`${root}/secret`);
  await Deno.mkdir(`${root}/public`);
  await Deno.writeTextFile(`${root}/secret/file`, "secret");
  return ["bash", "-c", `${script.replaceAll("@", root)}; echo done`];
}

for (const engine of ENGINES) {
  for (const { what, call, args = [], errno } of CALLS) {
    Deno.test(`jail (${engine}) stops ${what}`, async () => {
      const nr = typeof call === "number" ? call : SYSCALLS[call].x86_64;
      const argv = [fixture("make_call"), String(nr), ...args];
      const ended = await jail(["-A"], argv, { engine });
      assertEquals([ended.stdout, ended.code], [`${errno}\n`, 0], ended.stderr);
    });
  }

  Deno.test(`jail (${engine}) stops a 32-bit entry into the kernel`, async () => {
    const argv = [fixture("enter_32bit"), "/etc/passwd"];
    const outside = await run(argv);
    // A kernel without that entry ends the program, in a jail or not.
    const ends = outside.signal ?? ENDS[engine];
    assertEquals(outside.stdout, outside.signal === null ? "opened\n" : "");
    const ended = await jail(["-A"], argv, { engine });
    assertEquals([ended.stdout, ended.stderr, ended.signal], ["", "", ends]);
  });

  Deno.test(`jail (${engine}) stops a filter that asks the program itself`, async () => {
    const argv = [fixture("listen_to_itself")];
    const ended = await jail(["-A"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["EBUSY\n", 0]);
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops an open that would pass the program's own filter as jail's do`,
    ),
    async fn(): Promise<void> {
      // By the path that jail has written last, whoever looks for it.
      const code = `${FILTER}
import os
filter(${SYSCALLS.openat2.x86_64}, 0x50026)
os.open("/dev/null", os.O_WRONLY)
how = ctypes.create_string_buffer(24)
libc = ctypes.CDLL(None, use_errno=True)
came = set()
for at in range(${PIN_START}, ${PIN_END}, ${PIN_SHORT_SIZE}):
  fd = libc.syscall(${SYSCALLS.openat2.x86_64}, -100, ctypes.c_void_p(at + 64), how, ctypes.c_long(24))
  came.add("opened" if fd >= 0 else os.strerror(ctypes.get_errno()))
path = ctypes.create_string_buffer(b"/dev/null")
libc.syscall(${SYSCALLS.openat2.x86_64}, -100, path, how, ctypes.c_long(24))
print(came, os.strerror(ctypes.get_errno()))`;
      const argv = ["/usr/bin/python3", "-c", code];
      const { stdout } = await jail(["-A"], argv, { engine });
      assertEquals(stdout, "{'Bad address'} Function not implemented\n");
    },
  });

  for (const [what, script] of Object.entries(SCRIPTS)) {
    Deno.test(`jail (${engine}) stops ${what}`, async () => {
      await using outside = await scratch();
      const argv = await prepare(outside.path, script);
      // What does nothing without a jail would show nothing of the jail.
      assert((await run(argv)).stdout !== "done\n" || Deno.uid() !== 0);
      await using directory = await scratch();
      const root = directory.path;
      const ended = await jail(
        SECRET.replaceAll("@", root),
        await prepare(root, script),
        { engine },
      );
      assertEquals([ended.stdout, ended.code], ["done\n", 0], ended.stderr);
      assertEquals(await Deno.readTextFile(`${root}/secret/file`), "secret");
    });
  }

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops two files that change places, whichever is named first`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const policy = `extends: allow-all\nread: {deny: ["${path}/secret"]}\n`;
      // AT_FDCWD, and RENAME_EXCHANGE.
      const script = `import ctypes, sys
one, other = (name.encode() for name in sys.argv[1:])
print(ctypes.CDLL(None).renameat2(-100, one, -100, other, 2))
print(open("public").read())`;
      for (const names of [["secret", "public"], ["public", "secret"]]) {
        await directory.file("secret", "secret");
        await directory.file("public", "public");
        const argv = ["/usr/bin/python3", "-c", script, ...names];
        const ended = await jail(policy, argv, { engine, cwd: path });
        assertEquals([names, ended.stdout], [names, "-1\npublic\n"]);
      }
    },
  });

  Deno.test(`jail (${engine}) stops a file without a name from being linked to a closed place`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    await Deno.mkdir(`${root}/public`);
    await Deno.mkdir(`${root}/secret`);
    const ended = await jail(
      SECRET.replaceAll("@", root),
      [fixture("link_unnamed"), `${root}/public`, `${root}/secret/x`],
      { engine },
    );
    assertEquals(ended.stdout, "EACCES\nEACCES\n");
  });

  Deno.test(`jail (${engine}) stops ways around a program that may not be run`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    await Deno.copyFile("/bin/echo", `${root}/echo`);
    await directory.file("script", `#!${root}/echo\n`, 0o755);
    const policy = `extends: allow-all\nrun: {deny: ["${root}/echo"]}\n`;
    const ld = "/lib64/ld-linux-x86-64.so.2";
    for (
      const argv of [
        [`${root}/echo`, "ran"],
        [`${root}/script`, "ran"],
        [ld, `${root}/echo`, "ran"],
      ]
    ) {
      const words = ["sh", "-c", '"$@"; echo "$?"', "sh", ...argv];
      const outside = await run(words);
      assertMatch(outside.stdout, /ran\n0\n$/);
      const ended = await jail(policy, words, { engine });
      assertEquals([ended.stdout, ended.code], ["126\n", 0], argv.join(" "));
    }
    const limited = `extends: default\nread: [${root}]\nrun: ["${
      fixture("run_memfd")
    }"]\n`;
    const memfd = [fixture("run_memfd"), "/bin/echo", "ran"];
    assertEquals((await run(memfd)).stdout, "ran\n");
    const ended = await jail(limited, memfd, { engine });
    const { stdout, stderr, code } = ended;
    const refused = "fexecve: Permission denied\n";
    assertEquals([stdout, stderr, code], ["", refused, 0]);
  });
}
