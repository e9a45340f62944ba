/** Holes that were found by attacking the jail, each with the fix that holds. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { ENGINES, jail, jailArgv, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";

/** Python that tries something, and prints its errno's name or "done". */
function attempt(code: string): readonly string[] {
  return [
    "python3",
    "-c",
    `import errno, os, socket, sys\ntry:\n  ${
      code.replaceAll("\n", "\n  ")
    }\n  print("done")\nexcept OSError as e: print(errno.errorcode[e.errno])`,
  ];
}

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
try: os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY); print("opened")
except OSError as e: print(e.strerror)`;
      const outside = `import os, pty, subprocess, sys
master, slave = pty.openpty()
sys.exit(subprocess.call(sys.argv[1:] + [os.ttyname(slave)], stdin=subprocess.DEVNULL))`;
      const { stdout } = await run([
        "python3",
        "-c",
        outside,
        ...jailArgv(["-A"], ["python3", "-c", inside], engine),
      ]);
      assertEquals(stdout, "Operation not permitted\n");
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
      const { stdout } = await jail(["-A"], ["python3", "-c", code], {
        engine,
      });
      assertEquals(stdout, "opened\n");
    },
  });

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

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a socket made or reached where nothing may be written`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const path = `${directory.path}/s`;
      const closed = ["-A", `--deny-write=${directory.path}`];
      for (const call of ["bind", "connect"]) {
        const { stdout } = await jail(
          closed,
          attempt(`socket.socket(socket.AF_UNIX).${call}("${path}")`),
          { engine },
        );
        assertEquals([call, stdout], [call, "EACCES\n"]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) goes on while a hundred opens of a pipe wait`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const code = `import os, threading
os.mkfifo("f")
def wait(): os.close(os.open("f", os.O_RDONLY))
threads = [threading.Thread(target=wait) for _ in range(100)]
for t in threads: t.start()
os.stat(".")
w = os.open("f", os.O_WRONLY)
for t in threads: t.join()
print("all")`;
      const { stdout } = await jail(["-A"], ["python3", "-c", code], {
        engine,
        cwd: directory.path,
      });
      assertEquals(stdout, "all\n");
    },
  });

  Deno.test({
    ...needs(
      ["unshare", "mount"],
      `jail (${engine}) stops a look into processes outside by another procfs`,
    ),
    ignore: Deno.uid() !== 0,
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.mkdir(`${path}/p`);
      const script = `mount -t proc proc p && exec "$@"`;
      const tries =
        "cat p/1/environ; cat p/1/status; (: >p/self/mem) && echo opened; ls p/1/fd; cat p/1/root/etc/passwd";
      const { stdout, code } = await run([
        ...["unshare", "-m", "sh", "-c", script, "sh"],
        ...jailArgv(["-A"], ["sh", "-c", `${tries}; exit 7`], engine),
      ], { cwd: path });
      assertEquals([stdout, code], ["", 7]);
    },
  });
}
