/** `--engine=kernel`: the kernel alone holds a policy, and no call is caught. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { Jail } from "../src/mod.ts";
import { landlockAbi } from "../src/sys/landlock.ts";
import {
  type Ended,
  eventually,
  fixture,
  jailArgv,
  run,
  start,
} from "./harness.ts";
import { jailCommand, type Scratch, scratch } from "./jail.ts";
import { hasMachine } from "./needs.ts";

const KERNEL = "--engine=kernel";

/** Reads the system and what is here, writes `out`, runs what the system has. */
const POLICY = `
extends: default
read: {deny: ["\${cwd}/closed", "\${cwd}/**/.key"]}
write: {allow: ["\${cwd}/out"], deny: ["\${cwd}/out/kept"]}
run: {deny: ["\${cwd}/out"]}
`;

/** A place with files of each kind. */
async function place(): Promise<Scratch & { readonly policy: string }> {
  const made = await scratch();
  for (const name of ["closed", "out", "out/kept", "out/deep"]) {
    await Deno.mkdir(`${made.path}/${name}`);
    await Deno.chmod(`${made.path}/${name}`, 0o777);
  }
  for (
    const name of ["open", "closed/file", "out/kept/file", "out/deep/.key"]
  ) {
    await Deno.writeTextFile(`${made.path}/${name}`, `${name}\n`);
    await Deno.chmod(`${made.path}/${name}`, 0o666);
  }
  const policy = await made.file("policy.yaml", POLICY);
  return Object.assign(made, { policy });
}

/** Runs a script in a place. */
async function inside(
  script: string,
  flags: readonly string[] = [],
  options: Parameters<typeof run>[1] = {},
): Promise<Ended> {
  await using here = await place();
  return await run(
    jailArgv([KERNEL, "-p", here.policy, ...flags], ["sh", "-c", script]),
    { cwd: here.path, ...options },
  );
}

/** A test that needs a kernel which can hold a policy. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({
    ...hasMachine(landlockAbi() >= 6, "Landlock of Linux 6.12", name),
    fn,
  });
}

/** Scripts, and what they write. */
const HELD: readonly (readonly [
  promise: string,
  script: string,
  stdout: string,
  stderr?: RegExp,
])[] = [
  ["lets be read what is allowed", "cat open; ls out", "open\ndeep\nkept\n"],
  [
    "lets be written what is allowed",
    "echo new >out/new && mv out/new out/deep/moved && cat out/deep/moved",
    "new\n",
  ],
  [
    "has nothing that is not allowed",
    "ls /home /root /srv 2>&1 | wc -l",
    "3\n",
  ],
  [
    "lets nothing else be written",
    "echo x >open || echo x >new || rm open || mkdir d || chmod 600 open",
    "",
    /Read-only file system/,
  ],
  [
    "lets no closed file be opened, by root neither",
    "cat out/deep/.key closed/file",
    "",
    /\.key: Permission denied[^]*closed\/file: (?:Permission denied|No such)/,
  ],
  [
    "lets no closed file be moved to where it is open",
    "mv out/deep/.key out/key; ln out/deep/.key out/key; mv closed out/; cat out/key out/closed/file",
    "",
    /cross-device/,
  ],
  [
    "keeps what may not be written, also when it is moved",
    "echo x >out/kept/file; rm -r out/kept; mv out/kept out/away; mv out ou; ls out",
    "deep\nkept\n",
    /Read-only file system/,
  ],
  [
    "lets nothing be run that the program writes",
    "cp /bin/true out/p; out/p; /lib64/ld-linux-x86-64.so.2 ./out/p; echo $?",
    "127\n",
    /Permission denied/,
  ],
  [
    "has the processes of the jail alone",
    // Its first one, and the shell; kill(2) with -1 means neither.
    "echo /proc/[0-9]*; kill -0 1 || echo alone; kill -9 -1; echo here",
    "/proc/1 /proc/2\nalone\nhere\n",
  ],
  [
    "has no network, nor tells of it",
    "tail -n +3 /proc/net/dev | cut -d: -f1",
    "    lo\n",
  ],
  [
    "has files of the system closed that tell of it",
    "cat /proc/kmsg /etc/shadow /proc/cmdline",
    "",
    /kmsg: [^]*shadow: Permission denied[^]*cmdline: /,
  ],
  [
    "changes nothing of the machine in /proc",
    "echo x >/proc/sys/kernel/hostname; echo 1 >/proc/self/oom_score_adj",
    "",
    /Read-only file system[^]*Read-only file system/,
  ],
  [
    "has no directory of another mount above its root",
    "cd -P /..; cd -P /proc/1/root/../..; ls -d etc home",
    "etc\n",
    /home/,
  ],
];

