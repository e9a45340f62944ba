/** What jail costs with many rules, processes, threads and events of its log. */

import { isFailure } from "./compare.ts";
import { median, run } from "./measure.ts";
import type { Place } from "./place.ts";
import { POLICY } from "./ways.ts";
import { NOTHING } from "./workloads.ts";

/** One thing that there may be much of. */
interface Dimension {
  /** What it is. */
  readonly name: string;
  /** How much of it. */
  readonly full: readonly number[];
  /** How much of it with `--quick`. */
  readonly quick: readonly number[];
  /** The program, and the flags of jail. */
  prepare(size: number, place: Place): Promise<{
    readonly flags: readonly string[];
    readonly words: readonly string[];
  }>;
}

/** What one size costs. */
export interface Size {
  /** What there is much of. */
  readonly name: string;
  /** How much. */
  readonly size: number;
  /** Milliseconds of the program alone. */
  readonly alone: number;
  /** Milliseconds in a jail, its start as well. */
  readonly jail: number;
  /** Milliseconds of `true` in the same jail. */
  readonly start: number;
  /** Memory of jail itself, in bytes. */
  readonly memory: number;
  /** Why something is missing. */
  readonly note?: string;
}

/** A run that takes longer than this is not made again, in milliseconds. */
const LONG_MS = 15_000;

/** Looks at files, where something else is what there is much of. */
const LOOKS = 2000;

const DIMENSIONS: readonly Dimension[] = [
  {
    name: "rules",
    full: [10, 100, 1000, 10_000],
    quick: [10, 1000],
    prepare: async (size, { path }) => ({
      flags: ["-p", await withRules(size, path)],
      words: ["./work", "stat", `${10 * LOOKS}`, "/usr/bin"],
    }),
  },
  {
    name: "processes",
    full: [1, 20, 100, 500],
    quick: [1, 50],
    prepare: (size) =>
      Promise.resolve({
        flags: ["-p", POLICY],
        words: ["./work", "processes", `${size}`, `${LOOKS / size}`],
      }),
  },
  {
    name: "threads",
    full: [1, 10, 50, 200],
    quick: [1, 50],
    prepare: (size) =>
      Promise.resolve({
        flags: ["-p", POLICY],
        words: ["./work", "threads", `${size}`, `${LOOKS / size}`],
      }),
  },
  {
    name: "log events",
    full: [1000, 10_000, 100_000, 1_000_000],
    quick: [1000, 10_000],
    prepare: (size, { path }) =>
      Promise.resolve({
        // Outside of what the policy lets be written.
        flags: ["-p", POLICY, `--audit=${path}.log`],
        words: ["./work", "stat", `${size}`, "/usr/bin"],
      }),
  },
];

/** A policy with so many rules more, each of a directory that is there. */
async function withRules(size: number, path: string): Promise<string> {
  const rules: string[] = [];
  for (let i = 0; i < size; i++) {
    const directory = `${path}/rules/${i % 100}/${i}`;
    await Deno.mkdir(directory, { recursive: true });
    rules.push(`  - ${JSON.stringify(directory)}\n`);
  }
  const file = `${path}/rules-${size}.yaml`;
  await Deno.writeTextFile(
    file,
    `extends: ${JSON.stringify(POLICY)}\nread:\n${rules.join("")}`,
  );
  return file;
}

/** How long sizes may take. */
export interface SizePatience {
  /** The words that run jail. */
  readonly jail: readonly string[];
  /** Whether the sizes of `--quick` are taken. */
  readonly quick: boolean;
  /** How often each is run. */
  readonly times: number;
  /** Milliseconds for one run. */
  readonly run: number;
}

/** Measures all sizes, and tells of each. */
export async function measureSizes(
  place: Place,
  patience: SizePatience,
  tell: (size: Size) => void,
): Promise<readonly Size[]> {
  const sizes: Size[] = [];
  for (const dimension of DIMENSIONS) {
    for (const size of patience.quick ? dimension.quick : dimension.full) {
      const found = await measure(dimension, size, place, patience);
      tell(found);
      sizes.push(found);
    }
  }
  return sizes;
}

async function measure(
  dimension: Dimension,
  size: number,
  place: Place,
  patience: SizePatience,
): Promise<Size> {
  const { flags, words } = await dimension.prepare(size, place);
  const options = {
    ...{ cwd: place.path, env: place.env, most: patience.run, memory: true },
  };
  const alone: number[] = [];
  const jailed: number[] = [];
  const started: number[] = [];
  let memory = 0;
  let note: string | undefined;
  for (let i = 0; i < patience.times && note === undefined; i++) {
    const without = await run(words, options);
    if (isFailure(without)) note = `alone: ${without.reason}`;
    else alone.push(without.ms);
    const jail = [...patience.jail, ...flags, "--"];
    const start = await run([...jail, ...NOTHING], options);
    if (!isFailure(start)) started.push(start.ms);
    const within = await run([...jail, ...words], options);
    if (isFailure(within)) note = within.reason;
    else {
      jailed.push(within.ms);
      memory = Math.max(memory, within.memory);
      if (within.ms > LONG_MS) break;
    }
  }
  await Deno.remove(`${place.path}.log`).catch(() => {});
  const found = {
    ...{ name: dimension.name, size, memory },
    ...{ alone: median(alone), jail: median(jailed), start: median(started) },
  };
  return note === undefined ? found : { ...found, note };
}
