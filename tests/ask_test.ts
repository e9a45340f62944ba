/** Questions at the terminal: `--on-deny=ask`. */

import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import {
  ENGINES,
  eventually,
  fixture,
  jailArgv,
  processesWith,
  run,
  start,
} from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";
import { Terminal } from "./terminal.ts";

const ASK = /Allow\? \[y\/n\/A(?:\/s)?\] \([^)]*\) > $/;

function asks(
  argv: readonly string[],
  engine?: "seccomp" | "ptrace",
): string[] {
  return jailArgv(["--on-deny=ask"], argv, engine);
}

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) lets a program do what is allowed at a question, once`, async () => {
    await using directory = await scratch();
    const command = "echo one > x; cat x; echo two > x; cat x; echo end";
    await using terminal = new Terminal(
      asks(["/bin/sh", "-c", command], engine),
      directory.path,
    );
    await terminal.see(
      /"\/usr\/bin\/dash" requests write access to "[^"]*\/x"/,
    );
    await terminal.see(ASK);
    await terminal.type("y\n");
    await terminal.see(/✅ Granted write access to "[^"]*\/x", once/);
    await terminal.see(/\none\r\n/);
    await terminal.see(ASK);
    await terminal.type("n\n");
    await terminal.see(/❌ Denied write access/);
    await terminal.see(/cannot create x.*\r\none\r\nend\r\n/s);
    assertEquals(await Deno.readTextFile(`${directory.path}/x`), "one\n");
  });

  Deno.test(`jail (${engine}) reads no answer that was typed before the question`, async () => {
    await using directory = await scratch();
    const command = "echo ready; sleep 1; echo one > x; cat";
    await using terminal = new Terminal(
      asks(["/bin/sh", "-c", command], engine),
      directory.path,
    );
    await terminal.see(/ready\r\n/);
    await terminal.type("y\n");
    await terminal.see(ASK);
    await terminal.type("n\n");
    await terminal.see(/❌ Denied write access[^]*cannot create x.*\r\n/);
    await terminal.type("typed\n");
    await terminal.see(/typed\r\ntyped\r\n/);
  });

  Deno.test({
    ...needs(
      ["gcc"],
      `jail (${engine}) shows nothing of a program at a question, also where who asked is killed`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const file = await directory.file("file", "secret\n");
      const program = fixture("die_at_question");
      const argv = jailArgv(
        [
          "--on-deny=ask",
          "-p",
          "base",
          "--allow-run=/usr",
          `--allow-run=${program}`,
        ],
        [program, file],
        engine,
      );
      await using terminal = new Terminal(argv, directory.path);
      await terminal.see(/requests read access to "[^"]*\/file"/);
      const [, pid] = await terminal.see(/of process (\d+)\./);
      await terminal.see(ASK);
      const died = (): boolean =>
        /^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
      assertEquals(await eventually(died), true);
      await terminal.type("y\n");
      // What comes first is what jail says of the answer.
      await terminal.see(/^y\r\n✅ Granted read access to "[^"]*\/file", once/);
      await terminal.see(/drawn\r\n/);
      // The answer was not for another process.
      await terminal.see(/requests read access to "[^"]*\/file"/);
      await terminal.see(ASK);
      await terminal.type("n\n");
      await terminal.see(/refused\r\n/);
    },
  });

  Deno.test({
    ...needs(
      ["gcc"],
      `jail (${engine}) ends with its program also where that has ended as a question was asked`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const file = await directory.file("file", "secret\n");
      const program = fixture("end_at_question");
      const flags = [
        "-p",
        "base",
        "--allow-run=/usr",
        `--allow-run=${program}`,
      ];
      const argv = jailArgv(
        ["--on-deny=ask", ...flags],
        [program, file],
        engine,
      );
      // Where the machine is busy the program may be gone before its child asks.
      let asked = false;
      for (let tries = 0; !asked; tries++) {
        await using terminal = new Terminal(argv, directory.path);
        const question = /requests read access to "[^"]*\/file"/;
        asked = await terminal.seeIf(question) !== undefined;
        if (asked) {
          await terminal.see(ASK);
          await terminal.type("n\n");
        }
        assertEquals(await terminal.code(), 7);
        assert(asked || tries < 20, "no question was asked in 20 runs");
      }
    },
  });

  // The parent of a vfork cannot be stopped before its child has an image.
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) asks for the child of a vfork, and beside threads`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const code = `import subprocess, sys, threading
def write():
    while True: sys.stdout.write(""); sys.stdout.flush()
threading.Thread(target=write, daemon=True).start()
print(subprocess.call(["/bin/cat", "/dev/null"]), flush=True)
try: subprocess.call(["${directory.path}/tool"])
except PermissionError: print("refused", flush=True)`;
      await directory.file("tool", "#!/bin/sh\necho ran\n", 0o755);
      const policy = await directory.file(
        "policy.yaml",
        'extends: base\nread: [/usr, /etc, "${policy-dir}"]\nrun: [/usr]\n',
      );
      await using terminal = new Terminal(
        jailArgv(
          ["--on-deny=ask", "-p", policy],
          ["/usr/bin/python3", "-c", code],
          engine,
        ),
        directory.path,
      );
      await terminal.see(/0\r\n/);
      await terminal.see(/requests run access to "[^"]*\/tool"/);
      await terminal.see(ASK);
      await terminal.type("n\n");
      await terminal.see(/refused\r\n/);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) asks where a program may connect and listen, and saves that`,
    ),
    async fn(): Promise<void> {
      using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = server.addr as Deno.NetAddr;
      await using directory = await scratch();
      const text =
        "extends: default\nnet:\n  # nothing yet\n  connect:\n    deny: [10.0.0.1] # never\n";
      const policy = await directory.file("policy.yaml", text);
      const code = `import errno, socket, sys
