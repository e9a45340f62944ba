/** What a refused call looks like to the program, on the terminal and in the log. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { SYSCALLS } from "../src/abi/syscalls.ts";
import { ENGINES, fixture, jail, run } from "./harness.ts";
import { jailCommand, scratch } from "./jail.ts";
import { needs } from "./needs.ts";

interface RefusalCase {
  readonly what: string;
  /** What stands in the policy below `extends: allow-all`. */
  readonly policy: string;
  readonly argv: readonly string[];
  readonly stdout: string;
  readonly code?: number;
  readonly signal?: Deno.Signal;
}

/** The fixture that makes one call by its number. */
function call(
  name: keyof typeof SYSCALLS,
  ...args: readonly string[]
): string[] {
  return [fixture("make_call"), String(SYSCALLS[name].x86_64), ...args];
}

function hasFull(): boolean {
  try {
    return Deno.lstatSync("/dev/full").isCharDevice === true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function refusals(): RefusalCase[] {
  const open = call("openat", "0", "/etc/hostname", "0");
  return [
    {
      what: "the errno that a rule for a path says",
      policy: "read: {deny: [{path: /etc/hostname, errno: EIO}]}",
      argv: open,
      stdout: "EIO\n",
    },
    {
      what:
        "ENOENT where a file changes places with none, wherever that would be",
      policy: "read: {deny: [/usr/lib/os-release]}",
      argv: call("renameat2", "-100", "/usr/lib", "-100", "/usr/none", "2"),
      stdout: "ENOENT\n",
    },
    {
      what: "EACCES where a rule for a path says nothing",
      policy: "read: {deny: [/etc/hostname]}",
      argv: open,
      stdout: "EACCES\n",
    },
    {
      what: "the end of the jail for a path",
      policy: "read: {deny: [{path: /etc/hostname, kill: true}]}",
      argv: ["sh", "-c", 'trap "" SYS; "$@"; echo survived', "sh", ...open],
      stdout: "",
      code: 159,
      signal: "SIGSYS",
    },
    {
      what: "a signal for a path",
      policy: "read: {deny: [{path: /etc/hostname, signal: SIGUSR1}]}",
      argv: ["sh", "-c", '"$@"; echo $?', "sh", ...open],
      stdout: "138\n",
    },
    {
      what: "a faked return value for a path",
      policy: "read: {deny: [{path: /etc/hostname, return: 77}]}",
      argv: open,
      stdout: "77\n",
    },
    {
      what: "the errno that a rule for a call says",
      policy: "calls: {deny: {getpgid: ENOTUNIQ}}",
      argv: call("getpgid", "0"),
      stdout: "ENOTUNIQ\n",
    },
    {
      what: "the end of the jail for a call",
      policy: "calls: {kill: [getpgid]}",
      argv: ["sh", "-c", '"$@"; echo survived', "sh", ...call("getpgid", "0")],
      stdout: "",
      code: 159,
      signal: "SIGSYS",
    },
    {
      what: "a signal for a call",
      policy: "calls: {signal: {getpgid: SIGUSR2}}",
      argv: ["sh", "-c", '"$@"; echo $?', "sh", ...call("getpgid", "0")],
      stdout: "140\n",
    },
    {
      what: "a faked return value for a call",
      policy: "calls: {return: {getpgid: 4242, sync: 0}}",
      argv: call("getpgid", "0"),
      stdout: "4242\n",
    },
    {
      what: "a refusal of a whole group",
      policy: "calls: {deny: ['@net']}",
      argv: call("socket", "1", "1", "0"),
      stdout: "EPERM\n",
    },
  ];
}

for (const engine of ENGINES) {
  for (const one of refusals()) {
    Deno.test(`jail (${engine}) gives ${one.what}`, async () => {
      const policy = `extends: allow-all\n${one.policy}\n`;
      const ended = await jail(policy, one.argv, { engine });
      assertEquals(
        [ended.stdout, ended.code, ended.signal],
        [one.stdout, one.code ?? 0, one.signal ?? null],
        ended.stderr,
      );
    });
  }

  Deno.test(`jail (${engine}) --on-deny=kill ends at a file, and lets a call by number fail, as jail plan says`, async () => {
    const policy = "extends: allow-all\nnet: false\ncalls: {deny: [sync]}\n";
    await using directory = await scratch();
    const file = await directory.file("p.yaml", policy);
    const flags = ["-p", file, "--deny-read=/etc/hostname", "--on-deny=kill"];
    const numbers = [
      call("socket", "2", "1", "0"),
      call("ptrace", "0", "0", "0", "0"),
      call("sync"),
    ];
    for (const argv of numbers) {
      const { code, stdout } = await jail(flags, argv, { engine });
      assertEquals([code, /^E[A-Z]+\n$/.test(stdout)], [0, true], stdout);
    }
    const argv = call("openat", "0", "/etc/hostname", "0");
    const ended = await jail(flags, argv, { engine });
    assertEquals([ended.code, ended.stdout], [159, ""]);
    const plan = await run([...jailCommand(), "plan", ...flags]);
    assertMatch(
      plan.stdout,
      /^kill {6}a file, .*; what is refused by its number or its flags fails/m,
    );
  });

  Deno.test(`jail (${engine}) --audit says which rule ended the jail`, async () => {
    await using directory = await scratch();
    const policy = "extends: allow-all\ncalls: {kill: [getpgid]}\n";
    const file = await directory.file("p.yaml", policy);
    const log = `${directory.path}/log`;
    const flags = ["-p", file, `--audit=${log}`];
    const ended = await jail(flags, call("getpgid", "0"), { engine });
    assertEquals(
      ended.stderr,
      `jail: ended by the policy: getpgid(0)\n  ${file}:2  kill: getpgid\n`,
    );
    const lines = (await Deno.readTextFile(log)).trimEnd().split("\n");
    const { end, text, rule } = JSON.parse(lines.at(-1) ?? "");
    assertEquals([end, text, rule.line], ["policy", "getpgid(0)", 2]);
  });

  Deno.test(`jail (${engine}) gives what default says where no rule allows`, async () => {
    const { stdout } = await jail(
      "extends: default\ndefault: EOVERFLOW\n",
      call("openat", "0", "/home", "0"),
      { engine },
    );
    assertEquals(stdout, "EOVERFLOW\n");
  });

  Deno.test(`jail (${engine}) says EBADF of a descriptor that is not open, and reports nothing`, async () => {
    const policy = `extends: default
read: [${fixture("make_call")}]
run: [${fixture("make_call")}]
`;
    await using directory = await scratch();
    const file = await directory.file("p.yaml", policy);
    const calls = [
      call("utimensat", "99", "0", "0", "0"),
      call("execveat", "99", "", "0", "0", "0x1000"),
      call("fchownat", "99", "", "0", "0", "0x1000"),
      call("utimensat", "-1", "", "0", "0x1000"),
      call("fchmod", "99", "0600"),
    ];
    for (const argv of calls) {
      const ended = await jail(["-p", file, "--report"], argv, { engine });
      assertEquals([ended.stdout, ended.stderr], ["EBADF\n", ""]);
    }
  });

  Deno.test(`jail (${engine}) --report shows a refused call and its rule`, async () => {
    const policy = `extends: allow-all
read:
  deny:
    - /etc/hostname
calls:
  deny: [getpgid]
`;
    const script = '"$0" 257 0 /etc/hostname 0; "$0" 121 0; "$0" 121 0';
    await using directory = await scratch();
    const file = await directory.file("p.yaml", policy);
    const argv = ["sh", "-c", script, fixture("make_call")];
    const ended = await jail(["-p", file, "--report"], argv, { engine });
    assertEquals(ended.stdout, "EACCES\nEPERM\nEPERM\n");
    assertEquals(
      ended.stderr,
      `\
jail: denied openat(0, "/etc/hostname", O_RDONLY) with EACCES
  ${file}:4  deny: /etc/hostname
jail: denied getpgid(0) with EPERM
  ${file}:6  deny: getpgid
jail: denied getpgid(0) with EPERM, 2 times in all
`,
    );
  });

  Deno.test(`jail (${engine}) --report shows a call once, wherever in memory its struct lies`, async () => {
    const look = 'import os; os.stat("/etc/hostname")'; // at another place in each process
    const script = `for i in 1 2 3; do python3 -c '${look}' 2>&-; done; true`;
    const flags = ["-p", "default", "--deny-read=/etc/hostname", "--report"];
    const ended = await jail(flags, ["sh", "-c", script], { engine });
    const said = ended.stderr.split("\n").filter((line) =>
      line.includes("hostname")
    );
    assertEquals(said, [
      'jail: denied newfstatat("/etc/hostname", …, 0) with EACCES',
      "  --deny-read=/etc/hostname",
      'jail: denied newfstatat("/etc/hostname", …, 0) with EACCES, 3 times in all',
    ]);
  });

  Deno.test(`jail (${engine}) --report names the flag that would allow what no rule speaks of`, async () => {
    const script = 'echo >/none; cat /root/none; "$0" 41 2 1 0'; // socket
    const argv = ["sh", "-c", script, fixture("make_call")];
    const flags = ["--report", "-R=/usr,/lib", "--allow-run"];
    const { stderr } = await jail(flags, argv, { engine });
    const rules = stderr.split("\n").filter((line) => line.startsWith("  "));
    assertEquals(rules.map((line) => line.replace(/:\d+/, "")), [
      "  jail  no rule allows it; --allow-write would",
      "  jail  no rule allows it; --allow-read would",
      "  jail  no rule of net allows it (--allow-net=HOST, or unix:PATH)",
    ]);
  });

  Deno.test(`jail (${engine}) --report shows the rule of a call that needs no look`, async () => {
    const policy = `extends: allow-all
calls:
  deny: [alarm]
  return: {umask: 18}
default: EOVERFLOW
limits:
  written: 1MB
`;
    const script = '"$0" 37 0; "$0" 95 0; "$0" 163 0; "$0" 285 1 0 0 9'; // acct, fallocate
    await using directory = await scratch();
    const file = await directory.file("p.yaml", policy);
    const argv = ["sh", "-c", script, fixture("make_call")];
    const ended = await jail(["-p", file, "--report"], argv, { engine });
    assertEquals(ended.stdout, "EOVERFLOW\n18\nEOVERFLOW\nEOPNOTSUPP\n");
    assertEquals(
      ended.stderr,
      `\
jail: denied alarm(0) with EOVERFLOW
  ${file}:3  deny: alarm
jail: denied umask(00) and returned 18
  ${file}:4  umask: umask
jail: denied acct(NULL) with EOVERFLOW
  ${file}:5  default: EOVERFLOW
jail: denied fallocate(1, 0, 0, 0x9) with EOPNOTSUPP
  ${file}:7  written: 1MB
`,
    );
  });

  Deno.test(`jail (${engine}) --report says how a policy allows a call that it could`, async () => {
    const script = '"$0" 29 0 4096 384; "$0" 163 0; "$0" 165 0'; // shmget, acct, mount
    const argv = ["sh", "-c", script, fixture("make_call")];
    const { stderr } = await jail(["-A", "--report"], argv, { engine });
    assertEquals(
      stderr,
      `\
jail: denied shmget(0, 4096, 384) with ENOSYS
  jail  it reaches what the whole machine shares, unless calls: {allow: [shmget]}
jail: denied acct(NULL) with EPERM
  jail  it is forbidden, unless calls: {allow: [acct]}
jail: denied mount(NULL, NULL, NULL, 0, 0) with EPERM
  jail  it is forbidden
`,
    );
  });

  Deno.test(`jail (${engine}) --audit tells of each decision`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    await directory.file("seen.txt", "text");
    await Deno.symlink("seen.txt", `${path}/link`);
    await directory.file(
      "p.yaml",
      `extends: allow-all\nread:\n  deny: ["${path}/hidden"]\n`,
    );
    const before = new Date().toISOString();
    const ended = await jail(
      ["-p", "./p.yaml", `--audit=${path}/log`],
      ["sh", "-c", "cat link; cat hidden; exit 3"],
      { engine, cwd: path },
    );
    assertEquals([ended.stdout, ended.code], ["text", 3]);
    const lines = (await Deno.readTextFile(`${path}/log`)).trimEnd().split(
      "\n",
    );
    const records = lines.map((line) => JSON.parse(line));
    for (const record of records) {
      assert(record.time >= before && record.pid > 0 && record.tid > 0);
    }
    const opened = records.findLast(({ uses }) =>
      uses[0]?.path === `${path}/seen.txt`
    );
    assertMatch(opened.text, /^openat\("link", O_RDONLY/);
    assertMatch(opened.program, /\/cat$/);
    assertEquals([opened.decision, opened.uses], ["allow", [
      { access: "read", path: `${path}/seen.txt`, kind: "file" },
    ]]);
    const refused = records.findLast(({ decision }) => decision === "refuse");
    assertEquals(refused.refusal, { kind: "errno", errno: "EACCES" });
    assertEquals(
      [refused.rule.line, refused.rule.keys, refused.rule.text],
      [3, ["read", "deny", 0], `${path}/hidden`],
    );
    assert(
      records.some(({ call, uses }) =>
        call === "execve" &&
        uses.some((use: { access: string }) => use.access === "run")
      ),
    );
  });

  const full = hasFull();
  Deno.test({
    name: `jail (${engine}) ends when its log cannot be written${
      full ? "" : " (needs the device /dev/full)"
    }`,
    ignore: !full,
    fn: async () => {
      const ended = await jail(
        ["-A", "--audit=/dev/full"],
        ["sh", "-c", "cat /etc/hostname; echo went on"],
        { engine },
      );
      assertEquals([ended.stdout, ended.code], ["", 125]);
      assertMatch(ended.stderr, /^jail: Cannot write .*"\/dev\/full".*ENOSPC/);
    },
  });

  Deno.test(`jail (${engine}) keeps names in the log from forging a line`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    const name = 'x"}\n{"decision":"allow"}\x1b[31m\u202e';
    await jail(["-A", `--audit=${path}/log`], ["cat", name], {
      engine,
      cwd: path,
    });
    const text = await Deno.readTextFile(`${path}/log`);
    assertEquals(/[^\x20-\x7e\n…]/.exec(text), null);
    const records = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert(records.every(({ call, rule }) => call && rule));
    assert(records.some(({ uses }) => uses[0]?.path === `${path}/${name}`));
  });
}

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) --audit tells once of a call that waits for the calls of many other threads`, async () => {
    await using here = await scratch();
    const { path } = here;
    // These wait in the kernel, and more of them than there is room for at once.
    const open = `import os, threading, time