for (const [promise, script, stdout, stderr = /^/] of HELD) {
  test(`a jail held by the kernel ${promise}`, async () => {
    const ended = await inside(script);
    assertEquals(ended.stdout, stdout);
    assertMatch(ended.stderr, stderr);
  });
}

test("a jail held by the kernel stops for no call", async () => {
  const ended = await inside(
    "find /usr/share >/dev/null; for i in 1 2 3; do cat open >out/$i; done",
    ["--stats", "--json"],
  );
  assertEquals(ended.code, 0);
  const { stops, calls, ...others } = JSON.parse(ended.stderr);
  assertEquals([stops, calls], [0, {}]);
  assertEquals(Object.keys(others), ["wallMs", "cpuMs"]);
});

test("a jail held by the kernel tells what its program used, also when it waits for others", async () => {
  const script = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done";
  const ended = await inside(script, ["--wait-all", "--stats", "--json"]);
  assert(JSON.parse(ended.stderr).cpuMs > 20, ended.stderr);
});

test("a jail held by the kernel ends as its program does", async () => {
  assertEquals((await inside("exit 7")).code, 7);
  assertEquals((await inside("kill -TERM $$")).signal, "SIGTERM");
  await using here = await scratch();
  const missing = jailArgv([KERNEL], ["./nothing"]);
  assertEquals((await run(missing, { cwd: here.path })).code, 127);
});

test("a jail held by the kernel does not take a refused program for a broken one", async () => {
  for (const flag of ["--deny-run", "--deny-read=/usr/bin/env"]) {
    const { code, stderr } = await run(jailArgv([KERNEL, "-A", flag], ["env"]));
    assertEquals(code, 126);
    assertMatch(
      stderr,
      /^hint: where the policy is the reason, --engine=auto /m,
    );
  }
});

test("a jail held by the kernel runs a script that has no #! line", async () => {
  await using here = await place();
  const script = await here.file("script", "echo $1\n");
  await Deno.chmod(script, 0o755);
  const argv = jailArgv([KERNEL, "-p", here.policy], ["./script", "word"]);
  assertEquals((await run(argv, { cwd: here.path })).stdout, "word\n");
});

test("a jail held by the kernel finds a program by a link that no rule speaks of", async () => {
  await using here = await place();
  await Deno.mkdir(`${here.path}/bin`);
  await Deno.symlink("bin", `${here.path}/lib`);
  await Deno.symlink("/usr/bin/dash", `${here.path}/bin/word`);
  const argv = jailArgv([KERNEL, `-R=${here.path}/open`], [
    ...["lib/word", "-c", "read line <open; echo $0 $line"],
  ]);
  const { stdout, stderr } = await run(argv, { cwd: here.path });
  assertEquals([stdout, stderr], ["lib/word open\n", ""]);
});

test("a jail held by the kernel knows its working directory by the name that a shell keeps", async () => {
  await using here = await place();
  await Deno.symlink("out", `${here.path}/link`);
  await Deno.writeTextFile(`${here.path}/out/file`, "found\n");
  const argv = jailArgv([KERNEL, "-R=.", "-E=PWD"], [
    ...["sh", "-c", 'pwd; read line <"$PWD/file"; echo $line'],
  ]).map((word) => `'${word}'`).join(" ");
  const ended = await run(["sh", "-c", `cd -L link && exec ${argv}`], {
    cwd: here.path,
  });
  assertEquals(ended.stderr, "");
  assertEquals(ended.stdout, `${here.path}/link\nfound\n`);
});

