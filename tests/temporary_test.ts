/** `${tmp}` in a policy: a temporary directory that is the run's own. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { Jail } from "../src/mod.ts";
import { ENGINES, eventually, jail, jailArgv, start } from "./harness.ts";
import { type Scratch, scratch } from "./jail.ts";
import { needs } from "./needs.ts";

const POLICY = `extends: default
read: ["\${tmp}"]
write: ["\${tmp}"]
`;

/** A directory that jail makes its own in, and the environment that says so. */
async function parent(): Promise<
  { directory: Scratch; env: Record<string, string> }
> {
  const directory = await scratch();
  return { directory, env: { TMPDIR: directory.path } };
}

function namesIn(directory: Scratch): string[] {
  return [...Deno.readDirSync(directory.path)].map(({ name }) => name);
}

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) gives a program a temporary directory of its own, and removes it`, async () => {
    const { directory, env } = await parent();
    await using _ = directory;
    const script =
      'stat -c "%a %u" "$TMPDIR"; cd "$TMPDIR"; pwd; mkdir x; echo it > x/y; mktemp; ls .. || ls x';
    const ended = await jail(POLICY, ["sh", "-c", script], { engine, env });
    const [mode = "", path = "", file = "", ...rest] = ended.stdout.split("\n");
    assertMatch(mode, new RegExp(`^700 ${Deno.uid()}$`));
    assertMatch(path, new RegExp(`^${directory.path}/jail-[0-9a-f-]{36}$`));
    assert(file.startsWith(`${path}/`));
    assertEquals(rest, ["y", ""]);
    assertStringIncludes(ended.stderr, "Permission denied");
    assertEquals(namesIn(directory), []);
  });
}

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) lets no program remove, move or replace its temporary directory`, async () => {
    const { directory, env } = await parent();
    await using _ = directory;
    await using cwd = await scratch();
    const policy = `extends: default
read: ["\${tmp}", "${directory.path}", "\${cwd}"]
write: ["\${tmp}", "${directory.path}", "\${cwd}"]
`;
    const refused = [
      'mv -T "$TMPDIR" "$TMPDIR-moved"',
      'mv -T "$TMPDIR" moved',
      'mkdir new && mv -T new "$TMPDIR"',
      'mv -T --exchange x "$TMPDIR" 2> /dev/null || rmdir "$TMPDIR"',
      'rmdir "$TMPDIR"',
      'chmod 0 "$TMPDIR"',
      'cd "$TMPDIR" && chmod 0 .',
      'ln -sT / "$TMPDIR"',
    ];
    const fine = [
      'touch "$TMPDIR/x" && mkdir -p "$TMPDIR" "$TMPDIR/y/z"',
      'mktemp && mktemp -d && cd "$TMPDIR" && mv x y && mv y v && rm -r v',
      'ls -A "$TMPDIR" && test -w "$TMPDIR"',
    ];
    const script = [
      ...refused.map((line) => `(${line}) && echo ${JSON.stringify(line)}`),
      ...fine.map((line) => `(${line}) > /dev/null || echo not: '${line}'`),
      "echo done",
    ].join("\n");
    const ended = await jail(policy, ["sh", "-c", script], {
      engine,
      env,
      cwd: cwd.path,
    });
    assertEquals(ended.stdout, "done\n", ended.stderr);
    assertEquals(namesIn(directory), []);
  });
}

