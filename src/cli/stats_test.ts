import { assertEquals } from "@std/assert";
import { PLAIN } from "./paint.ts";
import { statsLine, statsText } from "./stats.ts";

const USAGE = {
  wall: 1234.5678,
  cpu: 56.7,
  memory: 1.5 * 2 ** 20,
  processes: 1,
  tasks: 3,
  stops: 1,
  denials: 2,
  calls: { openat: 3 },
};

Deno.test("statsText() words what was used in one line", () => {
  assertEquals(
    statsText(USAGE, PLAIN),
    "jail: took 1.24 s, 57 ms of processor time, 1.5 MiB of memory, " +
      "1 process (3 tasks at once), 1 stop, 2 denials",
  );
});

Deno.test("statsText() and statsLine() leave out what nobody counted", () => {
  const usage = {
    ...{ wall: 1234, cpu: 56, stops: 0, calls: {} },
    memory: undefined,
    processes: undefined,
    tasks: undefined,
    denials: undefined,
  };
  assertEquals(
    statsText(usage, PLAIN),
    "jail: took 1.23 s, 56 ms of processor time, 0 stops",
  );
  assertEquals(
    statsLine(usage),
    '{"wallMs":1234,"cpuMs":56,"stops":0,"calls":{}}',
  );
});

Deno.test("statsLine() has whole numbers", () => {
  assertEquals(JSON.parse(statsLine(USAGE)), {
    wallMs: 1235,
    cpuMs: 57,
    memoryBytes: 1572864,
    processes: 1,
    tasks: 3,
    stops: 1,
    denials: 2,
    calls: { openat: 3 },
  });
});
