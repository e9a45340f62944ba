/** What jail says of a machine, and of how it would enforce a policy. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { jailCommand, scratch } from "./jail.ts";
import { type Ended, run } from "./harness.ts";
import { needs } from "./needs.ts";

async function command(...words: readonly string[]): Promise<Ended> {
  return await run([...jailCommand(), ...words]);
}

Deno.test("jail doctor finds this machine fit", async () => {
  const { code, stdout, stderr } = await command("doctor");
  assertEquals([code, stderr], [0, ""], stdout);
  assertMatch(stdout, /^✓ pinning/m);
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
  assertMatch(lineOf(" /etc "), /policy\.yaml:2 +read +\/etc +stop.* R1/);
  assertMatch(lineOf("/tmp/none"), /policy\.yaml:4 +write +\S+ +stop.* R1/);
  assertMatch(lineOf("/usr/lib "), /^minimal:\d+/);
  assertMatch(stdout, /^calls +\d+ pass/m);
});

Deno.test("jail refuses a best effort under a strict policy", async () => {
  await using directory = await scratch();
  const file = await directory.file(
    "policy.yaml",
    'extends: minimal\nrun: ["/memfd:*"]\nstrict: true\n',
  );
  const ran = await command("-p", file, "--", "true");
  assertEquals(ran.code, 125);
  assertStringIncludes(ran.stderr, '"/memfd:*" of "run"');
  const planned = await command("plan", file);
  assertEquals(planned.code, 1);
});
