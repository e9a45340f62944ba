/** What comes to a path between jail's look and the call is not used. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type SyscallName, SYSCALLS } from "../src/abi/syscalls.ts";
import type { Engine } from "../src/trace/options.ts";
import { BELL, betweenArgv, type Change, GREETING } from "./between.ts";
import { ENGINES, fixture, jailArgv, run } from "./harness.ts";
import { type Scratch, scratch } from "./jail.ts";
import { hasMachine, hasMounts, needs } from "./needs.ts";
import { FILTER } from "./python.ts";
import { withoutArgv } from "./without.ts";

/** Whether devices can be made here. */
const DEVICES = await (async (): Promise<boolean> => {
  await using directory = await scratch();
  const path = `${directory.path}/device`;
  const made = await run(["mknod", path, "c", "1", "5"]);
  return made.code === 0 && (await run(["head", "-c1", path])).code === 0;
})();

/** What a program does first: alone, or beside a thread of its own. */
const BESIDE = {
  alone: "",
  "beside a thread":
    "threading.Thread(target=lambda: threading.Event().wait(), daemon=True).start()",
} as const;

/** Whether there can be terminals here that nobody else makes. */
const OWN_TERMINALS = (await run(withOwnTerminals(["true"]))).code === 0;

/** The words that run a program where the first terminal is /dev/pts/0. */
function withOwnTerminals(argv: readonly string[]): string[] {
  const mount = 'mount -t devpts -o ptmxmode=666 devpts /dev/pts && exec "$@"';
  return ["unshare", "-m", "sh", "-c", mount, "sh", ...argv];
}

interface Attempt {
  readonly change: Change;
  readonly call: SyscallName;
  /** Relative to the working directory, unless absolute. */
  readonly path: string;
  /** Python that does it, and prints what came of it. */
  readonly code: string;
  readonly beside?: keyof typeof BESIDE;
  /** Gives the words that run all of it in a place of its own. */
  readonly within?: (argv: readonly string[]) => string[];
}

/** The names in a directory. */
async function namesIn(path: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(path));
  return entries.map(({ name }) => name).sort();
}

/** Runs Python with a change in the middle of one of its calls. */
async function attempt(
  { change, call, path, code, beside = "alone", within = (argv) => [...argv] }:
    Attempt,
  engine: Engine,
  cwd: string,
  policy: string,
): Promise<string> {
  const script = `import errno, mmap, os, pty, threading, time
${BESIDE[beside]}
try:
  ${code.replaceAll("\n", "\n  ")}
except OSError as e: os.write(1, errno.errorcode[e.errno].encode() + b"\\n")
os._exit(0)`;
  const full = path.startsWith("/") ? path : `${cwd}/${path}`;
  const argv = ["/usr/bin/python3", "-c", script];
  const { stdout, stderr } = await run(
    within(betweenArgv(engine, policy, [change, call, full], argv)),
    { cwd },
  );
  return `${stdout}${stderr}`;
}

const ALL = "extends: allow-all\n";

/**
 * Makes two directories, `from` and `closed`, each with a file that has its name for a
 * text, and a policy by which the last may not be read, or written: returns its path.
 */
async function besideClosed(
  directory: Scratch,
  access: "read" | "write",
): Promise<string> {
  for (const name of ["from", "closed"]) {
    await Deno.mkdir(`${directory.path}/${name}`);
    await directory.file(`${name}/file`, name);
  }
  const rule = `${access}: {deny: ["${directory.path}/closed"]}\n`;
  return await directory.file("policy.yaml", `${ALL}${rule}`);
}