test("a jail held by the kernel ends with its program, and waits for others if told", async () => {
  const script = "(sleep 0.3; echo late) & echo early";
  assertEquals((await inside(script)).stdout, "early\n");
  const waited = await inside(script, ["--wait-all"]);
  assertEquals(waited.stdout, "early\nlate\n");
});

test("nothing of a jail held by the kernel survives a SIGKILL of jail", async () => {
  await using here = await place();
  const word = `4${crypto.randomUUID().replace(/\D/g, "").slice(0, 8)}`;
  const script = `setsid sleep ${word} & sleep ${word} & sleep ${word}`;
  const child = start(
    jailArgv([KERNEL, "-p", here.policy], ["sh", "-c", script]),
    { cwd: here.path },
  );
  const sleepers = async (): Promise<number> => {
    const { stdout } = await run(["pgrep", "-fc", `^sleep ${word}$`]);
    return Number(stdout);
  };
  for (let turn = 0; turn < 500 && await sleepers() < 3; turn++);
  assertEquals(await sleepers(), 3);
  // The first process of the namespace, and the program.
  const children = (await run(["pgrep", "-P", `${child.pid}`])).stdout.trim()
    .split("\n").map(Number);
  assertEquals(children.length, 2);
  child.kill("SIGKILL");
  await child.output();
  for (let turn = 0; turn < 500 && await sleepers() > 0; turn++);
  assertEquals(await sleepers(), 0);
  const left = (): number[] =>
    children.filter((pid) => {
      try {
        return !/^\d+ .*\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
      } catch {
        return false;
      }
    });
  assert(await eventually(() => left().length === 0));
});

test("a jail held by the kernel ends at its time limit", async () => {
  const polite = await inside(
    "trap 'echo asked; exit 5' TERM; sleep 60 & wait",
    [
      "--timeout=1s",
    ],
  );
  assertEquals([polite.code, polite.stdout], [124, "asked\n"]);
  const rude = await inside("trap '' TERM; kill -STOP $$; sleep 60", [
    "--timeout=1s",
  ]);
  assertEquals(rude.code, 124);
});

test("a jail held by the kernel lets all of them clean up at its time limit", async () => {
  const child = "(trap 'sleep 0.1; echo asked; exit 5' TERM; sleep 60 & wait)";
  for (const program of ["exit 0", "trap : TERM; wait; wait"]) {
    const { code, stdout } = await inside(`${child} & ${program}`, [
      "--wait-all",
      "--timeout=1s",
    ]);
    assertEquals([code, stdout], [124, "asked\n"], program);
  }
});

test("a jail held by the kernel ends as its program does, though children are not waited for", async () => {
  await using here = await place();
  const jailed = jailArgv([KERNEL, "-p", here.policy], ["cat", "open", "no"]);
  const { code, stdout } = await run(
    ["bash", "-c", "trap '' CHLD; exec \"$@\"", "bash", ...jailed],
    { cwd: here.path },
  );
  assertEquals([code, stdout], [1, "open\n"]);
});

test("a jail held by the kernel passes signals on, from the moment that its program runs", async () => {
  await using here = await place();
  const script = "trap 'echo heard; exit 3' USR1; echo ready; sleep 60 & wait";
  const once = async (): Promise<void> => {
    const child = start(
      jailArgv([KERNEL, "-p", here.policy], ["sh", "-c", script]),
      { cwd: here.path },
    );
    const reader = child.stdout.getReader();
    await reader.read();
    reader.releaseLock();
    child.kill("SIGUSR1");
    const { code, stdout } = await child.output();
    assertEquals([code, new TextDecoder().decode(stdout)], [3, "heard\n"]);
  };
  await Promise.all(Array.from({ length: 12 }, once));
});

