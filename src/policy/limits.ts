/** How much a program may use: the names of limits, and what each counts. */

import type { LimitName } from "../outcome.ts";
import type { RuleRef } from "./decision.ts";
import {
  durationText,
  parseCount,
  parseDuration,
  parseSize,
  sizeText,
} from "./file/amounts.ts";

/** One limit. */
export interface Limit {
  /** Milliseconds, bytes, or how many; at least 1. */
  readonly most: number;
  /** Where it stands. */
  readonly ref: RuleRef;
}

/** The limits that are set. What is not named has none. */
export type Limits = Readonly<Partial<Record<LimitName, Limit>>>;

/** What a limit counts. */
export type Unit = "time" | "size" | "count";

/** Every limit, in the order of documents, and what it counts. */
export const LIMITS: Readonly<Record<LimitName, Unit>> = {
  time: "time",
  cpu: "time",
  memory: "size",
  processes: "count",
  "address-space": "size",
  "open-files": "count",
  "file-size": "size",
  written: "size",
  output: "size",
};

/** The names of all limits. */
export const LIMIT_NAMES: readonly LimitName[] = Object.keys(
  LIMITS,
) as LimitName[];

/**
 * Reads the value of a limit.
 *
 * @param name which
 * @param text what was written
 * @returns milliseconds, bytes, or how many
 * @throws {AmountError} where it makes no sense
 */
export function parseLimit(name: LimitName, text: string): number {
  switch (LIMITS[name]) {
    case "time":
      return parseDuration(text);
    case "size":
      return parseSize(text);
    case "count":
      return parseCount(text);
  }
}

/**
 * What a limit counts, as a person reads it: `30 s`, `100 MiB`, `32`.
 *
 * @param name the limit
 * @param value how much
 * @param beside what it is compared with
 */
export function amountText(
  name: LimitName,
  value: number,
  beside?: number,
): string {
  switch (LIMITS[name]) {
    case "time":
      return durationText(value);
    case "size":
      return sizeText(value, beside);
    case "count":
      return String(value);
  }
}

/**
 * Merges limits: of each the smallest holds, so that no layer can raise what
 * another one sets.
 *
 * @param all the limits of each layer, in any order
 * @returns the limits that hold
 */
export function mergeLimits(all: readonly Limits[]): Limits {
  const merged: Partial<Record<LimitName, Limit>> = {};
  for (const limits of all) {
    for (const name of LIMIT_NAMES) {
      const limit = limits[name];
      if (limit === undefined) continue;
      const least = merged[name];
      if (least === undefined || limit.most < least.most) merged[name] = limit;
    }
  }
  return merged;
}
