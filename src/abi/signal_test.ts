/** Tests of signal.ts. */

import { assert, assertEquals } from "@std/assert";
import {
  isSignalName,
  SIGKILL,
  SIGNAL,
  signalName,
  SIGSTOP,
  SIGSYS,
} from "./signal.ts";

Deno.test("signalName() names every number of SIGNAL", () => {
  const numbers = Object.values(SIGNAL);
  assertEquals(numbers, Array.from({ length: 31 }, (_, i) => i + 1));
  for (const [name, number] of Object.entries(SIGNAL)) {
    assertEquals(signalName(number), name);
  }
  assertEquals([SIGKILL, SIGSTOP, SIGSYS], [9, 19, 31]);
});

const OTHERS: readonly [number, string][] = [
  [32, "SIGRTMIN"],
  [35, "SIGRTMIN+3"],
  [64, "SIGRTMIN+32"],
  [0, "signal 0"],
  [65, "signal 65"],
  [-1, "signal -1"],
];
for (const [number, name] of OTHERS) {
  Deno.test(`signalName() calls ${number} ${name}`, () => {
    assertEquals(signalName(number), name);
  });
}

Deno.test("isSignalName() knows the kernel's spelling only", () => {
  assert(isSignalName("SIGTERM"));
  for (const text of ["", "TERM", "sigterm", "SIGRTMIN", "toString"]) {
    assertEquals(isSignalName(text), false, text);
  }
});