test("a jail held by the kernel stops with its program, and goes on with it", async () => {
  await using here = await place();
  const child = start(
    jailArgv([KERNEL, "-p", here.policy], [
      "sh",
      "-c",
      "kill -STOP $$; exit 3",
    ]),
    { cwd: here.path },
  );
  const state = (): string =>
    Deno.readTextFileSync(`/proc/${child.pid}/stat`).split(") ").at(-1)?.[0] ??
      "";
  assert(await eventually(() => state() === "T", 20_000));
  child.kill("SIGCONT");
  assertEquals((await child.output()).code, 3);
});

test("a jail held by the kernel stays where one of its own continues its program", async () => {
  for (const by of ["", "setsid "]) {
    const script = `${by}sh -c "sleep 0.3; kill -CONT $$" & kill -STOP $$; ` +
      "echo on";
    assertEquals((await inside(script)).stdout, "on\n");
  }
  const alone = jailArgv([KERNEL, "-A"], [fixture("stop_itself"), "alone"]);
  const { stdout, code } = await run(alone);
  assertEquals([stdout, code], ["on\n", 4]);
});

test("a jail held by the kernel reads what is redirected to it, by name as well", async () => {
  await using here = await place();
  const argv = jailArgv([KERNEL, "-p", here.policy], [
    ...["sh", "-c"],
    "cat /dev/stdin; echo x >/dev/stdin",
  ]);
  const file = await here.file("in", "text\n");
  const quoted = argv.map((word) => `'${word.replace(/'/g, "'\\''")}'`);
  const ended = await run(["sh", "-c", `${quoted.join(" ")} <${file}`], {
    cwd: here.path,
  });
  assertEquals(ended.stdout, "text\n");
  assertMatch(ended.stderr, /Read-only file system/);
  assertEquals(await Deno.readTextFile(file), "text\n");
});

test("a jail held by the kernel reads by name what was removed where it may write, as a shell does of a long text", async () => {
  await using here = await place();
  const file = await here.file("removed", "text\n");
  const argv = jailArgv([KERNEL, "-R", "-W=.", "--allow-run=/usr"], [
    ...["cat", "/dev/stdin"],
  ]);
  const quoted = argv.map((word) => `'${word}'`).join(" ");
  const { stdout } = await run(
    ["sh", "-c", `exec <${file}; rm ${file}; ${quoted}`],
    { cwd: here.path },
  );
  assertEquals(stdout, "text\n");
});

test("a jail held by the kernel can have all that there is", async () => {
  await using here = await place();
  const script = "ls -d /etc /home /root; echo x >open; cat open";
  const argv = jailArgv([KERNEL, "-A"], ["sh", "-c", script]);
  const { code, stdout } = await run(argv, { cwd: here.path });
  assertEquals([code, stdout], [0, "/etc\n/home\n/root\nx\n"]);
});

/** Hands a jail descriptors of what is outside, and says what it could do by them. */
const HAND_OVER = `
import array, os, socket, subprocess, sys
inside = """
import array, os, socket
s = socket.socket(fileno=0)
fds = array.array("i")
_, data, _, _ = s.recvmsg(1, 64)
for _, _, one in data: fds.frombytes(one)
directory, file = fds
def tried(what, do):
    try: do(); print(what)
    except OSError: pass
for mode in (os.O_RDONLY, os.O_WRONLY):
    tried("opened again", lambda: os.open(f"/proc/self/fd/{file}", mode))
    tried("opened beneath", lambda: os.open("etc/passwd", mode, dir_fd=directory))
tried("listed", lambda: os.listdir(f"/proc/self/fd/{directory}"))
tried("made", lambda: os.mkdir("tmp/jail-made", dir_fd=directory))
tried("moved", lambda: os.rename("tmp", "tmp2", src_dir_fd=directory, dst_dir_fd=directory))
print("done")
"""
here, there = socket.socketpair()
child = subprocess.Popen([*sys.argv[2:], "python3", "-c", inside], stdin=there)
fds = [os.open("/", os.O_PATH), os.open(sys.argv[1], os.O_PATH)]
here.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
sys.exit(child.wait())
`;

