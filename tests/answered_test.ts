/** Looks at files that jail answers in a program's place: nobody can tell. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  SECCOMP_IOCTL_NOTIF_RECV,
  SECCOMP_IOCTL_NOTIF_SEND,
} from "../src/abi/seccomp.ts";
import { SYSCALLS } from "../src/abi/syscalls.ts";
import { hostArch } from "../src/sys/host.ts";
import {
  type Ended,
  ENGINES,
  fixture,
  jail,
  jailArgv,
  run,
  start,
} from "./harness.ts";
import { type Scratch, scratch } from "./jail.ts";
import { hasFewIds, hasMachine, needs, withFewIds } from "./needs.ts";

/** The first words that a program says. */
async function* firstOf(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  for await (const chunk of stream.values({ preventCancel: true })) {
    yield new TextDecoder().decode(chunk);
    return;
  }
}

/** A directory with what the fixture looks at. */
async function lookedAt(): Promise<Scratch> {
  const dir = await scratch();
  await dir.file("file", "text\n");
  await Deno.mkdir(`${dir.path}/dir`);
  await Deno.symlink("file", `${dir.path}/link`);
  await Deno.symlink("nothing", `${dir.path}/lost`);
  await Deno.symlink("round", `${dir.path}/round`);
  await run(["mkfifo", `${dir.path}/fifo`]);
  return dir;
}

/**
 * Where the kernel looks at an odd argument before it looks at the path, and jail
 * looks at the path: which of two errors is told.
 */
const ORDER_REGEXP =
  /^(?:odd flags|statx odd mask|access odd|readlink 0) .*$/gm;

for (const engine of ENGINES) {
  Deno.test(`a program looks (${engine}) from where it is, whoever moved it there`, async () => {
    await using dir = await scratch();
    const argv = [fixture("move_about")];
    const lookIn = async (name: string, flags?: readonly string[]) => {
      const cwd = `${dir.path}/${name}`;
      await Deno.mkdir(cwd);
      const all = flags === undefined ? argv : jailArgv(flags, argv, engine);
      const { code, stdout, stderr } = await run(all, { cwd });
      return [code, stdout, stderr];
    };
    const native = await lookIn("native");
    assertMatch(String(native), /^moved by a thread: 2 2 /m);
    assertEquals(await lookIn("open", ["-A"]), native);
    // Here each way to move is looked at.
    const rules = [`-R=${dir.path}`, `-W=${dir.path}`, "--allow-run"];
    assertEquals(await lookIn("ruled", rules), native);
  });
}