for (const engine of ENGINES) {
  for (const beside of ["alone", "beside a thread"] as const) {
    Deno.test({
      ...hasMachine(
        OWN_TERMINALS,
        "terminals of one's own",
        `jail (${engine}) stops a terminal of others that came after the look (${beside})`,
      ),
      async fn(): Promise<void> {
        await using directory = await scratch();
        const policy = await directory.file("policy.yaml", ALL);
        const path = "/dev/pts/0";
        const flags = "os.O_RDWR | os.O_NOCTTY";
        const tries: [SyscallName, string, string][] = [
          ["openat", `os.open("${path}", ${flags})`, "ENOENT"],
          ["openat", `os.open("${path}", ${flags} | os.O_CREAT)`, "EPERM"],
          ["chmod", `os.chmod("${path}", 0o666)`, "ENOENT"],
        ];
        for (const [call, code, wanted] of tries) {
          const came = await attempt(
            {
              change: "a terminal comes",
              call,
              path,
              code: `${code}\nprint("done")`,
              beside,
              within: withOwnTerminals,
            },
            engine,
            directory.path,
            policy,
          );
          assertEquals([code, came], [code, `${wanted}\n`]);
        }
      },
    });

    Deno.test({
      ...needs(
        ["python3"],
        `jail (${engine}) stops a file that would run as its owner, made where a directory was at the look (${beside})`,
      ),
      async fn(): Promise<void> {
        await using directory = await scratch();
        const { path } = directory;
        const policy = await directory.file(
          "policy.yaml",
          `extends: base\nread: ["${path}"]\nwrite: ["${path}"]\n`,
        );
        const tries: [SyscallName, string][] = [
          ["chmod", `os.chmod("x", 0o6755)`],
          ["fchmodat", `os.chmod("x", 0o6755, dir_fd=os.open(".", os.O_PATH))`],
        ];
        for (const [call, code] of tries) {
          await Deno.mkdir(`${path}/x`);
          const came = await attempt(
            {
              change: "a file comes in its place",
              call,
              path: "x",
              code: `${code}\nprint("done")`,
              beside,
            },
            engine,
            path,
            policy,
          );
          assertEquals([code, came], [code, "EPERM\n"]);
          const { isFile, mode } = await Deno.stat(`${path}/x`);
          assertEquals([isFile, (mode ?? 0) & 0o7777], [true, 0o777]);
          await Deno.remove(`${path}/x`);
        }
      },
    });

    Deno.test({
      ...needs(
        ["python3"],
        `jail (${engine}) makes no file that was there when it was looked at, and may only be read (${beside})`,
      ),
      async fn(): Promise<void> {
        await using directory = await scratch();
        const { path } = directory;
        const policy = await directory.file(
          "policy.yaml",
          `${ALL}write: {deny: ["${path}/lock"]}\n`,
        );
        await directory.file("lock", "");
        const came = await attempt(
          {
            change: "the file goes",
            call: "openat",
            path: "lock",
            code: `os.open("lock", os.O_RDONLY | os.O_CREAT)\nprint("done")`,
            beside,
          },
          engine,
          path,
          policy,
        );
        assertEquals(came, "EACCES\n");
        await assertRejects(() => Deno.stat(`${path}/lock`));
      },
    });

    const device =
      `jail (${engine}) stops a device that came after the look (${beside})`;
    Deno.test({
      ...(DEVICES
        ? needs(["python3"], device)
        : { name: `${device} (needs mknod)`, ignore: true }),
      async fn(): Promise<void> {
        await using directory = await scratch();
        const policy = await directory.file("policy.yaml", ALL);
        const link = `${directory.path}/link`;
        await Deno.symlink("new", link);
        const tries: [string, string][] = [
          [`os.open("new", os.O_RDONLY)`, "ENOENT"],
          [`os.open("new", os.O_RDWR | os.O_CREAT)`, "EACCES"],
          [`os.open("link", os.O_RDWR | os.O_CREAT)`, "EACCES"],
        ];
        for (const [code, wanted] of tries) {
          const came = await attempt(
            {
              change: "a device comes",
              call: "openat",
              path: "new",
              code: `${code}\nprint("done")`,
              beside,
            },
            engine,
            directory.path,
            policy,
          );
          assertEquals([code, came], [code, `${wanted}\n`]);
          await Deno.remove(`${directory.path}/new`);
        }
      },
    });
  }

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) leads nobody elsewhere by .. whose directory is moved meanwhile`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const policy = await directory.file(
        "policy.yaml",
        `${ALL}write: {deny: ["${path}/closed"]}\n`,
      );
      for (const name of ["from", "closed"]) {
        await Deno.mkdir(`${path}/${name}`);
      }
      const [file, closed] = [`${path}/file`, `${path}/closed/file`];
      for (const name of [file, closed]) {
        await Deno.writeTextFile(name, "");
        await Deno.chmod(name, 0o644);
      }
      await Deno.symlink("../file", `${path}/from/link`);
      const tries: [SyscallName, string][] = [
        ["chmod", `os.chmod("../file", 0o600)`],
        ["chmod", `os.chmod("link", 0o640)`],
        ["unlink", `os.unlink("../file")`],
      ];
      for (const [call, code] of tries) {
        const came = await attempt(
          {
            change: "the directory beside it is moved",
            call,
            path: "file",
            code: `os.chdir("from")\n${code}\nprint("done")`,
          },
          engine,
          path,
          policy,
        );
        assertEquals([code, came], [code, "done\n"]);
        const { mode } = await Deno.stat(closed);
        assertEquals([code, (mode ?? 0) & 0o777], [code, 0o644]);
        await Deno.rename(`${path}/closed/from`, `${path}/from`);
      }
      await assertRejects(() => Deno.stat(file));
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) follows no link that takes the place of an open file, to change another one's mode, owner or times`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const other = await directory.file("file.other", "");
      const policy = await directory.file(
        "policy.yaml",
        `${ALL}write: {deny: ["${other}"]}\n`,
      );
      const before = await Deno.stat(other);
      const tries: [SyscallName, string][] = [
        ["utimensat", `os.utime(fd, (1, 1))`],
        ["fchown", `os.fchown(fd, os.getuid(), os.getgid())`],
        ["fchmod", `os.fchmod(fd, 0o600)`],
      ];
      for (const [call, code] of tries) {
        await Deno.remove(`${path}/file`).catch(() => {});
        await directory.file("file", "");
        const came = await attempt(
          {
            ...{ change: "a link comes in its place", call, path: "file" },
            code: `fd = os.open("file", os.O_RDONLY)\n${code}\nprint("done")`,
            beside: "beside a thread",
          },
          engine,
          path,
          policy,
        );
        assertEquals([code, came], [code, "done\n"]);
        const { mtime, ctime } = await Deno.stat(other);
        assertEquals([code, mtime, ctime], [code, before.mtime, before.ctime]);
      }
    },
  });

  for (const beside of ["alone", "beside a thread"] as const) {
    Deno.test({
      ...needs(
        ["python3"],
        `jail (${engine}) puts no link where a rule begins that takes the place of what is moved there (${beside})`,
      ),
      async fn(): Promise<void> {
        await using directory = await scratch();
        const { path } = directory;
        const rule = `${path}/at/rule`;
        const text = `${ALL}read: ["${rule}"]\n`;
        const policy = await directory.file("policy.yaml", text);
        const exchange = `import ctypes
ctypes.CDLL(None).renameat2(-100, b"file", -100, b"at/rule", 2)`;
        const tries: [SyscallName, Change, string, string][] = [
          [
            "rename",
            "a link comes in its place",
            `os.rename("file", "at/rule")`,
            "",
          ],
          [
            "link",
            "a link comes in its place",
            `os.link("file", "at/rule")`,
            "",
          ],
          ["renameat2", "a link comes in its place", exchange, "there"],
          [
            "rename",
            "a directory comes in its place",
            `os.rename("file", "at")`,
            "",
          ],
        ];
        for (const [call, change, code, there] of tries) {
          await directory.file("file", "");
          if (!code.endsWith(`"at")`)) await Deno.mkdir(`${path}/at`);
          if (there !== "") await Deno.writeTextFile(rule, there);
          const came = await attempt(
            { change, call, path: `${path}/file`, code, beside },
            engine,
            path,
            policy,
          );
          const refused = call === "renameat2" ? "" : "EACCES\n";
          assertEquals([code, came], [code, refused]);
          await assertRejects(() => Deno.lstat(rule), Deno.errors.NotFound);
          for (const name of ["at", "file", "file.link"]) {
            await Deno.remove(`${path}/${name}`, { recursive: true }).catch(
              () => {},
            );
          }
        }
      },
    });
  }

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) gives no closed directory another name that takes the place of what is moved there`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const text = `${ALL}read: {deny: ["${path}/closed"]}\n`;
      const policy = await directory.file("policy.yaml", text);
      await directory.file("file", "");
      const came = await attempt(
        {
          change: "a directory comes in its place",
          call: "rename",
          path: `${path}/file`,
          code: `os.rename("file", "closed")`,
        },
        engine,
        path,
        policy,
      );
      assertEquals(came, "EACCES\n");
      assertEquals(await namesIn(path), ["closed", "policy.yaml"]);
      assertEquals(await namesIn(`${path}/closed`), ["rule"]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) leads nobody elsewhere by a link that is turned, or comes, meanwhile`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const policy = await besideClosed(directory, "write");
      const tries: [SyscallName, string, string][] = [
        ["chmod", "file", `os.chmod("link/file", 0o600)`],
        ["openat", "file", `os.open("link/file", os.O_WRONLY | os.O_TRUNC)`],
        ["unlink", "file", `os.unlink("link/file")`],
        ["openat", "new", `os.open("link/new", os.O_WRONLY | os.O_CREAT)`],
        [
          "bind",
          "socket",
          `import socket; socket.socket(socket.AF_UNIX).bind("link/socket")`,
        ],
      ];
      for (const [call, name, code] of tries) {
        await Deno.symlink("from", `${path}/link`);
        const came = await attempt(
          {
            change: "the link to its directory is turned",
            call,
            path: `from/${name}`,
            code: `${code}\nprint("done")`,
          },
          engine,
          path,
          policy,
        );
        assertEquals([code, came], [code, "done\n"]);
        await Deno.remove(`${path}/link`);
      }
      assertEquals(await namesIn(`${path}/from`), ["new", "socket"]);
      const came = await attempt(
        {
          change: "a link comes in the place of its directory",
          call: "openat",
          path: "from/new",
          code: `os.open("from/new", os.O_WRONLY | os.O_CREAT)\nprint("done")`,
        },
        engine,
        path,
        policy,
      );
      assertEquals(came, "EACCES\n");
      assertEquals(await namesIn(`${path}/closed`), ["file"]);
      assertEquals(await Deno.readTextFile(`${path}/closed/file`), "closed");
      const { mode } = await Deno.stat(`${path}/closed/file`);
      assertEquals((mode ?? 0) & 0o777, 0o644);
    },
  });

  for (const beside of ["alone", "beside a thread"] as const) {
    Deno.test({
      ...needs(
        ["python3"],
        `jail (${engine}) changes nothing by a link that comes in the place of a directory (${beside})`,
      ),
      async fn(): Promise<void> {
        await using directory = await scratch();
        const { path } = directory;
        const policy = await besideClosed(directory, "write");
        for (const name of ["from", "closed"]) {
          await Deno.mkdir(`${path}/${name}/empty`);
        }
        const { mtime, ctime } = await Deno.stat(`${path}/closed`);
        const file = await Deno.stat(`${path}/closed/file`);
        const own = "os.getuid(), os.getgid()";
        const tries: [SyscallName, string, string][] = [
          ["chmod", "file", `os.chmod("from/file", 0o600)`],
          ["chown", "file", `os.chown("from/file", ${own})`],
          ["utimensat", "file", `os.utime("from/file", (1, 1))`],
          ["truncate", "file", `os.truncate("from/file", 1)`],
          ["setxattr", "file", `os.setxattr("from/file", "user.a", b"b")`],
          ["rename", "file", `os.rename("from/file", "from/new")`],
          ["link", "file", `os.link("from/file", "link")`],
          ["unlink", "file", `os.unlink("from/file")`],
          ["rmdir", "empty", `os.rmdir("from/empty")`],
          ["mkdir", "new", `os.mkdir("from/new")`],
          ["symlink", "new", `os.symlink("file", "from/new")`],
        ];
        if (beside !== "alone") {
          const code = `fd = os.open("from/file", 0)\nos.fchmod(fd, 0o600)`;
          tries.push(["fchmod", "file", code]);
        }
        for (const [call, name, code] of tries) {
          const came = await attempt(
            {
              change: "a link comes in the place of its directory",
              ...{ call, path: `from/${name}`, code, beside },
            },
            engine,
            path,
            policy,
          );
          const refused = call === "fchmod" ? "" : "EACCES\n";
          assertEquals([code, came], [code, refused]);
          await Deno.remove(`${path}/from`);
          await Deno.rename(`${path}/from.old`, `${path}/from`);
        }
        assertEquals((await Deno.stat(`${path}/closed`)).mtime, mtime);
        assertEquals((await Deno.stat(`${path}/closed`)).ctime, ctime);
        const after = await Deno.stat(`${path}/closed/file`);
        assertEquals([after.ctime, after.nlink], [file.ctime, file.nlink]);
      },
    });
  }

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) tells nothing of what a link leads to that comes in the place of a directory`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const policy = await besideClosed(directory, "read");
      for (const name of ["from", "closed"]) {
        await Deno.mkdir(`${path}/${name}/sub`);
        await Deno.symlink(name, `${path}/${name}/link`);
      }
      await directory.file("closed/only", "");
      const tries: [SyscallName, string, string][] = [
        ["newfstatat", "file", `print(os.stat("from/file").st_size)`],
        ["readlink", "link", `print(os.readlink("from/link"))`],
        ["access", "only", `print(os.access("from/only", os.F_OK))`],
        ["chdir", "sub", `os.chdir("from/sub")\nprint(os.getcwd())`],
      ];
      // What jail answers itself it has looked at once.
      const told = ["EACCES\n", "4\n", "from\n", "False\n"];
      for (const [call, name, code] of tries) {
        const came = await attempt(
          {
            change: "a link comes in the place of its directory",
            ...{ call, path: `from/${name}`, code },
          },
          engine,
          path,
          policy,
        );
        assert(told.includes(came), `${code}: ${came}`);
        await Deno.remove(`${path}/from`);
        await Deno.rename(`${path}/from.old`, `${path}/from`);
      }
    },
  });

  const moved =
    `jail (${engine}) stops a device that came with a directory which was moved`;
  Deno.test({
    ...(DEVICES
      ? needs(["gcc"], moved)
      : { name: `${moved} (needs mknod)`, ignore: true }),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const policy = await directory.file("policy.yaml", ALL);
      for (const name of ["d", "e"]) await Deno.mkdir(`${path}/${name}`);
      await directory.file("d/x", "");
      await run(["mknod", `${path}/e/x`, "c", "1", "5"]);
      const argv = [fixture("race_device"), "2"];
      const winsOf = async (words: readonly string[]): Promise<number> => {
        const { stdout } = await run(words, { cwd: path });
        const counts = /^attempts ([1-9][0-9]*) wins ([0-9]+)\n$/.exec(stdout);
        if (counts === null) throw new Error(stdout);
        return Number(counts[2]);
      };
      assertEquals(await winsOf(jailArgv(["-p", policy], argv, engine)), 0);
      const without = withoutArgv("pinning", engine, policy, argv);
      assert(await winsOf(without) > 0);
    },
  });

  Deno.test({
    ...needs(
      ["gcc"],
      `jail (${engine}) ends a program whose loader has another name by then, a carriage return in it`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const loader = `${path}/no\rld.so`;
      await Deno.copyFile(
        await Deno.realPath("/lib64/ld-linux-x86-64.so.2"),
        loader,
      );
      const source = await directory.file(
        "ran.c",
        `int puts(const char *); int main(void) { puts("ran"); }`,
      );
      const [program, other] = [`${path}/program`, `${path}/program.other`];
      const flags = ["-o", other, `-Wl,--dynamic-linker=${loader}`];
      await run(["gcc", "-o", program, source]);
      await run(["gcc", ...flags, source]);
      const may = `extends: minimal\nread:\n  allow: ["${path}"]\n`;
      const denied = `  deny: ["${path}/no?ld.so"]\n`;
      const runs = `run: ["${program}"]\n`;
      const policy = await directory.file("policy.yaml", may + denied + runs);
      const change = ["another program comes", "execve", program] as const;
      const ended = await run(betweenArgv(engine, policy, change, [program]));
      assertEquals([ended.stdout, ended.code], ["", 125]);
      const allowed = await directory.file("allowed.yaml", may + runs);
      const ran = await run(jailArgv(["-p", allowed], [program], engine));
      assertEquals(ran.stdout, "ran\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) opens a file that came after the look, where it would have made one`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const policy = await directory.file("policy.yaml", ALL);
      await Deno.symlink("new", `${directory.path}/link`);
      for (const name of ["new", "link"]) {
        const came = await attempt(
          {
            change: "a file comes",
            call: "openat",
            path: "new",
            code: `os.write(os.open("${name}", os.O_WRONLY | os.O_CREAT), b"x")
print(os.path.getsize("new"))`,
          },
          engine,
          directory.path,
          policy,
        );
        assertEquals(came, "1\n");
        await Deno.remove(`${directory.path}/new`);
      }
    },
  });
}