test("a jail held by the kernel opens nothing by a descriptor that comes from outside", async () => {
  await using here = await place();
  const file = await here.file("secret", "secret\n");
  for (const flags of [["-p", "default"], ["-p", "readonly"], ["-A"]]) {
    const denied = [`--deny-read=${file}`, `--deny-write=${file}`];
    const argv = jailArgv([KERNEL, ...flags, ...denied], []);
    const ended = await run(["python3", "-c", HAND_OVER, file, ...argv], {
      cwd: here.path,
    });
    assertEquals([ended.stdout, ended.stderr], ["done\n", ""]);
  }
});

/** Hides a file of /proc, and runs a command that may mount, but not uncover it. */
const HIDES_PROC =
  'mount --bind /dev/null /proc/version && exec unshare -Urm "$@"';

Deno.test({
  ...hasMachine(
    landlockAbi() >= 6 && (await run(["unshare", "-Urm", "true"])).code === 0,
    "Landlock of Linux 6.12, or namespaces of users",
    "a jail held by the kernel says that a container hides parts of /proc",
  ),
  fn: async () => {
    const { code, stderr } = await run([
      ...["unshare", "-Urm", "sh", "-c", HIDES_PROC, "sh"],
      ...jailArgv([KERNEL, "-A"], ["true"]),
    ]);
    assertEquals(code, 125);
    assertStringIncludes(stderr, "mount failed with EPERM");
    assertStringIncludes(
      stderr,
      "hint: a container that hides parts of /proc ",
    );
  },
});

/** What cannot be held, or is not meant. */
const REFUSED: readonly (readonly [
  what: string,
  flags: readonly string[],
  message: RegExp,
])[] = [
  ["tell of refusals", ["--report"], /Cannot tell of decisions/],
  ["ask", ["--on-deny=ask"], /Cannot do --on-deny=ask/],
  ["end of a refusal", ["--on-deny=kill"], /Cannot do --on-deny=kill/],
  ["do without Landlock", ["--no-landlock"], /Cannot do without Landlock/],
  ["have another root", ["--root=/usr"], /Cannot give the program a root/],
  ["reach some hosts", ["--allow-net=127.0.0.1"], /addresses are in memory/],
  ["limit memory", ["--memory=1GiB"], /nobody is there to count/],
  [
    "write what is not there",
    ["--allow-write=nothing"],
    /it is not there, and only what is there is written/,
  ],
];

for (const [what, flags, message] of REFUSED) {
  test(`a jail held by the kernel does not start where it is to ${what}`, async () => {
    const ended = await inside("echo ran", flags);
    assertEquals([ended.code, ended.stdout], [125, ""]);
    assertMatch(ended.stderr, message);
    assertStringIncludes(ended.stderr, "hint: ");
  });
}

test("a jail held by the kernel does not start where a rule says how it refuses", async () => {
  for (const how of ["kill: true", "signal: SIGTERM", "errno: ENOENT"]) {
    await using here = await scratch();
    await here.file("file", "text");
    const deny = `deny: [{path: "\${cwd}/file", ${how}}]`;
    await here.file("p.yaml", `{extends: default, read: {${deny}}}`);
    const argv = jailArgv([KERNEL, "-p", "./p.yaml"], ["cat", "file"]);
    const ended = await run(argv, { cwd: here.path });
    assertEquals([ended.code, ended.stdout], [125, ""]);
    assertMatch(ended.stderr, /refuses in its own way/);
  }
});

test("a jail held by the kernel does not start where sockets may be made and reach nobody", async () => {
  await using here = await scratch();
  await here.file(
    "p.yaml",
    "{extends: minimal, read: [/usr, /proc/self/net], run: [/usr/bin], " +
      "net: {sockets: [inet]}, calls: {deny: [setsockopt]}}",
  );
  const argv = jailArgv([KERNEL, "-p", `${here.path}/p.yaml`], ["true"]);
  const ended = await run(argv, { cwd: "/usr" });
  assertEquals(ended.code, 125);
  assertMatch(ended.stderr, /addresses are in memory/);
});

