/** Runs every workload in every way, in turns, and keeps the times. */

import { type Failure, median, run, tryOut } from "./measure.ts";
import type { Place } from "./place.ts";
import type { Way } from "./ways.ts";
import { NOTHING, type Workload } from "./workloads.ts";

/** How long it may take. */
export interface Patience {
  /** Milliseconds for one workload, in all ways together. */
  readonly each: number;
  /** Milliseconds for one run. */
  readonly run: number;
  /** How often each is run, at most. */
  readonly times: number;
}

/** A workload in one way. */
export interface Cell {
  /** Milliseconds of each run. */
  readonly times: readonly number[];
  /** Milliseconds of starting and doing nothing, in the same turns. */
  readonly starts: readonly number[];
  /** Why there are none, or what is different about them. */
  readonly note?: string;
}

/** A workload in all ways. */
export interface Row {
  /** The workload. */
  readonly workload: Workload;
  /** One for each way, in their order. */
  readonly cells: readonly Cell[];
}

/** How many lines a way may print more or fewer, in all, to have done the same. */
const SAME = 0.02;

/** A way that takes this share of a workload's time in one run has no other turn. */
const SHARE = 8;

/**
 * Compares the ways in one workload.
 *
 * They take turns, so that what else the machine does falls on all alike. The
 * first turn warms what is cached, shows who prints what, and counts only where
 * it has taken so long that there is no other.
 */
export async function compare(
  workload: Workload,
  ways: readonly Way[],
  { path, env }: Place,
  patience: Patience,
): Promise<Row> {
  const options = { cwd: path, env, most: patience.run };
  const words = ways.map((way) => [...way.prefix(path), ...workload.words]);
  const nothing = ways.map((way) => [...way.prefix(path), ...NOTHING]);
  const times = ways.map((): number[] => []);
  const starts = ways.map((): number[] => []);
  const notes = ways.map((): string | undefined => undefined);
  const left = new Set(ways.keys());
  const end = performance.now() + patience.each;
  const measure = async (i: number): Promise<void> => {
    const started = await run(nothing[i] ?? [], options);
    const ran = await run(words[i] ?? [], options);
    if (isFailure(ran)) notes[i] = ran.reason;
    else times[i]?.push(ran.ms);
    if (!isFailure(started)) starts[i]?.push(started.ms);
  };
  let lines = 0;
  for (const [i, command] of words.entries()) {
    const tried = await tryOut(command, options);
    if (isFailure(tried)) {
      notes[i] = tried.reason;
      left.delete(i);
      continue;
    }
    if (i === 0) lines = tried.lines;
    notes[i] = differs(tried.lines, lines);
    const isLate = performance.now() > end;
    if (i === 0 || tried.ms < patience.each / SHARE && !isLate) continue;
    times[i]?.push(tried.ms);
    left.delete(i);
    const started = await run(nothing[i] ?? [], options);
    if (!isFailure(started)) starts[i]?.push(started.ms);
  }
  for (let round = 0; round < patience.times; round++) {
    if (round > 0 && performance.now() > end) break;
    for (const i of left) await measure(i);
  }
  return {
    workload,
    cells: ways.map((_, i) => {
      const note = notes[i];
      const cell = { times: times[i] ?? [], starts: starts[i] ?? [] };
      return note === undefined ? cell : { ...cell, note };
    }),
  };
}

/** What a way printed less or more than the program alone, if it did. */
function differs(lines: number, alone: number): string | undefined {
  if (Math.abs(lines - alone) <= SAME * alone + 1) return undefined;
  return `prints ${lines} lines in place of ${alone}`;
}

/** Whether something could not be measured. */
export function isFailure(ran: object): ran is Failure {
  return "reason" in ran;
}

/** What the times of a row come to. */
export interface Ratio {
  /** The median in milliseconds; NaN where there is none. */
  readonly ms: number;
  /** How many times that of the program alone. */
  readonly whole: number;
  /**
   * The same once started: without what `true` takes in the same way. NaN where
   * that cannot be told: see {@link isHidden}.
   */
  readonly started: number;
  /** Whether the start hides what the work takes. */
  readonly hidden: boolean;
}

/** What less than this says of a way is that its start was not always the same. */
const FASTER = 0.9;

/**
 * Whether a start hides what the work behind it takes: with it taken off the way
 * would be faster than the program alone, and the work is not long beside it. A
 * tool that waits for a fixed time, or ends while another part of it still starts,
 * has such a start.
 */
function isHidden(started: number, work: number, start: number): boolean {
  return started < FASTER && work < 2 * start;
}

/**
 * What each way costs in a workload, of which the first way is the program
 * alone.
 */
export function ratios(row: Row): readonly Ratio[] {
  const medians = row.cells.map(({ times }) => median(times));
  const starts = row.cells.map((cell) => median(cell.starts));
  const alone = medians[0] ?? NaN;
  const work = alone - (starts[0] ?? NaN);
  return medians.map((ms, i) => {
    const start = starts[i] ?? NaN;
    const started = (ms - start) / work;
    const hidden = isHidden(started, work, start);
    return { ms, whole: ms / alone, started: hidden ? NaN : started, hidden };
  });
}
