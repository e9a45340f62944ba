/** The library as an embedder meets it: policies in, programs run, results out. */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
  equal,
} from "@std/assert";
import {
  type Denial,
  Jail,
  type JailedProcess,
  type JailLimits,
  LaunchError,
  PolicyError,
  UnsupportedError,
  UsageError,
} from "../src/mod.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";

const ALL = new Jail("allow-all");

// What stays open for all jails is opened here, not in the first test.
await ALL.command("true").output();

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function say(line: string): void {
  Deno.stderr.writeSync(bytes(`${line}\n`));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function names(directory: string): string[] {
  return Array.from(Deno.readDirSync(directory), ({ name }) => name);
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

/** Waits for a process that is being killed. */
async function gone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100 && isRunning(pid); tries++) await sleep(20);
  return !isRunning(pid);
}

Deno.test("output() gives what the program wrote, and how it ended", async () => {
  const output = await new Jail().command("sh", {
    args: ["-c", 'echo "$1"; echo two >&2', "sh", "größe"],
  }).output();
  assertEquals(output, {
    success: true,
    code: 0,
    signal: null,
    outcome: { kind: "exited", code: 0 },
    denials: output.denials,
    denied: output.denied,
    usage: output.usage,
    stdout: bytes("größe\n"),
    stderr: bytes("two\n"),
  });
});

Deno.test("output() gives the program no input unless it is asked to", async () => {
  const { stdout } = await ALL.command("wc", { args: ["-c"] }).output();
  assertEquals(text(stdout), "0\n");
});

Deno.test("a program that fails is a result, not an exception", async () => {
  const { success, code, signal } = await ALL.command("sh", {
    args: ["-c", "exit 3"],
  }).output();
  assertEquals({ success, code, signal }, {
    success: false,
    code: 3,
    signal: null,
  });
});

Deno.test("a signal that ends the program is named", async () => {
  const { success, code, signal, outcome } = await ALL.command("sh", {
    args: ["-c", "kill -USR1 $$"],
  }).output();
  assertEquals([success, code, signal], [false, 138, "SIGUSR1"]);
  assertEquals(outcome, { kind: "signaled", signal: 10 });
});

Deno.test("a real-time signal is in the outcome", async () => {
  const { code, signal, outcome } = await ALL.command("sh", {
    args: ["-c", "kill -40 $$"],
  }).output();
  assertEquals([code, signal], [168, null]);
  assertEquals(outcome, { kind: "signaled", signal: 40 });
});

Deno.test("output() gives the same when it is asked again", async () => {
  const process = ALL.command("echo", { stdout: "piped", args: ["x"] }).spawn();
  const [first, second] = await Promise.all([
    process.output(),
    process.output(),
  ]);
  const third = await process.output();
  assertEquals([first, second, third].map(({ stdout }) => text(stdout)), [
    ...["x\n", "x\n", "x\n"],
  ]);
});

