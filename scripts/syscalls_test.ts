/** Tests of scripts/syscalls.ts and scripts/calls.ts. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { SYSCALLS } from "../src/abi/syscalls.ts";
import { asMarkdown, asText } from "./calls.ts";
import { differences, readNumbers } from "./syscalls.ts";

const HEADER = `
#ifndef _UNISTD_H
#define _UNISTD_H
#if __BITS_PER_LONG == 32 || defined(COMPAT)
#define __NR_llseek 62
#elif !defined COMPAT
#define __NR3264_lseek 62 /* a comment
  #define __NR_wrong 1 */
#else
#define __NR_never 2
#endif
#if __BITS_PER_LONG == 64 && !defined(COMPAT)
#define __NR_lseek __NR3264_lseek
#ifdef NEVER
#if 1
#define __NR_nested 3
#endif
#else
#define __NR_read 63
#endif
#endif
#undef __NR_syscalls
#define __NR_syscalls 463
#endif
`;

Deno.test("readNumbers() follows conditions, aliases and comments", () => {
  assertEquals(
    [...readNumbers(HEADER, { __BITS_PER_LONG: "64" })].sort(),
    [["lseek", 62], ["read", 63]],
  );
  assertEquals(
    [...readNumbers(HEADER, { __BITS_PER_LONG: "32" })],
    [["llseek", 62]],
  );
});

Deno.test("differences() names what differs, and lets newer calls be", () => {
  const calls = Object.values(SYSCALLS).filter((call) =>
    call.aarch64 !== undefined && call.aarch64 < 460
  );
  const numbers = new Map(calls.map((c) => [c.name as string, c.aarch64 ?? 0]));
  assertEquals(differences("aarch64", numbers), []);
  numbers.set("read", 64);
  numbers.set("frob", 300);
  numbers.delete("close");
  assertEquals(differences("aarch64", numbers), [
    "aarch64: read is 64, not 63",
    "aarch64: frob is 300, not absent",
    "aarch64: close is absent, not 57",
  ]);
});

Deno.test("asMarkdown() and asText() show a call in one row", () => {
  assertStringIncludes(
    asMarkdown([SYSCALLS.openat]),
    "| `openat` | 257 | 56 | `@file` | checked | `dirfd`, `open-path`, `open-flags`, `mode` |\n",
  );
  assertEquals(
    asText([SYSCALLS.fork]),
    "call  x86-64  arm64  group    class         arguments\n" +
      "fork      57         process  unrestricted\n",
  );
});