test("a jail held by the kernel shows nothing of /proc where all of it is refused", async () => {
  const flags = [KERNEL, "-p", "default", "--deny-read=/proc"];
  const script =
    "cat /proc/cpuinfo /proc/self/status /proc/sys/kernel/*; ls /proc";
  const ended = await run(jailArgv(flags, ["sh", "-c", script]), {
    cwd: "/usr",
  });
  assertEquals(ended.stdout, "");
  assertMatch(ended.stderr, /cpuinfo: No such file/);
});

test("a jail held by the kernel has no device of the machine that no rule lets be used", async () => {
  const list = async (...flags: string[]): Promise<string[]> => {
    const argv = jailArgv([KERNEL, ...flags], ["ls", "/dev"]);
    return (await run(argv, { cwd: "/usr" })).stdout.split("\n");
  };
  const harmless = await list("-R", "--allow-run");
  const devices = [...Deno.readDirSync("/dev")]
    .filter(({ isDirectory, isSymlink }) => !isDirectory && !isSymlink)
    .map(({ name }) => name).filter((name) => !harmless.includes(name));
  await using here = await scratch();
  const text = '{extends: minimal, read: [/usr, "/dev/*"], run: [/usr]}';
  const named = await list("-p", await here.file("p.yaml", text));
  const refused = devices.map((name) => `--deny-write=/dev/${name}`);
  const found = [...named, ...await list("-R", "--allow-run", ...refused)];
  assertEquals(found.filter((name) => devices.includes(name)), []);
});

test("a rule that the kernel does not hold is named by file, line and column", async () => {
  await using here = await scratch();
  await here.file(
    "p.yaml",
    "extends: default\nwrite:\n  allow: ['${cwd}']\n  deny: ['${cwd}/new']\n",
  );
  const ended = await run(jailArgv([KERNEL, "-p", "./p.yaml"], ["true"]), {
    cwd: here.path,
  });
  assertEquals(ended.code, 125);
  assertMatch(ended.stderr, /p\.yaml:4:10: \$\{cwd\}\/new: it is not there/);
});

test("a jail that the kernel does not hold says first what somebody wrote, and all once", async () => {
  await using here = await scratch();
  await here.file("p.yaml", "extends: default\nlimits: {processes: 3}\n");
  const argv = [...jailCommand(), "plan", "./p.yaml"];
  const { stdout } = await run(argv, { cwd: here.path });
  const why = /does not hold it[^\n]*\n((?: {10}[^\n]*\n)+)/.exec(stdout)?.[1];
  const lines = why?.trimEnd().split("\n") ?? [];
  assertMatch(
    lines[0] ?? "",
    /^ {10}\.\/p\.yaml:2: 3: nobody is there to count$/,
  );
  assertEquals(lines, [...new Set(lines)]);
});

test("a jail held by the kernel says what it refuses beyond its policy", async () => {
  await using here = await scratch();
  await here.file("secret", "");
  await here.file(
    "p.yaml",
    'extends: minimal\nread: {allow: ["${cwd}", /usr], deny: ["${cwd}/secret"]}\n' +
      'write: ["${cwd}"]\nrun: [/usr]\n',
  );
  const options = { cwd: here.path };
  const script = "echo a > secret; echo b > other";
  const argv = jailArgv([KERNEL, "-p", "./p.yaml"], ["sh", "-c", script]);
  const { code, stderr } = await run(argv, options);
  const said = `${here.path}/secret is not written either`;
  assertStringIncludes(
    stderr,
    `jail: with --engine=kernel ${said} (./p.yaml: `,
  );
  assertMatch(stderr, /cannot create secret: Permission denied$/m);
  assertEquals(code, 0);
  const planned = await run([...jailCommand(), "plan", "./p.yaml"], options);
  assertStringIncludes(planned.stdout, `p.yaml:2: \${cwd}/secret: ${said}\n`);
});