def attempt(call, *to):
    s = socket.socket(); s.setblocking(True)
    try: getattr(s, call)(to); print("done", flush=True)
    except OSError as e: print(errno.errorcode[e.errno], flush=True)
attempt("connect", "10.0.0.1", 80)
attempt("connect", "127.0.0.1", ${port})
attempt("connect", "127.0.0.1", ${port})
attempt("connect", "127.0.0.1", ${port})
attempt("bind", "127.0.0.1", 0)
attempt("bind", "127.0.0.1", 0)`;
      const argv = ["/usr/bin/python3", "-c", code];
      const flags = ["--on-deny=ask", "-p", policy];
      {
        await using terminal = new Terminal(
          jailArgv(flags, argv, engine),
          directory.path,
        );
        await terminal.see(/EACCES\r\n/);
        const question = new RegExp(
          `requests net access to "127\\.0\\.0\\.1:${port}"`,
        );
        for (const [answer, came] of [["y", "done"], ["n", "EACCES"]]) {
          await terminal.see(question);
          await terminal.see(/Run again with --allow-net /);
          await terminal.see(ASK);
          await terminal.type(`${answer}\n`);
          await terminal.see(new RegExp(`${came}\r\n`));
        }
        // What was refused is not asked again.
        await terminal.see(/EACCES\r\n/);
        await terminal.see(/net access to listen at "127\.0\.0\.1:0"/);
        await terminal.see(ASK);
        await terminal.type("s\n");
        await terminal.see(
          /✅ Granted net access to listen at [^]*done\r\ndone\r\n/,
        );
      }
      assertEquals(
        await Deno.readTextFile(policy),
        `${text}  listen:\n    - "127.0.0.1:0"\n`,
      );
    },
  });
}

Deno.test("jail saves a rule for what is in a directory, where a program asks whether it may write there", async () => {
  await using directory = await scratch();
  const made = `${directory.path}/made`;
  await Deno.mkdir(made);
  const text = `extends: base\nrun: [/usr/bin]\nread: ["${made}/**"]\n`;
  const policy = await directory.file("policy.yaml", text);
  const command = 'test -w "$1" && echo one >"$1/x" && echo written';
  const words = ["/bin/sh", "-c", command, "sh", made];
  {
    const argv = jailArgv(["--on-deny=ask", "-p", policy], words);
    await using terminal = new Terminal(argv, directory.path);
    await terminal.see(/requests write access to "[^"]*\/made"/);
    await terminal.see(ASK);
    await terminal.type("s\n");
    await terminal.see(/written\r\n/);
  }
  const saved = `${text}write:\n  - ${made}\n`;
  assertEquals(await Deno.readTextFile(policy), saved);
  const again = await run(jailArgv(["-p", policy], words));
  assertEquals(again.stdout, "written\n");
});

Deno.test({
  ...needs(
    ["python3"],
    "jail asks about an address for which a program names an interface that counts for nothing",
  ),
  async fn(): Promise<void> {
    await using directory = await scratch();
    const code = `import errno, socket
