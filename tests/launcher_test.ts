/** A program starts in a jail as it would start without one. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { SYSCALLS } from "../src/abi/syscalls.ts";
import {
  type Ended,
  ENGINES,
  fixture,
  jail,
  jailArgv,
  run,
  type RunOptions,
} from "./harness.ts";
import { jailCommand, scratch } from "./jail.ts";
import { HOLDERS } from "./kill.ts";
import { hasMachine, hasMounts, needs } from "./needs.ts";

/** Closes what the tests themselves may have been started with. */
const LIKE_JAIL = `for file in /proc/$$/fd/*; do
  file=\${file##*/}
  if [ "$file" -gt 2 ]; then eval "exec $file>&-"; fi
done;`;

/** Runs words behind a piece of shell, without a jail and in one. */
async function bothWays(
  shell: string,
  words: readonly string[],
  inside: readonly string[],
  options: RunOptions = {},
): Promise<[outside: Ended, jailed: Ended]> {
  const through = (argv: readonly string[]): string[] => [
    "bash",
    "-c",
    // The shell stays: what started jail tells some of what Deno has changed.
    `${LIKE_JAIL} ${shell} "$@"; exit`,
    "bash",
    ...argv,
  ];
  return [
    await run(through(words), options),
    await run(through(inside), options),
  ];
}

const STARTS: Readonly<Record<string, string>> = {
  "as it is": "",
  "with its umask": "umask 027;",
  "with its working directory": "cd /usr/share;",
  "with its environment": "export A= B='x  y' C=$'line\\nline' D=$'\\xff';",
  "with an empty environment": "unset PWD; export -n _;",
  "with its limit on open files": "ulimit -S -n 200;",
  "with its other limits": "ulimit -S -t 1000 -s 4096;",
  "with a signal ignored": "trap '' TERM USR1;",
  "with SIGPIPE ignored": "trap '' PIPE;",
  "in a session of its own": "",
};

for (const engine of ENGINES) {
  for (const [what, shell] of Object.entries(STARTS)) {
    Deno.test(`jail (${engine}) starts a program ${what}`, async () => {
      const words = [fixture("show_start"), "one", "", "two words"];
      const inside = jailArgv(["-A"], words, engine);
      const own = what.includes("session") ? ["setsid", "-w"] : [];
      const [outside, jailed] = await bothWays(
        shell,
        [...own, ...words],
        [...own, ...inside],
      );
      assertEquals(jailed.stderr, "");
      const same = (text: string): string => {
        // The shell says what it started itself.
        const plain = text.replace(/^env: _=.*\n/m, "");
        return what.includes("session")
          ? plain.replace(/^group: (\d+)\nsession: \1\n/m, "leads both\n")
          : plain;
      };
      assertEquals(same(jailed.stdout), same(outside.stdout));
    });
  }

  Deno.test(`jail (${engine}) shows a program no signal for the end of its parent`, async () => {
    const words = [fixture("show_start")];
    const inside = jailArgv(["-A"], words, engine);
    for (const ended of await bothWays("", words, inside)) {
      assertStringIncludes(ended.stdout, "when its parent ends: 0\n");
    }
  });

  // The runtime puts /dev/null where a descriptor is closed.
  Deno.test(`jail (${engine}) starts a program with 0, 1 and 2 closed`, async () => {
    await using directory = await scratch();
    const words = [fixture("show_start"), `${directory.path}/shown`];
    const inside = jailArgv(["-A"], words, engine);
    for (const closed of ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]) {
      const shell = `exec ${closed};`;
      const shown: string[] = [];
      for (const argv of [words, inside]) {
        await bothWays(shell, argv, ["true"]);
        shown.push(await Deno.readTextFile(`${directory.path}/shown`));
        await Deno.remove(`${directory.path}/shown`);
      }
      const [outside, jailed] = shown.map((text) =>
        text.replace(/^(?:open:|env: _=).*\n/mg, "")
      );
      assertEquals(jailed, outside, closed);
    }
  });

  Deno.test(`jail (${engine}) closes all but the kept descriptors`, async () => {
    const words = [fixture("show_start")];
    const shell = "exec 5</etc/hostname 7</etc/hostname 9</etc/hostname;";
    const open = (ended: Ended): string | undefined =>
      /^open: .*$/m.exec(ended.stdout)?.[0];
    const [, none] = await bothWays(
      shell,
      words,
      jailArgv(["-A"], words, engine),
    );
    assertEquals(open(none), "open: 0 1 2");
    const [, kept] = await bothWays(
      shell,
      words,
      jailArgv(["-A", "--keep-fd=7", "--keep-fd=9"], words, engine),
    );
    assertEquals(open(kept), "open: 0 1 2 7 9");
  });

  Deno.test(`jail (${engine}) lets a program die of SIGPIPE`, async () => {
    const argv = jailArgv(["-A"], ["yes"], engine);
    const [, { stdout }] = await bothWays(
      'set -o pipefail; "$@" | head -n 1; echo ${PIPESTATUS[0]}; exit;',
      [],
      argv,
    );
    assertEquals(stdout, "y\n141\n");
  });

  Deno.test(`jail (${engine}) hands names and arguments over byte for byte`, async () => {
    await using directory = await scratch();
    const script = `cp /bin/cat $'\\xe4\\xff'; printf ok > $'\\xfe'
      "$@" ./$'\\xe4\\xff' $'\\xfe' && X=$'\\xfd' "$@" sh -c 'printf %s "$X$0"' $'\\xfc\\x01'`;
    const words = jailArgv(["-A"], [], engine);
    const python = ["bash", "-c", `{ ${script}; } | od -An -tx1`, "bash"];
    const ended = await run([...python, ...words], { cwd: directory.path });
    assertEquals(ended.stderr, "");
    assertEquals(ended.stdout.trim(), "6f 6b fd fc 01");
  });

  Deno.test(`jail (${engine}) runs a script by its interpreter`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    await directory.file("x", '#!/bin/sh -e\necho "$0 $1"\n', 0o755);
    const there = await jail(["-A"], ["./x", "y"], { engine, cwd: path });
    assertEquals([there.stdout, there.stderr], ["./x y\n", ""]);
    const env = { PATH: `${path}:/usr/bin:/bin` };
    const found = await jail(["-A"], ["x", "y"], { engine, env });
    assertEquals([found.stdout, found.stderr], [`${path}/x y\n`, ""]);
  });
}

