/** Limits as a program that embeds a jail sets them. */

import type { LimitName } from "../outcome.ts";
import { AmountError } from "../policy/file/amounts.ts";
import {
  type Limit,
  LIMIT_NAMES,
  LIMITS,
  type Limits,
  parseLimit,
} from "../policy/limits.ts";
import { checkKeys } from "./given.ts";

/**
 * How much a program may use, under the names that a policy has: `time`, `cpu`,
 * `memory`, and so on. A text is what a policy takes, such as `"30s"` and
 * `"1GiB"`; a number is milliseconds, bytes, or how many.
 */
export type JailLimits = Readonly<
  Partial<Record<LimitName, string | number>>
>;

/**
 * Reads limits.
 *
 * @param limits what was set
 * @returns the limits
 * @throws {TypeError} where one makes no sense
 */
export function toLimits(limits: JailLimits): Limits {
  checkKeys(limits, LIMIT_NAMES, "limit");
  const read: Partial<Record<LimitName, Limit>> = {};
  for (const name of LIMIT_NAMES) {
    const value = limits[name];
    if (value === undefined) continue;
    const ref = { source: "limits", keys: [name], text: `${name}: ${value}` };
    read[name] = { most: amount(name, value), ref };
  }
  return read;
}

function amount(name: LimitName, value: string | number): number {
  const text = typeof value === "number" && LIMITS[name] === "time"
    ? `${value}ms`
    : String(value);
  try {
    return parseLimit(name, text);
  } catch (error) {
    if (!(error instanceof AmountError)) throw error;
    throw new TypeError(`Cannot limit "${name}": ${error.message}`);
  }
}
