/** What is wrong with a policy before it is known in which line. */

import { GlobError } from "../path/segment.ts";

/** A key or an index that leads to a value. */
export type Keys = readonly (string | number)[];

/** Something wrong with one value of a policy, found by its keys. */
export class Fault extends Error {
  /** Where it is. */
  readonly keys: Keys;
  /** Whether the last key itself is meant, or its value. */
  readonly part: "key" | "value";
  /** What to do about it. */
  readonly hint: string | undefined;

  /** Makes one: where, what is wrong, and what to do about it. */
  constructor(
    keys: Keys,
    message: string,
    options: { part?: "key" | "value"; hint?: string | undefined } = {},
  ) {
    super(message);
    this.keys = keys;
    this.part = options.part ?? "value";
    this.hint = options.hint;
  }
}

/**
 * What to throw for what was caught: the fault in a pattern, at its place.
 *
 * @param error what was caught; what is not about a pattern stays as it is
 * @param keys where the pattern is
 */
export function asFault(error: unknown, keys: Keys): unknown {
  return error instanceof GlobError
    ? new Fault(keys, error.message, { hint: error.hint })
    : error;
}

/** How a value is called in a message. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return `the text "${shorten(value)}"`;
  if (typeof value === "object") return "a map";
  return String(value);
}

/** The beginning of a text that may be long. */
export function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
