/** Holes of `--engine=kernel` that were found by attack, each with what mends it. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { landlockAbi } from "../src/sys/landlock.ts";
import { wasReplaced } from "../src/sys/launch/root.ts";
import { openTree, type Tree } from "../src/sys/launch/tree.ts";
import type { TreeNode } from "../src/tree_node.ts";
import { type Ended, fixture, jailArgv, run } from "./harness.ts";
import { type Scratch, scratch } from "./jail.ts";
import {
  hasMachine,
  hasMounts,
  hasNamesAlone,
  hasOverlays,
  hasUsers,
  LISTS_NAMES,
  type Needs,
  needs,
  serialLine,
} from "./needs.ts";
import { Terminal } from "./terminal.ts";

const KERNEL = "--engine=kernel";

/** A device that any program may have open, and that means something else each time. */
const FUSE = "/dev/fuse";

/** Whether a disk can be made of a file here. */
const hasDisks = Deno.uid() === 0 &&
  (await run(["sh", "-c", "losetup -f && test -b /dev/loop0"])).code === 0;

/** Whether this is root, and may open a device. */
function opens(device: string): boolean {
  try {
    Deno.openSync(device).close();
    return Deno.uid() === 0;
  } catch {
    return false;
  }
}

/** A test that needs a kernel which can hold a policy, and perhaps more. */
function test(
  name: string,
  fn: () => Promise<void>,
  more?: (name: string) => Needs,
): void {
  const has = landlockAbi() >= 6;
  Deno.test({
    ...has && more !== undefined
      ? more(name)
      : hasMachine(has, "Landlock of Linux 6.12", name),
    fn,
  });
}

/** Runs a script in a jail, in a directory that has files. */
async function inside(
  here: Scratch,
  flags: readonly string[],
  script: string,
  redirect = "",
): Promise<Ended> {
  const argv = jailArgv([KERNEL, ...flags], ["sh", "-c", script]);
  const quoted = argv.map((word) => `'${word.replace(/'/g, "'\\''")}'`);
  return await run(["sh", "-c", `${quoted.join(" ")} ${redirect}`], {
    cwd: here.path,
  });
}

test("a jail held by the kernel closes what is refused in /dev/shm", async () => {
  await using here = await scratch();
  const shared = await Deno.makeTempDir({ dir: "/dev/shm" });
  try {
    for (const name of ["kept", "closed", ".key"]) {
      await Deno.mkdir(`${shared}/${name}`);
      await Deno.writeTextFile(`${shared}/${name}/file`, `${name}\n`);
    }
    const policy = await here.file(
      "p.yaml",
      `read: {allow: [/], deny: ["${shared}/closed", "/dev/shm/**/.key/**", /dev/tty]}
write: {allow: ["${shared}"], deny: ["${shared}/kept"]}
run: true
`,
    );
    const script =
      `echo x >${shared}/kept/file; cat ${shared}/*/file ${shared}/.key/file; ls /dev/tty`;
    const { stdout, stderr } = await inside(here, ["-p", policy], script);
    assertEquals(stdout, "kept\n");
    assertMatch(stderr, /Read-only file system/);
    const closed = await inside(
      here,
      ["-R", "--allow-run", "--deny-read=/dev/shm"],
      `cat ${shared}/kept/file`,
    );
    assertEquals(closed.stdout, "");
  } finally {
    await Deno.remove(shared, { recursive: true });
  }
});

test("a jail held by the kernel has nobody hang up on the group that it was started in", async () => {
  const orphan = fixture("orphan_group");
  const flags = [KERNEL, "-R", "--allow-run"];
  for (const way of ["leave", "join", "adopt"]) {
    const argv = jailArgv(flags, [orphan, way, "1"]);
    const ended = await run([orphan, "stay", ...argv]);
    assertEquals([way, ended.stdout, ended.code], [way, "0\n", 0]);
  }
  // Where it is alone in its group, there is nobody else to hear of that.
  const script = "import os\nos.setpgid(0, 0)\nprint(os.getpgid(0) > 0)";
  const python = ["/usr/bin/python3", "-c", script];
  const alone = await run(["setsid", "-w", ...jailArgv(flags, python)]);
  assertEquals(alone.stdout, "True\n");
});

test("a jail held by the kernel signals nobody else in the group that it was started in", async () => {
  // No namespace is in the way: who sends to its group, 0, names nobody.
  const outside = `import os, signal, subprocess, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
os.setpgid(0, 0)
subprocess.run(sys.argv[1:], check=True)
print(signal.sigtimedwait({signal.SIGUSR2}, 0))`;
  const inside = `import os, signal
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
os.kill(0, signal.SIGUSR2)`;
  const python = ["/usr/bin/python3", "-c"];
  const flags = [KERNEL, "-R", "--allow-run"];
  const argv = jailArgv(flags, [...python, inside]);
  const { stdout, stderr } = await run([...python, outside, ...argv]);
  assertEquals([stdout, stderr], ["None\n", ""]);
});

test("a jail held by the kernel neither sets nor takes a terminal where another job is in front of it", async () => {
  await using here = await scratch();
  const inside = `import errno, os, signal, termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
os.setpgid(0, 0)
def attempt(call, *words):
    try: call(1, *words)
    except (OSError, termios.error) as e: return errno.errorcode[e.args[0]]
    return "done"
print("said", attempt(os.tcsetpgrp, os.getpid()),
    attempt(termios.tcsetattr, termios.TCSANOW, termios.tcgetattr(1)),
    attempt(termios.tcflush, termios.TCIFLUSH))`;
  const file = await here.file("inside.py", inside);
  const argv = jailArgv([KERNEL, "-A"], ["/usr/bin/python3", file]).join(" ");
  await using terminal = new Terminal(["bash", "--norc", "--noprofile", "-i"]);
  await terminal.see(/\$ $/);
  await terminal.type(`${argv} & cat\n`);
  await terminal.see(/said EIO EIO EIO\r\n/);
  await terminal.type("\x04");
  await terminal.see(/\$ $/);
  await terminal.type(`${argv}\n`);
  await terminal.see(/said done done done\r\n/);
});