/** Looks by a descriptor that means another directory each time, or nothing. */
const BY_DESCRIPTOR = `
import os, sys, threading
def look(what):
    try: print(what, [os.stat("file", dir_fd=3).st_size for _ in range(4)][-1])
    except OSError as error: print(what, error.errno)
def become(name):
    fd = os.open(name, os.O_RDONLY)
    if fd != 3: os.dup2(fd, 3); os.close(fd)
    os.set_inheritable(3, True)
if len(sys.argv) > 1:
    look("after an exec of another thread")
    sys.exit(0)
become("one"); look("one")
become("two"); look("two")
become("closed"); look("closed")
os.close(3); look("none")
become("one"); os.rename("one", "moved"); os.mkdir("one"); look("moved")
if os.fork() == 0:
    look("a child"); become("two"); look("two, of the child"); os._exit(0)
os.wait()
look("moved still")
sys.stdout.flush()
again = ["/usr/bin/python3", "-c", sys.orig_argv[2], "again"]
threading.Thread(target=os.execv, args=(again[0], again)).start()
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `looks (${engine}) by a descriptor as it is at each call`,
    ),
    async fn(): Promise<void> {
      await using dir = await scratch();
      for (
        const [name, text] of [["one", "1"], ["two", "22"], ["closed", ""]]
      ) {
        await Deno.mkdir(`${dir.path}/${name}`);
        await dir.file(`${name}/file`, text as string);
      }
      const flags = [
        ...["-R", `-W=${dir.path}`, "--allow-run", "-E"],
        `--deny-read=${dir.path}/closed/file`,
      ];
      const argv = ["/usr/bin/python3", "-c", BY_DESCRIPTOR];
      const { stdout, stderr } = await jail(flags, argv, {
        cwd: dir.path,
        engine,
      });
      assertEquals(stdout.trim().split("\n"), [
        "one 1",
        "two 2",
        "closed 13",
        "none 9",
        "moved 1",
        "a child 1",
        "two, of the child 2",
        "moved still 1",
        "after an exec of another thread 1",
      ], stderr);
    },
  });
}

/** Looks by a descriptor, and once more as another process with the same id. */
const SAME_ID = `
import os
def look(name, wanted):
    if (child := os.fork()) == 0:
        if wanted in (0, os.getpid()):
            fd = os.open(name, os.O_RDONLY)
            print([os.stat("file", dir_fd=fd).st_size for _ in range(4)], flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    return child
# The first ids are given once.
while look("one", -1) < 300: pass
first = look("one", 0)
print(first in (look("two", first) for _ in range(2000)))
`;

for (const engine of ENGINES) {
  Deno.test({
    ...hasFewIds(
      `looks (${engine}) by a descriptor of who has the id of another one by now`,
    ),
    async fn(): Promise<void> {
      await using dir = await scratch();
      for (const [name, text] of [["one", "1"], ["two", "22"]]) {
        await Deno.mkdir(`${dir.path}/${name}`);
        await dir.file(`${name}/file`, text as string);
      }
      const argv = jailArgv(
        ["-A"],
        ["/usr/bin/python3", "-c", SAME_ID],
        engine,
      );
      const { stdout, stderr } = await run(withFewIds(argv, 400), {
        cwd: dir.path,
      });
      assertEquals(stdout, "[1, 1, 1, 1]\n[2, 2, 2, 2]\nTrue\n", stderr);
    },
  });
}

Deno.test("many programs look at files at once where jail may open few itself", async () => {
  await using dir = await scratch();
  await dir.file("file", "text\n");
  const argv = [fixture("look_together"), "60"];
  const jailed = jailArgv(["-A"], argv, "seccomp");
  const script = 'ulimit -n 80; exec "$@"';
  const { code, stdout, stderr } = await run(
    ["sh", "-c", script, "sh", ...jailed],
    { cwd: dir.path },
  );
  assertEquals([code, stdout], [0, "0\n"], stderr);
});

/** Opens a file beside a thread, in seventy processes; says what that failed with. */
const OPEN_BESIDE_THREADS = `
import os, threading
gate, told = os.pipe(), os.pipe()
for number in range(70):
    if os.fork(): continue
    os.close(gate[1])
    threading.Thread(target=os.read, args=(gate[0], 1)).start()
    try:
        os.open(f"file{number}", os.O_RDWR | os.O_CREAT)
        os.write(told[1], bytes([0]))
    except OSError as error: os.write(told[1], bytes([error.errno]))
    break
else:
    print({os.read(told[0], 1)[0] for _ in range(70)})`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `many programs with threads (${engine}) open files where jail may open few itself`,
    ),
    fn: async () => {
      await using dir = await scratch();
      const argv = ["/usr/bin/python3", "-c", OPEN_BESIDE_THREADS];
      const jailed = jailArgv(["-A"], argv, engine);
      const script = 'ulimit -n 64; exec "$@"';
      const { stdout, stderr } = await run(
        ["sh", "-c", script, "sh", ...jailed],
        { cwd: dir.path },
      );
      assertEquals(stdout, "{0}\n", stderr);
    },
  });
}

for (const engine of ENGINES) {
  for (const words of [[], ["threads"]]) {
    Deno.test(
      `looks (${engine}) the same to a program, odd arguments, signals and all${
        words.length > 0 ? ", beside a thread" : ""
      }`,
      async () => {
        await using dir = await lookedAt();
        const argv = [fixture("look_oddly"), ...words];
        const options = { cwd: dir.path };
        const native = await run(argv, options);
        const jailed = await run(jailArgv(["-A"], argv, engine), options);
        assertEquals(
          jailed.stdout.replaceAll(ORDER_REGEXP, ""),
          native.stdout.replaceAll(ORDER_REGEXP, ""),
        );
        assertEquals([jailed.code, native.code], [0, 0]);
      },
    );
  }
}

for (const engine of ENGINES) {
  Deno.test(`a call with several mistakes (${engine}) fails for the one that the kernel finds first`, async () => {
    await using dir = await lookedAt();
    const argv = [fixture("call_wrongly")];
    const options = { cwd: dir.path };
    const native = await run(argv, options);
    const jailed = await run(jailArgv(["-A"], argv, engine), options);
    assert(native.stdout.split("\n").length > 5000);
    assertEquals(jailed.stdout, native.stdout);
    assertEquals([jailed.code, native.code], [0, 0]);
  });
}

/** Ways to have fewer rights than jail, and who has them. */
const FEWER: readonly (readonly [who: string, words: readonly string[]])[] = [
  ["whoever became another user", [
    ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
  ]],
  ["a root that gave up its capabilities", ["setpriv", "--bounding-set=-all"]],
];

for (const [who, words] of FEWER) {
  const name = `opens and looks at no file for ${who} that he may not`;
  Deno.test({
    ...hasMachine(Deno.uid() === 0, "root to run it", name),
    fn: async () => {
      await using dir = await scratch();
      await Deno.mkdir(`${dir.path}/closed`);
      await dir.file("closed/file", "secret", 0);
      await Deno.chown(`${dir.path}/closed/file`, 12345, 12345);
      await Deno.chown(`${dir.path}/closed`, 12345, 12345);
      await Deno.chmod(`${dir.path}/closed`, 0o700);
      const script = "cat closed/file; stat closed/file; test -r closed/file";
      const argv = [...words, "sh", "-c", script];
      const flags = ["-A", `--cwd=${dir.path}`];
      const { code, stdout, stderr } = await jail(flags, argv);
      assertEquals([code, stdout], [1, ""]);
      assertMatch(
        stderr,
        /^cat: closed\/file: Permission denied\nstat: .*: Permission denied\n$/,
      );
      const { stdout: mine } = await jail(flags, ["cat", "closed/file"]);
      assertEquals(mine, "secret");
    },
  });
}

for (const engine of ENGINES) {
  for (const [who, words] of FEWER) {
    const name =
      `tells (${engine}) nobody what is not in a directory that is closed: ${who}`;
    Deno.test({
      ...hasMachine(Deno.uid() === 0, "root to run it", name),
      fn: async () => {
        await using dir = await scratch();
        for (const [mode, path] of [[0o711, "searched"], [0o700, "closed"]]) {
          await Deno.mkdir(`${dir.path}/${path}`, { mode: Number(mode) });
          await dir.file(`${path}/file`, "text\n");
          await Deno.chown(`${dir.path}/${path}`, 12345, 12345);
        }
        const script = `for path in closed/none closed/none/more \
  closed/file/more searched/none searched/file/more none /proc/self/fd/99
do cat $path; stat -c %F $path; rm $path; ln $path here; mv $path here
  truncate -c -s 0 $path; readlink -v $path; $path; done; cd closed; cat none`;
        const argv = ["sh", "-c", script];
        const as = async (argv: readonly string[]) =>
          await run([...words, ...argv], { cwd: dir.path });
        const inside = jailArgv(["-A"], ["setpriv"], engine).slice(0, -1);
        const native = await as(argv);
        assertMatch(native.stderr, /closed\/none.*: Permission denied/);
        assertMatch(native.stderr, /searched\/none.*: No such file/);
        const jailed = await run([...inside, ...words, ...argv], {
          cwd: dir.path,
        });
        assertEquals(jailed, native);
      },
    });
  }
}

/** Becomes another user without groups, whose process has the number of a group. */
const NUMBERED_AS_GROUP = `
import errno, os
r, w = os.pipe()
child = os.fork()
if child == 0:
    os.read(r, 1)
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    for name in "directory", "none":
        try: os.open(f"closed/{name}", os.O_RDWR)
        except OSError as error: print(name, errno.errorcode[error.errno], flush=True)
    os._exit(0)
os.chown("closed", 12345, child)
os.chmod("closed", 0o750)
os.write(w, b"x")
os.waitpid(child, 0)`;

for (const engine of ENGINES) {
  const name = `takes (${engine}) no number of a process for one of its groups`;
  Deno.test({
    ...hasMachine(Deno.uid() === 0, "root to run it", name),
    fn: async () => {
      await using dir = await scratch();
      await Deno.mkdir(`${dir.path}/closed/directory`, { recursive: true });
      const argv = ["/usr/bin/python3", "-c", NUMBERED_AS_GROUP];
      const jailed = jailArgv(["-A"], argv, engine);
      const { stdout } = await run(jailed, { cwd: dir.path });
      assertEquals(stdout, "directory EACCES\nnone EACCES\n");
    },
  });
}

/** Makes what is there in a directory, and asks for what is not. */
const FAILS_IN_LISTED = `
import errno, os
for name in "there", "none/more", "there/..", "there/../none":
    for call in os.mkdir, os.stat, lambda name: os.open(name, os.O_RDWR):
        try: print(name, call(f"listed/{name}") is not None)
        except OSError as error: print(name, errno.errorcode[error.errno])`;

for (const engine of ENGINES) {
  const name =
    `fails (${engine}) as outside in a directory that an access control list opens`;
  const isRoot = Deno.uid() === 0;
  Deno.test({
    ...isRoot
      ? needs(["setfacl", "setpriv"], name)
      : hasMachine(isRoot, "root, to give up its capabilities", name),
    fn: async () => {
      await using dir = await scratch();
      const { path: cwd } = dir;
      await Deno.mkdir(`${cwd}/listed/there`, { recursive: true });
      await Deno.chmod(`${cwd}/listed`, 0o700);
      await Deno.chown(`${cwd}/listed`, 12345, 12345);
      const listed = await run(["setfacl", "-m", "u:0:rx", "listed"], { cwd });
      assertEquals([listed.code, listed.stderr], [0, ""]);
      // Jail may do no more than the program then.
      const fewer = ["setpriv", "--bounding-set=-all"];
      const argv = ["/usr/bin/python3", "-c", FAILS_IN_LISTED];
      const native = await run([...fewer, ...argv], { cwd });
      assertMatch(native.stdout, /^there EEXIST\n/);
      const jailed = jailArgv(["-A"], argv, engine);
      assertEquals(await run([...fewer, ...jailed], { cwd }), native);
    },
  });
}

/** Goes through directories and out of them again, by links as well, beside a thread. */
const GOES_THROUGH = `
import errno, os, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
for name in (f"{where}/{way}" for where in ("closed", "searched")
             for way in ("..", "directory/..", "directory/../../searched", "none/..",
                         "link", "link/directory", "hangs")):
    for call in (os.stat, lambda name: os.open(name, os.O_PATH), os.listdir):
        try: print(name, call(name) is not None)
        except OSError as error: print(name, errno.errorcode[error.errno])
os.sys.stdout.flush()
os._exit(0)`;

for (const engine of ENGINES) {
  for (const [who, words] of FEWER) {
    const name =
      `leads (${engine}) nobody out again of a directory that is closed: ${who}`;
    Deno.test({
      ...hasMachine(Deno.uid() === 0, "root to run it", name),
      fn: async () => {
        await using dir = await scratch();
        for (const [mode, path] of [[0o755, "searched"], [0o700, "closed"]]) {
          const directory = `${dir.path}/${path}`;
          await Deno.mkdir(directory, { mode: Number(mode) });
          await Deno.mkdir(`${directory}/directory`);
          await Deno.symlink("../searched", `${directory}/link`);
          await Deno.symlink("../none", `${directory}/hangs`);
          await Deno.chown(directory, 12345, 12345);
        }
        const argv = [...words, "/usr/bin/python3", "-c", GOES_THROUGH];
        const native = await run(argv, { cwd: dir.path });
        assertMatch(native.stdout, /searched\/directory\/\.\. True/);
        assertMatch(native.stdout, /closed\/directory\/\.\. EACCES/);
        const jailed = jailArgv(["-A"], argv, engine);
        assertEquals(await run(jailed, { cwd: dir.path }), native);
      },
    });
  }
}

/** Makes chains of directories, each with a link to the end of the next one. */
const CHAINS = `
import os
top = os.getcwd()
for chain in range(3):
    os.chdir(top)
    for name in [f"{chain}"] + ["a"] * 700:
        os.mkdir(name)
        os.chdir(name)
    next = f"{top}/{chain + 1}/" + "a/" * 700 + "link"
    os.symlink(top if chain == 2 else next, "link")`;

/** Opens the links of two chains, and of three, beside a thread. */
const GOES_FAR = `
import errno, os, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
for chain in (1, 0):
    try: print(os.listdir(f"{chain}/" + "a/" * 700 + "link") is not None)
    except OSError as error: print(errno.errorcode[error.errno])
os.sys.stdout.flush()
os._exit(0)`;

for (const engine of ENGINES) {
  for (const [who, words] of FEWER) {
    const name =
      `looks (${engine}) at no thousands of directories on the way of a path: ${who}`;
    Deno.test({
      ...hasMachine(Deno.uid() === 0, "root to run it", name),
      fn: async () => {
        await using dir = await scratch();
        const { path: cwd } = dir;
        const made = await run(["/usr/bin/python3", "-c", CHAINS], { cwd });
        assertEquals([made.code, made.stderr], [0, ""]);
        const argv = [...words, "/usr/bin/python3", "-c", GOES_FAR];
        const { stdout } = await run(jailArgv(["-A"], argv, engine), { cwd });
        assertEquals(stdout, "True\nEACCES\n");
      },
    });
  }
}

/** Asks of names in directories; each call fails by where its path leads. */
const FAILS_BY_PATH = `
import errno, os
NAMES = ["directory", "loop", "loop/more", "link/more", "a" * 300, "directory/../none",
         "directory/.", "directory/..", "words"]
def execute(name):
    pid = os.fork()
    if pid == 0:
        try: os.execv(name, [name])
        except OSError as error: os._exit(error.errno)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code: raise OSError(code, name)
for name in (f"{where}/{name}" for where in ("closed", "searched") for name in NAMES):
    for call in (
        lambda: os.open(name, os.O_RDWR),
        lambda: os.open(name, os.O_CREAT),
        lambda: os.truncate(name, 0),
        lambda: os.symlink("x", name),
        lambda: os.rmdir(name),
        lambda: execute(name),
    ):
        try: print(call())
        except OSError as error: print(name[:30], errno.errorcode[error.errno])`;

for (const engine of ENGINES) {
  for (const [who, words] of FEWER) {
    const name =
      `tells (${engine}) nobody what kind of file is in a directory that is closed: ${who}`;
    Deno.test({
      ...hasMachine(Deno.uid() === 0, "root to run it", name),
      fn: async () => {
        await using dir = await scratch();
        for (const [mode, path] of [[0o711, "searched"], [0o700, "closed"]]) {
          const directory = `${dir.path}/${path}`;
          await Deno.mkdir(directory, { mode: Number(mode) });
          await Deno.mkdir(`${directory}/directory`);
          await Deno.symlink("loop", `${directory}/loop`);
          await Deno.symlink("none", `${directory}/link`);
          const file = await dir.file(`${path}/words`, "no program\n", 0o555);
          await Deno.chown(file, 12345, 12345);
          await Deno.chown(directory, 12345, 12345);
        }
        const argv = [...words, "/usr/bin/python3", "-c", FAILS_BY_PATH];
        const native = await run(argv, { cwd: dir.path });
        assertMatch(native.stdout, /searched\/directory EISDIR/);
        assertMatch(native.stdout, /searched\/loop ELOOP/);
        assertMatch(native.stdout, /searched\/directory\/\.\. ENOTEMPTY/);
        assertMatch(native.stdout, /searched\/words ENOEXEC/);
        assert(!/closed.* (?!EACCES)/.test(native.stdout), native.stdout);
        const jailed = jailArgv(["-A"], argv, engine);
        assertEquals(await run(jailed, { cwd: dir.path }), native);
      },
    });
  }
}

for (const engine of ENGINES) {
  const name =
    `leads (${engine}) through no dots of a directory that may not be searched`;
  Deno.test({
    ...hasMachine(Deno.uid() === 0, "root, to give up its capabilities", name),
    fn: async () => {
      await using dir = await scratch();
      await dir.file("file", "text\n");
      await Deno.mkdir(`${dir.path}/closed`, { mode: 0o400 });
      await Deno.symlink("closed", `${dir.path}/link`);
      const script =
        `for path in closed closed/ closed/. closed/.. link/.. ./file
do stat -c %F $path; test -d $path; echo $?; cat $path/../file; done`;
      const as = async (argv: readonly string[]) => {
        const who = ["setpriv", "--bounding-set=-all"];
        return await run([...who, ...argv], { cwd: dir.path });
      };
      const argv = ["sh", "-c", script];
      const native = await as(argv);
      assertMatch(native.stderr, /closed\/\.\.': Permission denied/);
      assertEquals(await as(jailArgv(["-A"], argv, engine)), native);
    },
  });
}

const TRUSTED = "tells no attribute of a file that capabilities alone see";
Deno.test({
  ...hasMachine(Deno.uid() === 0, "root to run it", TRUSTED),
  fn: async () => {
    await using dir = await scratch();
    await dir.file("file", "text");
    const python = (code: string): string[] => {
      return ["/usr/bin/python3", "-c", `import os\n${code}`];
    };
    const { path } = dir;
    const set = 'os.setxattr("file", "trusted.secret", b"1")';
    assertEquals((await run(python(set), { cwd: path })).code, 0);
    const list = 'print(os.listxattr("file"))';
    const flags = ["-A", `--cwd=${path}`];
    const listed = await jail(flags, python(list));
    assertEquals(listed.stdout, "[]\n", listed.stderr);
    const asked = await jail(
      flags,
      python('os.getxattr("file", "trusted.secret")'),
    );
    assertMatch(asked.stderr, /No data available/);
  },
});

const ONCE = "tells once of a look that it cannot answer after all";
Deno.test({
  ...needs(["python3"], ONCE),
  fn: async () => {
    await using dir = await scratch();
    await dir.file("file", "text");
    const log = `${dir.path}/log`;
    // There is no room for what it would be told.
    const look = 'import ctypes; ctypes.CDLL(None).syscall(4, b"file", 0)';
    const flags = ["-A", `--cwd=${dir.path}`, `--audit=${log}`];
    const { stderr } = await jail(flags, ["/usr/bin/python3", "-c", look]);
    assertEquals(stderr, "");
    const told = (await Deno.readTextFile(log)).match(/"stat\(\\"file\\"/g);
    assertEquals(told?.length, 1);
  },
});

const FEWER_AT_START =
  "opens no file that a program may not open from its start";
Deno.test({
  ...hasMachine(Deno.uid() === 0, "root to run it", FEWER_AT_START),
  fn: async () => {
    await using dir = await scratch();
    const file = await dir.file("file", "secret", 0);
    await Deno.chown(file, 12345, 12345);
    // Jail has a capability that it cannot hand on.
    const { code, stdout } = await run([
      ...[
        "setpriv",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
      ],
      ...["--securebits=+noroot,+noroot_locked"],
      ...jailArgv(["-A"], ["cat", file]),
    ]);
    assertEquals([code, stdout], [1, ""]);
  },
});

const LATE = "tells nothing of processes outside by a procfs that comes later";
Deno.test({
  ...hasMachine(Deno.uid() === 0, "root to run it", LATE),
  fn: async () => {
    await using dir = await scratch();
    await Deno.mkdir(`${dir.path}/late`);
    // What is mounted there is closed, and so seems to be gone.
    const look = `while test -e late; do sleep 0.1; done
      for name in exe cwd fd/0; do readlink late/1/$name; done; echo done`;
    const mount = `(sleep 1; mount -t proc proc late) & exec "$@"`;
    const jailed = jailArgv(["-A"], ["sh", "-c", look]);
    const argv = ["unshare", "-m", "sh", "-c", mount, "sh", ...jailed];
    const { stdout } = await run(argv, { cwd: dir.path });
    assertEquals(stdout, "done\n");
  },
});

Deno.test("opens files that a program with a filter of its own says it would make", async () => {
  await using dir = await scratch();
  const file = await dir.file("file", "text");
  const paths = ["/dev/null", "/proc/self/status", file];
  const argv = [fixture("create_filtered"), ...paths];
  const { stdout } = await jail(["-A"], argv);
  assertEquals(stdout, paths.map((path) => `${path}: open\n`).join(""));
});

Deno.test("holds no file open that a program has closed", async () => {
  await using dir = await scratch();
  await dir.file("file", "text");
  const code = `import fcntl, os
failed = 0
for _ in range(2000):
    a = os.open("file", os.O_RDONLY)
    fcntl.flock(a, fcntl.LOCK_EX)
    os.close(a)
    b = os.open("file", os.O_RDONLY)
    try: fcntl.flock(b, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError: failed += 1
    os.close(b)
print(failed)`;
  const flags = ["-A", `--cwd=${dir.path}`];
  const { stdout } = await jail(flags, ["/usr/bin/python3", "-c", code]);
  assertEquals(stdout, "0\n");
});

Deno.test("keeps its time where somebody outside keeps a file from being opened", async () => {
  await using dir = await scratch();
  const file = await dir.file("file", "text");
  const code = `import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
fd = os.open("file", os.O_RDWR)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
signal.pause()`;
  const holder = start(["/usr/bin/python3", "-c", code], { cwd: dir.path });
  try {
    const [said = ""] = await Array.fromAsync(firstOf(holder.stdout));
    assertMatch(said, /^held/);
    const { code } = await jail(["-A", "--timeout=1s"], ["cat", file]);
    assertEquals(code, 124);
  } finally {
    holder.kill("SIGKILL");
    await holder.stdin.close().catch(() => {});
    await holder.output();
  }
});

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) runs a file once somebody outside lets it be opened`, async () => {
    await using dir = await scratch();
    const file = await dir.file("file", "#!/bin/sh\necho ran", 0o755);
    const code = `import fcntl, os, signal, time
def let_go(*_):
  time.sleep(0.2)
  fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
signal.signal(signal.SIGIO, let_go)
fd = os.open("file", os.O_RDONLY)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
while True: signal.pause()`;
    const holder = start(["/usr/bin/python3", "-c", code], { cwd: dir.path });
    try {
      const [said = ""] = await Array.fromAsync(firstOf(holder.stdout));
      assertMatch(said, /^held/);
      const script = `${file}; echo $?`;
      const { stdout } = await jail(["-A"], ["sh", "-c", script], { engine });
      assertEquals(stdout, "ran\n0\n");
    } finally {
      holder.kill("SIGKILL");
      await holder.stdin.close().catch(() => {});
      await holder.output();
    }
  });
}

