import { assertEquals, assertThrows } from "@std/assert";
import { isStopSignal, type StopKind, stopKind, stopValue } from "./stop.ts";

// Wait statuses as the kernel stores them: <sys/wait.h> and ptrace(2).
const CASES: readonly (readonly [number, StopKind, number])[] = [
  [0x0000, "exited", 0],
  [0x2500, "exited", 37],
  [0xff00, "exited", 255],
  [0x0009, "killed", 9],
  [0x008b, "killed", 11], // with a core
  [0x7_057f, "seccomp", 5],
  [0x857f, "syscall", 0x85],
  [0x4_057f, "exec", 5],
  [0x1_057f, "new", 5],
  [0x2_057f, "new", 5],
  [0x3_057f, "new", 5],
  [0x80_137f, "group", 19],
  [0x80_147f, "group", 20],
  [0x80_157f, "group", 21],
  [0x80_167f, "group", 22],
  [0x80_057f, "trap", 5],
  [0x057f, "signal", 5], // a SIGTRAP that somebody sent
  [0x137f, "signal", 19],
  [0x0f7f, "signal", 15],
];

for (const [status, kind, value] of CASES) {
  Deno.test(`stopKind() reads 0x${status.toString(16)} as ${kind}`, () => {
    assertEquals(stopKind(status), kind);
    assertEquals(stopValue(status), value);
  });
}

Deno.test("stopKind() refuses an event that a seized tracee cannot report", () => {
  assertThrows(() => stopKind(0x63_057f), RangeError);
});

Deno.test("isStopSignal() knows the four job-control signals", () => {
  const stops = Array.from({ length: 64 }, (_, i) => i + 1).filter(
    isStopSignal,
  );
  assertEquals(stops, [19, 20, 21, 22]);
});