try: socket.socket(socket.AF_INET6).connect(("::1", 9, 0, 1))
except OSError as e: print(errno.errorcode[e.errno])`;
    await using terminal = new Terminal(
      asks(["/usr/bin/python3", "-c", code]),
      directory.path,
    );
    await terminal.see(/requests net access to "\[::1\]:9"/);
    await terminal.see(ASK);
    await terminal.type("y\n");
    await terminal.see(/ECONNREFUSED\r\n/);
  },
});

/** Answers datagrams, from another port as well. */
const ECHO = `import socket
one, other = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "12"]
one.bind(("127.0.0.1", 0))
print(one.getsockname()[1], flush=True)
while True:
    data, end = one.recvfrom(99)
    other.sendto(b"strange", end)
    one.sendto(b"answer to " + data, end)`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) asks where datagrams may go, and lets in who may be there`,
    ),
    async fn(): Promise<void> {
      const echo = start(["/usr/bin/python3", "-c", ECHO]);
      const lines = echo.stdout.pipeThrough(new TextDecoderStream())
        .getReader();
      const port = ((await lines.read()).value ?? "").trim();
      const code = `import socket
def ask(s, *to):
    try: (s.sendto if to else s.send)(b"one", *to); s.settimeout(9); print(s.recv(99).decode(), flush=True)
    except OSError as e: print(type(e).__name__, flush=True)
def make(): return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
to = ("127.0.0.1", ${port})
ask(make(), to)
s = make(); s.connect(to); ask(s)
s = make(); s.bind(("", 0))
s.sendmsg([b"two"], [], 0, to); print(s.recv(99).decode(), flush=True)
ask(make(), to)`;
      try {
        await using terminal = new Terminal(
          asks(["/usr/bin/python3", "-c", code], engine),
        );
        for (
          const [call, answer, came] of [
            ["sendto", "y", "answer to one"],
            ["connect", "y", "answer to one"],
            ["sendmsg", "y", "answer to two"],
            ["sendto", "n", "PermissionError"],
          ]
        ) {
          await terminal.see(
            new RegExp(`requests net access to "127\\.0\\.0\\.1:${port}"`),
          );
          await terminal.see(new RegExp(`Requested by ${call}`));
          await terminal.see(ASK);
          await terminal.type(`${answer}\n`);
          await terminal.see(new RegExp(`\\n${came}\r\n`));
        }
      } finally {
        echo.kill("SIGKILL");
        await echo.stdin.abort().catch(() => {});
        await lines.cancel();
        await echo.stderr.cancel();
        await echo.status;
      }
    },
  });
}

Deno.test("jail saves a rule that is agreed to, and keeps the policy's comments", async () => {
  await using directory = await scratch();
  const text = "# mine\nextends: base # all of it\nrun: [/usr/bin/cat]\n";
  const policy = await directory.file("policy.yaml", text);
  const file = await directory.file("file", "hello\n");
  const argv = jailArgv(["--on-deny=ask", "-p", policy], ["cat", file, file]);
  {
    await using terminal = new Terminal(argv, directory.path);
    await terminal.see(ASK);
    await terminal.type("s\n");
    await terminal.see(/hello\r\nhello\r\n/);
  }
  assertEquals(await Deno.readTextFile(policy), `${text}read:\n  - ${file}\n`);
  const again = await run(jailArgv(["-p", policy], ["cat", file]));
  assertEquals(again.stdout, "hello\n");
});

Deno.test({
  ...needs(
    ["python3"],
    "jail saves a rule in no policy but its own, whatever links its program makes",
  ),
  async fn(): Promise<void> {
    await using directory = await scratch();
    const { path } = directory;
    await Deno.mkdir(`${path}/own`);
    const text = `extends: python\nwrite: [${path}/own]\n`;
    const others = "extends: default # of somebody else\n";
    const policy = await directory.file("own/policy.yaml", text);
    const kept = await directory.file("other.yaml", others);
    const file = await directory.file("file", "hello\n");
    await Deno.symlink(kept, `${path}/own/link`);
    const code = `import os
os.rename("link", "policy.yaml")
print(open("${file}").read(), flush=True)`;
    await using terminal = new Terminal(
      jailArgv(["--on-deny=ask", "-p", policy], [
        "/usr/bin/python3",
        "-c",
        code,
      ]),
      `${path}/own`,
    );
    await terminal.see(ASK);
    await terminal.type("s\n");
    await terminal.see(/Granted read access[^]* once: [^]*hello/);
    assertEquals(await Deno.readTextFile(kept), others);
  },
});

