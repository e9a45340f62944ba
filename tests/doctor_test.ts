/** What jail says of a machine, and of how it would enforce a policy. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { landlockAbi } from "../src/sys/landlock.ts";
import { type Ended, run } from "./harness.ts";
import { jailCommand, scratch } from "./jail.ts";
import { needs } from "./needs.ts";

async function command(...words: readonly string[]): Promise<Ended> {
  return await run([...jailCommand(), ...words]);
}

Deno.test("jail doctor finds this machine fit", async () => {
  const { code, stdout, stderr } = await command("doctor");
  assertEquals([code, stderr], [0, ""], stdout);
  for (const name of ["pinning", "net", "sys", "limits"]) {
    assertMatch(stdout, new RegExp(`^✓ ${name} `, "m"));
  }
  assertStringIncludes(stdout, "Programs can be jailed on this machine.\n");
});

Deno.test({
  ...needs(["strace"], "jail doctor says so where jail itself is traced"),
  fn: async () => {
    const { code, stdout } = await run([
      ...["strace", "-f", "-o", "/dev/null"],
      ...jailCommand(),
      "doctor",
    ]);
    assertEquals(code, 1, stdout);
    assertMatch(stdout, /^✗ engine seccomp/m);
    assertStringIncludes(stdout, "run jail without the debugger");
  },
});

/** Runs a command where a call, by its number, fails with EPERM. */
const WITHOUT = `import ctypes, os, struct, sys
libc = ctypes.CDLL(None)
ops = [(0x20, 0, 0, 0), (0x15, 0, 1, int(sys.argv[1])), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *op) for op in ops))
libc.prctl(38, 1, 0, 0, 0)
libc.prctl(22, 2, ctypes.byref(ctypes.create_string_buffer(
    struct.pack("HxxxxxxQ", len(ops), ctypes.addressof(code)))), 0, 0)
os.execvp(sys.argv[2], sys.argv[2:])`;
const PTRACE = "101";
const PIVOT_ROOT = "155";
const PROCESS_VM_WRITEV = "311";
const PIDFD_SEND_SIGNAL = "424";
const PIDFD_OPEN = "434";
const OPENAT2 = "437";
const PIDFD_GETFD = "438";

Deno.test({
  ...needs(
    ["python3"],
    "jail doctor says which rules cannot be enforced where sockets cannot be borrowed",
  ),
  fn: async () => {
    const { code, stdout } = await run([
      ...["python3", "-c", WITHOUT, PIDFD_GETFD],
      ...jailCommand(),
      "doctor",
    ]);
    assertEquals(code, 0, stdout);
    assertMatch(stdout, /^✗ net .*pidfd_getfd\(2\) is not there, or refused/m);
    assertMatch(stdout, /^✓ sys /m);
  },
});

Deno.test({
  ...needs(
    ["python3"],
    "jail doctor promises no answers where a container refuses what they take",
  ),
  fn: async () => {
    for (const call of [PIDFD_GETFD, PROCESS_VM_WRITEV]) {
      const { code, stdout } = await run([
        ...["python3", "-c", WITHOUT, call],
        ...jailCommand(),
        "doctor",
      ]);
      assertEquals(code, 0, stdout);
      assertMatch(stdout, /^· answers +calls cannot wait for jail: /m);
    }
  },
});

Deno.test({
  ...needs(["python3"], "jail doctor says so where no path can be looked up"),
  fn: async () => {
    const { code, stdout, stderr } = await run([
      ...["python3", "-c", WITHOUT, OPENAT2],
      ...jailCommand(),
      "doctor",
    ]);
    assertEquals([code, stderr], [1, ""], stdout);
    assertMatch(stdout, /^✗ engine seccomp .*openat2\(\) failed with EPERM/m);
    assertStringIncludes(
      stdout,
      "Programs cannot be jailed on this machine.\n",
    );
  },
});

Deno.test({
  ...needs(
    ["python3"],
    "jail doctor blames nothing else where no program can be traced",
  ),
  fn: async () => {
    const { code, stdout } = await run([
      ...["python3", "-c", WITHOUT, PTRACE],
      ...jailCommand(),
      "doctor",
    ]);
    assertEquals(code, 1, stdout);
    assertMatch(stdout, /^✗ engine seccomp .*PTRACE_SEIZE\) failed/m);
    for (const name of ["net", "sys", "limits"]) {
      assertMatch(
        stdout,
        // The next line is another finding, and no advice.
        new RegExp(`^✗ ${name} +no, no engine to try it with: .*\\n\\S`, "m"),
      );
    }
    assertMatch(
      stdout,
      /^✓ engine kernel/m.test(stdout)
        ? /jailed on this machine by --engine=kernel alone\.\n$/
        : /cannot be jailed on this machine\.\n$/,
    );
  },
});