test("a jail held by the kernel makes no file that runs as its owner", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out`);
  await Deno.chmod(`${here.path}/out`, 0o777);
  const script = "cp /bin/true out/p && chmod u+s out/p; chmod g+s out/p; " +
    "install -m 4755 /bin/true out/q; find out -type f -perm /6000";
  const { stdout, stderr } = await inside(
    here,
    ["-p", "default", "-W=out"],
    script,
  );
  assertEquals(stdout, "");
  assertMatch(stderr, /Operation not permitted/);
});

test("a jail held by the kernel does not start where a link of what is refused could be replaced", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out`);
  await here.file("secret", "secret\n");
  await Deno.symlink("../secret", `${here.path}/out/link`);
  const flags = ["-p", "default", "-W=out", "--deny-read=out/link"];
  const ended = await inside(here, flags, "rm out/link");
  assertEquals(ended.code, 125);
  assertMatch(ended.stderr, /it leads through a link/);
});

test("a jail held by the kernel does not start where a pipe would be written", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out/kept`, { recursive: true });
  await run(["mkfifo", `${here.path}/out/kept/pipe`]);
  const flags = ["-p", "default", "-W=out", "--deny-write=out/kept"];
  const ended = await inside(here, flags, "echo x 1<>out/kept/pipe");
  assertEquals(ended.code, 125);
  assertMatch(ended.stderr, /out\/kept\/pipe is a pipe/);
});

test("a jail held by the kernel opens no file again for more than it was handed for", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out/kept`, { recursive: true });
  await Deno.mkdir(`${here.path}/closed`);
  await here.file("out/kept/file", "kept\n");
  await here.file("closed/file", "secret\n");
  const refused = async (
    flags: readonly string[],
    script: string,
    redirected: string,
    why = /Permission denied/,
  ): Promise<void> => {
    const { code, stdout, stderr } = await inside(
      ...[here, flags, script, redirected],
    );
    assertNotEquals(code, 0);
    assertEquals(stdout, "");
    assertMatch(stderr, why);
  };
  const writes = ["-p", "default", "-W=out", "--deny-write=out/kept"];
  const python = (does: string): string =>
    `/usr/bin/python3 -c "import os; os.${does}"`;
  for (
    const script of [
      "echo x >/proc/self/fd/0",
      python("open('/proc/self/fd/0', os.O_TRUNC)"),
      python("truncate('/proc/self/fd/0', 0)"),
    ]
  ) {
    await refused(writes, script, "<out/kept/file", /Read-only file system/);
    const kept = await Deno.readTextFile(`${here.path}/out/kept/file`);
    assertEquals(kept, "kept\n");
  }
  const reads = ["-R", "--allow-run", "--deny-read=closed"];
  await refused(reads, "exec 3>&1; cat /proc/self/fd/3 >&2", ">>closed/file");
  const runs = ["-R", "--allow-run", "--deny-run=./closed"];
  await Deno.copyFile("/bin/true", `${here.path}/closed/true`);
  await Deno.chmod(`${here.path}/closed/true`, 0o755);
  await refused(runs, "/proc/self/fd/0", "<closed/true");
});

test("a jail held by the kernel does not start where the program could make what a rule hides", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out`);
  for (const name of ["out/none", "**/.envrc"]) {
    const flags = ["-p", "default", "-W=out"];
    const policy = await here.file(
      "p.yaml",
      `read: {ignore: ["${here.path}/${name}"]}\n`,
    );
    const made = "echo x >out/none; echo x >out/.envrc";
    const { code, stderr } = await inside(
      here,
      [...flags, "-p", policy],
      made,
    );
    assertEquals(code, 125);
    assertMatch(stderr, /the program could make/);
  }
  assertEquals([...Deno.readDirSync(`${here.path}/out`)], []);
});

test("a jail held by the kernel moves nothing that is closed to where the next one finds it", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out/a`, { recursive: true });
  await here.file("out/a/file", "secret\n");
  for (const name of ["out", "out/a"]) {
    await Deno.chmod(`${here.path}/${name}`, 0o777);
  }
  const flags = ["-p", "default", "-W=out", "--deny-read=out/a/file"];
  const script = "mv out/a out/b; mkdir out/a; echo x >out/a/file; cat out/*/*";
  await inside(here, flags, script);
  assertEquals((await inside(here, flags, script)).stdout, "");
});

test("a jail held by the kernel moves no directory in which a wildcard closes something", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out/a/.key`, { recursive: true });
  await here.file("out/a/.key/file", "secret\n");
  await here.file("out/a/other", "other\n");
  for (const name of ["out", "out/a", "out/a/.key"]) {
    await Deno.chmod(`${here.path}/${name}`, 0o777);
  }
  const policy = await here.file(
    "p.yaml",
    'extends: default\nread: {deny: ["${cwd}/**/.key/**", "${cwd}/out/a/other"]}\n' +
      'write: {allow: ["${cwd}/out"], deny: ["${cwd}/out/a/.key"]}\nrun: true\n',
  );
  const script =
    "mv out/a out/b; mkdir -p out/a/.key; echo x >out/a/.key/file; cat out/*/other";
  const { stdout, stderr } = await inside(here, ["-p", policy], script);
  assertEquals(stdout, "");
  assertMatch(stderr, /out\/a[^]*busy/);
  const kept = await Deno.readTextFile(`${here.path}/out/a/.key/file`);
  assertEquals(kept, "secret\n");
});

test("a jail held by the kernel does not say where a link leads that a rule closes", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out`);
  await here.file("file", "secret\n");
  for (const name of ["closed", "out/closed", "plain", "other"]) {
    await Deno.symlink(`${here.path}/file`, `${here.path}/${name}`);
  }
  const policy = await here.file(
    "p.yaml",
    `extends: [default]
read: {deny: ["${here.path}/**/closed", "${here.path}/plain"]}
write: {allow: ["${here.path}/out"]}
`,
  );
  const script = "readlink closed out/closed plain; cat closed plain; " +
    "mv out/closed out/moved; rm out/closed; echo x >closed; readlink other";
  const { stdout } = await inside(here, ["-p", policy], script);
  const nowhere = "/.jail-closed\n".repeat(3);
  assertEquals(stdout, `${nowhere}${here.path}/file\n`);
  assertEquals(await Deno.readTextFile(`${here.path}/out/closed`), "secret\n");
});