Deno.test("jail keeps no descriptor that it was not started with, and none of its own", async () => {
  for (let fd = 3; fd < 12; fd++) {
    const ended = await run([
      ...["bash", "-c", `exec ${fd}<&-; exec "$@"`, "bash"],
      ...[...jailCommand(), `--keep-fd=${fd}`, "true"],
    ]);
    assertEquals(ended.code, 125);
    assertStringIncludes(
      ended.stderr,
      `jail: Cannot keep file descriptor ${fd}: jail was not started with it\n`,
    );
  }
});

const ring = SYSCALLS.io_uring_setup.x86_64;
/** Starts a program with a ring of io_uring as its descriptor 9. */
const WITH_RING = `import ctypes, os, sys
fd = ctypes.CDLL(None).syscall(${ring}, 1, ctypes.create_string_buffer(120))
if fd < 0: sys.exit("no ring")
os.dup2(fd, 9)
os.execvp(sys.argv[1], sys.argv[1:])`;
const HAS_RING =
  (await run(["/usr/bin/python3", "-c", WITH_RING, "true"])).code === 0;

for (const engine of [...ENGINES, "kernel"] as const) {
  Deno.test({
    ...hasMachine(
      HAS_RING,
      "io_uring",
      `jail (${engine}) hands over no ring by which calls are made that nobody sees`,
    ),
    async fn(): Promise<void> {
      const argv = jailArgv(["-p", "ls", "--keep-fd=9"], ["true"], engine);
      const start = ["/usr/bin/python3", "-c", WITH_RING, ...argv];
      const { code, stderr } = await run(start);
      assertEquals(code, 125);
      assertMatch(
        stderr,
        /^jail: Cannot hand descriptor 9 to the program: it is a ring of /,
      );
    },
  });
}

Deno.test("jail looks in the working directory for an empty part of PATH", async () => {
  await using directory = await scratch();
  await directory.file("only-here", "#!/bin/sh\necho found\n", 0o755);
  for (const PATH of [":/usr/bin:/bin", "/usr/bin::/bin", "/usr/bin:/bin:"]) {
    const ended = await jail(["-A"], ["only-here"], {
      cwd: directory.path,
      env: { PATH },
    });
    assertEquals([ended.stdout, ended.stderr], ["found\n", ""], PATH);
  }
});