Deno.test("jail finds its temporary directory where another program moved it", async () => {
  const { directory, env } = await parent();
  await using _ = directory;
  await using files = await scratch();
  const policy = await files.file("policy.yaml", POLICY);
  await Deno.mkdir(`${files.path}/theirs`);
  await Deno.chmod(`${files.path}/theirs`, 0o755);
  const child = start(
    jailArgv(["-p", policy], ["sh", "-c", ": > $TMPDIR/x; read line"]),
    { env },
  );
  const made = (): string | undefined =>
    namesIn(directory).map((name) => `${directory.path}/${name}`)
      .find((path) => [...Deno.readDirSync(path)].length > 0);
  assert(await eventually(() => made() !== undefined));
  const path = made() ?? "";
  await Deno.rename(path, `${files.path}/moved`);
  await Deno.symlink(`${files.path}/theirs`, path);
  await child.stdin.close();
  const { stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(namesIn(directory).length, 1);
  assertEquals(namesIn(files).sort(), ["policy.yaml", "theirs"]);
  const { mode } = await Deno.lstat(`${files.path}/theirs`);
  assertEquals((mode ?? 0) & 0o777, 0o755);
});

Deno.test("jail removes the temporary directory however the program ends, and whatever is in it", async () => {
  const { directory, env } = await parent();
  await using _ = directory;
  const scripts = [
    "kill -KILL $$",
    "exit 3",
    "cat /etc/shadow",
    'cd "$TMPDIR"; for i in $(seq 200); do mkdir d && cd -P d; done; touch x; chmod 0 .',
    'cd "$TMPDIR"; mkdir a b; touch a/x; ln -s /etc b/link; chmod 0 a b .',
    '(trap "" HUP TERM; while :; do mkdir -p "$TMPDIR/again/x"; done) & sleep 0.1',
  ];
  for (const script of scripts) {
    await jail(POLICY, ["sh", "-c", script], { env });
    assertEquals(namesIn(directory), [], script);
  }
  await jail(["-p", "agent", "--on-deny=kill"], ["cat", "/etc/shadow"], {
    env,
  });
  assertEquals(namesIn(directory), []);
});

Deno.test("jail keeps the temporary directories of two runs apart", async () => {
  const { directory, env } = await parent();
  await using _ = directory;
  await using files = await scratch();
  const policy = await files.file("policy.yaml", POLICY);
  const first = start(
    jailArgv(["-p", policy], ["sh", "-c", "echo it > $TMPDIR/x; read line"]),
    { env },
  );
  const filled = (): string | undefined =>
    namesIn(directory).map((name) => `${directory.path}/${name}`)
      .find((path) => [...Deno.readDirSync(path)].length > 0);
  assert(await eventually(() => filled() !== undefined));
  const theirs = filled();
  const script = `cat ${theirs}/x; ls ${theirs}; echo x > ${theirs}/y`;
  const second = await jail(POLICY, ["sh", "-c", script], { env });
  assertEquals([second.stdout, second.code === 0], ["", false]);
  assertEquals(namesIn(directory).length, 1);
  await first.stdin.close();
  await first.output();
  assertEquals(namesIn(directory), []);
});

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) removes the temporary directory of a jail that was killed, and no other`, async () => {
    const { directory, env } = await parent();
    await using _ = directory;
    await using files = await scratch();
    const policy = await files.file("policy.yaml", POLICY);
    const flags = ["-p", policy, `--engine=${engine}`];
    const begun = async (): Promise<Deno.ChildProcess> => {
      const known = new Set(namesIn(directory));
      const script =
        "mkdir -p $TMPDIR/a/b; ln -s / $TMPDIR/a/root; chmod 0 $TMPDIR/a; : >$TMPDIR/x; read line; ls $TMPDIR";
      const child = start(jailArgv(flags, ["sh", "-c", script]), { env });
      const isReady = (name: string): boolean =>
        [...Deno.readDirSync(`${directory.path}/${name}`)].length > 1;
      const isNew = (name: string): boolean =>
        !known.has(name) && isReady(name);
      assert(await eventually(() => namesIn(directory).some(isNew)));
      return child;
    };
    const killed = await begun();
    const [left = ""] = namesIn(directory);
    killed.kill("SIGKILL");
    await killed.output();
    assertEquals(namesIn(directory), [left]);
    // What is no jail's own stays: a link, a file, a directory by another name, and
    // one of another machine, which has a text of its own in front.
    const others = [1, 2, 3, 4].map((nth) => {
      const random = crypto.randomUUID();
      return nth === 4
        ? `jail-${random}`
        : left.slice(0, "jail-".length + 8) + random.slice(8);
    });
    others[2] += "-mine";
    const [link = "", file = "", mine = "", far = ""] = others;
    await Deno.mkdir(`${files.path}/theirs/keep`, { recursive: true });
    await Deno.symlink(`${files.path}/theirs`, `${directory.path}/${link}`);
    for (const name of [mine, far]) {
      await Deno.mkdir(`${directory.path}/${name}`);
    }
    await Deno.writeTextFile(`${directory.path}/${file}`, "");
    const living = await begun();
    assert(!namesIn(directory).includes(left));
    const second = await jail(flags, ["true"], { env });
    assertEquals([second.stderr, second.code], ["", 0]);
    await living.stdin.close();
    const { stdout } = await living.output();
    assertEquals(new TextDecoder().decode(stdout), "a\nx\n");
    assertEquals(namesIn(directory).sort(), others.sort());
    assertEquals([...Deno.readDirSync(`${files.path}/theirs`)].length, 1);
  });
}

Deno.test({
  ...needs(["flock"], "jail lets its program lock its temporary directory"),
  async fn(): Promise<void> {
    const { directory, env } = await parent();
    await using _ = directory;
    const script = 'exec 3<"$TMPDIR"; flock -n -x 3 && echo locked';
    const ended = await jail(POLICY, ["sh", "-c", script], { env });
    assertEquals([ended.stdout, ended.stderr], ["locked\n", ""]);
  },
});

Deno.test("jail leaves TMPDIR alone where no policy names ${tmp}", async () => {
  const { directory, env } = await parent();
  await using _ = directory;
  const ended = await jail(["-p", "default"], ["sh", "-c", "echo $TMPDIR"], {
    env,
  });
  assertEquals(ended.stdout, `${directory.path}\n`);
});

Deno.test("jail says where it cannot make a temporary directory", async () => {
  const env = { TMPDIR: "/nonexistent/tmp" };
  const ended = await jail(["-p", "agent"], ["echo", "x"], { env });
  assertEquals([ended.stdout, ended.code], ["", 125]);
  assertEquals(
    ended.stderr,
    'jail: Cannot make a temporary directory in "/nonexistent/tmp": mkdir() failed with ENOENT\n\n' +
      "hint: set TMPDIR to a directory that you may write to\n",
  );
});

Deno.test("a Jail gives each program a temporary directory, and removes it", async () => {
  const { directory, env } = await parent();
  await using _ = directory;
  const script = 'touch "$TMPDIR/x"; ls "$TMPDIR"; echo $TMPDIR';
  const command = new Jail("agent").command("sh", {
    args: ["-c", script],
    cwd: "/usr",
    env,
  });
  const outputs = await Promise.all([command.output(), command.output()]);
  const texts = outputs.map(({ stdout }) => new TextDecoder().decode(stdout));
  assertMatch(texts[0] ?? "", /^x\n\/.*jail-/);
  assertEquals(new Set(texts).size, 2);
  assertEquals(namesIn(directory), []);
});

Deno.test("jail removes no directory of the user's that a program has moved to where it would", async () => {
  const { directory, env } = await parent();
  await using _ = directory;
  const kept = `${directory.path}/project/.git`;
  await Deno.mkdir(kept, { recursive: true });
  await Deno.chmod(`${directory.path}/project`, 0o777);
  const policy = `extends: default