Deno.test({
  ...needs(
    ["python3"],
    "jail goes on where a rule is to be saved and its program put a pipe there",
  ),
  async fn(): Promise<void> {
    await using directory = await scratch();
    const { path } = directory;
    await Deno.mkdir(`${path}/own`);
    const text = `extends: python\nwrite: [${path}/own]\n`;
    const file = await directory.file("file", "hello\n");
    const policy = await directory.file("own/policy.yaml", text);
    const code = `import os
os.remove("policy.yaml")
os.mkfifo("policy.yaml")
print(open("${file}").read(), flush=True)`;
    await using terminal = new Terminal(
      jailArgv(["--on-deny=ask", "-p", policy], [
        ...["/usr/bin/python3", "-c", code],
      ]),
      `${path}/own`,
    );
    await terminal.see(ASK);
    await terminal.type("s\n");
    await terminal.see(/Granted read access[^]* once: [^]*hello/);
    assertEquals(await terminal.code(), 0);
  },
});

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) asks when a server is bound, which learns its port by that`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const code = `import socket
s = socket.socket()
s.bind(("0.0.0.0", 0))
port = s.getsockname()[1]
s.listen()
print("learned", port > 0 and port == s.getsockname()[1])`;
      await using terminal = new Terminal(
        asks(["/usr/bin/python3", "-c", code], engine),
        directory.path,
      );
      await terminal.see(ASK);
      await terminal.type("y\n");
      await terminal.see(/learned True/);
      assertEquals(await terminal.code(), 0);
    },
  });
}

Deno.test("jail holds a program to its time while a question waits", async () => {
  await using directory = await scratch();
  const policy = await directory.file(
    "policy.yaml",
    "extends: default\nlimits: {time: 2s}\n",
  );
  await using terminal = new Terminal(
    jailArgv(["--on-deny=ask", "-p", policy], ["sh", "-c", "echo x > x; cat"]),
    directory.path,
  );
  await terminal.see(ASK);
  await terminal.see(/❌ Denied write access[^]*there was no answer/);
  assertEquals(await terminal.code(), 124);
});

Deno.test("jail refuses where it would ask and there is no terminal", async () => {
  await using directory = await scratch();
  const argv = asks(["sh", "-c", "echo x > x; echo y > y; echo $?"]);
  const files = ["sh", "-c", 'exec "$@" > out 2> err', "sh"];
  await run(["setsid", "-w", ...files, ...argv], { cwd: directory.path });
  const out = await Deno.readTextFile(`${directory.path}/out`);
  const err = await Deno.readTextFile(`${directory.path}/err`);
  assertEquals(out, "2\n");
  assertEquals(
    err.split("\n").filter((line) => line.startsWith("jail:")),
    ["jail: Cannot ask: there is no terminal, so the answer is no"],
  );
});

for (
  const [where, redirection, asked] of [
    ["output is a pipe", "| cat", false],
    ["error output is a pipe", "2>&1 > /dev/null | cat", false],
    ["kept descriptor is a pipe", "3>&1 > /dev/tty | cat", false],
    ["input is /dev/null", "< /dev/null", true],
    ["output is a file", "> file", true],
    ["output goes nowhere", "> /dev/null", true],
  ] as const
) {
  const does = asked ? "asks" : "does not ask, and says why,";
  Deno.test(`jail ${does} where the program's ${where}`, async () => {
    await using directory = await scratch();
    const keeps = redirection.startsWith("3") ? ["--keep-fd=3"] : [];
    const argv = jailArgv(
      ["--on-deny=ask", ...keeps],
      ["sh", "-c", "echo x > x; echo y > y"],
    );
    const shell = ["sh", "-c", `"$@" ${redirection}; echo end`, "sh"];
    await using terminal = new Terminal([...shell, ...argv], directory.path);
    if (asked) {
      for (const answer of ["y\n", "n\n"]) {
        await terminal.see(ASK);
        await terminal.type(answer);
      }
      await terminal.see(/end\r\n/);
      return;
    }
    const [shown = ""] = await terminal.see(/[^]*end\r\n/);
    assertEquals(
      shown.match(/Cannot ask: the program writes to a pipe/g)?.length,
      1,
    );
    assertNotMatch(shown, /Allow\?/);
  });
}

