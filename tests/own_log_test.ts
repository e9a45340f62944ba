/** The audit log of a jail is changed by nobody in it. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ENGINES, jail, jailArgv, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";
import { attempt } from "./python.ts";

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops writing to its own audit log`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const log = `${directory.path}/log`;
      const { stdout } = await jail(
        ["-A", `--audit=${log}`],
        attempt(`open("${log}", "w")`),
        { engine },
      );
      assertEquals(stdout, "EACCES\n");
      assertStringIncludes(await Deno.readTextFile(log), `"decision":"refuse"`);
    },
  });

  Deno.test(`jail (${engine}) stops a change to its own audit log, whatever letters are in its name`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    await Deno.mkdir(`${path}/ü`);
    const { stdout } = await jail(
      ["-A", `--audit=${path}/ü/lög`],
      ["sh", "-c", "echo >ü/lög; mv ü/lög x; mv ü x; rm ü/lög; ls ü"],
      { engine, cwd: path },
    );
    assertEquals(stdout, "lög\n");
    const log = await Deno.readTextFile(`${path}/ü/lög`);
    assertStringIncludes(log, `"decision":"refuse"`);
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops writing to its own audit log by a link that it had`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const log = await directory.file("log", "");
      await Deno.link(log, `${directory.path}/other`);
      await directory.file("third", "");
      for (const [name, wanted] of [["other", "EPERM"], ["third", "done"]]) {
        const { stdout } = await jail(
          ["-A", `--audit=${log}`],
          attempt(`open("${directory.path}/${name}", "w")`),
          { engine },
        );
        assertEquals([name, stdout], [name, `${wanted}\n`]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a program write to what keeps nothing, where its log goes there`,
    ),
    async fn(): Promise<void> {
      const program = attempt(`open("/dev/null", "w")`);
      const { stdout } = await jail(["-A", "--audit=/dev/null"], program, {
        engine,
      });
      assertEquals(stdout, "done\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3", "mkfifo"],
      `jail (${engine}) lets nobody in it take records out of the pipe that its log goes to`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await run(["mkfifo", `${path}/log`]);
      // Open all the time: jail waits for nobody who would read it.
      const held = await Deno.open(`${path}/log`, { read: true, write: true });
      const reader = new Deno.Command("cat", {
        args: [`${path}/log`],
        stdout: "piped",
      }).output();
      const code = `pipe = os.open("log", os.O_RDONLY | os.O_NONBLOCK)
for _ in range(100):
  try: os.stat("secret")
  except OSError: pass
  try: os.read(pipe, 1 << 16)
  except OSError: pass`;
      const flags = ["-A", `--deny-read=${path}/secret`, "--audit=log"];
      const { stdout } = await jail(flags, attempt(code), {
        engine,
        cwd: path,
      });
      held.close();
      assertEquals(stdout, "EACCES\n");
      const { stdout: log } = await reader;
      const text = new TextDecoder().decode(log);
      assertMatch(text, /"call":"openat",.*"the audit log"/);
    },
  });

  Deno.test({
    ...needs(
      ["python3", "mkfifo"],
      `jail (${engine}) opens the pipe that its log goes to by no other link of it`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await run(["mkfifo", `${path}/log`]);
      await Deno.link(`${path}/log`, `${path}/other`);
      const held = await Deno.open(`${path}/log`, { read: true, write: true });
      // What Python's start is told by can be more than there is room for.
      const reader = new Deno.Command("cat", { args: [`${path}/log`] })
        .output();
      const { stdout } = await jail(
        ["-A", "--audit=log"],
        attempt(`os.open("other", os.O_RDONLY | os.O_NONBLOCK)`),
        { engine, cwd: path },
      );
      held.close();
      await reader;
      assertEquals(stdout, "EPERM\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3", "mkfifo"],
      `jail (${engine}) ends at its limit, though nobody reads the pipe that its log goes to`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await run(["mkfifo", `${path}/log`]);
      using held = await Deno.open(`${path}/log`, { read: true, write: true });
      // Else it would wait for ever, where this is not so.
      const late = setTimeout(() => held.close(), 20_000);
      const code = "for i in range(100000): os.path.exists(f'{i}')";
      const flags = ["-A", "--audit=log", "--timeout=1s"];
      const { code: exit, stderr } = await jail(flags, attempt(code), {
        engine,
        cwd: path,
      });
      clearTimeout(late);
      assertMatch(stderr, /the audit log .*log": write\(\) failed with EAGAIN/);
      assertEquals(exit, 125);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) loses no record of its log where that is a terminal that waits`,
    ),
    async fn(): Promise<void> {
      const outside = `import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
records = b""
try:
    while more := os.read(terminal, 1 << 16):
        # As somebody does who stops it, to read.
        if not records: time.sleep(0.5)
        records += more
except OSError: pass
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), records.count(b'n/299"'))`;
      const code = "for i in range(300): os.path.exists(f'/in/n/{i}')";
      const { stdout } = await run([
        ...["/usr/bin/python3", "-c", outside],
        ...jailArgv(["-A", "--audit=/dev/tty"], attempt(code), engine),
      ]);
      assertEquals(stdout, "0 1\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) loses no record of its log where who reads that is slow, and a signal came that the program handles`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const outside =
        `import fcntl, os, select, signal, subprocess, sys, termios, time
os.mkfifo("log")
log = os.open("log", os.O_RDWR | os.O_NONBLOCK)
held = lambda: int.from_bytes(fcntl.ioctl(log, termios.FIONREAD, bytes(4)), "little")
jail = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
# What its start is told by is as long as Python's own start is.
while not select.select([jail.stdout], [], [], 0.01)[0]:
    if held(): os.read(log, 1 << 20)
before = 0
# Until it is full.
while (now := held()) < 1 << 15 or now != before:
    before = now
    time.sleep(0.2)
# Longer than is waited behind the signal.
time.sleep(1.2)
jail.send_signal(signal.SIGHUP)
time.sleep(0.4)
reader = open("log", "rb")
os.close(log)
print(reader.read().count(b'n/5999"'), jail.wait())`;
      const code = `import signal
signal.signal(signal.SIGHUP, lambda *_: None)
print("ready", flush=True)
for i in range(6000): os.path.exists(f"/in/n/{i}")`;
      const { stdout, stderr } = await run([
        ...["/usr/bin/python3", "-c", outside],
        ...jailArgv(["-A", "--audit=log"], attempt(code), engine),
      ], { cwd: directory.path });
      assertEquals(stdout, "1 0\n", stderr);
    },
  });

  Deno.test(`jail (${engine}) keeps a link by which its audit log is named`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    await directory.file("log", "");
    await Deno.symlink("links/log", `${path}/current`);
    await Deno.mkdir(`${path}/links`);
    await Deno.symlink("../log", `${path}/links/log`);
    const script = "rm current; ln -sfn other current; mv current x; " +
      "rm links/log; mv links x; rm -r x; ls";
    const { stdout } = await jail(
      ["-R", `-W=${path}`, "--allow-run", `--audit=${path}/current`],
      ["sh", "-c", script],
      { engine, cwd: path },
    );
    assertEquals(stdout, "current\nlinks\nlog\n");
    assertEquals(await Deno.readLink(`${path}/current`), "links/log");
    assertEquals(await Deno.readLink(`${path}/links/log`), "../log");
  });

  Deno.test(`jail (${engine}) keeps a link to what keeps nothing, by which its audit log is named`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    await Deno.mkdir(`${path}/out`);
    await Deno.mkdir(`${path}/cwd`);
    await Deno.symlink("/dev/null", `${path}/out/log`);
    await jail(
      ["-R", `-W=${path}/out`, "--allow-run", `--audit=${path}/out/log`],
      ["sh", "-c", "cd ../out; rm log; ln -sfn ../other log; mv log x"],
      { engine, cwd: `${path}/cwd` },
    );
    assertEquals(await Deno.readLink(`${path}/out/log`), "/dev/null");
  });

  Deno.test(`jail (${engine}) lets no link be put where a run after it would write its audit log`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    await Deno.mkdir(`${path}/out`);
    await Deno.mkdir(`${path}/cwd`);
    const log = `${path}/out/logs/log`;
    // Its directory is not there yet, and the run goes on without a log.
    const flags = ["-R", `-W=${path}/out`, "--allow-run", `--audit=${log}`];
    const { stdout } = await jail(
      [...flags, "--audit-optional"],
      [
        "sh",
        "-c",
        "cd ../out; mkdir logs; ln -s ../../other logs/log; ls logs",
      ],
      { engine, cwd: `${path}/cwd` },
    );
    assertEquals(stdout, "");
  });
}