for (const engine of ENGINES) {
  for (const beside of ["alone", "beside a thread"] as const) {
    Deno.test({
      ...needs(
        ["python3"],
        `jail (${engine}) follows no link that comes meanwhile, though the program's own filter knows no openat2 (${beside})`,
      ),
      async fn(): Promise<void> {
        await using directory = await scratch();
        const { path } = directory;
        const policy = await directory.file(
          "policy.yaml",
          `${ALL}write: {deny: ["${path}/closed"]}\n`,
        );
        await Deno.mkdir(`${path}/closed`);
        await Deno.writeTextFile(`${path}/closed/file`, "closed");
        // It ends the process, is caught, and says ENOSYS.
        const actions = ["0x80000000", "0x30000", "0x50026"];
        const tries: [string, string][] = [
          ["file", `os.open("from/file", os.O_WRONLY | os.O_TRUNC)`],
          ["new", `os.open("from/new", os.O_WRONLY | os.O_CREAT)`],
        ];
        for (const action of actions) {
          for (const [name, code] of tries) {
            await Deno.mkdir(`${path}/from`);
            await Deno.writeTextFile(`${path}/from/file`, "");
            const came = await attempt(
              {
                change: "a link comes in the place of its directory",
                call: "openat",
                path: `from/${name}`,
                code: `${FILTER}
filter(${SYSCALLS.openat2.x86_64}, ${action})
os.close(os.open("other", os.O_WRONLY | os.O_CREAT))
${code}`,
                beside,
              },
              engine,
              path,
              policy,
            );
            assertEquals([action, code, came], [action, code, "EACCES\n"]);
            await Deno.remove(`${path}/from`);
            await Deno.remove(`${path}/from.old`, { recursive: true });
          }
        }
        assertEquals(await namesIn(`${path}/closed`), ["file"]);
        assertEquals(await Deno.readTextFile(`${path}/closed/file`), "closed");
      },
    });
  }
}