Deno.test("what a program writes can be had as Deno.Command gives it", async () => {
  await using process = ALL.command("sh", {
    args: ["-c", "echo '[1, \"é\"]'; printf x >&2"],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  assertEquals(await process.stdout.json(), [1, "é"]);
  assertEquals(await process.stderr.text(), "x");
});

Deno.test("a command holds to its options, whoever changes them", async () => {
  const options = { args: ["/etc/shadow"], onDeny: "kill" as const };
  const command = new Jail("default").command("cat", options);
  Object.assign(options, { onDeny: "errno", stdout: "pipe" });
  const { outcome } = await command.output();
  assertEquals(outcome.kind, "killed-by-policy");
});

Deno.test("spawn() streams input and output", async () => {
  await using process = ALL.command("tr", {
    args: ["a-z", "A-Z"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(bytes("hello "));
  await writer.write(bytes("world"));
  await writer.close();
  const parts: string[] = [];
  const decoded = process.stdout.pipeThrough(new TextDecoderStream());
  for await (const part of decoded) parts.push(part);
  assertEquals(parts.join(""), "HELLO WORLD");
  assertEquals((await process.status).success, true);
});

Deno.test("a reply is read before the next line is written", async () => {
  await using process = ALL.command("cat", {
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  const reader = process.stdout.getReader();
  for (const word of ["one", "two", "three"]) {
    await writer.write(bytes(word));
    assertEquals(text((await reader.read()).value as Uint8Array), word);
  }
  await writer.close();
  assertEquals((await reader.read()).done, true);
});

Deno.test("a stream fills a buffer of its reader", async () => {
  await using process = ALL.command("echo", {
    args: ["hello"],
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader({ mode: "byob" });
  const { value } = await reader.read(new Uint8Array(4));
  assertEquals(text(value as Uint8Array), "hell");
  const rest = await reader.read(new Uint8Array(40));
  assertEquals(text(rest.value as Uint8Array), "o\n");
  assertEquals((await reader.read(new Uint8Array(4))).done, true);
});

Deno.test("100 MB of binary data come through, and timers go on", async () => {
  const size = 100e6;
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  await using process = ALL.command("sh", {
    args: ["-c", `head -c ${size} | tee /dev/stderr`],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const block = Uint8Array.from({ length: 1 << 16 }, (_, i) => i * 7);
  async function write(): Promise<void> {
    const writer = process.stdin.getWriter();
    for (let done = 0; done < size; done += block.length) {
      await writer.write(block.subarray(0, size - done));
    }
    await writer.close();
  }
  async function read(
    stream: ReadableStream<Uint8Array>,
  ): Promise<readonly [number, number]> {
    let length = 0;
    let wrong = 0;
    for await (const chunk of stream) {
      for (const byte of chunk) {
        if (byte !== block[length++ & 0xffff]) wrong++;
      }
    }
    return [length, wrong];
  }
  const results = await Promise.all([
    read(process.stdout),
    read(process.stderr),
    write(),
  ]);
  clearInterval(timer);
  assertEquals(results.slice(0, 2), [[size, 0], [size, 0]]);
  assert(ticks > 10, `${ticks} ticks`);
});

Deno.test("a stream reads no more than is asked for", async () => {
  await using directory = await scratch();
  await using process = ALL.command("sh", {
    args: ["-c", "head -c 1000000 /dev/zero; echo done > x"],
    cwd: directory.path,
    stdout: "piped",
  }).spawn();
  await process.pid;
  await sleep(300);
  assertEquals(names(directory.path), []);
  assertEquals((await process.output()).stdout.length, 1_000_000);
  assertEquals(names(directory.path), ["x"]);
});

Deno.test("cancelling a stream closes the pipe, even while it is read", async () => {
  await using process = ALL.command("sh", {
    args: ["-c", "read line; echo x"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  const pending = reader.read();
  await process.pid;
  await reader.cancel();
  assertEquals((await pending).done, true);
  const writer = process.stdin.getWriter();
  await writer.write(bytes("\n"));
  assertEquals((await process.status).signal, "SIGPIPE");
});

Deno.test("writing to a program that reads no more fails", async () => {
  await using process = ALL.command("true", { stdin: "piped" }).spawn();
  await process.status;
  const writer = process.stdin.getWriter();
  await assertRejects(
    () => writer.write(bytes("x")),
    Deno.errors.BrokenPipe,
    "the program reads it no more",
  );
});

Deno.test("a write that waits fails when the program ends", async () => {
  await using process = ALL.command("sleep", {
    args: ["0.2"],
    stdin: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await assertRejects(
    () => writer.write(new Uint8Array(1_000_000)),
    Deno.errors.BrokenPipe,
  );
});

Deno.test("what was not read is there after the end", async () => {
  await using process = ALL.command("echo", {
    args: ["late"],
    stdout: "piped",
  }).spawn();
  await process.status;
  assertEquals(text((await process.output()).stdout), "late\n");
});

Deno.test("the program sees pipes, and nothing where it is told so", async () => {
  const { stdout } = await ALL.command("sh", {
    args: ["-c", "readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2"],
    stderr: "null",
  }).output();
  assertMatch(
    text(stdout),
    /^\/dev\/null\npipe:\[\d+\]\n\/dev\/null\n$/,
  );
});

Deno.test("streams that are not piped cannot be had", async () => {
  await using process = ALL.command("true", { stdin: "null" }).spawn();
  assertThrows(() => process.stdin, TypeError, 'Cannot get "stdin"');
  assertThrows(() => process.stdout, TypeError, 'Cannot get "stdout"');
  assertThrows(() => process.stderr, TypeError, 'Cannot get "stderr"');
  await assertRejects(
    () => ALL.command("true", { stdin: "piped" }).output(),
    TypeError,
    'Cannot pipe "stdin" for output()',
  );
});

Deno.test("kill() ends the program, and so the jail", async () => {
  await using process = ALL.command("sh", {
    args: ["-c", "sleep 300 & echo $!; exec sleep 300"],
    stdout: "piped",
  }).spawn();
  const pid = await process.pid as number;
  const { value } = await process.stdout.getReader().read();
  const other = Number(text(value as Uint8Array));
  assertEquals([isRunning(pid), isRunning(other)], [true, true]);
  process.kill();
  const { success, code, signal } = await process.status;
  assertEquals([success, code, signal], [false, 143, "SIGTERM"]);
  assertEquals([isRunning(pid), isRunning(other)], [false, false]);
  assertThrows(() => process.kill(), TypeError, "the program is gone");
});

Deno.test("kill() works before the program runs", async () => {
  const process = ALL.command("sleep", { args: ["300"] }).spawn();
  process.kill("SIGINT");
  assertEquals((await process.status).signal, "SIGINT");
});

Deno.test("kill() sends no signal that is none, and the program goes on", async () => {
  const process = ALL.command("sleep", { args: ["300"] }).spawn();
  for (const name of ["SIGNONE", "toString", "__proto__", "9"]) {
    assertThrows(
      () => process.kill(name as "SIGTERM"),
      TypeError,
      "there is no such signal",
    );
  }
  process.kill("SIGINT");
  assertEquals((await process.status).signal, "SIGINT");
});

Deno.test("a limit ends the jail, and the outcome says which", async () => {
  const start = performance.now();
  const { success, code, signal, outcome } = await ALL.command("sleep", {
    args: ["1000"],
    limits: { time: 300 },
  }).output();
  assertEquals([success, code, signal], [false, 124, null]);
  if (outcome.kind !== "limited") throw new Error(outcome.kind);
  assertEquals([outcome.limit, outcome.most], ["time", 300]);
  assertEquals(outcome.rule.text, "time: 300");
  assert(outcome.used >= 300);
  assert(performance.now() - start < 30_000);
});

Deno.test("usage says what was used from the start to the end", async () => {
  const command = "sleep 0.2; cat /proc/nothing 2>/dev/null; exit 3";
  const { code, denied, usage } = await new Jail("default").command("sh", {
    args: ["-c", command],
  }).output();
  assertEquals(code, 3);
  const { wall, cpu, memory = 0, processes, tasks, stops, denials } = usage;
  assert(wall >= 200, `${wall}`);
  assert(cpu > 0 && cpu < wall, `${cpu}`);
  assert(memory > 2 ** 16 && memory < 2 ** 30, `${memory}`);
  assertEquals([processes, tasks], [3, 2]);
  assert(stops > 10, `${stops}`);
  assert(denied > 0);
  assertEquals(denials, denied);
});

Deno.test("limits that make no sense are refused", () => {
  const wrong: readonly [JailLimits, string][] = [
    [{ time: "30" }, 'Cannot limit "time": a duration is expected'],
    [{ "open-files": 1.5 }, 'Cannot limit "open-files": a whole number'],
    [{ tiem: 1 } as JailLimits, 'the limit "tiem": did you mean "time"?'],
    [new Map([["time", "1s"]]) as JailLimits, "a plain object is expected"],
  ];
  for (const [limits, message] of wrong) {
    const command = ALL.command("true", { limits });
    assertThrows(() => command.spawn(), TypeError, message);
  }
});

Deno.test("a signal ends the jail when it is aborted", async () => {
  const start = performance.now();
  const { signal, outcome } = await ALL.command("sh", {
    args: ["-c", "trap '' TERM INT; sleep 300; echo on"],
    signal: AbortSignal.timeout(300),
  }).output();
  assertEquals(signal, "SIGKILL");
  assertEquals(outcome, { kind: "signaled", signal: 9 });
  assert(performance.now() - start < 5000);
});

Deno.test("nothing runs for a signal that is aborted already", async () => {
  await using directory = await scratch();
  const process = ALL.command("touch", {
    args: [`${directory.path}/x`],
    signal: AbortSignal.abort(),
  }).spawn();
  assertEquals((await process.status).signal, "SIGKILL");
  assertEquals(await process.pid, undefined);
  assertEquals(names(directory.path), []);
});

Deno.test("await using ends a jail", async () => {
  let pid: number | undefined;
  {
    await using process = ALL.command("sleep", { args: ["300"] }).spawn();
    pid = await process.pid;
    assert(isRunning(pid as number));
  }
  assertEquals(isRunning(pid as number), false);
});

Deno.test("whoever reads a jail that is disposed of comes to an end", async () => {
  const process = ALL.command("sleep", {
    ...{ args: ["300"], stdout: "piped", stderr: "piped" },
  }).spawn();
  const reading = process.stderr.getReader().read();
  await process[Symbol.asyncDispose]();
  assertEquals((await reading).done, true);
  assertEquals((await process.stdout.getReader().read()).done, true);
});

Deno.test("whoever reads a jail comes to its end, though somebody outside has its output", async () => {
  await using directory = await scratch();
  const path = `${directory.path}/socket`;
  // It takes what it is sent, and never looks at it.
  using _listener = Deno.listen({ transport: "unix", path });
  const program = `
import array, socket, sys
other = socket.socket(socket.AF_UNIX)
other.connect(sys.argv[1])
sent = array.array("i", [1, 2])
other.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, sent)])
print("sent")
`;
  await using process = ALL.command("python3", {
    ...{ args: ["-c", program, path], stdout: "piped", stderr: "piped" },
  }).spawn();
  const output = process.output();
  await process.status;
  const late = sleep(3000).then(() => {
    throw new Error("the output is waited for for ever");
  });
  const { code, stdout, stderr } = await Promise.race([output, late]);
  assertEquals([text(stderr), code, text(stdout)], ["", 0, "sent\n"]);
});

Deno.test("cwd, env and clearEnv are as with Deno.Command", async () => {
  await using directory = await scratch();
  Deno.env.set("JAIL_TEST_OUTER", "1");
  try {
    const outer = await ALL.command("sh", {
      args: ["-c", 'pwd; echo "$JAIL_TEST_OUTER $JAIL_TEST_INNER"'],
      cwd: directory.path,
      env: { JAIL_TEST_INNER: "ü" },
    }).output();
    assertEquals(text(outer.stdout), `${directory.path}\n1 ü\n`);
    const clear = await ALL.command("env", {
      env: { A: "1" },
      clearEnv: true,
    }).output();
    assertEquals(text(clear.stdout), "A=1\n");
  } finally {
    Deno.env.delete("JAIL_TEST_OUTER");
  }
});

Deno.test("a relative cwd and a file URL are understood", async () => {
  const { stdout } = await ALL.command(new URL("file:///bin/pwd"), {
    cwd: "src/../tests",
  }).output();
  assertEquals(text(stdout), `${Deno.cwd()}/tests\n`);
});

const WORDS: readonly (readonly [given: unknown, text: string])[] = [
  [{ args: ["a\0b"] }, "it has a NUL in it"],
  [{ args: "a b" }, "Cannot use args: it is no list"],
  [{ args: [1] }, "Cannot pass 1: it is no text"],
  [{ env: { "A=B": "1" } }, 'Cannot name an environment variable "A=B"'],
  [{ env: { A: undefined } }, "Cannot pass undefined: it is no text"],
  [{ cwd: null }, 'Cannot use "null": it is no file'],
  [{ root: "" }, "an empty path for a directory"],
];

Deno.test("no word that a program cannot be given is made one", () => {
  for (const [given, text] of WORDS) {
    const command = ALL.command("true", given as never);
    assertThrows(() => command.spawn(), TypeError, text);
  }
});

Deno.test("denials say what was refused, and by which rule", async () => {
  await using directory = await scratch();
  const policy = await directory.file(
    "x.yaml",
    "extends: default\nread:\n  deny:\n    - /etc/hostname\n",
  );
  const output = await new Jail(policy).command("sh", {
    args: ["-c", "exec 2>/dev/null; cat /etc/hostname; cat /etc/hostname"],
  }).output();
  const denials = output.denials.filter(({ use }) =>
    use?.path === "/etc/hostname"
  );
  assertEquals(denials.length, 1);
  assert(output.denied >= 2);
  const denial = denials[0] as Denial;
  assert(Math.abs(denial.time - Date.now()) < 60_000);
  assertEquals([denial.pid > 1, denial.tid], [true, denial.pid]);
  assertEquals({ ...denial, time: 0, pid: 0, tid: 0 }, {
    time: 0,
    pid: 0,
    tid: 0,
    program: denial.program,
    call: "openat",
    text: 'openat("/etc/hostname", O_RDONLY)',
    uses: [{ access: "read", path: "/etc/hostname", kind: "file" }],
    use: { access: "read", path: "/etc/hostname", kind: "file" },
    refusal: { kind: "errno", errno: "EACCES" },
    errno: "EACCES",
    rule: {
      source: policy,
      text: "/etc/hostname",
      position: { file: policy, line: 4, column: 7 },
    },
  });
  assertStringIncludes(denial.program, "/cat");
});

Deno.test("denials are there while the program runs", async () => {
  await using process = new Jail().command("sh", {
    args: ["-c", "cat /etc/shadow; echo; sleep 300"],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await process.stdout.getReader().read();
  // The shell may have been refused something before, and it comes later.
  const find = (): Denial | undefined =>
    process.denials.find(({ use }) => use?.path === "/etc/shadow");
  while (find() === undefined) await sleep(5);
  assertEquals(find()?.errno, "EACCES");
  assertEquals(find()?.rule.source, "base");
});

Deno.test("a program cannot fill memory with denials", async () => {
  const { denials, denied, success } = await new Jail().command("sh", {
    args: ["-c", "for i in $(seq 1500); do [ -e /root/$i ]; done; :"],
  }).output();
  assertEquals(success, true);
  assertEquals(denials.length, 1000);
  assert(denied >= 1500, `${denied}`);
});

Deno.test("onDeny: kill ends the jail at the first refusal", async () => {
  const { success, code, signal, outcome } = await new Jail().command("sh", {
    args: ["-c", "cat < /etc/shadow; sleep 300"],
    onDeny: "kill",
  }).output();
  assertEquals([success, code, signal], [false, 159, "SIGSYS"]);
  assertEquals(outcome.kind, "killed-by-policy");
  if (outcome.kind !== "killed-by-policy") return;
  const { call, program, rule } = outcome;
  assertEquals(call, 'openat("/etc/shadow", O_RDONLY)');
  assertStringIncludes(program, "/");
  assertEquals([rule.source, rule.text], ["base", "/etc/shadow"]);
});

for (const engine of ["seccomp", "ptrace"] as const) {
  Deno.test(`a jail runs with engine ${engine}`, async () => {
    const { stdout, denials } = await new Jail().command("sh", {
      args: ["-c", "cat /etc/shadow || echo $?"],
      engine,
    }).output();
    assertEquals(text(stdout), "1\n");
    assert(denials.some(({ use }) => use?.path === "/etc/shadow"));
  });
}

for (
  const [policy, said, name] of [
    ["build", { write: false }, "allow-write"],
    ["default", { run: { allow: false } }, "allow-run"],
    ["base", { env: false }, "allow-env"],
    ["allow-all", { net: false, read: { deny: true } }, "allow-net"],
  ] as const
) {
  Deno.test(`false for ${name} is no permission that seems to take back what "${policy}" allows`, async () => {
    await assertRejects(
      () => new Jail(policy, said).command("true").output(),
      UsageError,
      `Cannot use ${name}: false takes nothing back`,
    );
  });
}

Deno.test("permissions in Deno's form hold", async () => {
  await using directory = await scratch();
  await directory.file("in.txt", "b\na\n");
  await directory.file("secret.txt", "x");
  const jail = new Jail("minimal", {
    read: [new URL(`file://${directory.path}/in.txt`)],
    write: [`${directory.path}/out`],
    run: { allow: ["sort", "cat"], ignore: [] },
    env: ["LC_ALL"],
    net: false,
  });
  await Deno.mkdir(`${directory.path}/out`);
  const options = { cwd: directory.path, env: { LC_ALL: "C" } };
  const sorted = await jail.command("sort", {
    ...options,
    args: ["-o", "out/x", "in.txt"],
  }).output();
  assertEquals([text(sorted.stderr), sorted.code], ["", 0]);
  assertEquals(
    await Deno.readTextFile(`${directory.path}/out/x`),
    "a\nb\n",
  );
  const refused = await jail.command("cat", {
    ...options,
    args: ["secret.txt"],
  }).output();
  assertStringIncludes(text(refused.stderr), "Permission denied");
});

Deno.test("permissions that allow nothing are not the default policy", async () => {
  const { code, denials } = await new Jail({ read: [] })
    .command("cat", { args: ["/etc/hostname"] }).output();
  assertEquals([code, denials[0]?.text], [
    1,
    'openat("/etc/hostname", O_RDONLY)',
  ]);
});

Deno.test("several policies add up", async () => {
  await using directory = await scratch();
  await directory.file("x.txt", "x\n");
  const policy = await directory.file("x.yaml", 'read: ["${policy-dir}"]\n');
  const { stdout } = await new Jail(["default", new URL(`file://${policy}`)])
    .command("cat", { args: [`${directory.path}/x.txt`] }).output();
  assertEquals(text(stdout), "x\n");
});

Deno.test("a program that is not there is a LaunchError", async () => {
  const error = await assertRejects(() =>
    new Jail().command("no-such-program").output()
  );
  assertInstanceOf(error, LaunchError);
  assertEquals(error.name, "LaunchError");
  assertEquals(
    error.message,
    'Cannot start "no-such-program": execve failed with ENOENT',
  );
  assertEquals([error.errno, error.exitCode], ["ENOENT", 127]);
  assertStringIncludes(error.hint ?? "", "PATH");
});

Deno.test("a working directory that is not there is a LaunchError", async () => {
  const error = await assertRejects(() =>
    ALL.command("/bin/true", { cwd: "/no such directory" }).output()
  );
  assertInstanceOf(error, LaunchError);
  assertEquals([error.call, error.errno], ["chdir", "ENOENT"]);
  assertStringIncludes(error.hint ?? "", "working directory");
});

Deno.test("a policy with a mistake is a PolicyError, and nothing runs", async () => {
  await using directory = await scratch();
  const policy = await directory.file("x.yaml", "read: [/usr]\nwirte: [/]\n");
  const process = new Jail(policy).command("touch", {
    args: [`${directory.path}/y`],
    stdout: "piped",
  }).spawn();
  // Whoever reads the output first learns of it there.
  await assertRejects(() => process.stdout.getReader().read(), PolicyError);
  const error = await assertRejects(() => process.status);
  assertInstanceOf(error, PolicyError);
  assertInstanceOf(error, SyntaxError);
  assertEquals(error.position, { file: policy, line: 2, column: 1 });
  assertEquals([error.snippet, error.length], ["wirte: [/]", 5]);
  assertStringIncludes(error.message, `Cannot read policy "${policy}"`);
  assertStringIncludes(error.hint ?? "", '"write"');
  assertEquals(await process.pid, undefined);
  assertEquals(names(directory.path), ["x.yaml"]);
});

const WRONG = [
  {
    policy: "no-such",
    type: PolicyError,
    text: 'Cannot find policy "no-such"',
  },
  { policy: "./no.yaml", type: PolicyError, text: "Cannot find policy" },
  { policy: { net: ["x..y:1"] }, type: UsageError, text: "no name of a host" },
  { policy: { sys: ["homedir"] }, type: UnsupportedError, text: "Cannot use" },
  { policy: { run: ["no-such"] }, type: UsageError, text: "is not in PATH" },
] as const;

for (const { policy, type, text } of WRONG) {
  Deno.test(`a jail refuses ${JSON.stringify(policy)}`, async () => {
    const error = await assertRejects(() =>
      new Jail(policy).command("true").output()
    );
    assertInstanceOf(error, type);
    assertStringIncludes(error.message, text);
  });
}

Deno.test("permissions alone let the program start, and no more than they say", async () => {
  await using directory = await scratch();
  const file = await directory.file("x.txt", "content");
  const { stdout, code, denials } = await new Jail({ read: [file] })
    .command("cat", { args: [file, "/etc/hostname"] }).output();
  assertEquals([text(stdout), code], ["content", 1]);
  assertEquals(denials.map(({ text }) => text), [
    'openat("/etc/hostname", O_RDONLY)',
  ]);
});

Deno.test("permissions allow no more of a kind than they say, beside everything", async () => {
  await using directory = await scratch();
  const file = await directory.file("x.txt", "content");
  for (const read of [[file], { allow: [file] }]) {
    const jail = new Jail({ all: true, read, write: false });
    const { stdout } = await jail.command("sh", {
      args: [
        "-c",
        `cat ${file} /etc/hostname; echo more > ${file}; cat ${file}`,
      ],
    }).output();
    assertEquals(text(stdout), "contentcontent");
  }
});

const MADE: readonly (readonly [what: string, given: unknown, text: string])[] =
  [
    [
      "a permission",
      { raed: ["."] },
      'permission "raed": did you mean "read"?',
    ],
    ["a value of one", { read: 5 }, "true, false or a list"],
    ["a word for one", { read: "inherit" }, "true, false or a list"],
    ["an item of one", { env: { deny: [3] } }, "true, false or a list"],
    ["a part of one", { read: { alow: ["/"] } }, 'part of "read" "alow"'],
    ["everything but not quite", { all: "yes" }, "true or false"],
    [
      "a part in a map",
      { all: true, read: new Map([["deny", ["/"]]]) },
      "true, false or a list",
    ],
    [
      "a path behind two slashes",
      { all: true, read: { deny: [new URL("file://home/me/.ssh")] } },
      '"home" is no part of a path: write file:///',
    ],
    [
      "a path with a fragment",
      { all: true, read: { deny: [new URL("file:///home/me/a#1")] } },
      '"#1" is no part of a path: write it as %3F or %23',
    ],
    ["a promise of some", Promise.resolve({ read: [] }), "a plain object"],
  ];

for (const [what, given, text] of MADE) {
  Deno.test(`a jail is not made with ${what} that there is not`, () => {
    assertThrows(() => new Jail("default", given as never), TypeError, text);
  });
}

Deno.test("permissions among policies are not taken for one", () => {
  assertThrows(
    () => new Jail(["default", { read: ["."] }] as never),
    TypeError,
    "as the second argument",
  );
});

const OPTIONS: readonly (readonly [given: unknown, text: string])[] = [
  [{ argz: [] }, 'option "argz": did you mean "args"?'],
  [{ uid: 65534 }, 'option "uid": there are args, cwd'],
  [{ onDeny: "ask" }, 'onDeny: "ask": it must be one of "errno", "kill"'],
  [{ engine: "fast" }, 'one of "auto", "seccomp", "ptrace"'],
  [{ stdout: "pipe" }, 'one of "piped", "inherit", "null"'],
  [{ signal: "SIGTERM" }, "it is no AbortSignal"],
];

for (const [given, text] of OPTIONS) {
  Deno.test(`a jail skips no option such as ${JSON.stringify(given)}`, () => {
    assertThrows(() => ALL.command("true", given as never), TypeError, text);
  });
}

Deno.test("a timer goes on ticking beside three jails", async () => {
  const start = performance.now();
  let last = start;
  let largest = 0;
  let ticks = 0;
  function tick(): void {
    const now = performance.now();
    largest = Math.max(largest, now - last);
    last = now;
    ticks++;
  }
  const timer = setInterval(tick, 5);
  const script = "for i in $(seq 100); do cat /etc/hostname; done; sleep 0.3";
  const outputs = await Promise.all(
    [1, 2, 3].map(() =>
      new Jail().command("sh", { args: ["-c", script] }).output()
    ),
  );
  clearInterval(timer);
  tick();
  say(`largest gap between ${ticks} ticks: ${largest.toFixed(1)} ms`);
  assertEquals(outputs.map(({ success }) => success), [true, true, true]);
  // A tracer on this thread would let it tick before and after alone. How long
  // a gap may be is a matter of the machine.
  assert(largest < (last - start) / 3, `no tick for ${largest} ms`);
});

Deno.test("twenty jails with streams at once", async () => {
  const numbers = Array.from({ length: 20 }, (_, i) => i);
  const outputs = await Promise.all(
    numbers.map((i) =>
      ALL.command("sh", { args: ["-c", `sleep 0.2; echo ${i}`] }).output()
    ),
  );
  assertEquals(
    outputs.map(({ stdout }) => Number(text(stdout))),
    numbers,
  );
});

Deno.test("children of Deno.Command stay its own beside jails", async () => {
  const jailed = Promise.all(
    [1, 2].map(() =>
      ALL.command("sh", { args: ["-c", "for i in 1 2 3 4 5; do ls /; done"] })
        .output()
    ),
  );
  const codes = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      await sleep(i * 10);
      const child = new Deno.Command("sh", { args: ["-c", `exit ${i}`] });
      return (await child.output()).code;
    }),
  );
  assertEquals(codes, Array.from({ length: 20 }, (_, i) => i));
  assertEquals((await jailed).map(({ code }) => code), [0, 0]);
});

Deno.test("a script of another folder, with settings of its own, reads a policy from a file", async () => {
  await using directory = await scratch();
  await directory.file("deno.json", "{}");
  await directory.file("good.yaml", "extends: allow-all\n");
  await directory.file("bad.yaml", "wirte: [x]\n");
  await directory.file(
    "script.ts",
    `import { Jail } from "${new URL("../src/mod.ts", import.meta.url)}";
    for (const name of ["good", "bad"]) {
      try {
        const jail = new Jail(\`./\${name}.yaml\`).command("true");
        console.log((await jail.output()).code);
      } catch (error) {
        console.log((error as Error).message.split("\\n")[0]);
      }
    }`,
  );
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "script.ts"],
    cwd: directory.path,
    stdin: "null",
  }).output();
  assertEquals(
    text(stdout),
    '0\nCannot read policy "./bad.yaml": unknown key "wirte" at line 1, column 1\n',
  );
});

Deno.test({
  ...needs(
    ["setpriv"],
    "a script needs --allow-ffi, --allow-read and --allow-env, and no more, to run a jail",
  ),
  async fn(): Promise<void> {
    await using directory = await scratch();
    await directory.file(
      "script.ts",
      `import { Jail } from "${new URL("../src/mod.ts", import.meta.url)}";
      const jail = new Jail("default", { read: { deny: ["closed/file"] } });
      const { code, outcome } = await jail.command("true").output();
      console.log(code, outcome.kind);`,
    );
    // What is behind it cannot be found, also by root without these.
    await Deno.mkdir(`${directory.path}/closed`, { mode: 0 });
    const capabilities = Deno.uid() === 0
      ? ["--bounding-set=-dac_override,-dac_read_search"]
      : [];
    const allowed = ["--allow-ffi", "--allow-read", "--allow-env"];
    const { stdout, stderr } = await new Deno.Command("setpriv", {
      args: [
        ...[...capabilities, "env", "--unset=HOME"],
        ...[Deno.execPath(), "run", "--no-check", "--no-prompt", ...allowed],
        `--config=${new URL("../deno.json", import.meta.url).pathname}`,
        "script.ts",
      ],
      cwd: directory.path,
      stdin: "null",
    }).output();
    await Deno.chmod(`${directory.path}/closed`, 0o700);
    assertEquals(text(stdout), "0 exited\n", text(stderr));
  },
});

Deno.test("a caller that is killed takes its jails along", async () => {
  const mod = new URL("../src/mod.ts", import.meta.url);
  const script = `
    import { Jail } from "${mod}";
    const process = new Jail("allow-all").command("sh", {
      args: ["-c", "sleep 300 & echo $!; exec sleep 300"],
    }).spawn();
    console.log(await process.pid);
    await process.status;
  `;
  const caller = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `--config=${new URL("../deno.json", import.meta.url).pathname}`,
      script,
    ],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let said = "";
  for await (const part of caller.stdout.pipeThrough(new TextDecoderStream())) {
    said += part;
    if (said.split("\n").length > 2) break;
  }
  const pids = said.trim().split("\n").map(Number);
  assertEquals(pids.map(isRunning), [true, true]);
  caller.kill("SIGKILL");
  await caller.status;
  assertEquals(await Promise.all(pids.map(gone)), [true, true]);
});

for (const engine of ["auto", "kernel"] as const) {
  Deno.test(`a script without #! runs with the streams that it was given (${engine})`, async () => {
    await using directory = await scratch();
    const script = await directory.file("script", "read word; echo $word\n");
    await Deno.chmod(script, 0o755);
    const process = ALL.command(script, {
      ...{ stdin: "piped", stdout: "piped", engine },
    }).spawn();
    assertEquals(typeof await process.pid, "number");
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode("word\n"));
    await writer.close();
    const { stdout, code } = await process.output();
    assertEquals([text(stdout), code], ["word\n", 0]);
  });

  Deno.test(`a program that never runs has no process id (${engine})`, async () => {
    await using directory = await scratch();
    const file = await directory.file("binary", "\x7fELF\0");
    await Deno.chmod(file, 0o755);
    const process = ALL.command(file, { engine }).spawn();
    const error = await assertRejects(() => process.status, LaunchError);
    assertEquals([error.errno, await process.pid], ["ENOEXEC", undefined]);
  });

  Deno.test(`a Worker that is terminated takes its jails along (${engine})`, async () => {
    const mod = new URL("../src/mod.ts", import.meta.url);
    const script = `
      import { Jail } from "${mod}";
      const process = new Jail("allow-all").command("sh", {
        args: ["-c", "while :; do :; done"],
        engine: "${engine}",
      }).spawn();
      self.postMessage(await process.pid);
    `;
    const worker = new Worker(
      `data:text/javascript,${encodeURIComponent(script)}`,
      { type: "module" },
    );
    const pid = await new Promise<number>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
    assert(isRunning(pid));
    worker.terminate();
    try {
      assert(await gone(pid));
    } finally {
      if (isRunning(pid)) Deno.kill(pid, "SIGKILL");
    }
  });
}

/** What must not become more: descriptors, processes, mappings of code. */
function footprint(): Record<string, number> {
  const children = names(`/proc/self/task`).flatMap((tid) => {
    try {
      return Deno.readTextFileSync(`/proc/self/task/${tid}/children`).split(
        " ",
      );
    } catch {
      return [];
    }
  });
  return {
    fds: names("/proc/self/fd").length,
    children: children.filter((pid) => pid.trim() !== "").length,
    code: Deno.readTextFileSync("/proc/self/maps").split("\n")
      .filter((line) => / r-xp 00000000 00:00 0 *$/.test(line)).length,
  };
}

Deno.test("a jail that cannot be sent to its Worker leaves nothing behind", async () => {
  const mod = new URL("../src/mod.ts", import.meta.url);
  const script = `
    import { Jail } from "${mod}";
    const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
    const jail = new Jail({ sources: [], extends: [], read: () => {} });
    const command = jail.command("true", { stdin: "piped", stdout: "piped" });
    const spawn = () => { try { command.spawn(); } catch { return; } };
    spawn();
    const before = count();
    for (let i = 0; i < 5; i++) spawn();
    for (let tries = 0; tries < 100 && count() > before; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    console.log(count() <= before);`;
  // A Worker that waits would keep it from ending.
  const { stdout, code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `--config=${new URL("../deno.json", import.meta.url).pathname}`,
      script,
    ],
    stdin: "null",
    signal: AbortSignal.timeout(20_000),
  }).output();
  assertEquals([text(stdout), code], ["true\n", 0]);
});

/** The same once it changes no more: threads of the runtime end when they can. */
async function settled(): Promise<Record<string, number>> {
  let last = footprint();
  for (;;) {
    await sleep(200);
    const now = footprint();
    if (equal(now, last)) return now;
    last = now;
  }
}

Deno.test("fifty jails leave nothing behind", async () => {
  async function various(round: number): Promise<void> {
    switch (round % 5) {
      case 0:
        await ALL.command("echo", { args: ["x"] }).output();
        return;
      case 1: {
        // Nobody reads, writes or disposes.
        const process = ALL.command("echo", {
          stdin: "piped",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        await process.status;
        return;
      }
      case 2: {
        await using process: JailedProcess = ALL.command("sleep", {
          args: ["300"],
          stdout: "piped",
        }).spawn();
        process.stdout.getReader().read();
        await process.pid;
        return;
      }
      case 3:
        await assertRejects(() => ALL.command("no-such").output());
        return;
      case 4:
        await ALL.command("sh", {
          args: ["-c", "sleep 300 & sleep 300 | cat & cat /etc/shadow"],
          stdin: "null",
        }).output();
        return;
    }
  }
  for (let round = 0; round < 5; round++) await various(round);
  const before = await settled();
  const threads = names("/proc/self/task").length;
  for (let round = 0; round < 50; round++) await various(round);
  assertEquals(await settled(), before);
  // A Worker is a thread. The runtime's own come and go, but not by the dozen.
  const more = names("/proc/self/task").length - threads;
  assert(more < 5, `${more} threads more`);
});
