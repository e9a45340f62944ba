/** The results of the benchmark as tables, and where documents have them. */

import { markdownTable } from "markdown-table";
import { ratios, type Row } from "./compare.ts";
import type { Size } from "./sizes.ts";
import type { Way } from "./ways.ts";
import { START } from "./workloads.ts";

/** All that a run of the benchmark found. */
export interface Results {
  /** When, as a date. */
  readonly date: string;
  /** Kernel, processors, versions. */
  readonly machine: string;
  /** The ways, and the version of each. */
  readonly ways: readonly Way[];
  /** Ways that could not be used, and why. */
  readonly missing: ReadonlyMap<string, string>;
  /** What was compared; the first is the start. */
  readonly rows: readonly Row[];
  /** What starting costs, beside Deno alone; the ways are its own. */
  readonly starts: { readonly ways: readonly Way[]; readonly row: Row };
  /** What sizes cost. */
  readonly sizes: readonly Size[];
}

/** The workloads in the short table, by how their names begin. */
const SHORT: readonly (readonly [string, string])[] = [
  ["`find", "find"],
  ["python3", "python3"],
  ["gcc", "gcc"],
  ["`make", "make"],
  ["`gs`", "gs"],
  ["sh,", "fork, exec"],
  ["8 threads", "8 threads"],
];

/** A number in a table: three places that count. */
function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return value < 10
    ? value.toFixed(2)
    : value < 100
    ? value.toFixed(1)
    : value.toFixed(0);
}

function inMilliseconds(ms: number): string {
  return Number.isFinite(ms) ? `${short(ms)} ms` : short(ms);
}

/** Why nothing is said of a work that is short beside a start. */
const HIDDEN = "its start varies by more than the work takes";

/** Every workload in every way. */
export function fullTable({ ways, rows }: Results): string {
  const notes: string[] = [];
  const table = rows.map((row) => {
    const found = ratios(row);
    const cells = found.map(({ ms, started, hidden }, i) => {
      const inMs = i === 0 || row.workload.name === START;
      const isHidden = hidden && !inMs;
      const note = row.cells[i]?.note ?? (isHidden ? HIDDEN : undefined);
      const mark = note === undefined ? "" : ` (${footnote(notes, note)})`;
      return `${inMs ? inMilliseconds(ms) : short(started)}${mark}`;
    });
    return [row.workload.name, ...cells];
  });
  const head = ["workload", ...ways.map(({ name }) => name)];
  return [
    markdownTable([head, ...table], { align: ["l", ...ways.map(() => "r")] }),
    ...notes.map((note, i) => `${i === 0 ? "\n" : ""}- (${i + 1}) ${note}`),
  ].join("\n");
}

/** The number of a footnote, which several cells may have. */
function footnote(notes: string[], note: string): number {
  if (!notes.includes(note)) notes.push(note);
  return notes.indexOf(note) + 1;
}

/** What each way enforces, and why one is missing. */
function waysTable({ ways, missing }: Results): string {
  return markdownTable([
    ["way", "enforces"],
    ...ways.map(({ name, enforces }) => [name, enforces]),
    ...[...missing].map(([name, why]) => [name, `not measured: ${why}`]),
  ]);
}

/** The ways as rows, but for the program alone, with a few workloads. */
export function shortTable({ ways, rows, missing }: Results): string {
  const [start] = rows;
  if (start === undefined) return "";
  const columns = SHORT.flatMap(([begin, name]) => {
    const row = rows.find(({ workload }) => workload.name.startsWith(begin));
    return row === undefined ? [] : [{ name, found: ratios(row) }];
  });
  const starts = ratios(start);
  const table = ways.map(({ name }, i) => [
    name,
    inMilliseconds(starts[i]?.ms ?? NaN),
    ...columns.map(({ found }) => short(found[i]?.started ?? NaN)),
  ]).slice(1);
  const none = [...missing.keys()].map((name) => [
    name,
    ...["", ...columns].map(() => "–"),
  ]);
  return markdownTable(
    [["", "start", ...columns.map(({ name }) => name)], ...table, ...none],
    { align: ["l", "r", ...columns.map(() => "r")] },
  );
}