test("a jail held by the kernel does not start with a directory for its input", async () => {
  const argv = jailArgv([KERNEL], ["cat"]).map((word) => `'${word}'`);
  const ended = await run(["sh", "-c", `${argv.join(" ")} </`]);
  assertEquals(ended.code, 125);
  assertMatch(ended.stderr, /Cannot hand descriptor 0 to the program/);
  assertMatch(ended.stderr, /^hint: redirect it: <\/dev\/null$/m);
});

test("a jail held by the kernel does not start with a file in memory for its input", async () => {
  const script = "import os, sys; os.dup2(os.memfd_create('text'), 0); " +
    "os.execvp(sys.argv[1], sys.argv[1:])";
  const argv = ["python3", "-c", script, ...jailArgv([KERNEL, "-A"], ["cat"])];
  const ended = await run(argv);
  assertEquals(ended.code, 125);
  assertMatch(ended.stderr, /descriptor 0 [^]*: it is a file in memory\n/);
  assertMatch(ended.stderr, /^hint: redirect it: <\/dev\/null$/m);
});

test("a jail held by the kernel does not start with a unix socket that could be connected to any", async () => {
  const script = `import os, socket, sys
ends = socket.socketpair()
mine = socket.socket(socket.AF_UNIX) if sys.argv[1] == "new" else ends[0]
os.dup2(mine.fileno(), 0)
os.execvp(sys.argv[2], sys.argv[2:])`;
  const ways: string[] = [];
  for (const which of ["new", "pair"]) {
    const argv = jailArgv([KERNEL, "-R", "-N", "--allow-run"], ["true"]);
    const ended = await run(["python3", "-c", script, which, ...argv]);
    ways.push(`${ended.code} ${/it is a unix socket.*/.exec(ended.stderr)}`);
  }
  assertEquals(ways, [
    "125 it is a unix socket that could be connected to any",
    "0 null",
  ]);
});

test("a jail held by the kernel does not start with the name of a file alone, which it could change", async () => {
  const script =
    "import os, sys; os.dup2(os.open('/etc/passwd', os.O_PATH), 0); " +
    "os.execvp(sys.argv[1], sys.argv[1:])";
  const argv = ["python3", "-c", script, ...jailArgv([KERNEL, "-A"], ["cat"])];
  const ended = await run(argv);
  assertEquals(ended.code, 125);
  assertMatch(ended.stderr, /descriptor 0 [^]*: it is the name of a file/);
  assertMatch(ended.stderr, /^hint: redirect it: <\/dev\/null$/m);
});

test("a jail held by the kernel has no file in memory that a loader could run", async () => {
  const script = `import ctypes, os
for flags in 0, 8, 16:
    libc = ctypes.CDLL(None)
    fd = libc.memfd_create(b"echo", flags)
    if fd < 0: continue
    os.write(fd, open("/bin/echo", "rb").read())
    os.set_inheritable(fd, True)
    loader = "/lib64/ld-linux-x86-64.so.2"
    if os.fork() == 0: os.execv(loader, [loader, f"/proc/self/fd/{fd}", "ran"])
    os.wait()
print("end")`;
  const flags = [KERNEL, "-R", "--allow-run=/usr"];
  const argv = jailArgv(flags, ["/usr/bin/python3", "-c", script]);
  assertEquals((await run(argv)).stdout, "end\n");
});

test("a jail held by the kernel does not keep a descriptor of a directory", async () => {
  const argv = jailArgv([KERNEL, "--keep-fd=7"], ["true"]);
  const quoted = argv.map((word) => `'${word}'`).join(" ");
  const ended = await run(["sh", "-c", `${quoted} 7</`]);
  assertEquals(ended.code, 125);
  assertMatch(ended.stderr, /^hint: leave out --keep-fd=7$/m);
});

