/**
 * Every call that names a file is refused or allowed by the file that it really
 * names.
 */

import { assert, assertEquals } from "@std/assert";
import type { Engine } from "../src/trace/options.ts";
import { ENGINES, fixture, jail, jailArgv, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { hasMachine, hasMounts, needs } from "./needs.ts";

/** What a call does to the file that is in question. */
type Does = "see" | "read" | "run" | "write";

/** What is at the path before the call. */
type Before = "file" | "directory" | "link" | "nothing" | "program";

interface CallCase {
  /** Its name in the fixture. */
  readonly name: string;
  readonly does: Does;
  readonly before: Before;
  /** For a call on two paths: which one is in question. */
  readonly end?: "first" | "second";
  /** What is at the other path before the call. */
  readonly other?: Before;
}

function cases(does: Does, before: Before, names: string): CallCase[] {
  return names.split(" ").map((name) => ({ name, does, before }));
}

function twoPaths(
  names: string,
  before: Before,
  second: Before,
): CallCase[] {
  return names.split(" ").flatMap((name): CallCase[] => [
    { name, does: "write", before, end: "first", other: second },
    { name, does: "write", before: second, end: "second", other: before },
  ]);
}

const CASES: readonly CallCase[] = [
  ...cases(
    "see",
    "file",
    "open_path stat lstat newfstatat statx access faccessat faccessat2",
  ),
  ...cases("see", "link", "readlink readlinkat"),
  ...cases("see", "directory", "chdir statfs"),
  ...cases(
    "read",
    "file",
    "open_read openat openat2 inotify handle getxattr lgetxattr listxattr " +
      "llistxattr getxattrat listxattrat file_getattr",
  ),
  ...cases("read", "directory", "open_directory"),
  ...cases("run", "program", "execve execveat"),
  ...cases("write", "nothing", "creat open_create mkdir mkdirat"),
  ...cases("write", "nothing", "symlink symlinkat mknod mknodat"),
  ...cases("write", "directory", "rmdir unlinkat_dir open_unnamed"),
  ...cases(
    "write",
    "file",
    "open_write open_both open_append open_truncate unlink unlinkat chmod " +
      "fchmodat fchmodat2 chown lchown fchownat utime utimes futimesat " +
      "utimensat truncate setxattr lsetxattr setxattrat removexattr " +
      "lremovexattr removexattrat file_setattr",
  ),
  // Through a descriptor that is open for reading only.
  ...cases(
    "write",
    "file",
    "fchmod fchown fchownat_empty futimens fsetxattr fremovexattr setflags " +
      "reopen reopen_dev",
  ),
  ...twoPaths("rename renameat renameat2 link linkat", "file", "nothing"),
  ...twoPaths("exchange", "file", "file"),
  {
    name: "link_fd",
    does: "write",
    before: "file",
    end: "first",
    other: "nothing",
  },
];

/** Where one case has its file: a name of its own, so that none sees another. */
function place(directory: string, { name, end }: CallCase): string {
  return `${directory}/${name}${end === undefined ? "" : `-${end}`}`;
}

function put(path: string, before: Before): void {
  switch (before) {
    case "file":
      return Deno.writeTextFileSync(path, "text");
    case "directory":
      return Deno.mkdirSync(path);
    case "link":
      return Deno.symlinkSync("nowhere", path);
    case "program":
      return Deno.copyFileSync("/bin/echo", path);
    case "nothing":
      return;
  }
}

/** Makes the files of all cases: in question in `closed`, the others in `open`. */
function prepare(root: string): void {
  for (const directory of ["closed", "open"]) {
    Deno.mkdirSync(`${root}/${directory}`);
  }
  Deno.symlinkSync("closed", `${root}/link`);
  Deno.symlinkSync("/", `${root}/open/root`);
  for (const one of CASES) {
    put(place(`${root}/closed`, one), one.before);
    put(place(`${root}/open`, one), one.other ?? "nothing");
  }
}

/** The fixture's words, with the paths in question spelt in some way. */
function words(
  beside: string,
  root: string,
  only: readonly CallCase[],
  spell = (path: string): string => path,
): string[] {
  const calls = only.map((one): string => {
    const there = spell(place(`${root}/closed`, one));
    const other = place(`${root}/open`, one);
    if (one.end === undefined) return `${one.name}=${there}`;
    return one.end === "first"
      ? `${one.name}=${there}=${other}`
      : `${one.name}=${other}=${there}`;
  });
  return [fixture("try_call"), beside, ...calls];
}

/** What each case should print. */
function expecting(
  only: readonly CallCase[],
  result: (one: CallCase) => string,
): string {
  return only.map((one) => `${one.name}: ${result(one)}\n`).join("");
}

/** All that can be seen of a tree. */
async function snapshot(root: string): Promise<string> {
  const { stdout } = await run([
    "find",
    `${root}/closed`,
    "-printf",
    "%P %y %m %u %s %T@ %n %l\n",
  ]);
  return stdout.split("\n").toSorted().join("\n");
}

// An errno that no kernel gives for these calls: it is the rule that answers.
function closedPolicy(root: string, ...sections: string[]): string {
  return `extends: allow-all\n` +
    sections.map((section) =>
      `${section}: {deny: [{path: ${root}/closed, errno: ENOTUNIQ}]}\n`
    ).join("");
}

const BESIDE: Readonly<Record<string, string>> = {
  alone: "",
  threads: ", beside a thread",
  shared: ", beside a process that shares memory",
};

/**
 * Runs Python in a directory of its own that others may not write, without a jail and
 * in one that allows all, and sees to it that the same is printed; returns that.
 */
async function sameAlone(
  engine: Engine,
  script: string,
  ...words: string[]
): Promise<string> {
  const argv = ["/usr/bin/python3", "-c", script, ...words];
  const runIn = async (argv: string[]): Promise<[string, string]> => {
    await using directory = await scratch();
    await Deno.chmod(directory.path, 0o755);
    const { stdout, stderr } = await run(argv, { cwd: directory.path });
    return [stdout, stderr];
  };
  const [wanted] = await runIn(argv);
  assertEquals(await runIn(jailArgv(["-A"], argv, engine)), [wanted, ""]);
  return wanted;
}

for (const engine of ENGINES) {
  for (const [beside, says] of Object.entries(BESIDE)) {
    Deno.test(`jail (${engine}) refuses each call on a closed path${says}`, async () => {
      await using directory = await scratch();
      const root = directory.path;
      prepare(root);
      const before = await snapshot(root);
      const policy = closedPolicy(root, "read", "write", "run");
      const ended = await jail(policy, words(beside, root, CASES), { engine });
      assertEquals(ended.stdout, expecting(CASES, () => "ENOTUNIQ"));
      assertEquals(await snapshot(root), before);
    });

    Deno.test(`jail (${engine}) refuses each change of a path that may be read${says}`, async () => {
      await using directory = await scratch();
      const root = directory.path;
      prepare(root);
      const before = await snapshot(root);
      const changes = CASES.filter(({ does }) => does === "write");
      const ended = await jail(
        closedPolicy(root, "write"),
        words(beside, root, changes),
        { engine },
      );
      assertEquals(ended.stdout, expecting(changes, () => "ENOTUNIQ"));
      assertEquals(await snapshot(root), before);
    });

    Deno.test(`jail (${engine}) makes each call on an open path as it is${says}`, async () => {
      await using directory = await scratch();
      await using outside = await scratch();
      prepare(directory.path);
      prepare(outside.path);
      const wanted = await run(words(beside, outside.path, CASES));
      const ended = await jail(["-A"], words(beside, directory.path, CASES), {
        engine,
      });
      assertEquals(ended.stdout, wanted.stdout);
    });
  }

  Deno.test(`jail (${engine}) makes an ignored path look absent to each call`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    prepare(root);
    const ended = await jail(
      `extends: allow-all\nread: {ignore: [${root}/closed]}\n`,
      words("alone", root, CASES),
      { engine },
    );
    assertEquals(ended.stdout, expecting(CASES, () => "ENOENT"));
  });

  const spellings: Readonly<Record<string, (path: string) => string>> = {
    "a link in the middle": (path) => path.replace("/closed/", "/link/"),
    "..": (path) => path.replace("/closed/", "/open/.././/closed/"),
    "a name from the working directory": (path) =>
      path.replace(/.*\/closed/, "./closed"),
    "/proc/self/root": (path) => `/proc/self/root${path}`,
    "/proc/thread-self/root": (path) => `/proc/thread-self/root/.${path}`,
    "/proc/self/cwd": (path) =>
      path.replace(/.*\/closed/, "/proc/self/cwd/closed"),
    "a link to the root directory": (path) =>
      path.replace(/(.*)\/closed/, "$1/open/root$1/closed"),
  };
  for (const [what, spell] of Object.entries(spellings)) {
    Deno.test(`jail (${engine}) sees through ${what}`, async () => {
      await using directory = await scratch();
      const root = directory.path;
      prepare(root);
      const before = await snapshot(root);
      const policy = closedPolicy(root, "read", "write", "run");
      for (const beside of ["alone", "threads"]) {
        const argv = words(beside, root, CASES, spell);
        const ended = await jail(policy, argv, { engine, cwd: root });
        assertEquals(ended.stdout, expecting(CASES, () => "ENOTUNIQ"));
      }
      assertEquals(await snapshot(root), before);
    });
  }

  // Others stop for such a call, and it must be decided once, however they stop.
  Deno.test(`jail (${engine}) decides a call on a descriptor once beside a thread`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    prepare(root);
    const only = CASES.filter(({ name }) => /^fch(?:mod|own)$/.test(name));
    const often = Array.from({ length: 20 }, () => only).flat();
    const ended = await jail(
      closedPolicy(root, "write"),
      words("threads", root, often),
      { engine },
    );
    assertEquals(ended.stdout, expecting(often, () => "ENOTUNIQ"));
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) changes what a descriptor is of beside a thread, whatever has its path`,
    ),
    async fn(): Promise<void> {
      const script = `import errno, os, threading
if os.getuid() == 0: os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
threading.Thread(target=threading.Event().wait, daemon=True).start()
def change(what, fd, seen=None):
    seen = fd if seen is None else seen
    for call in lambda: os.fchmod(fd, os.fstat(seen).st_mode ^ 0o044), lambda: os.fchown(fd, -1, os.getgid()), lambda: os.utime(fd, (fd, 1 + os.fstat(seen).st_mtime // 2)):
        try: call(); s = os.fstat(seen); print(what, oct(s.st_mode), s.st_mtime < 2**31 // 4 * 3)
        except OSError as e: print(what, errno.errorcode[e.errno])
def make(name): return os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
os.mkdir("d")
change("a directory", os.open("d", os.O_RDONLY))
file = make("d/file")
change("a file", file)
change("open for reading", os.open("d/file", os.O_RDONLY))
change("a reference", os.open("d/file", os.O_PATH), file)
change("none", 99, file)
os.chmod("d", 0)
change("in a closed directory", file)
os.chmod("d", 0o700)
os.rename("d/file", "moved")
other = make("d/file")
change("moved, with another in its place", file)
print("the other", oct(os.fstat(other).st_mode))
os.unlink("moved")
change("removed", file)
change("moved and removed, with another", make("moved"))
change("no file", os.memfd_create("m"))
change("a pipe", os.pipe()[0])
os._exit(0)`;
      const inOwn = async (
        wrap: (argv: string[]) => readonly string[],
      ): Promise<string> => {
        await using directory = await scratch();
        await Deno.chmod(directory.path, 0o777);
        const argv = wrap(["/usr/bin/python3", "-c", script]);
        return (await run(argv, { cwd: directory.path })).stdout;
      };
      const wanted = await inOwn((argv) => argv);
      assertEquals(wanted.split("\n").length, 35);
      const seen = await inOwn((argv) => jailArgv(["-A"], argv, engine));
      assertEquals(seen, wanted);
    },
  });

  Deno.test(`jail (${engine}) changes what a descriptor is of beside a thread, while others take its name`, async () => {
    await using directory = await scratch();
    const argv = [
      ...[fixture("fchmod_beside_unlink"), "80"],
      `${directory.path}/file`,
    ];
    const ended = await run(jailArgv(["-A"], argv, engine));
    assertEquals([ended.stderr, ended.stdout], ["", "0\n"]);
  });

  Deno.test({
    ...hasMachine(
      Deno.uid() === 0,
      "root to run it",
      `jail (${engine}) lets who has given up rights use what is beneath where it is, whatever is above`,
    ),
    async fn(): Promise<void> {
      const script = `import errno, os
os.makedirs("above/here/d"); os.symlink("d", "above/here/link")
os.chmod("above", 0o700)
os.chmod("above/here", 0o777); os.chmod("above/here/d", 0o777)
os.chdir("above/here")
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
def make(name): os.close(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600))
for call in (
    lambda: make("new"), lambda: make("d/new"), lambda: make("d/../other"),
    lambda: make("link/more"), lambda: os.chmod("link/new", 0o640),
    lambda: os.chmod("d/../new", 0o640), lambda: os.open(".", os.O_RDONLY),
    lambda: make("../outside"),
):
    try: call(); print("done")
    except OSError as e: print(errno.errorcode[e.errno])
print(sorted(os.listdir(".")), sorted(os.listdir("link")))`;
      await using directory = await scratch();
      await Deno.chmod(directory.path, 0o755);
      const argv = ["/usr/bin/python3", "-c", script];
      const wanted = await run(argv, { cwd: directory.path });
      assertEquals(wanted.stdout.split("\n").length, 10);
      await Deno.remove(`${directory.path}/above`, { recursive: true });
      const seen = await run(jailArgv(["-A"], argv, engine), {
        cwd: directory.path,
      });
      assertEquals([seen.stdout, seen.stderr], [wanted.stdout, ""]);
    },
  });

  for (const beside of ["alone", "beside a thread"]) {
    Deno.test({
      ...hasMachine(
        Deno.uid() === 0,
        "root to run it",
        `jail (${engine}) lets who has given up rights use what it has open by its name in /proc, whatever is above (${beside})`,
      ),
      async fn(): Promise<void> {
        const script = `import errno, os, sys, threading
os.mkdir("above", 0o700); os.mkdir("above/d", 0o777)
os.chmod("above/d", 0o777)
fd = os.open("above/file", os.O_RDWR | os.O_CREAT)
os.chmod("above/file", 0o666)
os.chown("above/file", 65534, 65534)
d = os.open("above/d", os.O_RDONLY)
os.dup2(fd, 5)
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
if sys.argv[1] != "alone":
  threading.Thread(target=threading.Event().wait, daemon=True).start()
for call in (
    lambda: os.open("/dev/fd/5", os.O_WRONLY),
    lambda: os.open("/proc/self/fd/5", os.O_RDONLY),
    lambda: os.open("/proc/thread-self/fd/5", os.O_RDWR | os.O_CREAT | os.O_TRUNC),
    lambda: os.open(f"/dev/fd/{d}", os.O_WRONLY | os.O_TMPFILE, 0o600),
    lambda: os.open(f"/dev/fd/{d}", os.O_WRONLY),
    lambda: os.chmod("/dev/fd/5", 0o640), lambda: os.truncate("/dev/fd/5", 1),
    lambda: os.stat("/dev/fd/5"), lambda: os.listdir(f"/proc/self/fd/{d}/"),
    lambda: os.chdir(f"/dev/fd/{d}"), lambda: os.open(os.readlink("/dev/fd/5"), os.O_RDONLY),
):
    try: call(); print("done")
    except OSError as e: print(errno.errorcode[e.errno])
print(os.fstat(5).st_mode, os.fstat(5).st_size, flush=True)
os._exit(0)`;
        const printed = await sameAlone(engine, script, beside);
        assertEquals(printed.split("done").length, 10);
      },
    });
  }

  Deno.test({
    ...hasMachine(
      Deno.uid() === 0,
      "root to run it",
      `jail (${engine}) says by access(2) what the real user may do, through links and dots, too`,
    ),
    async fn(): Promise<void> {
      const script = `import os
os.mkdir("shut", 0o700); open("shut/file", "w").close(); open("file", "w").close()
os.symlink("shut/file", "link")
def ask(*ids):
  if os.fork() > 0: return os.wait()
  os.setresuid(*ids)
  for effective in (False, True):
    for name in ("link", "shut/../file", "shut/../none"):
      print(ids, int(effective), name, os.access(name, os.R_OK, effective_ids=effective))
  os.sys.stdout.flush()
  os._exit(0)
ask(65534, 0, 0); ask(0, 65534, 0); ask(65534, 65534, 0)`;
      const printed = await sameAlone(engine, script);
      assertEquals(printed.split("True").length, 5);
    },
  });

  Deno.test({
    ...hasMachine(
      Deno.uid() === 0,
      "root to run it",
      `jail (${engine}) lets who has given up rights reach what another process has open as the kernel does`,
    ),
    async fn(): Promise<void> {
      const script = `import errno, os
os.mkdir("shut", 0o700)
for name in ("file", "shut/file"):
  open(name, "w").close()
  os.chmod(name, 0o666)
os.dup2(os.open("file", os.O_RDONLY), 57); os.dup2(os.open("shut/file", os.O_RDONLY), 58)
def give_up(): os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
def waits(*words):
  pid = os.fork()
  if pid > 0: return os.waitid(os.P_PID, pid, os.WSTOPPED) and pid
  if words: give_up()
  stop = "import os; os.kill(os.getpid(), 19)"
  os.execv("/usr/bin/python3", ["python3", "-c", stop])
pids = [waits(), waits("as another user")]
if os.fork() == 0:
  give_up()
  for who, pid in enumerate(pids):
    for call in (os.stat, lambda name: os.open(name, os.O_RDONLY), lambda name: os.open(name, os.O_WRONLY)):
      for fd in (57, 58):
        try: call(f"/proc/{pid}/fd/{fd}"); print(who, fd, "done")
        except OSError as e: print(who, fd, errno.errorcode[e.errno])
  os.sys.stdout.flush()
  os._exit(0)
os.wait()
for pid in pids: os.kill(pid, 9)`;
      const printed = await sameAlone(engine, script);
      assertEquals(printed.split("done").length, 7);
    },
  });

  Deno.test(`jail (${engine}) decides relative to a directory descriptor`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    prepare(root);
    const script = `import os
d = os.open(${JSON.stringify(root)} + "/open", os.O_RDONLY)
for name in ["../closed/openat", "root" + ${
      JSON.stringify(root)
    } + "/closed/openat", "../link/openat"]:
    for call in [lambda: os.open(name, os.O_RDONLY, dir_fd=d),
                 lambda: os.stat(name, dir_fd=d),
                 lambda: os.unlink(name, dir_fd=d)]:
        try:
            call()
            print("done", name)
        except OSError as error:
            print(error.errno)
`;
    const ended = await jail(
      closedPolicy(root, "read", "write"),
      ["/usr/bin/python3", "-c", script],
      { engine },
    );
    assertEquals(ended.stdout, "76\n".repeat(9), ended.stderr);
  });
}

Deno.test("jail follows a rule that names a link to where it leads", async () => {
  await using directory = await scratch();
  const root = directory.path;
  prepare(root);
  const only = CASES.filter(({ name }) => name === "openat");
  const policy =
    `extends: allow-all\nread: {deny: [{path: ${root}/link, errno: ENOTUNIQ}]}\n`;
  const ended = await jail(policy, words("alone", root, only));
  assertEquals(ended.stdout, "openat: ENOTUNIQ\n");
});

Deno.test("jail makes no device file", async () => {
  await using directory = await scratch();
  const path = `${directory.path}/null`;
  const python = `import os, stat
for kind in [stat.S_IFCHR, stat.S_IFBLK]:
    try:
        os.mknod(${JSON.stringify(path)}, kind | 0o600, os.makedev(1, 3))
        print("made")
    except OSError as error:
        print(error.strerror)
`;
  const ended = await jail(["-A"], ["/usr/bin/python3", "-c", python]);
  assertEquals(ended.stdout, "Operation not permitted\n".repeat(2));
  assert(await Deno.stat(path).then(() => false, () => true));
});

for (const engine of [...ENGINES, "kernel"] as const) {
  Deno.test(`jail (${engine}) leaves no device where a file was that is renamed`, async () => {
    await using directory = await scratch();
    const file = await directory.file("old", "");
    const argv = [
      "/usr/bin/python3",
      "-c",
      `import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
old, new = (os.fsencode(name) for name in sys.argv[1:])
for flags in [4, 5]: # RENAME_WHITEOUT, with RENAME_NOREPLACE too
    print(libc.renameat2(-100, old, -100, new, flags), ctypes.get_errno())
`,
      ...[file, `${directory.path}/new`],
    ];
    const { path } = directory;
    const flags = [`--allow-read=/usr,/lib,/lib64,/etc,${path}`];
    const ended = await jail(
      [...flags, `--allow-write=${path}`, "--allow-run"],
      argv,
      { engine },
    );
    assertEquals([ended.stdout, ended.stderr], ["-1 1\n-1 1\n", ""]);
    assert((await Deno.lstat(file)).isFile);
  });
}

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) lets one program beside another read where it is`, async () => {
    const script =
      "readlink /proc/self/cwd /proc/self/root; stat -c %F /proc/self/cwd";
    const ended = await jail(
      ["-A"],
      ["sh", "-c", `(cd /usr; ${script}); true`],
      {
        engine,
      },
    );
    assertEquals(
      [ended.stdout, ended.stderr],
      ["/usr\n/\nsymbolic link\n", ""],
    );
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...hasMounts(
      `jail (${engine}) follows no link that somebody left in a directory like /tmp, where /proc shows no settings`,
    ),
    ignore: Deno.uid() !== 0 || Deno.env.has("JAIL_BINARY"),
    fn: async () => {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.writeTextFile(`${path}/file`, "");
      await Deno.mkdir(`${path}/shared`);
      await Deno.chmod(`${path}/shared`, 0o1777);
      const script = "ln -s ../file link && chown -h 1234 link && " +
        'mount -t proc -o subset=pid proc /proc && exec "$@"';
      const code = `try: open("link")
except PermissionError: print("closed")`;
      const { stdout, stderr } = await run([
        ...["unshare", "-m", "sh", "-c", script, "sh"],
        ...jailArgv(["-A"], ["/usr/bin/python3", "-c", code], engine),
      ], { cwd: `${path}/shared` });
      assertEquals(stdout, "closed\n", stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a thread opens a pipe of its own (${engine}) by its own id`,
    ),
    async fn(): Promise<void> {
      const code = `import os, threading
reader, writer = os.pipe()
os.write(writer, b"x")
def other():
    fd = os.open(f"/proc/{threading.get_native_id()}/fd/{reader}", os.O_RDONLY)
    print(os.read(fd, 1))
thread = threading.Thread(target=other)
thread.start()
thread.join()`;
      const { stdout, stderr } = await jail(
        ["-A"],
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      assertEquals([stdout, stderr], ["b'x'\n", ""]);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a program looks at a pipe of another process in the jail (${engine}) by its id`,
    ),
    async fn(): Promise<void> {
      const code = `import os, sys
reader, writer = os.pipe()
name = f"/proc/{os.getpid()}/fd/{reader}"
mine = os.stat(reader)
if os.fork() == 0:
    os.close(reader)
    os.close(writer)
    theirs = os.stat(name)
    print((theirs.st_ino, theirs.st_mode) == (mine.st_ino, mine.st_mode), os.access(name, os.R_OK))
    try:
        os.open(name, os.O_RDONLY | os.O_NONBLOCK)
    except PermissionError:
        print("not opened")
    sys.exit()
os.wait()`;
      const { stdout, stderr } = await jail(
        ["-A"],
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      assertEquals([stdout, stderr], ["True True\nnot opened\n", ""]);
    },
  });
}

/** Looks at a file from its directory while another process moves what that is in. */
const FOUND_WHILE_MOVED = `import os, signal, sys
d = sys.argv[1]
os.makedirs(d + "/a/b")
open(d + "/a/b/f", "w").close()
at = os.open(d + "/a/b", os.O_PATH)
os.chdir(at)
cpus = sorted(os.sched_getaffinity(0))
mover = os.fork()
os.sched_setaffinity(0, cpus[:1] if mover else cpus[-1:])
while mover == 0:
    os.rename(d + "/a", d + "/c")
    os.rename(d + "/c", d + "/a")
missing = 0
for i in range(10000):
    try: os.stat("f", dir_fd=at), os.stat("f")
    except FileNotFoundError: missing += 1
os.kill(mover, signal.SIGKILL)
print(missing)
`;

/** Looks into its directory while another process puts another one in its place. */
const FOUND_WHILE_REPLACED = `import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
os.chdir(sys.argv[1])
for name in "ab":
    os.mkdir(name)
    with open(name + "/f", "w") as f: f.write(name)
at = os.open("a", os.O_PATH)
inode = os.stat("a/f").st_ino
cpus = sorted(os.sched_getaffinity(0))
mover = os.fork()
os.sched_setaffinity(0, cpus[:1] if mover else cpus[-1:])
# AT_FDCWD, and RENAME_EXCHANGE.
while mover == 0: libc.renameat2(-100, b"a", -100, b"b", 2)
os.chdir(at)
others = 0
for i in range(3000):
    for dirfd in at, None:
        fd = os.open("f", os.O_RDONLY, dir_fd=dirfd)
        others += os.read(fd, 1) != b"a" or os.stat("f", dir_fd=dirfd).st_ino != inode
        os.close(fd)
os.kill(mover, signal.SIGKILL)
print(others)
`;

/** Opens files by openat2(2) in all of its ways, and prints what came of each. */
const OPENED_IN_ALL_WAYS = `import ctypes, errno, os, struct
libc = ctypes.CDLL(None, use_errno=True)
proc = os.open("/proc", os.O_PATH)
# A number that jail has no file by.
os.dup2(0, 900)
for resolve in 0, 1, 2, 3, 8, 10, 16:
    for dirfd, path in (
        (proc, "self/stat"), (proc, "thread-self/stat"), (proc, "self/../self/stat"),
        (proc, "self/none"), (proc, "none"), (-1, "/proc/self/stat"), (99, "/none"),
        (proc, "self/fdinfo/900"), (-1, "/proc/thread-self/fdinfo/900"),
        (-1, "/proc/self/fd/900"), (proc, "self"),
    ):
        how = struct.pack("QQQ", os.O_RDONLY, 0, resolve)
        fd = libc.syscall(437, dirfd, path.encode(), how, len(how))
        print(resolve, dirfd, path, errno.errorcode[ctypes.get_errno()] if fd < 0
            else os.read(fd, 99)[:4] == b"pos:" if "900" in path
            else path == "self" or int(os.read(fd, 99).split()[0]) == os.getpid())
`;

/**
 * Asks openat2(2) for what is cached, to change files, and prints what came of
 * each.
 */
const CHANGED_IF_CACHED = `import ctypes, errno, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
os.chdir(sys.argv[1])
os.close(os.open("file", os.O_CREAT | os.O_WRONLY))
for flags in os.O_CREAT, os.O_CREAT | os.O_EXCL, os.O_TRUNC, os.O_TMPFILE, os.O_CREAT | os.O_DIRECTORY:
    for path in b"file", b"none", b"none/none", b".", None:
        mode = 0 if flags == os.O_TRUNC else 0o600
        how = struct.pack("QQQ", flags | os.O_WRONLY, mode, 0x20)
        fd = libc.syscall(437, -100, path, how, len(how))
        print(flags, path, errno.errorcode[ctypes.get_errno()] if fd < 0 else "open")
print(os.listdir())
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a program (${engine}) makes no file by an openat2 of what is cached`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const argv = [
        ...["/usr/bin/python3", "-c", CHANGED_IF_CACHED, directory.path],
      ];
      const { stdout } = await jail(["-A"], argv, { engine });
      await Deno.remove(`${directory.path}/file`);
      assertEquals(stdout.split("\n"), (await run(argv)).stdout.split("\n"));
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `a program (${engine}) opens its own files of /proc by an openat2 with any of its flags`,
    ),
    async fn(): Promise<void> {
      const argv = ["/usr/bin/python3", "-c", OPENED_IN_ALL_WAYS];
      const { stdout } = await jail(["-A"], argv, { engine });
      assertEquals(stdout.split("\n"), (await run(argv)).stdout.split("\n"));
    },
  });

  for (
    const [what, script] of [
      ["a directory while that is moved", FOUND_WHILE_MOVED],
      [
        "its directory while another takes that one's name",
        FOUND_WHILE_REPLACED,
      ],
    ] as const
  ) {
    Deno.test({
      ...needs(["python3"], `a program (${engine}) finds what is in ${what}`),
      async fn(): Promise<void> {
        await using directory = await scratch();
        const argv = ["/usr/bin/python3", "-c", script, directory.path];
        const { stdout } = await jail(["-A"], argv, { engine });
        assertEquals(stdout, "0\n");
      },
    });
  }
}
