import { assertEquals, assertThrows } from "@std/assert";
import {
  AmountError,
  durationText,
  parseCount,
  parseDuration,
  parseSize,
  sizeText,
} from "./file/amounts.ts";
import { type Limits, mergeLimits } from "./limits.ts";

const DURATIONS: readonly (readonly [string, number])[] = [
  ["60s", 60_000],
  ["500ms", 500],
  ["2m", 120_000],
  ["1h", 3_600_000],
  ["1.5s", 1500],
  ["10 s", 10_000],
  ["1000h", 3_600_000_000],
];

for (const [text, want] of DURATIONS) {
  Deno.test(`parseDuration() reads ${text}`, () => {
    assertEquals(parseDuration(text), want);
  });
}

const SIZES: readonly (readonly [string, number])[] = [
  ["1000", 1000],
  ["100MiB", 100 * 2 ** 20],
  ["1GB", 1e9],
  ["1.5GiB", 1.5 * 2 ** 30],
  ["4 kB", 4000],
  ["12B", 12],
];

for (const [text, want] of SIZES) {
  Deno.test(`parseSize() reads ${text}`, () => {
    assertEquals(parseSize(text), want);
  });
}

const WRONG: readonly (readonly [(text: string) => number, string, string])[] =
  [
    [parseDuration, "60", "a duration is expected"],
    [parseDuration, "", "a duration is expected"],
    [parseDuration, "s", "a duration is expected"],
    [parseDuration, "-1s", "a duration is expected"],
    [parseDuration, "1m30s", "a duration is expected"],
    [parseDuration, "0s", "would allow nothing"],
    [parseDuration, "0.1ms", "would allow nothing"],
    [parseDuration, "60S", "unknown unit"],
    [parseDuration, "1001h", "too long"],
    [parseDuration, "1toString", "unknown unit"],
    [parseSize, "1G", "unknown unit"],
    [parseSize, "0", "would allow nothing"],
    [parseSize, "9007199254740993", "too much"],
    [parseSize, "1e3", "a size is expected"],
    [parseCount, "1e3", "whole number"],
    [parseCount, "0", "would allow nothing"],
    [parseCount, "1000000000", "whole number"],
  ];

for (const [parse, text, message] of WRONG) {
  Deno.test(`${parse.name}() refuses "${text}"`, () => {
    assertThrows(() => parse(text), AmountError, message);
  });
}

Deno.test("durationText() and sizeText() read as people write", () => {
  assertEquals([500, 1000, 1250, 60_000].map(durationText), [
    "500 ms",
    "1 s",
    "1.25 s",
    "60 s",
  ]);
  const sizes = [1, 999, 1000, 1001, 4096, 2 ** 20, 1.5 * 2 ** 30, 1e9, 12e6];
  assertEquals(sizes.map((size) => sizeText(size)), [
    "1 byte",
    "999 bytes",
    "1 kB",
    "0.98 KiB",
    "4 KiB",
    "1 MiB",
    "1.5 GiB",
    "1 GB",
    "12 MB",
  ]);
  assertEquals(
    [sizeText(51 * 2 ** 20, 5e7), sizeText(6e7, 2 ** 25)],
    ["53.48 MB", "57.22 MiB"],
  );
});

function limits(source: string, values: Record<string, number>): Limits {
  return Object.fromEntries(
    Object.entries(values).map(([name, most]) => [
      name,
      { most, ref: { source, keys: ["limits", name], text: String(most) } },
    ]),
  );
}

Deno.test("mergeLimits() lets the smaller limit hold, whichever layer it is in", () => {
  const a = limits("a", { time: 10, memory: 100 });
  const b = limits("b", { time: 20, memory: 50, processes: 3 });
  for (const all of [[a, b], [b, a]]) {
    const merged = mergeLimits(all);
    assertEquals(
      Object.values(merged).map(({ most, ref }) => [most, ref.source]),
      [[10, "a"], [50, "b"], [3, "b"]],
    );
  }
  assertEquals(mergeLimits([{}, {}]), {});
});