Deno.test({
  ...needs(["python3"], "jail doctor says so where no program can be watched"),
  fn: async () => {
    for (
      const [name, call] of [
        ["pidfd_open", PIDFD_OPEN],
        ["pidfd_send_signal", PIDFD_SEND_SIGNAL],
      ] as const
    ) {
      const without = ["python3", "-c", WITHOUT, call, ...jailCommand()];
      const { code, stdout } = await run([...without, "doctor"]);
      assertEquals(code, 1, stdout);
      assertStringIncludes(stdout, `${name} failed with EPERM`);
      assertMatch(stdout, /^✗ engine seccomp .*failed with EPERM/m);
      const ran = await run([...without, "-A", "--", "true"]);
      assertEquals(ran.code, 125);
      assertStringIncludes(ran.stderr, `${name} failed with EPERM`);
    }
  },
});

Deno.test({
  ...needs(
    ["python3"],
    "jail plan says so where the kernel can hold no policy for want of namespaces",
  ),
  fn: async () => {
    const { code, stdout } = await run([
      ...["python3", "-c", WITHOUT, PIVOT_ROOT],
      ...jailCommand(),
      ...["plan", "-p", "minimal"],
    ]);
    assertEquals(code, 0);
    assertMatch(
      stdout,
      landlockAbi() < 6
        ? /^kernel +--engine=kernel cannot do without/m
        : /^kernel +--engine=kernel cannot make .*pivot_root failed with EPERM/m,
    );
    assertMatch(stdout, /^minimal:\d+ .* no /m);
  },
});

/** Runs a command where /dev/null cannot be written. */
const WITHOUT_NULL = `mount --bind "$1" /dev/null
mount -o remount,ro,bind /dev/null
shift
exec "$@"`;

Deno.test({
  ...needs(
    ["unshare"],
    "jail doctor finds a machine fit whose /dev/null cannot be written",
  ),
  fn: async () => {
    await using directory = await scratch();
    const file = await directory.file("null", "");
    const namespace = Deno.uid() === 0 ? "-m" : "-rm";
    const { code, stdout, stderr } = await run([
      ...["unshare", namespace, "sh", "-ec", WITHOUT_NULL, "sh", file],
      ...jailCommand(),
      "doctor",
    ]);
    assertEquals([code, stderr], [0, ""], stdout);
    assertMatch(stdout, /^✓ pinning /m);
  },
});

Deno.test({
  ...needs(
    ["unshare"],
    "jail touches no process of another PID namespace that /proc shows",
  ),
  fn: async () => {
    const namespaces = Deno.uid() === 0 ? "-pf" : "-rpf";
    const elsewhere = ["unshare", namespaces, "--kill-child", ...jailCommand()];
    for (const engine of ["seccomp", "ptrace", "kernel"]) {
      const argv = [...elsewhere, `--engine=${engine}`, "-A", "--", "true"];
      const { code, stderr } = await run(argv);
      assertEquals(code, 125);
      assertStringIncludes(stderr, "/proc is not that of this");
    }
    const { code, stdout } = await run([...elsewhere, "doctor"]);
    assertEquals(code, 1);
    assertMatch(stdout, /^✗ engine seccomp .*is not that of this PID/m);
  },
});

Deno.test("jail plan shows what enforces each rule, and where it stands", async () => {
  await using directory = await scratch();
  const file = await directory.file(
    "policy.yaml",
    "extends: minimal\nread: [/etc]\nwrite:\n  - /tmp/none/*\n",
  );
  const { code, stdout, stderr } = await command("plan", file);
  assertEquals([code, stderr], [0, ""]);
  const lines = stdout.split("\n");
  const lineOf = (text: string): string =>
    lines.find((line) => line.includes(text)) ?? "";
  assertMatch(
    lineOf(" /etc "),
    /policy\.yaml:2 +read +\/etc +(?:answer\+)?stop.* R1/,
  );
  assertMatch(lineOf("/tmp/none"), /policy\.yaml:4 +write +\S+ +stop.* R1/);
  assertMatch(lineOf("/usr/lib "), /^minimal:\d+/);
  assertMatch(stdout, /^calls +\d+ pass/m);
});

Deno.test("jail plan shows what enforces each flag of a run", async () => {
  const { code, stdout, stderr } = await command(
    ...["plan", "-p", "ls", "--deny-read=/etc/passwd", "--timeout=9s"],
    ...["--report", "--", "cat", "/etc/passwd"],
  );
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^--deny-read +read deny +\S+\/etc\/passwd .* R1/m);
  assertMatch(stdout, /^--timeout +limits +time /m);
  assertMatch(stdout, /^ls:\d+ /m);
  assertMatch(stdout, /^kernel +--engine=kernel cannot tell of decisions$/m);
  assertMatch(stdout, /^program +"\S*\/cat"$/m);
});