test("a jail held by the kernel closes what a wildcard means in a directory that cannot be listed", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out/a`, { recursive: true });
  await here.file("out/a/.key", "secret\n");
  const policy = await here.file(
    "p.yaml",
    'extends: default\nread: {deny: ["${cwd}/**/.key"]}\nwrite: ["${cwd}/out"]\nrun: true\n',
  );
  const argv = jailArgv([KERNEL, "-p", policy], [
    ...["sh", "-c", "chmod 755 out/a; cat out/a/.key"],
  ]);
  // Root may list everything but for these.
  const user = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
  for (const mode of [0, 0o111, 0o311, 0o444]) {
    await Deno.chmod(`${here.path}/out/a`, mode);
    const { stdout, stderr } = await run(
      Deno.uid() === 0 ? [...user, ...argv] : argv,
      { cwd: here.path },
    );
    assertEquals(stdout, "");
    assertMatch(stderr, /out\/a\/\.key: Permission denied/);
  }
  await Deno.chmod(`${here.path}/out/a`, 0o755);
});

test("a jail held by the kernel closes what a wildcard means where paths are too long", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out`);
  const policy = await here.file(
    "p.yaml",
    'extends: default\nread: {deny: ["${cwd}/**/.key"]}\nrun: true\n',
  );
  const name = "d".repeat(250);
  const down = (before: string, then: string): string =>
    `cd out; i=0; while [ $i -lt 17 ]; do ${before} cd -P ${name}; ` +
    `i=$((i + 1)); done; ${then}; cat .key`;
  const make = down(`mkdir ${name};`, "echo open >.key");
  const { stdout: open } = await run(["sh", "-c", make], { cwd: here.path });
  assertEquals(open, "open\n");
  const { stdout } = await inside(here, ["-p", policy], down("", ":"));
  assertEquals(stdout, "");
  await run(["rm", "-r", `${here.path}/out`]);
});

test("a jail held by the kernel has no loader run what a rule refuses, where none lets it be run either", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/closed`);
  for (const name of ["closed/echo", "echo"]) {
    await Deno.copyFile("/bin/echo", `${here.path}/${name}`);
    await Deno.chmod(`${here.path}/${name}`, 0o755);
  }
  await Deno.link(`${here.path}/closed/echo`, `${here.path}/linked`);
  const policy = await here.file(
    "p.yaml",
    'read: [/]\nrun: {allow: [/usr, "${cwd}/closed/echo"], ' +
      'deny: ["${cwd}/closed"]}\n',
  );
  const loader = "/lib64/ld-linux-x86-64.so.2";
  const script =
    `${loader} ./closed/echo 1; closed/echo 2; ./linked 3; ./echo 4; ` +
    `${loader} ./echo read`;
  const { stdout } = await inside(here, ["-p", policy], script);
  assertEquals(stdout, "read\n");
});

test("a jail held by the kernel has no loader run what its output went to", async () => {
  await using here = await scratch();
  await Deno.writeTextFile(`${here.path}/out`, "");
  const loader = "/lib64/ld-linux-x86-64.so.2";
  const script = `cat /bin/echo; ${loader} ./out ran >&2; cat out | wc -c >&2`;
  const flags = ["-R", "--allow-run=/usr"];
  const { stderr } = await inside(here, flags, script, ">>out");
  const { size } = await Deno.stat("/bin/echo");
  assertMatch(stderr, /failed to map/);
  assertEquals(stderr.trim().split("\n").at(-1), `${size}`);
  const byName = `cat /bin/echo >&0; ${loader} /proc/self/fd/0 ran; cat <&0`;
  for (const [allowed, ran] of [["=/usr", ""], ["", "ran\n"]] as const) {
    const rules = ["-R", `--allow-run${allowed}`];
    const { stdout } = await inside(here, rules, byName, "0<>new");
    assertEquals(stdout, ran);
  }
});

test("a jail held by the kernel has no loader run what it has written, by a descriptor to read it either", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out`);
  const flags = ["-R", "--allow-run=/usr"];
  const loader = "/lib64/ld-linux-x86-64.so.2";
  for (
    const [more, script, redirect] of [
      [["-W=out"], "cat /bin/echo >out/file", "<out/file"],
      [["-W=out"], "exec 4>&1; cat /bin/echo", "<file >>file"],
      [[], "exec 4>&1; cat /bin/echo", "<file >>file"],
    ] as const
  ) {
    for (const name of ["file", "out/file"]) await here.file(name, "");
    const runs =
      `${script}; for fd in 0 4; do ${loader} /proc/self/fd/$fd ran ` +
      ">&2; done; cat /dev/stdin | wc -c >&2";
    const { stderr } = await inside(here, [...flags, ...more], runs, redirect);
    assertMatch(stderr, /loading shared libraries/);
    assertEquals(stderr.includes("ran\n"), false, stderr);
    const { size } = await Deno.stat("/bin/echo");
    if (redirect === "<out/file") assertStringIncludes(stderr, `\n${size}\n`);
  }
  const both = await inside(
    here,
    ["-R", "-W=out", "--allow-run=/usr,./out"],
    `cat /bin/echo >out/file; ${loader} /proc/self/fd/0 ran`,
    "<out/file",
  );
  assertEquals(both.stdout, "ran\n");
});

