/** What the benchmark makes of times. */

import { assertEquals, assertThrows } from "@std/assert";
import { ratios, type Row } from "./compare.ts";
import { median } from "./measure.ts";
import {
  between,
  fullTable,
  type Results,
  shortTable,
  startsTable,
} from "./tables.ts";
import type { Way } from "./ways.ts";

const WAYS: readonly Way[] = ["native", "jail", "tool"].map((name) => ({
  ...{ name, enforces: "something", prefix: () => [] },
}));

function row(name: string, ...cells: Row["cells"]): Row {
  return { workload: { name, words: [name] }, cells };
}

const FIND = row(
  "`find",
  { times: [30, 10, 20], starts: [10] },
  { times: [130], starts: [110] },
  { times: [], starts: [], note: "it ended with 1" },
);

const RESULTS: Results = {
  date: "1998-07-24",
  machine: "a machine",
  ways: WAYS,
  missing: new Map([["other", "it is not installed"]]),
  rows: [
    row(
      "`true`",
      { times: [1], starts: [1] },
      { times: [100], starts: [100] },
      // As its start was a bit longer in the other half of its turns.
      { times: [3], starts: [3.1] },
    ),
    FIND,
  ],
  starts: {
    ways: WAYS.slice(0, 2),
    row: row("`true`", { times: [20], starts: [] }, {
      times: [50],
      starts: [],
    }),
  },
  sizes: [],
};

Deno.test("median() is the middle one, whatever the order", () => {
  assertEquals(median([30, 10, 20]), 20);
  assertEquals(median([2, 1]), 2);
  assertEquals(median([]), NaN);
});

Deno.test("ratios() takes off what starting takes in the same way", () => {
  const [alone, jail, tool] = ratios(FIND);
  assertEquals(alone, { ms: 20, whole: 1, started: 1, hidden: false });
  assertEquals(jail, { ms: 130, whole: 6.5, started: 2, hidden: false });
  assertEquals(tool?.started, NaN);
});

Deno.test("ratios() says nothing of work that is short beside a start", () => {
  // A tool that waits for a while takes as long with the work as without.
  const waits = row("gcc", { times: [20], starts: [10] }, {
    times: [37],
    starts: [37],
  });
  assertEquals(ratios(waits)[1], {
    ...{ ms: 37, whole: 1.85, started: NaN, hidden: true },
  });
  // Where the work is long, to be faster is a result.
  const faster = row("a byte", { times: [2000], starts: [1] }, {
    times: [1400],
    starts: [40],
  });
  assertEquals(ratios(faster)[1]?.hidden, false);
});

Deno.test("fullTable() says why a way has no number", () => {
  const lines = fullTable(RESULTS).split("\n").map((line) =>
    line.replace(/ +/g, " ")
  );
  assertEquals(lines[2], "| `true` | 1.00 ms | 100 ms | 3.00 ms |");
  assertEquals(lines[3], "| `find | 20.0 ms | 2.00 | – (1) |");
  assertEquals(lines.at(-1), "- (1) it ended with 1");
});

Deno.test("shortTable() leaves out no way that is missing", () => {
  const lines = shortTable(RESULTS).split("\n");
  assertEquals(lines.length, 5);
  assertEquals(lines[4]?.startsWith("| other "), true);
});

Deno.test("between() writes between the marks alone", () => {
  const document =
    "a\n<!-- bench: begin, by x -->\nold\n<!-- bench: end -->\nb\n";
  assertEquals(
    between(document, "new"),
    "a\n<!-- bench: begin, by x -->\n\nnew\n\n<!-- bench: end -->\nb\n",
  );
  assertThrows(() => between("a\n", "new"), RangeError);
});

Deno.test("startsTable() says how many times as long as Deno a start takes", () => {
  const lines = startsTable(RESULTS).split("\n").map((line) =>
    line.replace(/ +/g, " ")
  );
  assertEquals(lines[2], "| native | 20.0 ms | 1.00 |");
  assertEquals(lines[3], "| jail | 50.0 ms | 2.50 |");
});