Deno.test("jail passes over what cannot be executed in PATH", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.mkdir(`${path}/a`);
  await Deno.mkdir(`${path}/a/prog`);
  await Deno.mkdir(`${path}/b`);
  await directory.file("b/prog", "#!/bin/sh\necho no\n", 0o644);
  await Deno.mkdir(`${path}/c`);
  await directory.file("c/prog", "#!/bin/sh\necho yes\n", 0o755);
  const first = await jail(["-A"], ["prog"], {
    env: { PATH: `${path}/a:${path}/b:${path}/c:/usr/bin:/bin` },
  });
  assertEquals([first.stdout, first.code], ["yes\n", 0]);
  const none = await jail(["-A"], ["prog"], {
    env: { PATH: `/usr/bin:${path}/b` },
  });
  assertEquals([none.stdout, none.code], ["", 126]);
});

Deno.test({
  name: "deno task jail passes arguments that are not UTF-8",
  ignore: Deno.env.has("JAIL_BINARY"),
  fn: async () => {
    const { stdout, code } = await run([
      "bash",
      "-c",
      `"$0" task jail -- printf %s $'a\\xffb' | od -An -tx1`,
      Deno.execPath(),
    ], { cwd: new URL("..", import.meta.url).pathname });
    assertEquals([stdout.trim(), code], ["61 ff 62", 0]);
  },
});

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["setpriv"],
      `jail (${engine}) starts in a directory that it may not enter again`,
    ),
    fn: async () => {
      await using directory = await scratch();
      await Deno.mkdir(`${directory.path}/closed`);
      const shell = 'cd closed && chmod 0 . && exec "$@"';
      const less = Deno.uid() === 0
        ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        : [];
      const jailed = jailArgv(["-A"], ["sh", "-c", "pwd; cat x"], engine);
      const argv = ["sh", "-c", shell, "sh", ...less, ...jailed];
      const ended = await run(argv, { cwd: directory.path });
      assertEquals(
        [ended.stdout, ended.stderr],
        [`${directory.path}/closed\n`, "cat: x: Permission denied\n"],
      );
    },
  });
}

for (const engine of HOLDERS) {
  Deno.test({
    ...needs(
      ["setpriv"],
      `jail (${engine}) says that nothing can be used where a directory above may not be searched`,
    ),
    fn: async () => {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.mkdir(`${path}/above/here`, { recursive: true });
      const shell = 'cd above/here && chmod 0 .. && exec "$@"';
      const less = Deno.uid() === 0
        ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        : [];
      const jailed = jailArgv(["-A"], ["/bin/true"], engine);
      const argv = ["sh", "-c", shell, "sh", ...less, ...jailed];
      const ended = await run(argv, { cwd: path });
      await Deno.chmod(`${path}/above`, 0o700);
      const here = `"${path}/above/here"`;
      const [begins, code] = engine === "kernel"
        ? [`Cannot work in ${here}`, 125]
        : [`Nothing in ${here} can be used`, 0];
      assertEquals(
        [ended.stderr.split("\n")[0], ended.code],
        [`jail: ${begins}: a directory above it may not be searched`, code],
      );
    },
  });
}