Deno.test("jail plan says of what there is doubt, as a run does", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.mkdir(`${path}/project`);
  await Deno.symlink("/usr/share", `${path}/project/out`);
  const flags = [
    `--cwd=${path}/project`,
    "-R",
    "-W=out",
    "--allow-run=/usr/bin",
  ];
  flags.push("--deny-net=0.0.0.0/0", "--allow-net");
  const [ran, planned] = await Promise.all([
    command(...flags, "--", "true"),
    command("plan", ...flags, "--", "true"),
  ]);
  assertEquals([ran.code, planned.code], [0, 0]);
  assertEquals(planned.stderr, ran.stderr);
  assertMatch(ran.stderr, /addresses of IPv6/);
  assertMatch(ran.stderr, /"\/usr\/share" may be written/);
});

Deno.test({
  name: "jail plan shows no fact of sys as held by the kernel",
  ignore: landlockAbi() < 6,
  fn: async () => {
    await using directory = await scratch();
    const file = await directory.file(
      "policy.yaml",
      "extends: minimal\nsys:\n  hostname: box\n  cpus: 1\n  sysinfo: deny\n",
    );
    const { code, stdout } = await command("plan", file);
    assertEquals(code, 0, stdout);
    const facts = stdout.split("\n")
      .filter((line) => / sys /.test(line) && /policy\.yaml:/.test(line));
    assertEquals(facts.length, 3, stdout);
    for (const fact of facts) assertMatch(fact, / R[0-3] +no$/);
  },
});

Deno.test({
  name: "jail plan names the rule by which the kernel alone cannot end a jail",
  ignore: landlockAbi() < 6,
  fn: async () => {
    await using directory = await scratch();
    const file = await directory.file(
      "policy.yaml",
      "extends: minimal\ncalls:\n  kill: [bpf]\n",
    );
    const { code, stdout } = await command("plan", file);
    assertEquals(code, 0, stdout);
    assertMatch(stdout, /policy\.yaml:3 +calls deny +bpf +\S+ +R0 +no$/m);
    assertMatch(
      stdout,
      /policy\.yaml:3: bpf: nobody is there to end the jail$/m,
    );
  },
});

Deno.test("jail plan shows nothing as held that is not in such a run", async () => {
  await using directory = await scratch();
  const sys = "sys: {time: 2000-01-01}";
  const file = await directory.file("p.yaml", `extends: minimal\n${sys}\n`);
  const rowOf = async (text: string, ...options: string[]): Promise<string> => {
    const { stdout } = await command("plan", "-p", file, ...options);
    return stdout.split("\n").find((line) => line.includes(text)) ?? "";
  };
  assertMatch(await rowOf(" /usr/lib ", "--on-deny=ask"), / stop +R1 /);
  assertMatch(await rowOf("time: 2000", "--engine=seccomp"), / R1 /);
  assertMatch(await rowOf(" sys ", "--engine=ptrace"), /time: 2000\S+ .* R3 /);
  const strict = await directory.file(
    "strict.yaml",
    `extends: minimal\n${sys}\nstrict: true\nrequire: [landlock]\n`,
  );
  for (const option of ["--engine=ptrace", "--on-deny=ask"]) {
    const asked = [option, "-p", strict, "--", "true"];
    const [ran, planned] = await Promise.all([
      command(...asked),
      command("plan", ...asked),
    ]);
    assertEquals(planned.stderr, ran.stderr);
    assertEquals([ran.code, planned.code === 0], [125, false]);
  }
});

Deno.test("jail refuses a best effort under a strict policy", async () => {
  await using directory = await scratch();
  const time = ["calls: {deny: [time]}", '"time" of "calls"'] as const;
  for (
    const [engine, text, what] of [
      ["auto", 'run: ["/memfd:*"]', '"/memfd:*" of "run"'],
      ["auto", ...time],
      ...landlockAbi() < 6 ? [] : [["kernel", ...time] as const],
    ] as const
  ) {
    const file = await directory.file(
      "policy.yaml",
      `extends: minimal\n${text}\nstrict: true\n`,
    );
    const ran = await command(`--engine=${engine}`, "-p", file, "--", "true");
    assertEquals(ran.code, 125);
    assertStringIncludes(ran.stderr, what);
    const planned = await command("plan", file);
    assertEquals([planned.stderr, planned.code], [ran.stderr, 1]);
  }
});

Deno.test("jail check says that a rule of a strict policy is a best effort", async () => {
  await using directory = await scratch();
  const check = async (rule: string): ReturnType<typeof command> => {
    const text = `extends: minimal\n${rule}\nstrict: true\n`;
    return await command("check", await directory.file("policy.yaml", text));
  };
  const effort = await check("calls: {deny: [time]}");
  assertStringIncludes(effort.stderr, '"time" of "calls"');
  assertEquals(effort.code, 1);
  const held = await check("write: [/tmp]");
  assertEquals([held.stderr, held.code], ["", 0]);
});