for (const call of ["pidfd_getfd", "process_vm_writev", "ioctl"] as const) {
  Deno.test(`runs where a container refuses ${call}`, async () => {
    const number = `${SYSCALLS[call].x86_64}`;
    const argv = jailArgv(["-A"], ["stat", "-c", "%n", "/etc/passwd"]);
    const words = [fixture("refuse_call"), number, ...argv];
    const { code, stdout, stderr } = await run(words);
    assertEquals([code, stdout], [0, "/etc/passwd\n"], stderr);
  });
}

Deno.test("ends where it can take no call that waits, or answer none", async () => {
  const call = SYSCALLS.ioctl.x86_64;
  for (
    const request of [SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND]
  ) {
    const argv = jailArgv(["-A"], ["stat", "/etc/passwd"]);
    const words = [fixture("refuse_call"), `${call}:${request}`, ...argv];
    const { code, stdout, stderr } = await run(words);
    assertEquals([code, stdout], [125, ""]);
    assertMatch(
      stderr,
      /^jail: Cannot answer calls: ioctl\(\) failed with EPERM/,
    );
  }
});

Deno.test("answers while others stop all the time", async () => {
  const script = `for i in 1 2 3 4; do while :; do kill -0 $$; done & done
    i=0; while [ $i -lt 2000 ]; do test -e /etc/passwd; i=$((i + 1)); done
    kill $(jobs -p); echo done`;
  const { stdout, stderr } = await jail(["-A"], ["bash", "-c", script]);
  assertEquals(stdout, "done\n", stderr);
});