read: ["\${tmp}", "${directory.path}", /proc/sys/kernel/random]
write: {allow: ["\${tmp}", "${directory.path}"], deny: ["/**/.git"]}
`;
  const script = `id=$(cut -c 1-8 /proc/sys/kernel/random/boot_id)
cd ..; mv -T project "jail-$id-0000-0000-0000-000000000000"; ls -d jail-*-0000-*
mv -T project "$TMPDIR/project"; ls "$TMPDIR"; echo done`;
  const options = { env, cwd: `${directory.path}/project` };
  const ended = await jail(policy, ["sh", "-c", script], options);
  assertStringIncludes(ended.stdout, "done");
  await jail(policy, ["true"], { env });
  assert((await Deno.stat(kept)).isDirectory, ended.stderr);
});

Deno.test("jail removes no file that a program may not write, with a directory that it may move", async () => {
  const { directory, env } = await parent();
  await using _ = directory;
  const kept = `${directory.path}/project/notes`;
  await Deno.mkdir(`${directory.path}/project`);
  await Deno.writeTextFile(kept, "");
  const policy = `extends: default
read: ["\${tmp}", "${directory.path}"]
write: ["\${tmp}/*", "${directory.path}/*"]
`;
  const script = `mv -T project "$TMPDIR/project"; echo done`;
  const options = { env, cwd: directory.path };
  const ended = await jail(policy, ["sh", "-c", script], options);
  assertStringIncludes(ended.stdout, "done");
  assert((await Deno.stat(kept)).isFile, ended.stderr);
});

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) writes what stands for a file of the system nowhere else`, async () => {
    await using directory = await scratch();
    const [temporary, elsewhere] = ["temporary", "elsewhere"].map((name) =>
      `${directory.path}/${name}`
    ) as [string, string];
    for (const path of [temporary, elsewhere]) await Deno.mkdir(path);
    const policy = await directory.file(
      "policy.yaml",
      "extends: allow-all\nsys: {uname: {nodename: jailed}}\n",
    );
    const script = "echo; read go; cat /proc/sys/kernel/hostname 2>&-; exit 0";
    const child = start(
      jailArgv(["-p", policy], ["sh", "-c", script], engine),
      { env: { TMPDIR: temporary } },
    );
    const reader = child.stdout.getReader();
    await reader.read();
    // As another jail may that writes where temporary files go.
    const [made] = [...Deno.readDirSync(temporary)].map(({ name }) =>
      `${temporary}/${name}`
    ) as [string];
    await Deno.rename(made, `${temporary}/moved`);
    await Deno.symlink(elsewhere, made);
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    await writer.close();
    await reader.cancel();
    await child.stderr.cancel();
    assertEquals((await child.status).code, 0);
    assertEquals([...Deno.readDirSync(elsewhere)], []);
  });
}