/** What starting costs, and how many times as much as Deno alone. */
export function startsTable({ starts: { ways, row } }: Results): string {
  const found = ratios(row);
  return markdownTable([
    ["start", "time", "times Deno"],
    ...ways.map(({ name }, i) => [
      name,
      inMilliseconds(found[i]?.ms ?? NaN),
      short(found[i]?.whole ?? NaN),
    ]),
  ], { align: ["l", "r", "r"] });
}

/** What sizes cost. */
function sizesTable({ sizes }: Results): string {
  return markdownTable([
    ["how many", "native", "start of jail", "jail, started", "memory of jail"],
    ...sizes.map(({ name, size, alone, start, jail, memory, note }) => [
      `${name}: ${size.toLocaleString("en")}`,
      inMilliseconds(alone),
      inMilliseconds(start),
      inMilliseconds(Math.max(0, jail - start)) +
      (note === undefined ? "" : ` (${note})`),
      `${(memory / 2 ** 20).toFixed(0)} MiB`,
    ]),
  ], { align: ["l", "r", "r", "r", "r"] });
}

/** All of it, as a page. */
export function fullText(results: Results): string {
  return [
    `Measured on ${results.date}: ${results.machine}. Ways take turns, and each`,
    "number is a median. `true` is the start, in milliseconds; all else is how",
    "many times as long as native it takes once started: without what `true` takes",
    "in the same way, measured in the same turns.",
    "",
    fullTable(results),
    "",
    "A start, with nothing to do after it:",
    "",
    startsTable(results),
    "",
    "What each of them enforces:",
    "",
    waysTable(results),
    ...results.sizes.length === 0 ? [] : [
      "",
      "What jail costs with much of something, when it starts and from then on:",
      "",
      sizesTable(results),
    ],
  ].join("\n");
}

/** The few lines of it that everybody reads. */
export function shortText(results: Results): string {
  return [
    `${results.date}, ${results.machine}: times as long as native, once started ` +
    "(–: its start varies by more).",
    "",
    shortTable(results),
  ].join("\n");
}

/** The same as JSON. */
export function toJson(results: Results): string {
  return JSON.stringify(
    {
      date: results.date,
      machine: results.machine,
      ways: results.ways.map(({ name, enforces, prefix }) => ({
        ...{ name, enforces, prefix: prefix(".").join(" ") },
      })),
      missing: Object.fromEntries(results.missing),
      workloads: results.rows.map((row) => {
        const found = ratios(row);
        return {
          name: row.workload.name,
          words: row.workload.words,
          results: row.cells.map(({ times, starts, note }, i) => ({
            ...{ way: results.ways[i]?.name, medianMs: found[i]?.ms },
            ...{ ratio: found[i]?.whole, onceStarted: found[i]?.started },
            ...{ times, starts, note },
          })),
        };
      }),
      starts: ratios(results.starts.row).map(({ ms, whole }, i) => ({
        ...{ way: results.starts.ways[i]?.name, medianMs: ms, ratio: whole },
        times: results.starts.row.cells[i]?.times,
      })),
      sizes: results.sizes,
    },
    // No number is no number in JSON.
    (_, value) => Number.isNaN(value) ? null : value,
    2,
  );
}

const BEGIN = "<!-- bench: begin";
const END = "<!-- bench: end -->";

/**
 * Puts a text into a document, between the marks that it has.
 *
 * @throws {RangeError} where the document has no such marks
 */
export function between(document: string, text: string): string {
  const begin = document.indexOf(BEGIN);
  const line = document.indexOf("\n", begin);
  const end = document.indexOf(END, line);
  if (begin < 0 || line < 0 || end < 0) {
    throw new RangeError(`Cannot write into it: it has no "${BEGIN}" and end`);
  }
  return `${document.slice(0, line)}\n\n${text}\n\n${document.slice(end)}`;
}
