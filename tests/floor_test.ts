/** What Landlock refuses by itself, with every decision of the tracer an allow. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { landlockAbi } from "../src/sys/landlock.ts";
import { ENGINES, jail, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { withoutArgv } from "./without.ts";

const ABI = landlockAbi();

const POLICY = `
extends: minimal
read: [/usr, "\${cwd}"]
write: ["\${cwd}"]
run: [/usr/bin]
`;

interface FloorCase {
  readonly does: string;
  readonly script: string;
  readonly abi?: number;
}

const REFUSED: readonly FloorCase[] = [
  { does: "reading a file", script: "cat ../out/file" },
  { does: "listing a directory", script: "ls ../out" },
  { does: "reading a file by a link", script: "ln -s ../out/file l; cat l" },
  { does: "writing a file", script: "echo x >>../out/file" },
  { does: "truncating a file", script: "truncate -s 0 ../out/file" },
  { does: "creating a file", script: "echo x >../out/new" },
  { does: "creating a directory", script: "mkdir ../out/new" },
  { does: "creating a link", script: "ln -s x ../out/new" },
  { does: "creating a FIFO", script: "mkfifo ../out/new" },
  { does: "removing a file", script: "rm -f ../out/file" },
  { does: "removing a directory", script: "rmdir ../out/empty" },
  { does: "renaming a file there", script: "mv ../out/file ../out/new" },
  { does: "moving a file there", script: "mv file ../out/new" },
  { does: "moving a file from there", script: "mv ../out/file new" },
  { does: "linking a file from there", script: "ln ../out/file new" },
  { does: "executing a file", script: "../out/true" },
];

const ALLOWED: readonly FloorCase[] = [
  { does: "reading", script: "cat file" },
  { does: "listing", script: "ls" },
  { does: "writing", script: "echo x >file; : >>file" },
  { does: "creating", script: "mkdir d && mkfifo f && ln -s f l && ln file m" },
  { does: "removing", script: "mkdir d && rmdir d && rm file" },
  { does: "executing", script: "/usr/bin/true" },
  { does: "looking at a file outside", script: "stat -c %s ../out/file" },
  { does: "writing to a device", script: "echo x >/dev/null" },
  {
    does: "moving between directories",
    script: "mkdir a b && i=$(stat -c %i file) && mv file a/f && mv a/f b/g " +
      "&& mv a b/a && test $i = $(stat -c %i b/g)",
    abi: 2,
  },
  {
    does: "removing and making anew",
    script:
      "mkdir d && echo x >d/f && rm -r d && mkdir d && echo y >d/f && cat d/f",
  },
];

for (const engine of ENGINES) {
  for (const [cases, want] of [[REFUSED, false], [ALLOWED, true]] as const) {
    for (const { does, script, abi = 1 } of cases) {
      Deno.test({
        name: `Landlock alone (${engine}) ${
          want ? "allows" : "refuses"
        } ${does}`,
        ignore: ABI < abi,
        fn: async () => {
          await using directory = await scratch();
          const { path } = directory;
          await Deno.mkdir(`${path}/in`);
          await Deno.mkdir(`${path}/out/empty`, { recursive: true });
          await directory.file("in/file", "inside\n");
          await directory.file("out/file", "outside\n");
          await Deno.copyFile("/usr/bin/true", `${path}/out/true`);
          const policy = await directory.file("policy.yaml", POLICY);
          const argv = ["/bin/sh", "-c", script];
          const ended = await run(
            withoutArgv("decisions", engine, policy, argv),
            { cwd: `${path}/in` },
          );
          assertEquals(ended.code === 0, want, ended.stderr);
          if (want) return;
          assertMatch(ended.stderr, /ermission denied|cross-device/);
          assertEquals(
            await Deno.readTextFile(`${path}/out/file`),
            "outside\n",
          );
          const names = [...Deno.readDirSync(`${path}/out`)].map((e) => e.name);
          assertEquals(names.sort(), ["empty", "file", "true"]);
        },
      });
    }
  }
}

const REQUIRES = "{read: true, run: true, require: [landlock]}";

Deno.test("jail does not run without Landlock under a policy that requires it", async () => {
  await using directory = await scratch();
  const policy = await directory.file("policy.yaml", REQUIRES);
  const ended = await jail(["--no-landlock", "-p", policy], ["/bin/true"]);
  assertEquals(ended.code, 125);
  assertStringIncludes(
    ended.stderr,
    "requires Landlock\n\nhint: leave out --no-landlock",
  );
});

Deno.test({
  name: "jail runs with Landlock under a policy that requires it",
  ignore: ABI === 0,
  fn: async () => {
    const ended = await jail(REQUIRES, ["/bin/true"]);
    assertEquals([ended.code, ended.stderr], [0, ""]);
  },
});

Deno.test("jail leaves the program no descriptor of its ruleset", async () => {
  const ended = await jail("{read: true, run: true}", [
    "/bin/ls",
    "-l",
    "/proc/self/fd",
  ]);
  assertEquals(ended.code, 0, ended.stderr);
  assert(!ended.stdout.includes("landlock"), ended.stdout);
});
