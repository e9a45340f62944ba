import { assertEquals } from "@std/assert";
import { cpuInfo, cpuList, procStat } from "./cpu_files.ts";

Deno.test("cpuList() names processors from the first on", () => {
  assertEquals([1, 2, 16].map(cpuList), ["0\n", "0-1\n", "0-15\n"]);
});

Deno.test("cpuInfo() makes every processor like the first, and numbers them", () => {
  const real =
    "processor\t: 0\nsiblings\t: 2\ncpu cores\t: 2\nflags\t\t: fpu: vme\n\nprocessor\t: 1\n\n";
  const one = (cpu: number, of: number): string =>
    `processor\t: ${cpu}\nsiblings\t: ${of}\ncpu cores\t: ${of}\nflags\t\t: fpu: vme\n\n`;
  assertEquals(cpuInfo(real, 1), one(0, 1));
  assertEquals(cpuInfo(real, 3), one(0, 3) + one(1, 3) + one(2, 3));
});

Deno.test("procStat() has as many processors, and a start at another time", () => {
  const real = "cpu  10 4\ncpu0 9 4\ncpu1 1 0\nintr 5\nbtime 1000\n";
  assertEquals(
    procStat(real, 1, -10),
    "cpu  10 4\ncpu0 10 4\nintr 5\nbtime 990\n",
  );
  assertEquals(procStat(real, 2, 0).split("\n").slice(1, 3), [
    "cpu0 5 2",
    "cpu1 5 2",
  ]);
  assertEquals(procStat(real, undefined, 5), real.replace("1000", "1005"));
});