test("a jail held by the kernel has no loader run what a rule refuses, by a descriptor either", async () => {
  await using here = await scratch();
  for (const name of ["closed", "open"]) {
    await Deno.copyFile("/bin/echo", `${here.path}/${name}`);
  }
  const script = "/lib64/ld-linux-x86-64.so.2 /proc/self/fd/0 ran; cat | wc -c";
  const flags = ["-R", "--allow-run", "--deny-run=./closed"];
  const { size } = await Deno.stat("/bin/echo");
  const refused = await inside(here, flags, script, "<closed");
  assertEquals(refused.stdout, `${size}\n`);
  const allowed = await inside(here, flags, script, "<open");
  assertEquals(allowed.stdout, `ran\n${size}\n`);
});

test("a jail held by the kernel lets no device of the machine be changed", async () => {
  await using here = await scratch();
  const look = (): Promise<Deno.FileInfo> => Deno.stat("/dev/full");
  const { mode, uid } = await look();
  const script =
    "chmod 640 /dev/full; chown 5 /dev/full; echo x >/dev/null && echo y";
  try {
    for (const flags of [["-p", "default"], ["-A"]]) {
      const { stdout, stderr } = await inside(here, flags, script);
      assertEquals(stdout, "y\n");
      assertMatch(stderr, /Read-only file system|not permitted/);
      const after = await look();
      assertEquals([after.mode, after.uid], [mode, uid]);
    }
  } finally {
    await run(["sh", "-c", "chmod 666 /dev/full; chown 0 /dev/full"]);
  }
});

test("a jail held by the kernel does not change the null device that it is handed", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out`);
  const script = "chmod --reference=/dev/null /dev/stdin; touch /dev/stdin; " +
    "cat; echo x >/dev/stdout; echo end >&2";
  const flags = ["-p", "default", "-W=out"];
  const ended = await inside(here, flags, script, "</dev/null >/dev/null");
  assertMatch(
    ended.stderr,
    /^chmod.*Read-only[^]*touch.*Read-only[^]*\nend\n$/,
  );
});

test("a jail held by the kernel changes no file that is handed in, where it may change none", async () => {
  await using here = await scratch();
  const file = await here.file("file", "text\n");
  await Deno.chmod(file, 0o640);
  const script = "chmod 666 /dev/stdin; touch -d 2001-01-01 /dev/stdin; cat";
  const { stdout } = await inside(here, ["-p", "default"], script, "<file");
  const { mode, mtime } = await Deno.stat(file);
  assertEquals(stdout, "text\n");
  assertEquals((mode ?? 0) & 0o777, 0o640);
  assertNotEquals(mtime?.getUTCFullYear(), 2001);
});

test("a jail held by the kernel changes no file that is handed in to be read, and no terminal", async () => {
  await using here = await scratch();
  const file = await here.file("file", "text\nmore\n");
  await Deno.chmod(file, 0o640);
  await Deno.mkdir(`${here.path}/out`);
  const flags = ["-p", "default", "-W=out"];
  const script = "chmod 666 /dev/stdin; touch -d 2001-01-01 /dev/fd/7; " +
    "cat /.*handed/0 /.*handed/7; read line; echo $line; cat <&7";
  // Who started it reads on where the program stopped.
  const argv = jailArgv([KERNEL, ...flags, "--keep-fd=7"], [
    ...["sh", "-c", script],
  ]);
  const shell = ["sh", "-c", '{ "$@" 7<file; cat; } <file', "sh", ...argv];
  const { stdout, stderr } = await run(shell, { cwd: here.path });
  const { mode, mtime } = await Deno.stat(file);
  assertEquals(stdout, "text\ntext\nmore\nmore\n", stderr);
  assertMatch(stderr, /^chmod.*Read-only[^]*touch.*Read-only/);
  assertEquals((mode ?? 0) & 0o777, 0o640);
  assertNotEquals(mtime?.getUTCFullYear(), 2001);

  // The side of a terminal that it is made by is no other one.
  const master = `import os, sys
made, _ = os.openpty()
print(os.ptsname(made))
sys.stdout.flush()
os.dup2(made, 7)
os.execvp(sys.argv[1], sys.argv[1:])`;
  const asks = `import ctypes, fcntl
number = ctypes.c_int()
fcntl.ioctl(7, 0x80045430, number)
print(f"/dev/pts/{number.value}")`;
  const made = await run([
    ...["/usr/bin/python3", "-c", master],
    ...jailArgv(
      [KERNEL, "-R", "--allow-run", `-W=${here.path}/out`, "--keep-fd=7"],
      ["/usr/bin/python3", "-c", asks],
    ),
  ]);
  const [outside, within] = made.stdout.split("\n");
  assertEquals(outside, within, made.stderr);

  await run(["mkfifo", "-m", "600", `${here.path}/pipe`]);
  const piped = jailArgv([KERNEL, ...flags], [
    ...["sh", "-c", "chmod 666 /dev/stdin; cat"],
  ]);
  const both = ["sh", "-c", 'echo text >pipe & "$@" <pipe', "sh", ...piped];
  const ended = await run(both, { cwd: here.path });
  assertEquals(ended.stdout, "text\n");
  assertMatch(ended.stderr, /^chmod.*Read-only/);

  const code = `import errno, os
for what in (lambda: os.fchmod(0, 0o666), lambda: os.chmod("/dev/fd/1", 0o666)):
    try: print("made", what())
    except OSError as e: print("tried", errno.errorcode[e.errno])`;
  const inside = jailArgv([KERNEL, ...flags], ["/usr/bin/python3", "-c", code]);
  const quoted = inside.map((word) => `'${word}'`).join(" ");
  await using terminal = new Terminal([
    "sh",
    "-c",
    `cd ${here.path}; ${quoted}`,
  ]);
  await terminal.see(/tried EROFS\r\ntried EROFS\r\n/);
});

test("a jail held by the kernel does not change /dev/tty where it is handed in", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out`);
  const code = `import errno, os
what = os.fstat(0)
print(os.major(what.st_rdev), os.minor(what.st_rdev), os.isatty(0))
try: print("made", os.fchmod(0, what.st_mode & 0o777))
except OSError as e: print("tried", errno.errorcode[e.errno])
print(input())`;
  const argv = jailArgv([KERNEL, "-p", "default", "-W=out"], [
    ...["/usr/bin/python3", "-c", code],
  ]);
  const shell = `cd "$0" && exec "$@" </dev/tty`;
  await using terminal = new Terminal(["sh", "-c", shell, here.path, ...argv]);
  await terminal.see(/5 0 True\r\ntried EROFS\r\n/);
  await terminal.type("typed\n");
  await terminal.see(/typed\r\ntyped\r\n/);
});

