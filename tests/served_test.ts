/**
 * File systems that another process serves: it may answer late, or not say what is
 * there.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { landlockAbi } from "../src/sys/landlock.ts";
import type { Engine } from "../src/trace/options.ts";
import { type Ended, ENGINES, jailArgv, run } from "./harness.ts";
import { type Scratch, scratch } from "./jail.ts";
import { hasMachine, type Needs } from "./needs.ts";

const SERVER = new URL("./fixtures/served.py", import.meta.url).pathname;

/** Runs a command beside a file system that is served, `served` in a directory. */
async function beside(
  way: readonly string[],
  here: Scratch,
  options: readonly string[],
  argv: readonly string[],
): Promise<Ended> {
  await Deno.mkdir(`${here.path}/served`, { recursive: true });
  await Deno.writeTextFile(`${here.path}/secret`, "secret\n");
  const server = ["python3", SERVER, `${here.path}/served`, ...options];
  return await run([...way, ...server, ...argv], { cwd: here.path });
}

/** How to mount one: as root, or as root of a namespace. */
async function findWay(): Promise<readonly string[] | undefined> {
  for (const way of [["unshare", "-m"], ["unshare", "-Urm"]]) {
    await using here = await scratch();
    if ((await beside(way, here, [], ["true"])).code === 0) return way;
  }
}

const WAY = await findWay();

function needsServer(name: string): Needs {
  return hasMachine(WAY !== undefined, "FUSE", name);
}

/** The same by an engine, for which the kernel may be too old. */
function needsServerBy(engine: Engine | "kernel", name: string): Needs {
  return engine === "kernel" && landlockAbi() < 6
    ? hasMachine(false, "Landlock of Linux 6.12", name)
    : needsServer(name);
}