// Where every call stops, the program cannot close anything while jail looks.
Deno.test({
  ...hasMachine(
    OWN_TERMINALS,
    "terminals of one's own",
    "jail stops a terminal of others that has the name of one of the jail's own",
  ),
  async fn(): Promise<void> {
    await using directory = await scratch();
    const policy = await directory.file("policy.yaml", ALL);
    await directory.file(BELL, "\0", 0o666);
    const came = await attempt(
      {
        change: "the terminal is another",
        call: "openat",
        path: "/dev/pts/0",
        within: withOwnTerminals,
        code: `master, slave = pty.openpty()
name = os.ttyname(slave)
os.close(slave)
bell = mmap.mmap(os.open("${BELL}", os.O_RDWR), 1)
def close():
  while bell[0] != 1: pass
  os.close(master)
  bell[0] = 2
threading.Thread(target=close).start()
fd = os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
try: got = os.read(fd, 99)
except OSError: got = b""
print("another" if got == ${JSON.stringify(GREETING)}.encode() else "its own")`,
      },
      "seccomp",
      directory.path,
      policy,
    );
    assertEquals(came, "its own\n");
  },
});

/** Python that has something mounted, elsewhere, as long as a command runs. */
const MOUNTING = `import ctypes, os, sys
libc = ctypes.CDLL(None)
at = sys.argv[1].encode()
if os.fork() == 0 or os.fork() == 0:
    libc.prctl(1, 9)
    libc.unshare(0x20000)
    libc.mount(None, b"/", None, 0x44000, None)
    while libc.mount(b"none", at, b"tmpfs", 0, None) == 0: libc.umount(at)
    os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])`;

for (const engine of ENGINES) {
  Deno.test({
    ...hasMounts(
      `jail (${engine}) changes a file by its path while something is mounted all the time`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.mkdir(`${path}/mount`);
      const code = `import os
os.mkdir("in")
open("in/file", "w").close()
for _ in range(10000): os.chmod("in/file", 0o600)
print("changed")`;
      const ended = await run([
        ...["/usr/bin/python3", "-c", MOUNTING, `${path}/mount`],
        ...jailArgv(
          ["-R", `-W=${path}`, "--allow-run"],
          ["/usr/bin/python3", "-c", code],
          engine,
        ),
      ], { cwd: path });
      assertEquals([ended.stdout, ended.stderr], ["changed\n", ""]);
    },
  });
}
