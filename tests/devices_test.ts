/** Devices, lines and terminals that may only be read stay as they are. */

import { assertEquals } from "@std/assert";
import { ENGINES, jail, jailArgv, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { hasMachine, needs, serialLine } from "./needs.ts";
import { attempt } from "./python.ts";

/** A serial line that can be opened here. */
const LINE = await serialLine();

/** Whether a disk can be made of a file here. */
const DISKS = Deno.uid() === 0 &&
  (await run(["sh", "-c", "losetup -f && test -b /dev/loop0"])).code === 0;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a change to a device that may be written`,
    ),
    async fn(): Promise<void> {
      const tries = [
        `os.chmod("/dev/full", 0o666)`,
        `os.utime("/dev/full")`,
        `os.unlink("/dev/full")`,
        `os.rename("/dev/full", "/dev/full2")`,
        `os.fchmod(os.open("/dev/full", os.O_WRONLY), 0o666)`,
      ];
      for (const code of tries) {
        const { stdout } = await jail(["-A", "--no-landlock"], attempt(code), {
          engine,
        });
        assertEquals([code, stdout], [code, "EPERM\n"]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops words read from another terminal`,
    ),
    async fn(): Promise<void> {
      // A terminal outside: Python makes one, and runs the jail beside it.
      const inside = `import os, sys
for attempt in (
    lambda name: os.open(name, os.O_RDWR | os.O_NOCTTY),
    lambda name: os.chmod(name, 0o666),
    lambda name: os.chown(name, 65534, -1),
    os.utime,
):
    try: attempt(sys.argv[1]); print("done")
    except OSError as e: print(e.errno)`;
      const outside = `import os, pty, subprocess, sys
master, slave = pty.openpty()
sys.exit(subprocess.call(sys.argv[1:] + [os.ttyname(slave)], stdin=subprocess.DEVNULL))`;
      const { stdout } = await run([
        "python3",
        "-c",
        outside,
        ...jailArgv(["-A"], ["/usr/bin/python3", "-c", inside], engine),
      ]);
      assertEquals(stdout, "1\n".repeat(4));
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a program open a terminal of its own`,
    ),
    async fn(): Promise<void> {
      const code = `import os, pty
master, slave = pty.openpty()
os.open(os.ttyname(slave), os.O_RDWR | os.O_NOCTTY); print("opened")`;
      const { stdout } = await jail(["-A"], ["/usr/bin/python3", "-c", code], {
        engine,
      });
      assertEquals(stdout, "opened\n");
    },
  });

  Deno.test({
    ...hasMachine(
      LINE !== undefined,
      "serial line",
      `jail (${engine}) stops a line that may only be read from being set`,
    ),
    async fn(): Promise<void> {
      // How it is set already, and the end of a break: nothing changes.
      const code = `import fcntl, os, termios
for how in os.O_RDONLY, os.O_RDWR:
  try: fd = os.open("${LINE}", how | os.O_NONBLOCK | os.O_NOCTTY)
  except OSError as error: print("open", error.strerror); continue
  modes = bytearray(64)
  fcntl.ioctl(fd, termios.TCGETS, modes)
  for command, arg in (termios.TCSETS, modes), (0x5428, 0):
    try: fcntl.ioctl(fd, command, arg); print("done")
    except OSError as error: print(error.strerror)`;
      const results = [];
      for (const flags of [[], [`--allow-write=${LINE}`]]) {
        const { stdout } = await jail(
          [`--allow-read=/,${LINE}`, "--allow-run", ...flags],
          ["/usr/bin/python3", "-c", code],
          { engine },
        );
        results.push(stdout.trim().split("\n"));
      }
      const no = "Operation not permitted";
      assertEquals(results, [
        [no, no, "open Permission denied"],
        Array(4).fill("done"),
      ]);
    },
  });

  Deno.test({
    ...hasMachine(
      LINE !== undefined,
      "serial line",
      `jail (${engine}) stops a line that may only be read from being written as the program's own terminal`,
    ),
    async fn(): Promise<void> {
      const code = `import fcntl, os, termios
if os.fork() > 0: os.wait(); os._exit(0)
os.setsid()
line = os.open("${LINE}", os.O_RDONLY | os.O_NONBLOCK)
try: fcntl.ioctl(line, termios.TIOCSCTTY, 0); print("taken")
except OSError as error: print(error.strerror)
try: os.open("/dev/tty", os.O_RDWR); print("opened")
except OSError as error: print(error.strerror)`;
      const { stdout } = await jail(
        [`--allow-read=/,${LINE}`, "--allow-write=/dev/tty", "--allow-run"],
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      assertEquals(
        stdout,
        "Operation not permitted\nNo such device or address\n",
      );
    },
  });

  Deno.test({
    ...hasMachine(
      LINE !== undefined,
      "serial line",
      `jail (${engine}) has no program take a line that it was given, and hang it up for others`,
    ),
    async fn(): Promise<void> {
      const outside = `import os, subprocess, sys
line = os.open("${LINE}", os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
sys.exit(subprocess.call(sys.argv[1:], stdin=line))`;
      // It gives the line back: as the session ended, it would be hung up.
      const inside = `import fcntl, os, signal, termios
if os.fork() > 0: os.wait(); os._exit(0)
os.setsid()
signal.signal(signal.SIGHUP, signal.SIG_IGN)
try:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    fcntl.ioctl(0, termios.TIOCNOTTY)
    print("taken")
except OSError as error: print(error.strerror)`;
      const results = [];
      for (const flags of [[], [`--allow-write=${LINE}`]]) {
        const { stdout } = await run([
          ...["/usr/bin/python3", "-c", outside],
          ...jailArgv(
            ["-R", "--allow-run", ...flags],
            ["/usr/bin/python3", "-c", inside],
            engine,
          ),
        ]);
        results.push(stdout);
      }
      assertEquals(results, ["Operation not permitted\n", "taken\n"]);
    },
  });

  Deno.test({
    ...hasMachine(
      DISKS,
      "loop device",
      `jail (${engine}) keeps nobody from a disk that may only be read`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const file = await directory.file("file", "x".repeat(4096));
      const made = await run(["losetup", "-f", "--show", file]);
      const disk = made.stdout.trim();
      const code = `import os
for how in 0, os.O_EXCL:
  try: os.close(os.open("${disk}", os.O_RDONLY | how)); print("opened")
  except OSError as error: print(error.strerror)`;
      const { stdout } = await jail(
        [`--allow-read=/,${disk}`, "--allow-run"],
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      await run(["losetup", "-d", disk]);
      assertEquals(stdout, "opened\nOperation not permitted\n", made.stderr);
    },
  });
}