for (const engine of [...ENGINES, "kernel"] as const) {
  const name =
    `jail (${engine}) lets no rule fall where whoever serves its file does not say what it is`;
  Deno.test({
    ...needsServerBy(engine, name),
    async fn(): Promise<void> {
      await using here = await scratch();
      const { path } = here;
      const script = "touch told; cat served/link secret";
      const argv = jailArgv(
        ["-R", "--allow-run", `-W=${path}`, `--deny-read=${path}/served/link`],
        ["sh", "-c", script],
        engine,
      );
      const options = [`--until=${path}/told`];
      const { code, stdout, stderr } = await beside(WAY!, here, options, argv);
      assertEquals([code, stdout], [125, ""], stderr);
      assertMatch(stderr, /^jail: Cannot look at "\S+": openat2\(\).* EIO$/m);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needsServer(
      `jail (${engine}) tells nothing by a link of a file system that does not say what it is`,
    ),
    async fn(): Promise<void> {
      await using here = await scratch();
      const { path } = here;
      const inside = `import os, threading
def attempt(call, name):
  try: return call(name)
  except OSError as error: return error.strerror
def all():
  print(attempt(lambda name: os.stat(name).st_size, "served/link"),
    os.access("served/link", os.F_OK), attempt(lambda name: open(name).read(), "served/link"),
    os.readlink("served/link"), open("served/file").read(), sep=", ")
all()
thread = threading.Thread(target=all)
thread.start()
thread.join()`;
      const argv = jailArgv(
        ["-R", `--deny-read=${path}/secret`, "--allow-run"],
        ["/usr/bin/python3", "-c", inside],
        engine,
      );
      const { stdout, stderr } = await beside(WAY!, here, ["--untold"], argv);
      const closed = "Too many levels of symbolic links";
      const line = `${closed}, False, ${closed}, ../secret, text\n\n`;
      assertEquals(stdout, `${line}${line}`, stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needsServer(
      `jail (${engine}) tells nothing by a link of which it is not said where it leads`,
    ),
    async fn(): Promise<void> {
      await using here = await scratch();
      const { path } = here;
      const inside = `import errno, os
for _ in range(8):
  try: print(os.stat("served/link").st_size)
  except OSError as error: print(errno.errorcode[error.errno])`;
      const argv = jailArgv(
        ["-R", `--deny-read=${path}/secret`, "--allow-run"],
        ["/usr/bin/python3", "-c", inside],
        engine,
      );
      // As often as jail asks, and once more.
      const options = [`--vague=${engine === "ptrace" ? 3 : 5}`];
      const { stdout, stderr } = await beside(WAY!, here, options, argv);
      assertMatch(stdout, /^(?:EACCES\n|ENOENT\n){8}$/, stderr);
    },
  });
}
/** One that is known to fold by its name, and one of which that has to be tried. */
const FOLDING = ["grpcfuse", "fuse"] as const;

for (const engine of [...ENGINES, "kernel"] as const) {
  const name =
    `jail (${engine}) lets no rule fall where a file system does not tell capital letters`;
  Deno.test({
    ...needsServerBy(engine, name),
    async fn(): Promise<void> {
      await using here = await scratch();
      const { path } = here;
      const cat = async (kind: string, ...flags: string[]): Promise<Ended> =>
        await beside(
          WAY!,
          here,
          [`--folds=${kind}`],
          jailArgv(
            ["-R", "--allow-run", ...flags],
            ["cat", "served/FILE", "served/File", "served/file"],
            engine,
          ),
        );
      for (const kind of FOLDING) {
        assertEquals((await cat(kind)).stdout, "text\n".repeat(3));
        const denied = await cat(kind, `--deny-read=${path}/served/file`);
        assertEquals(denied.stdout, "", denied.stderr);
        assertMatch(denied.stderr, /^cat: served\/FILE: /m);
      }
    },
  });
}

/** More names than are read of a directory at once, without a letter. */
const NUMBERS = Array.from({ length: 100 }, (_, i) => 1_000_000 + i).join();

/** What a directory does not tell, as a rule names a file and a program does. */
const UNTOLD = {
  "capital letters": [
    ["dir/file", "DIR/file", "--folds=fuse", "--hides=dir"],
    ["**/fil?", "FILE", "--folds=fuse"],
  ],
  "capital letters, nor what kind of file system it is": [
    ["file", "FILE", "--folds=fuse", "--untold"],
    ["**/fil?", "FILE", "--folds=fuse", "--untold"],
  ],
  "capital letters, though few of its names or numbers of files say so": [
    ["*.key", "A.KEY", "--folds=fuse", `--lists=${NUMBERS},a.key`],
    ["*.key", "A.KEY", "--folds=fuse", "--lists=a%ff,a.key"],
    ["*.key", "A.KEY", "--folds=fuse", "--lists=1", "--says"],
    ["*.key", "A.KEY", "--folds=fuse", "--bytes", "--lists=%D1%8F,a.key"],
    ["file", "FILE", "--folds=fuse", "--apart"],
  ],
  "letters beyond ASCII": [
    ["\u044f", "\u042f", "--folds=fuse", "--lists=%D1%8F"],
    ["stra\u00dfe", "STRA\u1e9eE", "--folds=grpcfuse", "--lists=strasse"],
  ],
  "forms of Unicode": [
    ["\u00fc/file", "u\u0308/file", "--forms", "--hides=\u00fc"],
    ["K/file", "\u212a/file", "--forms", "--hides=K"],
  ],
} as const;

for (const engine of [...ENGINES, "kernel"] as const) {
  for (const [what, cases] of Object.entries(UNTOLD)) {
    const name =
      `jail (${engine}) lets no rule fall where a directory on the way to what it refuses does not tell ${what}`;
    Deno.test({
      ...needsServerBy(engine, name),
      async fn(): Promise<void> {
        await using here = await scratch();
        for (const [deny, file, ...options] of cases) {
          const policy = await here.file(
            "p.yaml",
            `read: {allow: [/], deny: ["\${policy-dir}/served/${deny}"]}\n`,
          );
          const argv = jailArgv(
            ["-p", "minimal", "-p", policy, "--allow-run"],
            ["cat", `served/${file}`],
            engine,
          );
          const ended = await beside(WAY!, here, options, argv);
          assertEquals(ended.stdout, "", ended.stderr);
          assertMatch(ended.stderr, /^cat: '?served\//m);
        }
      },
    });
  }
}

for (const engine of ENGINES) {
  Deno.test({
    ...needsServer(
      `jail (${engine}) lets no rule fall where bytes that are no text are letters of a disk`,
    ),
    async fn(): Promise<void> {
      await using here = await scratch();
      const argv = jailArgv(
        ["-R", "--allow-run", `--deny-read=${here.path}/served/\u00e4`],
        ["sh", "-c", 'cat "served/$(printf "\\343\\244")"'],
        engine,
      );
      const options = ["--folds=grpcfuse", "--bytes", "--lists=%C3%A4"];
      const { stdout, stderr } = await beside(WAY!, here, options, argv);
      assertEquals(stdout, "", stderr);
      assertMatch(stderr, /Permission denied/);
    },
  });
}

/** Has a directory tell no letters from now on (`chattr +F`), and reads a file. */
const FOLD = `
import fcntl, os
try:
    fcntl.ioctl(os.open("served", os.O_RDONLY), 0x40086602, (1 << 30).to_bytes(8, "little"))
    print("told", flush=True)
except OSError as error:
    print(error.strerror, flush=True)
os.execv("/bin/cat", ["cat", "served/FILE"])
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needsServer(
      `jail (${engine}) lets no directory come to tell no letters where a rule is about names in it`,
    ),
    async fn(): Promise<void> {
      await using here = await scratch();
      const served = `${here.path}/served`;
      const fold = async (...flags: string[]): Promise<Ended> => {
        const program = ["/usr/bin/python3", "-c", FOLD];
        const argv = jailArgv(flags, program, engine);
        return await beside(WAY!, here, ["--flags"], argv);
      };
      const deny = `--deny-read=${served}/file`;
      for (const write of ["-W", `-W=${served}`]) {
        const denied = await fold("-R", "--allow-run", write, deny);
        assertEquals(denied.stdout, "Operation not supported\n", denied.stderr);
      }
      assertEquals((await fold("-A")).stdout, "told\ntext\n");
    },
  });
}

const HIDES_NAME =
  "a jail held by the kernel closes snapshots that no directory lists where a wildcard refuses what is in them";

Deno.test({
  ...landlockAbi() < 6
    ? hasMachine(false, "Landlock of Linux 6.12", HIDES_NAME)
    : needsServer(HIDES_NAME),
  async fn(): Promise<void> {
    await using here = await scratch();
    const rules = (deny: string): Promise<string> =>
      here.file(
        "p.yaml",
        `read: {allow: ["\${policy-dir}"], deny: ["${deny}"]}\n`,
      );
    for (
      const [deny, name, code, text] of [
        ["\${policy-dir}/**/fil?", ".zfs", 1, ""],
        ["/none/*", ".zfs", 0, "text\n"],
        ["\${policy-dir}/**/fil?", ".snapshot", 125, ""],
        ["/none/*", ".snapshot", 0, "text\n"],
      ] as const
    ) {
      const argv = jailArgv(
        ["-p", "minimal", "-p", await rules(deny)],
        ["/bin/cat", `${here.path}/served/${name}/file`],
        "kernel",
      );
      const ended = await beside(WAY!, here, [`--hides=${name}`], argv);
      assertEquals([name, ended.code, ended.stdout], [name, code, text]);
    }
  },
});

const AUTOMOUNTER =
  new URL("./fixtures/automount.py", import.meta.url).pathname;

/** Runs a command beside an automount point, `net` in a directory. */
async function besideAutomounts(
  here: Scratch,
  argv: readonly string[],
): Promise<Ended> {
  await Deno.mkdir(`${here.path}/net`);
  const way = [
    "unshare",
    "-m",
    "/usr/bin/python3",
    AUTOMOUNTER,
    `${here.path}/net`,
  ];
  return await run([...way, ...argv], { cwd: "/usr" });
}

async function hasAutomounts(): Promise<boolean> {
  await using here = await scratch();
  return (await besideAutomounts(here, ["true"])).code === 0;
}

const AUTOMOUNTS = await hasAutomounts();

for (const engine of ENGINES) {
  Deno.test({
    ...hasMachine(
      AUTOMOUNTS,
      "autofs",
      `jail (${engine}) has nothing mounted by a name that may not be seen`,
    ),
    async fn(): Promise<void> {
      await using here = await scratch();
      const { path } = here;
      const net = `${path}/net`;
      await Deno.mkdir(`${path}/open`);
      await Deno.symlink(net, `${path}/open/link`);
      await Deno.symlink(`${net}/by-link`, `${path}/open/last`);
      const inside = `import ctypes, os, socket, struct, subprocess, sys
net, here = sys.argv[1:]
libc = ctypes.CDLL(None)
def openat2(path, resolve, at=-100):
    how = struct.pack("QQQ", os.O_RDONLY, 0, resolve)
    if libc.syscall(437, at, path.encode(), how, len(how)) < 0: raise OSError
open_ = os.open(here, os.O_RDONLY)
for attempt in (
    lambda: os.stat(net + "/stat"),
    lambda: os.stat(net + "/beneath/it"),
    lambda: open(net + "/read"),
    lambda: open(net + "/write", "w"),
    lambda: os.mkdir(net + "/make/it"),
    lambda: os.stat(net + "/dots/../x"),
    lambda: os.stat(here + "/../net/dots/../../open"),
    lambda: os.stat(here + "/link/through"),
    lambda: os.stat(here + "/last"),
    lambda: os.stat("link/relative", dir_fd=open_),
    lambda: os.rename(net + "/from", here + "/to"),
    lambda: os.execv(net + "/run", ["run"]),
    lambda: socket.socket(socket.AF_UNIX).connect(net + "/connect"),
    lambda: openat2(net + "/no-links", 4),
    lambda: openat2("link/how", 2, open_),
    lambda: openat2(here + "/link/magic", 2),
    lambda: os.chdir(net + "/there"),
    lambda: os.stat(net + "/seen"),
):
    try: attempt()
    except OSError: pass
    else: print("done")`;
      const { stdout, stderr } = await besideAutomounts(
        here,
        jailArgv(
          [
            ...["-p", "python", "--allow-net=unix:/run/none"],
            `--audit=${path}/log`,
            ...[`-R=${net}/seen,${path}/open`, `-W=${path}/open`],
          ],
          ["/usr/bin/python3", "-c", inside, net, `${path}/open`],
          engine,
        ),
      );
      const asked = new Set(stdout.trim().split("\n"));
      assertEquals([...asked], ["asked for seen"], stderr);
    },
  });

  Deno.test({
    ...needsServer(
      `jail (${engine}) hands over nothing by which its program would serve files`,
    ),
    async fn(): Promise<void> {
      const open = `import os, sys
os.dup2(os.open("/dev/fuse", os.O_RDWR), 9)
os.execvp(sys.argv[1], sys.argv[1:])`;
      const argv = jailArgv(["-A", "--keep-fd=9"], ["true"], engine);
      const { code, stderr } = await run([
        "/usr/bin/python3",
        "-c",
        open,
        ...argv,
      ]);
      assertEquals(code, 125);
      assertMatch(stderr, /^jail: Cannot hand descriptor 9 to the program: /);
    },
  });

  Deno.test({
    ...needsServer(
      `jail (${engine}) waits for who serves a file though that gives up at each signal`,
    ),
    async fn(): Promise<void> {
      await using here = await scratch();
      const argv = jailArgv(
        ["-R", "--allow-run", "--memory=1GiB"],
        ["cat", "served/file", "served/link"],
        engine,
      );
      const { stdout, stderr } = await beside(
        WAY!,
        here,
        ["--wait=0.05"],
        argv,
      );
      assertEquals([stdout, stderr], ["text\nsecret\n", ""]);
    },
  });

  Deno.test({
    ...needsServer(
      `jail (${engine}) ends at its time limit where who serves a file gives up at each signal`,
    ),
    async fn(): Promise<void> {
      await using here = await scratch();
      const script = "while :; do cat served/file; done";
      const argv = jailArgv(
        ["-R", "--allow-run", "--timeout=1s", "--memory=1GiB"],
        ["sh", "-c", script],
        engine,
      );
      const { code } = await beside(WAY!, here, ["--wait=0.3"], argv);
      assertEquals(code, 124);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needsServer(
      `jail (${engine}) closes a file once, also where who serves it gives up at a signal`,
    ),
    async fn(): Promise<void> {
      await using here = await scratch();
      const code = `import os, signal, threading, time
fd = os.open("served/file", os.O_RDONLY)
def other():
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGURG)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGURG})
threading.Thread(target=other).start()
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGURG})
try: os.close(fd)
except InterruptedError: pass
print("closed")`;
      const argv = jailArgv(
        ["-R", "--allow-run", "--memory=1GiB"],
        ["/usr/bin/python3", "-c", code],
        engine,
      );
      const { stdout, stderr } = await beside(WAY!, here, ["--wait=0.5"], argv);
      assertEquals([stdout, stderr], ["closed\n", ""]);
    },
  });
}

const OTHERS =
  "a jail held by the kernel closes what another user serves, where a wildcard may mean what is in it";

Deno.test({
  ...landlockAbi() < 6 || Deno.uid() !== 0
    ? hasMachine(false, "Landlock of Linux 6.12, root to run it", OTHERS)
    : needsServer(OTHERS),
  async fn(): Promise<void> {
    await using here = await scratch();
    const policy = await here.file(
      "p.yaml",
      'extends: minimal\nread: {allow: ["${cwd}", /usr/bin], deny: ["/**/.netrc"]}\nrun: [/usr/bin]\n',
    );
    const argv = jailArgv(
      ["-p", policy],
      ["sh", "-c", "cat secret; ls served; cat served/file"],
      "kernel",
    );
    const ended = await beside(WAY!, here, ["--user=65534"], argv);
    assertEquals(ended.stdout, "secret\n");
    assertMatch(
      ended.stderr,
      /^cat: served\/file: No such file or directory$/m,
    );
  },
});

{
  const name =
    "a jail held by the kernel ends all of it at its time limit, though a file system does not answer";
  Deno.test({
    ...needsServerBy("kernel", name),
    async fn(): Promise<void> {
      await using here = await scratch();
      const { path } = here;
      await Deno.mkdir(`${path}/out`);
      const script = `trap "" TERM
while sleep 0.1; do echo still >>${path}/out/log; done &
exec cat ${path}/served/file`;
      const argv = jailArgv(
        ["-R", "--allow-run", `-W=${path}/out`, "--timeout=500ms"],
        ["sh", "-c", script],
        "kernel",
      );
      const options = ["--wait=8", "--deaf"];
      const { code, stderr } = await beside(WAY!, here, options, argv);
      assertEquals(code, 124, stderr);
      const lines = (await Deno.readTextFile(`${path}/out/log`)).split("\n");
      assert(lines.length < 30, `it went on: ${lines.length}`);
    },
  });
}
