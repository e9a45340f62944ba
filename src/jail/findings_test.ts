import { assertEquals } from "@std/assert";
import { cores } from "./findings.ts";

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
