/** `env` in a policy: which variables a program gets, and with which values. */

import { assertEquals, assertMatch } from "@std/assert";
import { jail } from "./harness.ts";
import { jail as command, scratch } from "./jail.ts";

const env = {
  GITHUB_TOKEN: "no",
  DB_PASSWORD: "no",
  LD_DEBUG: "statistics",
  GREETING: "hello",
};

async function given(policy: string | readonly string[]): Promise<string[]> {
  const { stdout } = await jail(policy, ["env"], { env });
  return stdout.split("\n").filter((line) =>
    Object.keys(env).includes(line.split("=")[0] ?? "")
  ).sort();
}

Deno.test("jail hands over no secret and no LD_* that a policy does not name", async () => {
  assertEquals(await given("extends: default\n"), ["GREETING=hello"]);
  assertEquals(await given(["-p", "default", "--allow-env=GITHUB_TOKEN"]), [
    "GITHUB_TOKEN=no",
    "GREETING=hello",
  ]);
  assertEquals(
    await given("extends: default\nenv: {deny: ['greet*']}\n"),
    [],
  );
});

Deno.test("jail hands over no secret and no LD_* by a wildcard of a flag, or of a permission set", async () => {
  const wild = ["-p", "readonly", "--allow-read", "--allow-run"];
  assertEquals(await given([...wild, "--allow-env=*"]), ["GREETING=hello"]);
  assertEquals(await given([...wild, "--allow-env=HOME,*"]), [
    "GREETING=hello",
  ]);
  await using cwd = await scratch();
  const set = { env: ["*"], read: true, run: true };
  await cwd.file("deno.json", JSON.stringify({ permissions: { set } }));
  const { stdout } = await jail(["-P=set"], ["env"], { env, cwd: cwd.path });
  assertEquals(stdout.match(/^(?:GITHUB|DB|LD|GREETING).*/gm), [
    "GREETING=hello",
  ]);
  // Everything is said by the flag alone.
  assertEquals((await given([...wild, "--allow-env"])).length, 4);
});

Deno.test("jail gives a program the values that a policy sets", async () => {
  const policy =
    'extends: default\nenv: {deny: ["*"], set: {GREETING: "a=b c", DB_PASSWORD: "${cwd}"}}\n';
  await using cwd = await scratch();
  const { stdout } = await jail(policy, ["env"], { env, cwd: cwd.path });
  assertEquals(stdout, `GREETING=a=b c\nDB_PASSWORD=${cwd.path}\n`);
});

Deno.test("jail gives a program the dollar that a policy writes with a backslash, and all else of a value as it is", async () => {
  const policy =
    "extends: default\nenv: {set: {GREETING: '\\$HOME \\\\d \\n $5 \\${cwd}'}}\n";
  assertEquals(await given(policy), [
    "GREETING=$HOME \\\\d \\n $5 ${cwd}",
  ]);
});

Deno.test("jail plan names the variables that would be dropped, and no value", async () => {
  const { stdout } = await command(["plan", "default"], { env });
  const line = stdout.split("\n").find((one) => one.startsWith("drops")) ?? "";
  assertMatch(line, / DB_PASSWORD GITHUB_TOKEN (.+ )?LD_DEBUG( |$)/);
  assertEquals(/GREETING|statistics|=/.test(line), false, line);
});
