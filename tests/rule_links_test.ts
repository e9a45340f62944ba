/** Links by which a rule leads, and links to what a rule closes. */

import { assertEquals, assertMatch } from "@std/assert";
import { ENGINES, fixture, jail, jailArgv, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";
import { attempt } from "./python.ts";

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) closes what a rule names by a link of /proc, of threads too`, async () => {
    const closed = ["--allow-read", "--deny-read=/proc/net,/proc/mounts"];
    const names = ["net/tcp", "mounts"].flatMap((name) =>
      ["", "self/", "thread-self/", "self/task/$$/"].map((of) =>
        `/proc/${of}${name}`
      )
    );
    for (const name of names) {
      const { code, stdout } = await jail([...closed, "--allow-run"], [
        ...["sh", "-c", `read line < ${name} && echo "$line"`],
      ], { engine });
      assertEquals([name, code, stdout], [name, 2, ""]);
    }
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a directory moved out of what is closed, where a wildcard opens what is in it`,
    ),
    async fn(): Promise<void> {
      await using here = await scratch();
      await run(["mkdir", "-p", "closed/sub"], { cwd: here.path });
      await here.file("closed/sub/secret.txt", "secret\n");
      const policy = `extends: base
read: {allow: ["${here.path}/**/*.txt"], deny: ["${here.path}/closed"]}
write: ["${here.path}"]
`;
      const code = 'os.rename("closed/sub", "open")\n' +
        'print(open("open/secret.txt").read())';
      const { stdout } = await jail(policy, [
        "/usr/bin/python3",
        ...attempt(code).slice(1),
      ], { engine, cwd: here.path });
      assertEquals(stdout, "EXDEV\n");
    },
  });

  Deno.test(`jail (${engine}) keeps a link by which a rule refuses something in the next run`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    const policy = `extends: default\nwrite: ["${path}"]\n` +
      `read: {allow: ["${path}"], deny: ["${path}/current/secret"]}\n`;
    const before = "mkdir one && echo it >one/secret && ln -s one current";
    await run(["sh", "-c", before], { cwd: path });
    const tries = [
      ["cat one/secret", 1, ""],
      ["rm current", 1, ""],
      ["mv current x", 1, ""],
      ["ln -s one x && rm x && ls", 0, "current\none\n"],
      ["cat one/secret", 1, ""],
    ] as const;
    for (const [command, code, stdout] of tries) {
      const ended = await jail(policy, ["sh", "-c", command], {
        engine,
        cwd: path,
      });
      assertEquals([command, ended.code, ended.stdout], [
        command,
        code,
        stdout,
      ]);
    }
  });

  Deno.test(`jail (${engine}) puts no link where the link of a rule leads in and out again`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    const policy = `extends: default\nwrite: ["${path}"]\n` +
      `read: {allow: ["${path}"], deny: ["${path}/secret"]}\n`;
    const before = "mkdir -p one/in two/in && echo it >one/it && " +
      "echo >two/it && ln -s one/in/../it secret && mkdir two/link && " +
      "ln -s ../two/in two/link/in";
    await run(["sh", "-c", before], { cwd: path });
    const tries = "cat one/it; rmdir one/in; ln -s ../two/in one/in; " +
      "mv two/link/in one/in";
    for (const command of [tries, "cat one/it"]) {
      const ended = await jail(policy, ["sh", "-c", command], {
        engine,
        cwd: path,
      });
      assertEquals([command, ended.code, ended.stdout], [command, 1, ""]);
    }
  });

  Deno.test(`jail (${engine}) moves no directory to where the link in it would lead what a rule closes elsewhere`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    const policy = `extends: default\nwrite: ["${path}"]\n` +
      `read: {allow: ["${path}"], deny: ["${path}/app/tokens"]}\n`;
    const moves = "mkdir own new && ln -s ../own new/tokens && mv new app";
    await jail(policy, ["sh", "-c", moves], { engine, cwd: path });
    const keeps = "mkdir -p app/tokens && echo it >app/tokens/key; ls own";
    const { stdout } = await run(["sh", "-c", keeps], { cwd: path });
    assertEquals(stdout, "");
  });

  Deno.test(`jail (${engine}) keeps a link that the link of a rule leads to`, async () => {
    await using directory = await scratch();
    await using outside = await scratch();
    const { path } = directory;
    const policy = `extends: default\nwrite: ["${path}"]\n` +
      `read: {allow: ["${path}", "${path}/open"], deny: ["${path}/current/secret"]}\n`;
    const before = "mkdir one links && echo it >one/secret && " +
      "ln -s ../one links/middle && ln -s links/middle current && " +
      "ln -s one middle && ln -s middle open";
    await run(["sh", "-c", before], { cwd: path });
    await outside.file("file", "outside\n");
    const tries = [
      "cat one/secret",
      "rm links/middle",
      "mv links x",
      `rm middle && ln -s ${outside.path} middle`,
      "cat one/secret",
      "cat open/file",
    ];
    for (const command of tries) {
      const ended = await jail(policy, ["sh", "-c", command], {
        engine,
        cwd: path,
      });
      assertEquals([command, ended.stdout], [command, ""]);
    }
  });

  Deno.test(`jail (${engine}) keeps a link that the link of a rule leads through, whatever would be put there`, async () => {
    await using directory = await scratch();
    await using here = await scratch();
    const { path } = directory;
    const policy = `extends: default\nwrite: ["${path}/own"]\n` +
      `read: ["${path}/open"]\n`;
    const before = "mkdir -p own/shut real/sub && echo it >own/shut/key && " +
      "ln -s ../real own/current && ln -s own/current/sub open";
    await run(["sh", "-c", before], { cwd: path });
    const tries = [
      "rm current; mkdir -p current/sub; mv shut/key current/sub",
      "mv current x; mkdir -p current/sub; mv shut/key current/sub",
    ];
    for (const command of tries) {
      await jail(policy, ["sh", "-c", `cd ${path}/own; ${command}`], {
        engine,
        cwd: here.path,
      });
      const { stdout } = await jail(
        policy,
        ["cat", `${path}/own/shut/key`, `${path}/own/current/sub/key`],
        { engine, cwd: here.path },
      );
      assertEquals([command, stdout], [command, ""]);
    }
    const { code } = await jail(
      policy,
      ["sh", "-c", `rm ${path}/own/shut/key && rmdir ${path}/own/shut`],
      { engine, cwd: here.path },
    );
    assertEquals(code, 0);
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a look at a closed directory by a link and an openat2 that fails`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      await using closed = await scratch();
      await closed.file("file", "secret");
      await Deno.symlink("loop", `${closed.path}/loop`);
      await Deno.mkdir(`${closed.path}/directory`);
      const policy = `extends: default\nwrite: ["${directory.path}"]\n` +
        `read: ["${directory.path}"]\n`;
      const code = `import ctypes, errno, os
call = ctypes.CDLL(None, use_errno=True).syscall
def look(path, resolve):
    how = (ctypes.c_uint64 * 3)(0, 0, resolve)
    fd = call(437, -100, path.encode(), how, 24)
    return "open" if fd >= 0 else errno.errorcode[ctypes.get_errno()]
names = "file", "directory", "loop", "missing"
for name in names: os.symlink("${closed.path}/" + name, "to-" + name)
for resolve in 0, 1, 2, 4, 8, 16, 1 | 2, 2 | 8:
    for path in "to-%s", "to-%s/", "to-%s/x", "${closed.path}/%s/../../nothing":
        told = [look(path % name, resolve) for name in names]
        if len(set(told)) > 1: print(resolve, path, told)
print(look("to-file", 4), look("to-file", 8))`;
      const { stdout, stderr } = await jail(
        ...[policy, ["/usr/bin/python3", "-c", code]] as const,
        { engine, cwd: directory.path },
      );
      assertEquals([stdout, stderr], ["ELOOP EACCES\n", ""]);
    },
  });
}

const HIDDEN =
  "jail follows a link of a rule as far as it can, or does not start";
Deno.test({
  ...needs(["setpriv"], HIDDEN),
  async fn(): Promise<void> {
    await using directory = await scratch();
    await Deno.chmod(directory.path, 0o777);
    const { path } = directory;
    const policy = `extends: default\n` +
      `read: {allow: ["${path}"], deny: ["${path}/current"]}\n` +
      `write: {allow: ["${path}"], deny: ["${path}/current"]}\n`;
    const before = "mkdir -p deep/v1 && echo it >deep/v1/file && " +
      "ln -s deep/v1 current";
    await jail(["-A"], ["sh", "-c", before], { cwd: path });
    // Root searches any directory by a capability.
    const ordinary = Deno.uid() === 0
      ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
      : [];
    // Beside what it is about, it would be told that it may be written.
    await using elsewhere = await scratch();
    const file = await elsewhere.file("policy.yaml", policy);
    const tries = [
      ["chmod 0 deep", 0, /^$/],
      ["chmod 700 deep; cat deep/v1/file", 125, /is hidden by ".*\/deep"/],
    ] as const;
    for (const [command, code, told] of tries) {
      const argv = jailArgv(["-p", file], ["sh", "-c", command]);
      const ended = await run([...ordinary, ...argv], { cwd: path });
      assertEquals([command, ended.code, ended.stdout], [command, code, ""]);
      assertMatch(ended.stderr, told);
    }
    await run(["chmod", "700", `${path}/deep`]);
    await run(["rm", "-r", `${path}/deep/v1`]);
    // What it leads to is not there yet.
    const ended = await jail(policy, ["mkdir", "deep/v1"], { cwd: path });
    assertEquals([ended.code, ended.stdout], [1, ""]);
  },
});

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) means the directory that it works in, and not where a link leads that comes in its place as it starts`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    for (const name of ["work", "elsewhere"]) {
      await Deno.mkdir(`${path}/${name}`);
    }
    const key = await directory.file("elsewhere/key", "secret\n");
    await Deno.symlink("elsewhere", `${path}/link`);
    // As another jail may that writes in the directory above.
    const script = `cd work && { ${
      fixture("exchange")
    } ${path}/work ${path}/link &
other=$!; i=0; while [ $i -lt 12 ]; do "$@"; i=$((i+1)); done; kill $other; }`;
    const argv = jailArgv([], ["cat", key], engine);
    const ended = await run(["sh", "-c", script, "sh", ...argv], { cwd: path });
    assertEquals(ended.stdout, "", ended.stderr);
    assertMatch(ended.stderr, /No such file|Permission denied/);
  });
}