Deno.test("opens no file for a program that keeps itself from it by Landlock", async () => {
  await using dir = await scratch();
  const file = await dir.file("file", "text");
  const rules = ["/usr", "/etc", "/lib"].flatMap((path) => [
    "--landlock-rule",
    `path-beneath:execute,read-file,read-dir:${path}`,
  ]);
  const { code, stderr } = await jail(["-A"], [
    ...["setpriv", "--no-new-privs", "--landlock-access", "fs", ...rules],
    ...["cat", file],
  ]);
  assertEquals([code, stderr], [1, `cat: ${file}: Permission denied\n`]);
});

Deno.test("runs where another listens to the calls of its program already", async () => {
  const argv = jailArgv(["--stats"], ["cat", "/etc/passwd"]);
  const { code, stdout, stderr } = await run([
    fixture("listen_already"),
    ...argv,
  ]);
  assertEquals([code, stdout], [0, await Deno.readTextFile("/etc/passwd")]);
  assertMatch(stderr, /^jail: took /);
});

for (const how of ["block", "ignore"]) {
  Deno.test(`runs where whoever starts jail has SIGCHLD ${how}ed, and so has the program`, async () => {
    const argv = [
      ...["env", `--${how}-signal=CHLD`],
      ...jailArgv([], ["env", "--list-signal-handling", "cat", "/etc/passwd"]),
    ];
    const { code, stderr } = await run(argv);
    assertEquals(code, 0, stderr);
    assertEquals(
      /^CHLD .*$/m.exec(stderr)?.[0],
      `CHLD       (17): ${how.toUpperCase()}`,
    );
  });
}

