/** The command as a user meets it: words in, output and exit code out. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fixture, jailArgv, run } from "./harness.ts";
import { jail, jailCommand, scratch } from "./jail.ts";

Deno.test("jail runs a program", async () => {
  const ended = await jail(["--", "echo", "hello", "--report", "-A"]);
  assertEquals(ended.stdout, "hello --report -A\n");
  assertEquals(ended.stderr, "");
  assertEquals(ended.code, 0);
});

Deno.test("jail runs a program without --", async () => {
  const ended = await jail(["ls", "-d", "/usr"]);
  assertEquals([ended.stdout, ended.code], ["/usr\n", 0]);
});

Deno.test("jail shows help on standard output", async () => {
  const ended = await jail(["--help"]);
  assertStringIncludes(ended.stdout, "jail [options] [--] program");
  assertEquals([ended.stderr, ended.code], ["", 0]);
});

Deno.test("jail shows its version", async () => {
  const ended = await jail(["-V"]);
  assertMatch(ended.stdout, /^jail \d+\.\d+\.\d+\n$/);
});

for (
  const [words, hint] of [
    [["run", "ls"], 'leave out "run": jail -- program'],
    [["-R", "no-such", "--", "ls"], 'the value of a flag needs a "="'],
    [["no-such", "x"], "it is not in a directory of PATH"],
  ] as const
) {
  Deno.test(`jail says what ${words.join(" ")} may have been meant for`, async () => {
    const { code, stderr } = await jail(words);
    assertEquals(code, 127);
    assertStringIncludes(stderr, hint);
  });
}

for (const flag of ["--allow-net", "--allow-net=localhost"]) {
  Deno.test(`jail ${flag} alone is enough for a program to find hosts by name`, async () => {
    const found = await jail([flag, "--", "getent", "hosts", "localhost"]);
    assertStringIncludes(found.stdout, "localhost");
    assertEquals([found.stderr, found.code], ["", 0]);
  });
}

Deno.test("jail --allow-net of an address alone lets no settings of resolvers be read", async () => {
  const argv = ["--allow-net=127.0.0.1", "--", "cat", "/etc/hosts"];
  assertEquals((await jail(argv)).stdout, "");
});

Deno.test("jail fails where what it was asked for cannot be written", async () => {
  const { code, stderr } = await new Deno.Command("sh", {
    args: ["-c", 'exec "$@" >/dev/full', "sh", ...jailCommand(), "policies"],
  }).output();
  assertEquals(
    [code, new TextDecoder().decode(stderr)],
    [
      125,
      "jail: Cannot write to standard output: write() failed with ENOSPC\n",
    ],
  );
});

Deno.test("jail takes no code from where others may write it", async () => {
  const start = Date.now() - 1000;
  assertEquals((await jail(["-V"])).code, 0);
  // Where a compiled file may keep its code cache.
  const made = [...Deno.readDirSync("/tmp")]
    .filter(({ name }) => name.startsWith("deno-compile-"))
    .filter(({ name }) => {
      const { mtime } = Deno.statSync(`/tmp/${name}`);
      return mtime !== null && mtime.getTime() > start;
    });
  assertEquals(made, []);
});

Deno.test("jail takes no code from the directory for temporary files, however that is named", async () => {
  await using directory = await scratch();
  const binary = Deno.env.get("JAIL_BINARY");
  const [deno = "", ...words] = binary === undefined ? jailCommand() : [binary];
  // Where a compiled file takes its parts to be.
  const name = `deno-compile-${deno.slice(deno.lastIndexOf("/") + 1)}`;
  await Deno.mkdir(`${directory.path}/${name}`);
  await directory.file(`${name}/start.ts`, 'console.log("others");');
  for (const path of ["", "/.", `/${name}/..`]) {
    const { stdout } = await new Deno.Command(deno, {
      args: [...words, "-p", "minimal", "--", "echo", "jail"],
      env: { TMPDIR: directory.path + path },
    }).output();
    const said = new TextDecoder().decode(stdout);
    // One that is named by way of what is in it is not taken.
    assertEquals(
      said,
      path.endsWith("..") && binary !== undefined ? "" : "jail\n",
    );
  }
});

const bundled = Deno.env.get("JAIL_MAIN") ?? "";

if (bundled.endsWith(".js")) {
  Deno.test("jail takes no code by what a deno.json says above where it is bundled", async () => {
    await using directory = await scratch();
    const bundle = `${directory.path}/bundle`;
    await Deno.mkdir(bundle);
    const imports: Record<string, string> = {};
    const from = bundled.slice(0, bundled.lastIndexOf("/"));
    for (const { name, isFile } of Deno.readDirSync(from)) {
      if (!isFile) continue;
      await Deno.copyFile(`${from}/${name}`, `${bundle}/${name}`);
      imports[`file://${bundle}/${name}`] = "./others.js";
    }
    await directory.file("others.js", 'throw new Error("others");');
    const config = JSON.stringify({ workspace: ["./bundle"], imports });
    await directory.file("deno.json", config);
    const ended = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", `${bundle}/main.js`, "-V"],
    }).output();
    assertEquals(ended.code, 0, new TextDecoder().decode(ended.stderr));
  });
}

Deno.test("jail --cwd looks up names from that directory", async () => {
  await using directory = await scratch();
  await directory.file("x.txt", "content");
  const ended = await jail([
    `--cwd=${directory.path}`,
    "--allow-read=/usr,/lib,/lib64,/etc,.",
    "--allow-run",
    "--",
    "cat",
    "x.txt",
  ]);
  assertEquals([ended.stdout, ended.stderr], ["content", ""]);
});

for (
  const [flags, text, code] of [
    [["--allow-read=."], "content", 0],
    [["--deny-env=A"], "", 1],
    [["--deny-run"], "", 126],
    [["--allow-read=.", "--deny-read"], "", 126],
  ] as const
) {
  Deno.test(`jail ${flags.join(" ")} alone is enough for a program to start, unless it denies that`, async () => {
    await using directory = await scratch();
    await directory.file("x.txt", "content");
    const cwd = `--cwd=${directory.path}`;
    const ended = await jail([cwd, ...flags, "--", "cat", "x.txt"]);
    assertEquals([ended.stdout, ended.code], [text, code], ended.stderr);
    const beside = await jail([cwd, ...flags, "--", "cat", "/etc/hostname"]);
    assertEquals([beside.stdout, beside.code], ["", code || 1]);
  });
}

Deno.test("jail refuses a file that no rule covers", async () => {
  const ended = await jail(["--", "cat", "/etc/shadow"]);
  assertEquals(ended.stderr, "cat: /etc/shadow: Permission denied\n");
  assertEquals(ended.code, 1);
});

Deno.test("jail --report shows which rule refused", async () => {
  await using directory = await scratch();
  const policy = await directory.file(
    "x.yaml",
    "extends: default\nread:\n  deny:\n    - /etc/hostname\n",
  );
  const ended = await jail([
    "--report",
    "-p",
    policy,
    "--",
    "cat",
    "/etc/hostname",
  ]);
  assertMatch(
    ended.stderr,
    /^jail: denied openat\(.*"\/etc\/hostname", O_RDONLY.*\) with EACCES$/m,
  );
  assertStringIncludes(ended.stderr, `\n  ${policy}:4  deny: /etc/hostname\n`);
});

Deno.test("jail --report goes on where no file may be as large as its report", async () => {
  await using directory = await scratch();
  const report = await directory.file("report", "");
  // What Deno itself keeps in files is smaller.
  await Deno.truncate(report, 2 ** 30 - 100);
  const program = "cat /etc/shadow 2>&-; cat /etc/gshadow 2>&-; echo end";
  const { stdout, code } = await new Deno.Command("sh", {
    args: [
      ...["-c", `ulimit -f ${2 ** 30 / 512}; exec "$@" 2>> ${report}`, "sh"],
      ...[...jailCommand(), "--report", "--", "sh", "-c", program],
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  assertEquals([new TextDecoder().decode(stdout), code], ["end\n", 0]);
  assertEquals((await Deno.stat(report)).size, 2 ** 30);
});

Deno.test("jail --report says how many messages are missing once it can be written again", async () => {
  await using directory = await scratch();
  const report = await directory.file("report", "", 0o666);
  await Deno.truncate(report, 2 ** 30);
  const closed = ["/etc/shadow", "/etc/gshadow", "/etc/passwd"];
  const [first, second, third] = closed.map((file) => `cat ${file} 2>&-`);
  const program = `${first}; ${second}; : > ${report}; ${third}; echo end`;
  const flags = ["-A", `--deny-read=${closed.join(",")}`, "--report"];
  const { stdout } = await new Deno.Command("sh", {
    args: [
      ...["-c", `ulimit -f ${2 ** 30 / 512}; exec "$@" 2>> ${report}`, "sh"],
      ...[...jailCommand(), ...flags, "--", "sh", "-c", program],
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "end\n");
  assertMatch(
    await Deno.readTextFile(report),
    /^jail: 2 messages are missing here, .*\njail: denied .*passwd/,
  );
});

Deno.test("jail --ignore-read makes a file look absent", async () => {
  const ended = await jail([
    "--ignore-read=/etc/shadow",
    "-A",
    "--",
    "ls",
    "/etc/shadow",
  ]);
  assertStringIncludes(ended.stderr, "No such file or directory");
  assertEquals(ended.code, 2);
});

Deno.test("jail --audit logs each decision as a JSON line", async () => {
  await using directory = await scratch();
  const log = `${directory.path}/log.ndjson`;
  await jail([`--audit=${log}`, "--", "cat", "/etc/shadow"]);
  const lines = (await Deno.readTextFile(log)).trimEnd().split("\n");
  const refused = lines.map((line) => JSON.parse(line))
    .filter((record) => record.decision === "refuse")
    .map(({ call, uses, refusal }) => [call, uses[0].path, refusal.errno]);
  assertEquals(refused.at(-1), ["openat", "/etc/shadow", "EACCES"]);
});

Deno.test("jail runs nothing when the audit log cannot be opened", async () => {
  const ended = await jail(["--audit=/nowhere/log", "--", "echo", "ran"]);
  assertEquals([ended.stdout, ended.code], ["", 125]);
  assertStringIncludes(ended.stderr, "open() failed with ENOENT");
});

for (const [to, log] of [[">>log", "log"], ["2>log", "/dev/stderr"]]) {
  Deno.test(`jail runs nothing that could write the audit log by what it is started with: --audit=${log} ${to}`, async () => {
    await using directory = await scratch();
    await directory.file("log", "", 0o666);
    const argv = jailArgv(["-A", `--audit=${log}`], ["echo", "forged"]);
    const script = `"$@" ${to}`;
    const ended = await run(["sh", "-c", script, "sh", ...argv], {
      cwd: directory.path,
    });
    assertEquals(ended.code, 125);
    const text = await Deno.readTextFile(`${directory.path}/log`);
    assertMatch(text, /is the log, and the program could write it/);
    assertEquals(text.includes("forged"), false);
  });
}

for (
  const [name, to] of [
    ["log", "../elsewhere/rc"],
    ["log", "../elsewhere/new"],
    ["logs/log", "../elsewhere"],
    ["logs/sub/log", "other"],
  ] as const
) {
  Deno.test(`jail --audit follows no link out of the working directory: ${name}, ${to}`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    for (const name of ["elsewhere/sub", "project/away"]) {
      await Deno.mkdir(`${path}/${name}`, { recursive: true });
    }
    await directory.file("elsewhere/rc", "# mine\n");
    await Deno.symlink(`${path}/elsewhere`, `${path}/project/other`);
    await Deno.symlink(to, `${path}/project/${name.split("/")[0]}`);
    const cwd = `${path}/project`;
    const flags = ["-A", `--audit=${name}`];
    const ended = await jail([...flags, "--", "echo", "ran"], { cwd });
    assertEquals([ended.stdout, ended.code], ["", 125]);
    assertStringIncludes(
      ended.stderr,
      `is a link that leads out of the working directory, to "${path}/elsewhere/`,
    );
    assertEquals(await Deno.readTextFile(`${path}/elsewhere/rc`), "# mine\n");
    const left = [...Deno.readDirSync(`${path}/elsewhere`)];
    assertEquals(left.map(({ name }) => name).sort(), ["rc", "sub"]);
  });
}

Deno.test("jail --audit follows no link out of the working directory that comes as it starts", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await directory.file("rc", "# mine\n");
  const cwd = `${path}/project`;
  await Deno.mkdir(cwd);
  await directory.file("project/log", "");
  await Deno.symlink("../rc", `${cwd}/link`);
  const other = new Deno.Command(fixture("exchange"), {
    args: [`${cwd}/log`, `${cwd}/link`],
  }).spawn();
  try {
    for (let starts = 0; starts < 30; starts++) {
      await jail(["-A", "--audit=log", "--", "true"], { cwd });
    }
  } finally {
    other.kill("SIGKILL");
    await other.status;
  }
  assertEquals(await Deno.readTextFile(`${path}/rc`), "# mine\n");
});

Deno.test("jail --audit writes to what is open already, whatever the working directory is", async () => {
  const words = jailArgv(["-A", "--audit=/dev/fd/3"], ["true"]);
  // Who runs the command may be somebody else.
  const script = '{ chmod 666 /dev/fd/3; "$@"; } 3>&1 >&2 | grep -c openat >&2';
  const argv = ["sh", "-c", script, "sh", ...words];
  const { stderr } = await run(argv, { cwd: "/" });
  assertMatch(stderr, /^[1-9]\d*\n$/);
});

Deno.test("jail --audit follows a link that stays in the working directory, or lies outside of it", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.mkdir(`${path}/project/logs`, { recursive: true });
  // Of an ordinary user as well, who runs this with a compiled file.
  await Deno.chmod(`${path}/project/logs`, 0o777);
  await Deno.symlink("logs/new", `${path}/project/log`);
  await Deno.symlink("project/logs/newer", `${path}/outer`);
  await Deno.symlink("project", `${path}/link`);
  const logs = ["log", "../outer", "../third", `${path}/link/logs/last`];
  for (const log of [...logs, "/dev/null"]) {
    const flags = ["-A", `--audit=${log}`];
    const ended = await jail([...flags, "--", "echo", "ran"], {
      cwd: `${path}/project`,
    });
    assertEquals([log, ended.stdout, ended.stderr], [log, "ran\n", ""]);
  }
});

Deno.test("jail ends when the audit log cannot be written", async () => {
  const ended = await jail(["--audit=/dev/full", "--", "cat", "/etc/hostname"]);
  assertEquals([ended.stdout, ended.code], ["", 125]);
  assertStringIncludes(ended.stderr, "write() failed with ENOSPC");
});

for (
  const [flags, program, code, why] of [
    [["--engine=kernel"], "true", 125, /no call is caught$/],
    [["-p", "./nowhere.yaml"], "true", 125, /nowhere\.yaml/],
    [[], "no-such-program", 127, /^Cannot start "no-such-program": /],
  ] as const
) {
  Deno.test(`jail --audit tells why ${[...flags, program].join(" ")} did not run`, async () => {
    await using directory = await scratch();
    const log = `${directory.path}/log`;
    const ended = await jail([`--audit=${log}`, ...flags, "--", program]);
    assertEquals([ended.stdout, ended.code], ["", code]);
    const record = JSON.parse(await Deno.readTextFile(log));
    assertEquals(record.end, "failure");
    assertMatch(record.text, why);
    assertStringIncludes(ended.stderr, record.text);
  });
}

Deno.test("jail --audit-optional goes on without a log", async () => {
  const ended = await jail([
    "--audit=/dev/full",
    "--audit-optional",
    "--",
    "echo",
    "ran",
  ]);
  assertEquals([ended.stdout, ended.code], ["ran\n", 0]);
  assertMatch(ended.stderr, /lacks \d+ records\n$/);
});

const fromSources = jailCommand().at(-1)?.endsWith(".ts") === true;
Deno.test({
  name: "jail, bundled, reads a policy with nothing but its own files" +
    (fromSources ? " (needs a bundle)" : ""),
  ignore: fromSources,
  async fn(): Promise<void> {
    await using directory = await scratch();
    await directory.file("x.yaml", "extends: default\nwrite: [&a build]\n");
    // No package has been fetched, and none could be.
    const ended = await jail(["-p", "./x.yaml", "--", "echo", "ran"], {
      cwd: directory.path,
      env: {
        DENO_DIR: `${directory.path}/none`,
        NPM_CONFIG_REGISTRY: "http://127.0.0.1:1",
      },
    });
    assertStringIncludes(ended.stderr, "a policy has no anchors at line 2");
    assertEquals(ended.code, 125);
  },
});

Deno.test("jail says where a policy is wrong, and runs nothing", async () => {
  await using directory = await scratch();
  await directory.file("x.yaml", "extends: default\nwirte: [build]\n");
  const ended = await jail(["-p", "./x.yaml", "--", "echo", "ran"], {
    cwd: directory.path,
  });
  assertEquals([ended.stdout, ended.code], ["", 125]);
  assertStringIncludes(ended.stderr, "line 2, column 1");
  assertStringIncludes(ended.stderr, "    2 | wirte: [build]\n");
  assertStringIncludes(ended.stderr, "          ^^^^^".slice(2));
  assertStringIncludes(ended.stderr, 'hint: did you mean "write"?');
});

Deno.test("jail policies lists the built-in policies", async () => {
  const ended = await jail(["policies"]);
  assertMatch(ended.stdout, /^default +\S.*\.$/m);
  assertEquals([ended.stderr, ended.code], ["", 0]);
});

Deno.test("jail policies shows what a built-in policy says", async () => {
  const shown = await jail(["policies", "agent"]);
  const file = new URL("../policies/agent.yaml", import.meta.url);
  assertEquals(shown.stdout, await Deno.readTextFile(file));
  const other = await jail(["policies", "agnet"]);
  assertEquals([other.stdout, other.code], ["", 125]);
  assertStringIncludes(other.stderr, 'hint: did you mean "agent"?');
  const two = await jail(["policies", "base", "agent"]);
  assertEquals([two.stdout, two.code], ["", 125]);
  assertStringIncludes(two.stderr, "hint: name one alone");
});

Deno.test("jail check says what is wrong with a policy", async () => {
  await using directory = await scratch();
  const good = await directory.file("good.yaml", "read: [/usr]\n");
  const bad = await directory.file("bad.yaml", "raed: [/usr]\n");
  const ended = await jail(["check", good, bad]);
  assertEquals(ended.code, 1);
  assertStringIncludes(ended.stderr, "line 1, column 1");
});

Deno.test("jail says where a rule leaves open what a reader may take for refused", async () => {
  await using here = await scratch();
  for (const user of ["one", "two"]) {
    await Deno.mkdir(`${here.path}/home/${user}/keys`, { recursive: true });
  }
  await here.file("secret", "secret\n");
  await here.file("caf\u00e9", "secret\n");
  const policy = await here.file(
    "p.yaml",
    `read:
  allow: [/]
  deny:
    - \${policy-dir}/home/*/keys
    - \${policy-dir}/secret:ro
    - "\${policy-dir}/none:ro"