test(
  "a jail held by the kernel is handed no device that root's program could change",
  async () => {
    await using here = await scratch();
    await Deno.mkdir(`${here.path}/out`);
    const code = `import os
try: print("made", os.fchmod(7, os.fstat(7).st_mode & 0o777))
except OSError as e: print("tried", e.errno)`;
    const argv = jailArgv([KERNEL, "-p", "default", "-W=out", "--keep-fd=7"], [
      ...["/usr/bin/python3", "-c", code],
    ]);
    for (const device of [FUSE, "/dev/zero"]) {
      const shell = ["sh", "-c", `exec "$@" 7<${device}`, "sh", ...argv];
      const { stdout, stderr } = await run(shell, { cwd: here.path });
      if (device === FUSE) {
        assertStringIncludes(stderr, "it is a device that could be changed");
        assertEquals(stdout, "");
      } else assertEquals(stdout, "tried 30\n", stderr);
    }
  },
  (name) => hasMachine(opens(FUSE), "/dev/fuse for root", name),
);

test("a jail held by the kernel is handed no file that it could change by another name of it", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out`);
  const argv = jailArgv([KERNEL, "-p", "default", "-W=out"], [
    ...["sh", "-c", "chmod 666 /dev/stdin; cat"],
  ]);
  const handed = async (meanwhile: string): Promise<string> => {
    const script = `rm -f a b; echo text >a; chmod 640 a
      exec 3<a; ${meanwhile}; "$@" <&3; stat -c %a [ab]`;
    const shell = ["sh", "-c", script, "sh", ...argv];
    const { stdout, stderr } = await run(shell, { cwd: here.path });
    return `${stdout}${/it is a file .*/.exec(stderr)}`;
  };
  assertEquals(
    await handed("ln a b; rm a"),
    "640\nit is a file that could be changed, and cannot be opened by its name",
  );
  // Nobody has a name for it.
  assertEquals(await handed("rm a; mkdir b"), "text\n755\nnull");
});

test("a jail held by the kernel does not change a pipe with a name that nobody reads any more", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/out`);
  const argv = jailArgv([KERNEL, "-p", "default", "-W=out"], [
    ...["sh", "-c", "chmod 666 /dev/stdout"],
  ]);
  const script = `mkfifo -m 600 pipe; exec 3<>pipe; exec 4>pipe; exec 3<&-
    "$@" >&4; stat -c %a pipe`;
  const shell = ["sh", "-c", script, "sh", ...argv];
  const { stdout, stderr } = await run(shell, { cwd: here.path });
  assertEquals(stdout, "600\n", stderr);
  assertMatch(stderr, /^chmod.*Read-only/);
});

test("a jail held by the kernel tells of no sockets of the machine unless a rule says so", async () => {
  await using here = await scratch();
  const flags = ["-N", "-R=/usr,/bin,.", "--allow-run=/usr"];
  const script = "read line </proc/self/net/unix && echo seen";
  const ended = await inside(here, flags, script);
  assertEquals([ended.code, ended.stdout], [125, ""]);
  assertMatch(ended.stderr, /\/proc\/self\/net: it tells of/);
  const allowed = await inside(here, [...flags, "-R=/proc/self/net"], script);
  assertEquals(allowed.stdout, "seen\n");
});

test(
  "a jail held by the kernel shows no processes of a procfs elsewhere, and lets no control group be written",
  async () => {
    await using here = await scratch();
    await Deno.mkdir(`${here.path}/proc`);
    await Deno.mkdir(`${here.path}/group`);
    const argv = jailArgv([KERNEL, "-A"], [
      ...["sh", "-c", "cat proc/1/comm; mkdir group/new && rmdir group/new"],
    ]);
    const quoted = argv.map((word) => `'${word}'`).join(" ");
    const ended = await run([
      ...["unshare", "-m", "sh", "-c"],
      `mount -t proc proc proc && mount -t cgroup2 none group && ${quoted}`,
    ], { cwd: here.path });
    assertEquals(ended.stdout, "");
    assertMatch(ended.stderr, /proc\/1\/comm[^]*group\/new.*Read-only/);
  },
  hasMounts,
);

test(
  "a jail held by the kernel shows nothing of /proc that the machine hides",
  async () => {
    const files = "/proc/kallsyms /proc/sys/kernel/osrelease /proc/fs/mark";
    const look = ["sh", "-c", `grep -H . ${files}`];
    const over = "mount --bind /dev/null /proc/kallsyms && " +
      "mount -t tmpfs tmpfs /proc/sys/kernel && " +
      "mount -t tmpfs tmpfs /proc/fs && echo seen >/proc/fs/mark";
    const all = "mount -t proc -o subset=pid proc /proc";
    const results = [];
    for (
      const [hide, flags] of [
        [over, ["-R"]],
        [over, ["-R", "--deny-read=/proc/fs/mark"]],
        [all, ["-R"]],
        [all, ["-R=/proc/self,/usr,/bin,/lib,/lib64"]],
      ] as const
    ) {
      const argv = jailArgv([KERNEL, ...flags, "--allow-run"], look);
      const ended = await run([
        ...["unshare", "-m", "sh", "-c", `${hide} && exec "$@"`, "sh"],
        ...argv,
      ]);
      assertMatch(ended.stderr, /kallsyms: /);
      results.push(ended.stdout);
    }
    assertEquals(results, ["/proc/fs/mark:seen\n", "", "", ""]);
  },
  hasMounts,
);