const NOT_FOLLOWED = `mount -t tmpfs -o nosymfollow none "$0"
cd "$0" && echo text > file && ln -s file link && ln -s . dir
for path in link dir/file dir; do "$@" stat -L -c %s $path; done
"$@" stat -c %F link && "$@" readlink link && "$@" cat link file dir/link`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["unshare"],
      `looks (${engine}) follow no link in a mount where none is followed`,
    ),
    fn: async () => {
      await using dir = await scratch();
      const namespace = Deno.uid() === 0 ? "-m" : "-rm";
      const look = async (prefix: readonly string[]): Promise<Ended> =>
        await run([
          ...["unshare", namespace, "sh", "-c", NOT_FOLLOWED],
          ...[dir.path, ...prefix],
        ]);
      const native = await look(["env"]);
      assertMatch(native.stderr, /'link': Too many levels of symbolic links/);
      const jailed = await look(jailArgv(["-A"], ["env"], engine));
      assertEquals(jailed, native);
    },
  });
}

/** Asks of each descriptor by "" what fstat(2) says without a path. */
const ASK_BY_DESCRIPTOR = `
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
fstat, newfstatat, readlinkat, faccessat2 = map(int, sys.argv[1:5])
def asked(number, *args):
    buffer = ctypes.create_string_buffer(144)
    args = [buffer if arg is None else arg for arg in args]
    result = libc.syscall(number, *args)
    return (result, ctypes.get_errno() if result < 0 else 0, buffer.raw)
os.symlink("file", "link")
gone = os.open("gone", os.O_RDWR | os.O_CREAT)
os.unlink("gone")
fds = {
    "file": os.open("file", os.O_RDONLY),
    "directory": os.open(".", os.O_RDONLY),
    "link": os.open("link", os.O_PATH | os.O_NOFOLLOW),
    "gone": gone,
    "memory": os.memfd_create("m"),
    "pipe": os.pipe()[0],
    "socket": socket.socket(socket.AF_UNIX).detach(),
    "device": os.open("/dev/null", os.O_RDONLY),
    "process": os.open("/proc/self/stat", os.O_RDONLY),
    "closed": 900,
    "stdin": 0,
}
for name, fd in fds.items():
    same = asked(fstat, fd, None) == asked(newfstatat, fd, b"", None, 0x1000)
    print(name, same, asked(readlinkat, fd, b"", None, 144)[:2],
          asked(faccessat2, fd, b"", 4, 0x1000)[:2])
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a program is told (${engine}) of what it has open, whatever that is`,
    ),
    async fn(): Promise<void> {
      await using dir = await scratch();
      const ask = async (flags?: readonly string[]) => {
        const cwd = `${dir.path}/${flags?.length ?? "native"}`;
        await Deno.mkdir(cwd);
        const closed = `${cwd}/file`;
        await Deno.writeTextFile(closed, "text\n");
        const numbers =
          (["fstat", "newfstatat", "readlinkat", "faccessat2"] as const)
            .map((name) => `${SYSCALLS[name][hostArch().name]}`);
        const argv = ["/usr/bin/python3", "-c", ASK_BY_DESCRIPTOR, ...numbers];
        const all = flags === undefined
          ? argv
          : jailArgv([...flags], argv, engine);
        const { code, stdout, stderr } = await run(
          ["sh", "-c", 'exec "$@" < file', "sh", ...all],
          { cwd },
        );
        return [code, stdout, stderr];
      };
      const native = await ask();
      assertMatch(String(native[1]), /^file True .*\n/);
      assertEquals(String(native[1]).includes("False"), false);
      assertEquals(await ask(["-A"]), native);
      assertEquals(await ask(["-A", `--deny-read=${dir.path}/2/none`]), native);
    },
  });
}