`,
  );
  const said = [
    `jail: ${policy}: \${policy-dir}/home/*/keys means the directory`,
    `jail: ${policy}: \${policy-dir}/secret:ro is not there, and refuses nothing`,
  ];
  const json = { read: { allow: true, deny: ["secret,none"] }, run: true };
  const set = { permissions: { default: json } };
  await here.file("deno.json", JSON.stringify(set));
  for (
    const [words, expected] of [
      [["check", policy], said],
      [["-p", "minimal", "-p", policy, "--", "true"], said],
      [
        ["-R", "--allow-run", "--deny-read=x secret", "--", "true"],
        ["jail: --deny-read=x secret is not there, and refuses nothing of"],
      ],
      [["-P", "--", "true"], ["jail: deno.json: secret,none is not there"]],
      [["-R", "--allow-run", "--deny-read=x none", "--", "true"], []],
      [["-A", "--deny-read=caf\u00e9", "--", "true"], []],
      [
        ["-A", "--deny-read=cafe\u0301", "--", "true"],
        ["is not there, and refuses nothing of"],
      ],
      [
        ["-A", "--deny-read=etc/passwd,sec\\ret,%secret%", "--", "true"],
        [
          "jail: --deny-read=etc/passwd is not there",
          "jail: --deny-read=sec\\\\ret is not there",
          "jail: --deny-read=%secret% is not there",
        ],
      ],
      [
        ["-A", "--deny-net=0.0.0.0/0", "--", "true"],
        ["jail: --deny-net=0.0.0.0/0 leaves open all addresses of IPv6"],
      ],
      [["-A", "--deny-net=0.0.0.0/0,[::]/0", "--", "true"], []],
      [["--deny-net=0.0.0.0/0", "--", "true"], []],
      [["-R=/usr,/lib,/lib64", "--deny-read=x secret", "--", "true"], []],
    ] as const
  ) {
    const { code, stderr } = await jail(words, { cwd: here.path });
    assertEquals([words, code], [words, 0]);
    const lines = stderr.split("\n").slice(0, -1);
    assertEquals(lines.length, expected.length, stderr);
    expected.forEach((text, at) => assertStringIncludes(lines[at] ?? "", text));
  }
});

Deno.test("jail check says by which other call what a call does can be done", async () => {
  await using here = await scratch();
  const policy = await here.file(
    "p.yaml",
    "calls: {deny: [unlink, fchmod, '@ipc'], kill: [fchmodat, fchmodat2]}\n",
  );
  const { code, stderr } = await jail(["check", policy]);
  assertEquals(code, 0);
  assertEquals(stderr.split("\n").map((line) => line.replace(/.*: /, "")), [
    "unlink is refused, and may be made as unlinkat",
    "fchmod is refused, and may be made as chmod",
    "fchmodat is refused, and may be made as chmod",
    "fchmodat2 is refused, and may be made as chmod",
    "",
  ]);
});

Deno.test("the README's command installs jail", async () => {
  await using directory = await scratch();
  const readme = await Deno.readTextFile(
    new URL("../README.md", import.meta.url),
  );
  const command = /`deno (install [^`]+)`/.exec(readme)?.[1] ?? "";
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...command.split(/\s+/), "--root", directory.path],
    cwd: new URL("../", import.meta.url),
    stdin: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const ran = await new Deno.Command(`${directory.path}/bin/jail`, {
    args: ["--", "echo", "ran"],
    cwd: directory.path,
    env: { PATH: `${Deno.execPath().replace(/\/[^/]*$/, "")}:/usr/bin:/bin` },
  }).output();
  assertEquals(new TextDecoder().decode(ran.stdout), "ran\n");
});

Deno.test("jail tells which permission sets there are, where there is none of the name", async () => {
  await using here = await scratch();
  for (
    const [permissions, words, hint] of [
      [
        '{"ci": {}, "dev": {}}',
        "-P",
        "name one of those that are there: ci, dev",
      ],
      ['{"ci": {}, "dev": {}}', "-P=c", 'did you mean "ci"?'],
      ["{}", "-P", 'write one: {"permissions": {"default": {"read": ["."]}}}'],
    ] as const
  ) {
    await here.file("deno.json", `{"permissions": ${permissions}}`);
    const ended = await jail([words, "--", "true"], { cwd: here.path });
    assertEquals(ended.code, 125);
    assertMatch(ended.stderr, /^jail: Cannot read policy "deno\.json": /);
    assertStringIncludes(ended.stderr, `\nhint: ${hint}\n`);
  }
});

Deno.test("jail waits for no pipe that lies where a permission set is looked for", async () => {
  await using here = await scratch();
  await new Deno.Command("mkfifo", { args: [`${here.path}/deno.json`] })
    .output();
  const argv = ["10", ...jailCommand(), "-P", "--", "true"];
  const command = new Deno.Command("timeout", { args: argv, cwd: here.path });
  const { code, stderr } = await command.output();
  assertEquals(code, 125);
  assertMatch(
    new TextDecoder().decode(stderr),
    /^jail: Cannot read "deno\.json": /,
  );
});

Deno.test({
  name: "jail takes no permission set that somebody else put where anybody may",
  ignore: Deno.uid() !== 0,
  async fn(): Promise<void> {
    await using here = await scratch();
    const cwd = `${here.path}/work`;
    await Deno.mkdir(cwd);
    const set = '{"permissions": {"default": {"all": true}}}';
    const file = await here.file("deno.json", set, 0o644);
    const run = async (
      mode: number,
      uid: number,
    ): Promise<readonly [number, boolean]> => {
      await Deno.chmod(here.path, mode);
      await Deno.chown(file, uid, uid);
      const { code, stderr } = await jail(["-P", "--", "true"], { cwd });
      return [code, /is another user's/.test(stderr)];
    };
    assertEquals(await run(0o1777, 4321), [125, true]);
    assertEquals(await run(0o1777, 0), [0, false]);
    assertEquals(await run(0o755, 4321), [0, false]);
  },
});

Deno.test({
  name:
    "jail takes no permission set that somebody else's link where anybody may write leads to",
  ignore: Deno.uid() !== 0,
  async fn(): Promise<void> {
    await using here = await scratch();
    const cwd = `${here.path}/work`;
    await Deno.mkdir(cwd);
    const set = '{"permissions": {"default": {"all": true}}}';
    const file = await here.file("other.json", set, 0o644);
    const link = `${here.path}/deno.json`;
    await Deno.symlink(file, link);
    const run = async (uid: number): Promise<readonly [number, boolean]> => {
      await Deno.chmod(here.path, 0o777);
      await new Deno.Command("chown", { args: ["-h", `${uid}`, link] })
        .output();
      const { code, stderr } = await jail(["-P", "--", "true"], { cwd });
      return [code, /is another user's/.test(stderr)];
    };
    assertEquals(await run(1234), [125, true]);
    assertEquals(await run(0), [0, false]);
  },
});

Deno.test("jail takes no permission set with another name where anybody may make links", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/work`);
  await Deno.mkdir(`${here.path}/open`);
  const set = '{"permissions": {"default": {"all": true}}}';
  const file = await here.file("work/deno.json", set, 0o644);
  await Deno.link(file, `${here.path}/open/deno.json`);
  const run = async (mode: number): Promise<readonly [number, boolean]> => {
    await Deno.chmod(`${here.path}/open`, mode);
    const cwd = `${here.path}/open`;
    const { code, stderr } = await jail(["-P", "--", "true"], { cwd });
    return [code, /has another name/.test(stderr)];
  };
  assertEquals(await run(0o1777), [125, true]);
  assertEquals(await run(0o755), [0, false]);
});

Deno.test("jail takes no permission set of a file that is not UTF-8", async () => {
  await using here = await scratch();
  const set = '{"permissions": {"default": {"read": {"deny": ["f\xfcr"]}}}}';
  const bytes = Uint8Array.from(set, (char) => char.charCodeAt(0));
  await Deno.writeFile(`${here.path}/deno.json`, bytes);
  const ran = await jail(["-P", "--", "true"], { cwd: here.path });
  assertEquals([ran.code, ran.stderr], [
    125,
    'jail: Cannot read "deno.json": it is not UTF-8\n\n' +
    "hint: save the file as UTF-8\n",
  ]);
});

for (
  const said of [
    ...["write: false", "write: {allow: false}", "net: {connect: false}"],
    ...["net: {allow: false}", "net: {listen: {allow: false}}"],
  ]
) {
  Deno.test(`jail takes no "${said}" for what takes back an earlier policy`, async () => {
    await using directory = await scratch();
    const base = "extends: agent\nnet: true\n";
    const first = await directory.file("a.yaml", base);
    const file = await directory.file("p.yaml", `${said}\n`);
    const ran = await jail(["-p", first, "-p", file, "--", "true"]);
    assertEquals(ran.code, 125);
    assertStringIncludes(ran.stderr, "takes nothing back");
    assertStringIncludes(ran.stderr, "at line 1");
    assertStringIncludes(ran.stderr, "write {deny: true}");
    const other = await directory.file("q.yaml", `extends: a.yaml\n${said}\n`);
    assertEquals((await jail(["-p", other, "--", "true"])).code, 125);
    const checked = await jail(["check", other]);
    assertEquals(checked.code, 1);
    assertStringIncludes(checked.stderr, "takes nothing back");
    // What comes later adds.
    const later = await jail(["-p", file, "-p", "readonly", "--", "true"]);
    assertEquals([later.code, later.stderr], [0, ""]);
  });
}

Deno.test("jail takes back the network of an earlier policy by net: false", async () => {
  await using directory = await scratch();
  const none = await directory.file("p.yaml", "net: false\n");
  const some = await directory.file("q.yaml", "net: {connect: false}\n");
  const { stdout, stderr, code } = await jail([
    ...["-p", "allow-all", "-p", none, "-p", some, "--", "bash", "-c"],
    "echo > /dev/tcp/127.0.0.1/9 || echo refused",
  ]);
  assertEquals([stdout, code], ["refused\n", 0]);
  assertStringIncludes(stderr, "Permission denied");
});

Deno.test("jail takes no false of a permission set for what takes back a policy", async () => {
  await using here = await scratch();
  const set = (said: string): Promise<string> =>
    here.file("deno.json", `{"permissions": {"default": ${said}}}\n`);
  const options = { cwd: here.path };
  for (const said of ['"write": false', '"write": {"allow": false}']) {
    await set(`{${said}}`);
    const ran = await jail(["-p", "build", "-P", "--", "true"], options);
    assertEquals(ran.code, 125);
    assertStringIncludes(ran.stderr, "takes nothing back");
    assertStringIncludes(ran.stderr, "deno.json");
    assertStringIncludes(ran.stderr, "write {deny: true}");
    // What the program itself needs to start is nobody's policy.
    assertEquals((await jail(["-P", "--", "true"], options)).code, 0);
  }
  await set('{"write": {"allow": false, "deny": true}, "net": false}');
  const ran = await jail(["-p", "build", "-P", "--", "true"], options);
  assertEquals([ran.stderr, ran.code], ["", 0]);
});

Deno.test("jail takes no choice of paths that closes a directory, and not what is in it", async () => {
  await using here = await scratch();
  await Deno.mkdir(`${here.path}/keys`);
  await here.file("keys/one", "secret\n");
  await here.file("file", "text\n");
  const policy = (rule: string): Promise<string> =>
    here.file("p.yaml", `extends: default\nread: {deny: ["${rule}"]}\n`);
  const options = { cwd: here.path };
  await policy("${cwd}/{none,keys}");
  for (const words of [["-p", "./p.yaml", "--", "true"], ["check", "p.yaml"]]) {
    const { code, stderr } = await jail(words, options);
    assertEquals(code, words[0] === "check" ? 1 : 125);
    assertStringIncludes(stderr, `it means the directory "${here.path}/keys"`);
    assertStringIncludes(stderr, 'hint: write "${cwd}/{none,keys}/**"');
    assertStringIncludes(stderr, "at line 2, column 15");
  }
  const argv = ["-p", "./p.yaml", "--", "cat", "keys/one", "file"];
  await policy("${cwd}/{none,keys}/**");
  assertEquals((await jail(argv, options)).stdout, "text\n");
  await policy("${cwd}/{none,file}");
  assertEquals((await jail(argv, options)).stdout, "secret\n");
});