test(
  "a jail held by the kernel does not start where what a rule closes was removed where it is mounted from",
  async () => {
    await using here = await scratch();
    const mount = "cd $0 && touch file && echo secret >from && " +
      'mount --bind from file && rm from && exec "$@"';
    const { stdout, code } = await run([
      ...["unshare", "-m", "sh", "-c", mount, here.path],
      ...jailArgv([KERNEL, "-A", `--deny-read=${here.path}/file`], [
        ...["cat", "file"],
      ]),
    ]);
    assertEquals([stdout, code], ["", 125]);
  },
  hasMounts,
);

test(
  "a jail held by the kernel has nothing that is written run by another name of it",
  async () => {
    await using here = await scratch();
    const { path } = here;
    for (const name of ["w", "w/in", "m"]) await Deno.mkdir(`${path}/${name}`);
    const program = "loader=$(ls -d /lib64/ld-linux-x86-64.so.2); " +
      "cp /usr/bin/echo w/in/x && $loader /usr/bin/echo runs; " +
      "for file in w/in/x m/in/x m/x; do $loader $PWD/$file $file; done";
    const ran = async (
      mount: string,
      writes: readonly string[],
    ): Promise<Ended> =>
      await run([
        ...["unshare", "-m", "sh", "-c", `${mount} m && exec "$@"`, "sh"],
        ...jailArgv([KERNEL, "-R", ...writes, "--allow-run=/usr"], [
          ...["sh", "-c", program],
        ]),
      ], { cwd: path });
    for (
      const [mount, ...writes] of [
        ["mount --bind w", "-W=w"],
        ["mount --bind w/in", "-W=w"],
        ["mount --bind w", "-W=.", "--deny-write=m"],
      ] as const
    ) {
      const { stdout, stderr } = await ran(mount, writes);
      assertEquals(stdout, "runs\n", stderr);
    }
  },
  hasMounts,
);

test(
  "a jail held by the kernel runs by another mount of it nothing that a rule refuses",
  async () => {
    await using here = await scratch();
    for (const name of ["w", "m"]) await Deno.mkdir(`${here.path}/${name}`);
    await Deno.copyFile("/usr/bin/echo", `${here.path}/w/x`);
    const flags = ["-R", "--allow-run=/usr,w", "--deny-run=w/x"];
    const { stdout, stderr } = await run([
      ...["unshare", "-m", "sh", "-c", 'mount --bind w m && exec "$@"', "sh"],
      ...jailArgv([KERNEL, ...flags], ["sh", "-c", "w/x ran; m/x ran; ls m"]),
    ], { cwd: here.path });
    assertEquals(stdout, "x\n", stderr);
  },
  hasMounts,
);

test(
  "a jail held by the kernel runs nothing that it was handed to be written by another name of it",
  async () => {
    await using here = await scratch();
    for (const name of ["w", "m"]) await Deno.mkdir(`${here.path}/${name}`);
    const program = "cat /usr/bin/echo; ls m/x >&2 && " +
      "$(ls -d /lib64/ld-linux-x86-64.so.2) $PWD/m/x ran >&2";
    const closed = ["w", "m"].map((name) =>
      `--deny-write=${here.path}/${name}`
    );
    for (const flags of [[], [`-W=${here.path}`, ...closed]]) {
      const all = [KERNEL, "-R", "--allow-run=/usr", ...flags];
      const { stderr } = await run([
        ...["unshare", "-m", "sh", "-c"],
        ...['mount --bind w m && exec "$@" >w/x', "sh"],
        ...jailArgv(all, ["sh", "-c", program]),
      ], { cwd: here.path });
      assertMatch(stderr, /^m\/x\n.*failed to map segment/);
    }
  },
  hasMounts,
);

test(
  "a jail held by the kernel has nothing that is written run by an overlay that shows it, or from a layer",
  async () => {
    await using here = await scratch();
    const lay = `mkdir top && mount -t tmpfs tmpfs top && cd top &&
mkdir low up work over &&
mount -t overlay -o lowerdir=$PWD/low,upperdir=$PWD/up,workdir=$PWD/work none over &&
exec "$@"`;
    const program = "loader=$(ls -d /lib64/ld-linux-x86-64.so.2); " +
      'cp /usr/bin/echo "$0/x" && $loader /usr/bin/echo written; ' +
      'for at in "$0" "$1"; do ls "$at/x" && $loader "$PWD/$at/x" ran; done';
    const top = `${here.path}/top`;
    for (
      const [written, read, ...flags] of [
        ["over", "up", `-W=${top}/over`],
        ["up", "over", `-W=${top}/up`],
        ["low", "over", `-W=${top}`, `--deny-write=${top}/over`],
      ] as const
    ) {
      const { stdout, stderr } = await run([
        ...["unshare", "-m", "sh", "-c", lay, "sh"],
        ...jailArgv(
          [KERNEL, "-R", ...flags, "--allow-run=/usr"],
          ["sh", "-c", program, written, read],
        ),
      ], { cwd: here.path });
      const found = `written\n${written}/x\n${read}/x\n`;
      assertEquals(stdout, found, stderr);
      await Deno.remove(top);
    }
  },
  hasOverlays,
);

test(
  "a jail held by the kernel lets settings of the kernel be written elsewhere only by who names them",
  async () => {
    await using here = await scratch();
    await Deno.mkdir(`${here.path}/s`);
    const named = `extends: allow-all\nwrite: [${here.path}/s]\n`;
    await Deno.writeTextFile(`${here.path}/named.yaml`, named);
    const results = [];
    for (const flags of [["-A"], ["-p", "named.yaml"]]) {
      const { stdout } = await run([
        ...["unshare", "-m", "sh", "-c"],
        ...['mount -t sysfs sysfs s && exec "$@"', "sh"],
        ...jailArgv([KERNEL, ...flags], [
          ...["sh", "-c", "(: >>s/kernel/mm/ksm/run) && echo opened"],
        ]),
      ], { cwd: here.path });
      results.push(stdout);
    }
    assertEquals(results, ["", "opened\n"]);
  },
  hasMounts,
);