test("a jail held by the kernel works in an empty directory where its own is closed", async () => {
  await using here = await place();
  const argv = jailArgv([KERNEL, "-p", "base", "--allow-run"], [
    ...["sh", "-c", "pwd; ls -a; ls $(dirname $PWD); touch new"],
  ]);
  const { stdout, stderr } = await run(argv, { cwd: here.path });
  const name = here.path.split("/").at(-1);
  assertEquals(stdout, `${here.path}\n.\n..\n${name}\n`);
  assertMatch(stderr, /Read-only file system/);
});

test("a jail held by the kernel works in /proc, among processes of its own", async () => {
  const argv = jailArgv([KERNEL], ["sh", "-c", "pwd; read word <osrelease"]);
  const { stdout, stderr } = await run(argv, { cwd: "/proc/sys/kernel" });
  assertEquals([stdout, stderr], ["/proc/sys/kernel\n", ""]);
  const outside = await run(argv, { cwd: "/proc/self" });
  assertMatch(outside.stderr, /Cannot work in "\/proc\/\d+"/);
});

test("a jail held by the kernel starts while files come and go that a wildcard closes", async () => {
  await using here = await place();
  const script = "n=0; while :; do n=$((n + 1)); mkdir $n; echo >$n/.key; " +
    "rm -r $n; sleep 0.004; done";
  const busy = new Deno.Command("sh", {
    ...{ args: ["-c", script], cwd: `${here.path}/out/deep` },
  }).spawn();
  try {
    for (let i = 0; i < 8; i++) {
      const argv = jailArgv([KERNEL, "-p", here.policy], ["echo", "ran"]);
      const { stdout, stderr } = await run(argv, { cwd: here.path });
      assertEquals([stdout, stderr], ["ran\n", ""]);
    }
  } finally {
    busy.kill();
    await busy.status;
  }
});

test("a directory that a wildcard closes is found wherever it is", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/a/b/.ssh`, { recursive: true });
  await Deno.writeTextFile(`${here.path}/a/b/.ssh/id`, "secret\n");
  for (const name of ["a", "a/b", "a/b/.ssh", "a/b/.ssh/id"]) {
    await Deno.chmod(`${here.path}/${name}`, 0o777);
  }
  const script = "cat a/b/.ssh/id; mv a/b/.ssh x; mv a c; cat c/b/.ssh/id x/id";
  const argv = jailArgv([KERNEL, "-p", "default", "-W=."], [
    "sh",
    "-c",
    script,
  ]);
  const { stdout, stderr } = await run(argv, { cwd: here.path });
  assertEquals(stdout, "");
  assertMatch(stderr, /busy/);
});

if (!Deno.env.has("JAIL_BINARY")) {
  test("a Jail held by the kernel runs a command, and tells of its end", async () => {
    await using here = await place();
    const jail = new Jail(["default"]);
    const { code, stdout } = await jail.command("cat", {
      ...{ args: ["open"], cwd: here.path, engine: "kernel" },
    }).output();
    assertEquals([code, new TextDecoder().decode(stdout)], [0, "open\n"]);
    await using child = jail.command("sleep", {
      ...{ args: ["60"], cwd: here.path, engine: "kernel" },
    }).spawn();
    assert(await child.pid);
    child.kill("SIGKILL");
    assertEquals((await child.status).signal, "SIGKILL");
  });

  test("a thread of a jail held by the kernel opens what it may, and nothing else", async () => {
    await using here = await place();
    const argv = jailArgv(
      [KERNEL, "-p", here.policy, `-R=${fixture("try_call")}`],
      [fixture("try_call"), "threads", `open-read=${here.path}/open`],
    );
    assertEquals((await run(argv, { cwd: here.path })).stderr, "");
  });
}

test("a jail held by the kernel starts where a rule leads through a link of /proc", async () => {
  const { stdout, stderr } = await inside("cat /dev/fd/0 <open", [
    "--allow-read=/dev/fd",
  ]);
  assertEquals([stdout, stderr], ["open\n", ""]);
});
