import { assertEquals, assertMatch } from "@std/assert";
import { cores, kernel, privileges } from "./findings.ts";

for (
  const [what, isZero, pattern, state] of [
    ["a file", false, "core", "good"],
    ["a program that is not started", false, "|/usr/bin/keep %p", "good"],
    ["a program that is", true, "|/usr/bin/keep %p", "bad"],
    ["a file that is not made", true, "core", "good"],
    ["a socket, which no limit keeps from it", false, "@/run/cores", "bad"],
    ["a socket that is asked first", true, "@@/run/cores", "bad"],
    ["nothing", false, undefined, "good"],
  ] as const
) {
  Deno.test(`cores() says whether a crash leaves the jail: ${what}`, () => {
    assertEquals(cores(isZero, pattern).state, state);
  });
}

Deno.test("privileges() says what a program cannot do for want of one of jail's own", () => {
  for (
    const [bits, follows] of [
      ["000001ffffffffff", /^programs keep/],
      // What Docker gives to root, which has no CAP_SYS_PTRACE.
      ["00000000a80425fb", /CAP_SYS_PTRACE .* is refused its files$/],
      ["000001fffffffffb", /^programs keep/],
      ["000001fffffffffd", /^programs keep/],
      ["000001fffffffff9", /CAP_DAC_READ_SEARCH .* by its descriptors$/],
      ["00000000a80425db", /CAP_KILL no program may become another user$/],
      ["0000000000000000", /^none are needed$/],
    ] as const
  ) {
    assertMatch(privileges(new Map([["CapEff", bits]])).follows, follows);
  }
});

for (
  const [release, state] of [
    ["4.18.0-553.el8_10.x86_64", "bad"],
    ["5.10.0-32-amd64", "bad"],
    ["5.11.0", "note"],
    ["5.15.0-122-generic", "note"],
    ["6.1.0-50-amd64", "note"],
    ["10.0", "note"],
  ] as const
) {
  Deno.test(`kernel() says whether jail runs by Linux ${release}`, () => {
    assertEquals(kernel(release).state, state);
  });
}

Deno.test("kernel() says that there is no launcher for a machine", () => {
  const { state, follows } = kernel("6.12.0", "aarch64");
  assertEquals([state, follows], ["bad", "there is no launcher for it"]);
});