test(
  "a jail held by the kernel closes an overlay that lists nothing, whose lower directory was removed",
  async () => {
    await using here = await scratch();
    const lay = `mkdir low over top && mount -t tmpfs tmpfs top &&
mkdir top/up top/work && echo secret >low/key &&
mount -t overlay -o lowerdir=low,upperdir=top/up,workdir=top/work none over &&
cat over/key && rm -r low && exec "$@"`;
    const policy = await here.file(
      "p.yaml",
      'read: {allow: ["\${policy-dir}"], deny: ["\${policy-dir}/**/k?y"]}\n',
    );
    const argv = jailArgv([KERNEL, "-p", "minimal", "-p", policy], [
      ...["/bin/cat", `${here.path}/over/key`],
    ]);
    const way = ["unshare", "-m", "sh", "-c", lay, "sh", ...argv];
    const { stdout } = await run(way, { cwd: here.path });
    assertEquals(stdout, "secret\n");
  },
  hasMounts,
);

test(
  "a jail held by the kernel changes and moves no device in a directory that root's program may write",
  async () => {
    await using here = await scratch();
    await Deno.mkdir(`${here.path}/out/dev`, { recursive: true });
    const disk = `${here.path}/out/dev/null`;
    await run(["mknod", "-m", "600", disk, "c", "1", "3"]);
    const flags = ["-p", "default", "-W=out"];
    const script = "chmod 666 out/dev/null; mv out/dev/null out/n; " +
      "rm out/dev/null; mv out/dev out/d; echo x >out/dev/new; cat out/dev/new";
    const { stdout, stderr } = await inside(here, flags, script);
    const { mode, isCharDevice } = await Deno.lstat(disk);
    assertEquals(stdout, "x\n", stderr);
    assertEquals([(mode ?? 0) & 0o777, isCharDevice], [0o600, true]);
  },
  (name) => hasMachine(Deno.uid() === 0, "root to run it", name),
);

test(
  "a jail held by the kernel moves no device in a directory that a user's program may write",
  async () => {
    await using here = await scratch();
    await Deno.mkdir(`${here.path}/out`);
    await run(["mknod", `${here.path}/out/null`, "c", "1", "3"]);
    // Who owns the directory, and is not root.
    const user = ["unshare", "-U", "--map-user=1234", "--map-group=1234"];
    const script = "mv out/null out/n; rm -f out/null; ls out; id -u";
    const { stdout } = await run([
      ...user,
      ...jailArgv([KERNEL, "-R", "-W=out", "--allow-run"], [
        "sh",
        "-c",
        script,
      ]),
    ], { cwd: here.path });
    assertEquals(stdout, "null\n1234\n");
  },
  hasUsers,
);

test(
  "a jail held by the kernel moves no device out of a directory that its user may not list",
  async () => {
    await using here = await scratch();
    const lay = `mkdir -p out/a out/b && mknod out/a/null c 1 3 &&
      mknod out/b/null c 1 3 && chmod 300 out/a && chmod 0 out/b`;
    const laid = await run(["sh", "-c", lay], { cwd: here.path });
    assertEquals(laid.code, 0, laid.stderr);
    const script = "chmod 700 out/b; mv out/a/null out/n; " +
      "mv out/b/null out/m; ls out; id -u";
    const user = ["unshare", "-U", "--map-user=1234", "--map-group=1234"];
    const { stdout, stderr } = await run([
      ...user,
      ...jailArgv([KERNEL, "-R", "-W=out", "--allow-run"], [
        "sh",
        "-c",
        script,
      ]),
    ], { cwd: here.path });
    assertEquals(stdout, "a\nb\n1234\n", stderr);
  },
  hasUsers,
);

test(
  "a jail held by the kernel lets root do no more to files than without a jail",
  async () => {
    await using here = await scratch();
    await Deno.writeTextFile(`${here.path}/open`, "open\n");
    await Deno.writeTextFile(`${here.path}/secret`, "secret\n", { mode: 0 });
    // Without CAP_SYS_ADMIN it is held in a namespace of users.
    const fewer = "--bounding-set=-sys_admin,-dac_override,-dac_read_search";
    const { stdout, stderr } = await run([
      ...["setpriv", fewer],
      ...jailArgv([KERNEL, "-R", "--allow-run"], ["cat", "open", "secret"]),
    ], { cwd: here.path });
    assertEquals(stdout, "open\n", stderr);
    assertStringIncludes(stderr, "secret: Permission denied");
  },
  (name) => {
    const found = hasUsers(name);
    return found.ignore ? found : needs(["setpriv"], name);
  },
);

test(
  "a jail held by the kernel changes no device where directories do not list what is in them",
  async () => {
    await using here = await scratch();
    const lay = `${LISTS_NAMES} && mkdir out/d && mknod -m 600 out/d/null c 1 3
"$@"; stat -c %a/%t out/d/null`;
    const script = "chmod 666 out/d/null; mv out/d/null out/n; ls out";
    const argv = jailArgv([KERNEL, "-p", "default", "-W=out"], [
      ...["sh", "-c", script],
    ]);
    const { stdout, stderr } = await run(
      ["unshare", "-m", "sh", "-c", lay, "sh", ...argv],
      { cwd: here.path },
    );
    assertEquals(stdout, "d\nlost+found\n600/1\n", stderr);
  },
  hasNamesAlone,
);

/** A serial line that can be opened here. */
const LINE = await serialLine();