/** Puts a link in the place of each directory that jail makes, until it is over. */
async function replace(
  temporary: string,
  elsewhere: string,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    for (const { name, isDirectory } of Deno.readDirSync(temporary)) {
      if (!isDirectory || !name.startsWith("jail-")) continue;
      try {
        Deno.renameSync(`${temporary}/${name}`, `${temporary}/moved-${name}`);
        Deno.symlinkSync(elsewhere, `${temporary}/${name}`);
      } catch (error) {
        // It is removed by then.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

for (const engine of [...ENGINES, "kernel"] as const) {
  for (
    const [what, policy] of [
      ["its temporary directory", POLICY],
      [
        "what stands for a file of the system",
        "extends: default\nsys: {uname: {nodename: jailed}}\n",
      ],
    ] as const
  ) {
    if (engine === "kernel" && policy !== POLICY) continue;
    Deno.test(`jail (${engine}) lets a program use ${what}, and not where a link leads that comes in its place as it starts`, async () => {
      await using directory = await scratch();
      const [temporary, elsewhere] = ["temporary", "elsewhere"].map((name) =>
        `${directory.path}/${name}`
      ) as [string, string];
      for (const path of [temporary, elsewhere]) await Deno.mkdir(path);
      for (const path of [temporary, elsewhere]) await Deno.chmod(path, 0o777);
      const key = await directory.file("elsewhere/key", "secret\n");
      for (let starts = 0; starts < 3; starts++) {
        let isOver = false;
        const running = jail(
          policy,
          ["sh", "-c", `cat ${key}; : >${elsewhere}/new`],
          { engine, env: { TMPDIR: temporary } },
        ).finally(() => {
          isOver = true;
        });
        // As another jail may that writes where temporary files go.
        await replace(temporary, elsewhere, () => isOver);
        const { stdout, stderr } = await running;
        assertEquals(stdout, "", stderr);
      }
      assertEquals([...Deno.readDirSync(elsewhere)].length, 1);
    });
  }
}