names = [f"{i}" + "x" * 200 for i in range(60)]
for name in names: os.mkfifo(name)
threads = [threading.Thread(target=os.open, args=(name, os.O_RDONLY)) for name in names]
for thread in threads: thread.start()
time.sleep(0.5)
for _ in range(10): os.chmod(names[0], 0o600)
os._exit(0)`;
    const flags = ["-A", `--audit=${path}/log`, `--cwd=${path}`];
    const argv = ["/usr/bin/python3", "-c", open];
    const { code, stderr } = await jail(flags, argv, { engine });
    assertEquals([code, stderr], [0, ""]);
    const log = await Deno.readTextFile(`${path}/log`);
    const told = log.match(/"path":"[^"]*\/\d+x{200}","kind":"fifo"/g) ?? [];
    assert(told.length > 10);
    // The one whose mode is changed is told of for that as well.
    assertEquals(told.length, new Set(told).size + 10);
  });

  Deno.test(`jail (${engine}) --audit tells of the path that was judged, and of no later one`, async () => {
    await using directory = await scratch();
    const log = await directory.file("log", "");
    const open = await directory.file("open-it", "");
    const closed = await directory.file("keep-it", "");
    const flags = ["-A", `--deny-read=${closed}`, `--audit=${log}`];
    const argv = [fixture("lie_about_path"), open, closed, "3000"];
    const { code, stderr } = await jail(flags, argv, { engine });
    assertEquals([code, stderr], [0, ""]);
    const records = (await Deno.readTextFile(log)).trimEnd().split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ text = "" }) => /(?:open|keep)-it/.test(text));
    const told = (decision: string): Set<string> =>
      new Set(
        records.filter((record) => record.decision === decision)
          .map(({ text }) => JSON.parse(/"[^"]*"/.exec(text)?.[0] ?? "")),
      );
    assertEquals(told("allow"), new Set([open]));
    assertEquals(told("refuse"), new Set([closed]));
  });

  Deno.test(`jail (${engine}) --audit tells where a link was made to lead, and of no other text`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    const log = await directory.file("log", "");
    const flags = ["-R", `-W=${path}`, "--allow-run", `--audit=${log}`];
    const argv = [
      fixture("lie_about_path"),
      "harmless",
      "/etc/xxx",
      "300",
      path,
    ];
    const { code, stderr } = await jail(flags, argv, { engine });
    assertEquals([code, stderr], [0, ""]);
    const wrong: string[] = [];
    for (const line of (await Deno.readTextFile(log)).trimEnd().split("\n")) {
      const { call, text, uses } = JSON.parse(line);
      if (call !== "symlink") continue;
      const target = await Deno.readLink(uses[0].path);
      if (!text.startsWith(`symlink("${target}", `)) wrong.push(text);
    }
    assertEquals(wrong, []);
  });
}

Deno.test("jail runs nothing under a policy with a mistake", async () => {
  await using directory = await scratch();
  const file = await directory.file(
    "p.yaml",
    "extends: default\nread:\n  alow: [/usr]\n",
  );
  const argv = ["touch", `${directory.path}/ran`];
  const ended = await jail(["-p", file], argv);
  assertEquals([ended.stdout, ended.code], ["", 125]);
  assertMatch(ended.stderr, /line 3, column 3/);
  assertMatch(ended.stderr, /^ +3 \| {3}alow: \[\/usr\]\n +\^\^\^\^\n/m);
  assertMatch(ended.stderr, /hint: did you mean "allow"\?/);
  assert(ended.stderr.split("\n").length < 12);
  assert(
    await Deno.stat(`${directory.path}/ran`).then(() => false, () => true),
  );
});

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) takes it for no refusal that a program signals what has ended`, async () => {
    const script = `
      sleep 300 & p=$!
      kill $p; wait $p
      kill $p; kill -s 0 -- -$p; kill -s 0 99999999; echo over`;
    const ended = await jail(["-A", "--report"], ["sh", "-c", script], {
      engine,
    });
    assertEquals([ended.stdout, ended.code], ["over\n", 0]);
    assert(!ended.stderr.includes("denied"), ended.stderr);

    const argv = ["sh", "-c", "kill -s 0 $PPID; echo over"];
    const outside = await jail(["-A", "--report"], argv, { engine });
    assertEquals([outside.stdout, outside.code], ["over\n", 0]);
    assertMatch(outside.stderr, /denied kill.* a process outside the jail/s);
  });
}