for (const engine of HOLDERS) {
  Deno.test({
    ...needs(
      ["setpriv"],
      `jail (${engine}) lets nobody become another user whom it could not end`,
    ),
    ignore: Deno.uid() !== 0 || Deno.env.has("JAIL_BINARY"),
    fn: async () => {
      const become = ["setpriv", "--reuid=65534", "--clear-groups", "id", "-u"];
      const argv = jailArgv(["-R", "--allow-run"], become, engine);
      for (const [less, wanted] of [["-net_raw", "65534\n"], ["-kill", ""]]) {
        const started = ["setpriv", `--bounding-set=${less}`, ...argv];
        assertEquals((await run(started)).stdout, wanted);
      }
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...hasMounts(
      `jail (${engine}) lets nobody become another user, or of another group, whom /proc would hide`,
    ),
    ignore: Deno.uid() !== 0 || Deno.env.has("JAIL_BINARY"),
    fn: async () => {
      const script = `import os
for change in os.setuid, os.setgid:
  child = os.fork()
  if child == 0:
    change(65534)
    os._exit(0)
  print(os.waitpid(child, 0)[1] == 0)`;
      const argv = jailArgv(["-A"], ["/usr/bin/python3", "-c", script], engine);
      for (
        const [hides, less, may] of [
          ["off", "sys_ptrace", "True"],
          ["2", "net_raw", "True"],
          ["2", "sys_ptrace", "False"],
          ["4", "sys_ptrace", "False"],
        ] as const
      ) {
        const mount = `mount -t proc -o hidepid=${hides} proc /proc`;
        const { stdout } = await run([
          ...["unshare", "-m", "sh", "-c", `${mount} && exec "$@"`, "sh"],
          ...["setpriv", `--bounding-set=-${less}`, ...argv],
        ]);
        assertEquals(stdout, `${may}\n${may}\n`, `${hides} ${less}`);
      }
    },
  });
}

Deno.test({
  ...hasMachine(
    navigator.hardwareConcurrency > 1,
    "two processors",
    "a program that becomes another user has all its processors, where root may not move it then",
  ),
  ignore: Deno.uid() !== 0 || Deno.env.has("JAIL_BINARY"),
  fn: async () => {
    const script = `import os
cpus = os.sched_getaffinity(0)
for _ in range(1000): os.path.exists("/nothing")
os.setuid(65534)
print(os.sched_getaffinity(0) == cpus)`;
    const argv = jailArgv(["-A"], ["/usr/bin/python3", "-c", script]);
    const started = ["setpriv", "--bounding-set=-sys_nice", ...argv];
    assertEquals((await run(started)).stdout, "True\n");
  },
});

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["setpriv"],
      `jail (${engine}) lets a shell of another user start programs, where root may not open what is the user's alone`,
    ),
    ignore: Deno.uid() !== 0 || Deno.env.has("JAIL_BINARY"),
    fn: async () => {
      const become = ["setpriv", "--reuid=65534", "--clear-groups"];
      // By vfork(2), beside which what is checked is pinned.
      const shell = [...become, "sh", "-c", "id -u; id -u"];
      const argv = jailArgv(["-R", "--allow-run"], shell, engine);
      const less = "--bounding-set=-dac_override";
      const ended = await run(["setpriv", less, ...argv]);
      assertEquals([ended.stderr, ended.stdout], ["", "65534\n65534\n"]);
    },
  });
}

for (const engine of HOLDERS) {
  Deno.test(`jail (${engine}) starts no program whose capabilities it cannot tell`, async () => {
    const argv = jailArgv(["-R", "--allow-run"], ["true"], engine);
    const number = `${SYSCALLS.capget.x86_64}`;
    const ended = await run([fixture("refuse_call"), number, ...argv]);
    assertEquals([ended.code, ended.stdout], [125, ""]);
    assertStringIncludes(ended.stderr, "capget() failed with EPERM");
  });
}

const PLAYED = {
  auto: ["pidfd_send_signal", "ptrace"],
  seccomp: ["kill", "pidfd_send_signal", "prctl", "ptrace", "tgkill"],
  ptrace: ["prctl", "ptrace"],
  kernel: ["fchdir", "kill", "landlock_restrict_self", "seccomp", "setns"],
} as const;

for (const engine of HOLDERS) {
  Deno.test(`jail (${engine}) starts no program where a call that holds it only seems to be made`, async () => {
    const argv = jailArgv(["-R", "--allow-run"], ["echo", "free"], engine);
    for (const call of PLAYED[engine]) {
      const number = `${SYSCALLS[call].x86_64}=`;
      const ended = await run([fixture("refuse_call"), number, ...argv]);
      const at = `${call}: ${ended.stderr}`;
      assertEquals([ended.code, ended.stdout], [125, ""], at);
      assertStringIncludes(ended.stderr, `${call} succeeds whatever`);
    }
  });
}

for (const engine of HOLDERS) {
  Deno.test(`jail (${engine}) starts no program that it could not end`, async () => {
    const options = ["-R", "--allow-run", "--timeout=1s"];
    const argv = jailArgv(options, ["sleep", "5"], engine);
    for (const call of ["kill", "tgkill"] as const) {
      const number = `${SYSCALLS[call].x86_64}`;
      const ended = await run([fixture("refuse_call"), number, ...argv]);
      const [said] = ended.stderr.split("\n");
      assertEquals(
        [said, ended.code],
        [`jail: Cannot end a program here: ${call} failed with EPERM`, 125],
      );
    }
  });
}

Deno.test("jail leaves nothing in its working directory where a call only seems to be made", async () => {
  await using directory = await scratch();
  const argv = jailArgv(["-R", "--allow-run"], ["echo", "free"], "kernel");
  for (const call of ["chdir", "mount", "pivot_root"] as const) {
    const number = `${SYSCALLS[call].x86_64}=`;
    const words = [fixture("refuse_call"), number, ...argv];
    const ended = await run(words, { cwd: directory.path });
    assertEquals([ended.code, ended.stdout], [125, ""], call);
    assertEquals([...Deno.readDirSync(directory.path)], [], call);
  }
});