Deno.test("jail does not ask under a policy that requires Landlock", async () => {
  await using directory = await scratch();
  const policy = await directory.file(
    "policy.yaml",
    "extends: default\nrequire: [landlock]\n",
  );
  const ended = await run(
    jailArgv(["--on-deny=ask", "-p", policy], ["true"]),
  );
  assertEquals([ended.code, ended.stdout], [125, ""]);
});

Deno.test("jail is ended by a signal while a question waits", async () => {
  await using directory = await scratch();
  const command = "echo one > x; sleep 60";
  await using terminal = new Terminal(
    ["timeout", "--foreground", "3", ...asks(["/bin/sh", "-c", command])],
    directory.path,
  );
  await terminal.see(ASK);
  await terminal.see(/❌ Denied write access to "[^"]*": there was no answer/);
  assertEquals(await terminal.code(), 124);
});

Deno.test("jail leaves the processor to others while its question is in the background", async () => {
  await using directory = await scratch();
  await using terminal = new Terminal(["bash", "--norc", "-i"]);
  await terminal.see(/\$ $/);
  const mark = `-R=${directory.path}`;
  const words = jailArgv(["--on-deny=ask", mark], ["cat", "/etc/hostname"]);
  await terminal.type(`${words.join(" ")}\n`);
  await terminal.see(ASK);
  const [pid = -1] = processesWith(mark);
  assert(pid > 0);
  Deno.kill(pid, "SIGSTOP");
  await terminal.see(/Stopped[^]*\$ $/);
  await terminal.type("bg\n");
  await terminal.see(/&\r\n/);
  const before = ticks(pid);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const used = ticks(pid) - before;
  Deno.kill(pid, "SIGKILL");
  assert(used < 30, `${used} ticks`);
});

for (const where of ["SSH_CONNECTION=far away", "STY=1.pts-0"]) {
  Deno.test(`jail reads no answer before a terminal says that it shows the question: ${where}`, async () => {
    await using directory = await scratch();
    const argv = ["env", "TERM=xterm", where];
    await using terminal = new Terminal(
      [...argv, ...asks(["/bin/sh", "-c", "echo one > x; echo end"])],
      directory.path,
    );
    const marked = await terminal.see(
      /> (?:\S7\S\[\d+;\d+H\S\[6n\S8){8}$/,
    );
    // What lies on the way still says "Go on? [y/n]", perhaps.
    await terminal.type("y\n");
    const places = `${marked[0]}`.matchAll(/(\d+;\d+)H/g);
    const answers = [...places].map(([, place]) => `\x1b[${place}R`);
    await terminal.type(`y\n${answers.join("")}n\n`);
    await terminal.see(/^n\r\n❌ Denied write access[^]*\r\nend\r\n/);
  });
}

/** The processor time of a process, in hundredths of a second. */
function ticks(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")")).split(" ");
  return Number(fields[12]) + Number(fields[13]);
}

for (
  const [what, printed] of Object.entries({
    "a string that was begun": "\\033Pq",
    "the end of a string that was begun": "\\033Pq\\033",
    "two rows that alone scroll": "\\033[2J\\033[4;5r\\033[4;1H",
    "a full screen": "\\033#8\\033[H\\033[4h",
  })
) {
  Deno.test({
    ...needs(["tmux"], `jail asks so that it can be seen in tmux over ${what}`),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const socket = `${directory.path}/tmux`;
      const tmux = (...args: string[]): Promise<{ readonly stdout: string }> =>
        run(["tmux", "-S", socket, "-f", "/dev/null", ...args]);
      const command = `printf 'Go on? [y/n] ${printed}'; echo one > x`;
      await tmux(
        ...["new-session", "-d", "-x", "100", "-y", "30"],
        ...["-c", directory.path],
        asks(["/bin/sh", "-c", command]).map(quoted).join(" "),
      );
      try {
        let shown = "";
        const end = performance.now() + 10_000;
        while (!shown.includes("┗ Allow?") && performance.now() < end) {
          shown = (await tmux("capture-pane", "-p", "-J")).stdout;
        }
        assertMatch(
          shown,
          /\n┏ ⚠️ {1,2}"\/usr\/bin\/dash" requests write access to "[^"]*\/x"\.\n┠[^\n]*\n┠[^\n]*\n┗ Allow\?[^\n]* >\s*$/,
        );
      } finally {
        await tmux("kill-server");
      }
    },
  });
}

/** A word as a shell has it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