/** Names a child that has ended, beside a thread that works and without one. */
const ENDED = `import errno, os, signal, threading
over = threading.Event()
def work():
    while not over.is_set(): os.close(os.open("/dev/null", os.O_RDONLY))
def told(call, *args):
    try: call(*args)
    except OSError as error: return errno.errorcode[error.errno]
for beside in None, threading.Thread(target=work):
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os._exit(3)
    if beside: beside.start()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    print(*[told(call, *args) for call, *args in (
        (os.kill, pid, 0), (os.kill, pid, signal.SIGKILL), (os.killpg, pid, signal.SIGTERM),
        (os.pidfd_open, pid), (os.getpgid, pid), (os.getpriority, os.PRIO_PROCESS, pid),
        (os.kill, pid, 99))])
    other = os.fork()
    if other == 0: os._exit(told(os.kill, pid, 0) not in (None, "ESRCH"))
    print(os.waitpid(other, 0)[1], os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    print(told(os.kill, pid, 0), told(os.pidfd_open, pid), flush=True)
over.set()
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a program name a child that has ended until it waits for it`,
    ),
    async fn(): Promise<void> {
      const { stdout, stderr } = await jail(
        ["-A", "--report"],
        ["python3", "-W", "ignore", "-c", ENDED],
        { engine },
      );
      const each = "None None None None None None EINVAL\n0 3\nESRCH ESRCH\n";
      assertEquals(stdout, each + each);
      assert(!stderr.includes("denied"), stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) leads a program by the directory of a child that has ended, beside a thread`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const file = await directory.file("file", "");
      const code = `import os, threading
threading.Thread(target=lambda: threading.Event().wait(), daemon=True).start()
pid = os.fork()
if pid == 0: os._exit(0)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
os.chmod(f"/proc/{pid}/../..${file}", 0o600)
os.write(1, b"changed\\n")
os._exit(0)`;
      const { stdout, stderr } = await jail(
        ["-A"],
        ["python3", "-W", "ignore", "-c", code],
        { engine },
      );
      assertEquals(stdout, "changed\n", stderr);
    },
  });
}