Deno.test("jail traces without a filter where one only seems to be made", async () => {
  const argv = jailArgv(["-R", "--deny-read=/etc/passwd"], [
    "cat",
    "/etc/passwd",
  ]);
  const number = `${SYSCALLS.seccomp.x86_64}=`;
  const ended = await run([fixture("refuse_call"), number, ...argv]);
  assertEquals([ended.code, ended.stdout], [1, ""]);
  assertStringIncludes(ended.stderr, "Permission denied");
});

Deno.test("jail runs a script without #! by sh, as a shell does", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await directory.file("x", 'echo "$0 $1"\n', 0o755);
  const ended = await jail(["-R", `--allow-run=${path}/x,/bin`], ["./x", "y"], {
    cwd: path,
  });
  assertEquals([ended.stdout, ended.stderr, ended.code], ["./x y\n", "", 0]);
});

Deno.test("jail runs no script by a sh that may not be run", async () => {
  await using directory = await scratch();
  await directory.file("x", "echo x\n", 0o755);
  const ended = await jail(["-R", "--allow-run=./x"], ["./x"], {
    cwd: directory.path,
  });
  assertEquals([ended.stdout, ended.code], ["", 126]);
});

Deno.test("jail starts no file that is neither a program nor text", async () => {
  await using directory = await scratch();
  await directory.file("x", "\0x\n", 0o755);
  const ended = await jail(["-A"], ["./x"], { cwd: directory.path });
  assertEquals([ended.stdout, ended.code], ["", 126]);
  assertStringIncludes(ended.stderr, "ENOEXEC");
});

interface Failure {
  readonly what: string;
  readonly argv: readonly string[];
  readonly code: number;
  readonly says: string;
}

const FAILURES: readonly Failure[] = [
  {
    what: "a command that is nowhere",
    argv: ["no-such-command"],
    code: 127,
    says: "ENOENT",
  },
  { what: "a path that is nowhere", argv: ["./x"], code: 127, says: "ENOENT" },
  { what: "an empty name", argv: [""], code: 127, says: "ENOENT" },
  { what: "a directory", argv: ["/usr"], code: 126, says: "EACCES" },
  {
    what: "a file without the right",
    argv: ["/etc/passwd"],
    code: 126,
    says: "EACCES",
  },
  {
    what: "a path through a file",
    argv: ["/etc/passwd/x"],
    code: 127,
    says: "E",
  },
];

for (const { what, argv, code, says } of FAILURES) {
  Deno.test(`jail says why it cannot start ${what}`, async () => {
    await using directory = await scratch();
    const ended = await jail(["-A"], argv, { cwd: directory.path });
    assertEquals([ended.stdout, ended.code], ["", code]);
    assert(ended.stderr.startsWith(`jail: Cannot start "${argv[0]}": `));
    assertStringIncludes(ended.stderr, says);
  });
}

Deno.test({
  ...needs(["setpriv"], "jail says that it cannot start what may not be read"),
  fn: async () => {
    await using directory = await scratch();
    await Deno.copyFile("/usr/bin/true", `${directory.path}/x`);
    await Deno.chmod(`${directory.path}/x`, 0o111);
    const less = Deno.uid() === 0
      ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
      : [];
    const argv = [...less, ...jailArgv(["-A"], [`${directory.path}/x`])];
    const ended = await run(argv);
    assertEquals(ended.code, 126);
    assertStringIncludes(ended.stderr, "execve failed with EACCES");
    assertStringIncludes(ended.stderr, "hint: jail must read a program");
  },
});

Deno.test("jail cannot start a script whose interpreter is missing", async () => {
  await using directory = await scratch();
  const path = await directory.file("x", "#!/nowhere/sh\n", 0o755);
  const ended = await jail(["-A"], [path]);
  assertEquals([ended.stdout, ended.code], ["", 127]);
  assertStringIncludes(ended.stderr, `Cannot start "${path}"`);
});

Deno.test({
  ...needs(["script"], "jail leaves the program its controlling terminal"),
  fn: async () => {
    const words = jailArgv(["-A"], [
      "sh",
      "-c",
      "tty >/dev/null && : >/dev/tty && echo has one; ps -o tpgid= -p $$ | tr -d ' '; ps -o pgid= -p $$ | tr -d ' '",
    ]);
    const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    const ended = await run([
      "script",
      "-qec",
      quoted.join(" "),
      "/dev/null",
    ]);
    const [has, foreground, group] = ended.stdout.split("\r\n");
    assertEquals(has, "has one");
    assertEquals(foreground, group);
  },
});