Deno.test({
  ...hasMachine(
    LINE !== undefined && landlockAbi() >= 6,
    "serial line, or Landlock of Linux 6.12",
    "a jail held by the kernel does not start where a line may only be read",
  ),
  async fn(): Promise<void> {
    const flags = [KERNEL, `--allow-read=/,${LINE}`, "--allow-run"];
    const argv = jailArgv(flags, ["stty", "-F", `${LINE}`, "9600"]);
    const { code, stderr } = await run(argv);
    assertEquals(code, 125);
    assertStringIncludes(stderr, `${LINE} is a terminal or a disk`);
  },
});

/** Tries to have the first process wait for its turn, and says how that went. */
const SLOWS = `import os, resource
for call in (
  lambda: os.sched_setaffinity(1, {0}),
  lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)),
  lambda: os.sched_setparam(1, os.sched_param(0)),
  lambda: os.setpriority(os.PRIO_PROCESS, 1, 19),
  lambda: resource.prlimit(1, resource.RLIMIT_CPU, (0, 0)),
):
  try: print(call())
  except OSError as error: print(error.strerror)
os.setpriority(os.PRIO_PROCESS, os.getpid(), 19)`;

test("a jail held by the kernel lets nobody slow down the process that ends it", async () => {
  await using here = await scratch();
  const { stdout, stderr } = await inside(
    here,
    ["-R", "--allow-run"],
    `exec python3 -c '${SLOWS}'`,
  );
  assertEquals([stdout, stderr], ["No such process\n".repeat(5), ""]);
});

test("a jail held by the kernel says which program used up its time, as others do", async () => {
  await using here = await scratch();
  const { stderr } = await inside(here, ["--timeout=1s"], "sleep 60; true");
  const real = await Deno.realPath("/bin/sh");
  assertStringIncludes(stderr, `used by "${real}" (process `);
});

if (!Deno.env.has("JAIL_BINARY")) {
  test(
    "a jail held by the kernel has its tree for its root directory after a chroot(2), too",
    async () => {
      await using here = await scratch();
      const argv = jailArgv([KERNEL, "-R=/usr,/lib,/lib64", "--allow-run"], [
        ...["/usr/bin/stat", "/usr/bin/stat", "/etc/passwd"],
      ]);
      const script = 'mount --rbind / "$0" && exec chroot "$0" "$@"';
      const { stdout, stderr } = await run([
        ...["unshare", "-m", "sh", "-c", script, here.path, ...argv],
      ]);
      assertMatch(stdout, /^ +File: \/usr\/bin\/stat$/m, stderr);
      assertMatch(stderr, /^\S+: cannot stat.* '\/etc\/passwd'.* No such file/);
    },
    hasMounts,
  );
}

if (!Deno.env.has("JAIL_BINARY")) {
  test("openTree() makes no tree in which a mount lies over one that was to hold", async () => {
    await using here = await scratch();
    const node = { kind: "bind", path: here.path, is: "directory" } as const;
    const root = {
      ...node,
      path: "/",
      there: true,
      write: false,
      noRun: false,
    };
    const kept = { ...node, there: true, write: false, noRun: true };
    using tree = held(openTree({ nodes: [root, kept], alone: true }));
    assert(tree !== undefined);
    const over = { ...kept, write: true };
    using other = held(openTree({ nodes: [root, kept, over], alone: true }));
    assertEquals(other, undefined);
  });

  test("openTree() follows no link that takes the place of a directory", async () => {
    await using here = await scratch();
    await Deno.mkdir(`${here.path}/out/kept`, { recursive: true });
    await Deno.symlink("out", `${here.path}/link`);
    const node = { kind: "bind", is: "directory", there: true } as const;
    const open = (path: string): ReturnType<typeof openTree> => {
      const nodes = ["/", `${here.path}/${path}`].map((path): TreeNode => ({
        ...node,
        path,
        write: false,
        noRun: false,
      }));
      return openTree({ nodes, alone: true });
    };
    using tree = held(open("out/kept"));
    assert(tree !== undefined);
    for (const path of ["link", "link/kept"]) {
      const tree = open(path);
      const last = "steps" in tree ? undefined : tree.at(-1);
      assertEquals([last?.call, last?.errno], ["openat2", "ELOOP"]);
    }
  });

  test("openTree() tries no other way where a file is there no more", async () => {
    await using here = await scratch();
    const gone: TreeNode = {
      ...{ kind: "bind", path: `/${here.path.replace(/\W/g, "")}` } as const,
      ...{ is: "file", there: false, write: false, noRun: false } as const,
    };
    const tree = openTree({ nodes: [gone], alone: true });
    const failures = "steps" in tree ? [] : tree;
    assertEquals(failures.filter(wasReplaced).length, 1);
    assertEquals(failures.findIndex(wasReplaced), failures.length - 1);
  });
}

function held(tree: ReturnType<typeof openTree>): Tree | undefined {
  return "steps" in tree ? tree : undefined;
}

test(
  "a jail held by the kernel keeps nobody from a disk that it is handed to read",
  async () => {
    await using here = await scratch();
    const file = await here.file("file", "x".repeat(4096));
    const made = await run(["losetup", "-f", "--show", file]);
    const disk = made.stdout.trim();
    const code = `import ctypes, os, struct
print(os.read(0, 1))
name, how = "/proc/self/fd/0", os.O_ACCMODE | os.O_EXCL
try: os.open(name, how); print("opened")
except OSError as error: print(error.strerror)
call = ctypes.CDLL(None).syscall
print(call(437, -100, name.encode(), struct.pack("3Q", how, 0, 0), ctypes.c_size_t(24)))`;
    const ends: Ended[] = [];
    for (const flags of [["--allow-read", "--allow-run"], ["-A"]]) {
      const words = [KERNEL, ...flags];
      const argv = jailArgv(words, ["/usr/bin/python3", "-c", code]);
      const script = 'exec "$@" < "$0"';
      ends.push(await run(["sh", "-c", script, disk, ...argv]));
    }
    await run(["losetup", "-d", disk]);
    for (const { stdout, stderr } of ends) {
      assertEquals(stdout, "b'x'\nPermission denied\n-1\n", stderr);
    }
  },
  (name) => hasMachine(hasDisks, "loop device", name),
);
