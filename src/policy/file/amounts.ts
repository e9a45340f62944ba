/** Durations and sizes as people write them, such as 30s and 100MiB. */

import { didYouMean } from "./similar.ts";

/** An amount that cannot be read. */
export class AmountError extends Error {
  /** `"AmountError"`. */
  override readonly name = "AmountError";
  /** What to do about it. */
  readonly hint: string | undefined;

  /** Makes one: what is wrong, and what to write instead. */
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** Milliseconds in one of each. */
const DURATIONS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Bytes in one of each. */
const SIZES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** The longest time: what a timer of the kernel surely takes. */
const LONGEST = 1000 * 3_600_000;

/**
 * Reads a duration.
 *
 * @param text `60s`, `500ms`, `1.5m` or `1h`
 * @returns whole milliseconds, at least 1
 * @throws {AmountError} where it is none
 */
export function parseDuration(text: string): number {
  const value = parse(text, DURATIONS, "a duration", `"60s"`);
  if (value <= LONGEST) return value;
  throw new AmountError(`"${text}" is too long`, `write "1000h" at most`);
}

/**
 * Reads a size.
 *
 * @param text `100MiB`, `1GB` or `1000`, which are bytes
 * @returns whole bytes, at least 1
 * @throws {AmountError} where it is none
 */
export function parseSize(text: string): number {
  const plain = /^\d+$/.test(text) ? `${text}B` : text;
  return parse(plain, SIZES, "a size", `"100MiB"`);
}

/**
 * Reads how many.
 *
 * @param text `32`
 * @returns a whole number, at least 1
 * @throws {AmountError} where it is none
 */
export function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new AmountError(
      `a whole number is expected, not "${text.slice(0, 40)}"`,
      'write digits alone, such as "32"',
    );
  }
  return positive(Number(text), text);
}

function parse(
  text: string,
  units: Readonly<Record<string, number>>,
  what: string,
  example: string,
): number {
  const shown = text.slice(0, 40);
  const match = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text);
  const [, number = "", unit = ""] = match ?? [];
  if (match === null || unit === "") {
    throw new AmountError(
      `${what} is expected, not "${shown}"`,
      `write a number and a unit, such as ${example}`,
    );
  }
  if (!Object.hasOwn(units, unit)) {
    throw new AmountError(
      `unknown unit "${unit.slice(0, 40)}"`,
      beginningWith(unit, Object.keys(units)) ??
        didYouMean(unit, Object.keys(units)) ??
        `the units are ${Object.keys(units).join(", ")}`,
    );
  }
  return positive(Math.floor(Number(number) * (units[unit] as number)), shown);
}

/** A hint that names the units of which one letter may be meant. */
function beginningWith(
  letter: string,
  units: readonly string[],
): string | undefined {
  const meant = letter.length > 1
    ? []
    : units.filter((unit) =>
      unit.toLowerCase().startsWith(letter.toLowerCase())
    );
  return meant.length === 0
    ? undefined
    : `did you mean ${meant.map((unit) => `"${unit}"`).join(" or ")}?`;
}

function positive(value: number, text: string): number {
  if (value > 0 && Number.isSafeInteger(value)) return value;
  throw new AmountError(
    value > 0 ? `"${text}" is too much` : `"${text}" would allow nothing`,
    value > 0 ? undefined : "write 1 or more",
  );
}

/** A duration as a person reads it: `30 s`, `1.5 s`, `500 ms`. */
export function durationText(milliseconds: number): string {
  const ms = Math.round(milliseconds);
  return ms < 1000 ? `${ms} ms` : `${Number((ms / 1000).toFixed(2))} s`;
}

const DECIMAL: readonly string[] = ["TB", "GB", "MB", "kB"];
const BINARY: readonly string[] = ["TiB", "GiB", "MiB", "KiB"];

/**
 * A size as a person reads it: `100 MiB`, `1.5 GiB`, `3 MB`, `1 byte`.
 *
 * @param bytes the size
 * @param beside the one that it is compared with, whose units it gets
 */
export function sizeText(bytes: number, beside: number = bytes): string {
  if (bytes < 1000) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  // As that was written, probably.
  const units = beside % 1000 === 0 && beside % 1024 !== 0 ? DECIMAL : BINARY;
  const unit = units.find((unit) => bytes >= (SIZES[unit] as number)) ?? "KiB";
  return `${Number((bytes / (SIZES[unit] as number)).toFixed(2))} ${unit}`;
}
