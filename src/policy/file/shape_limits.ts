/** The section of a policy that says how much the program may use. */

import type { LimitName } from "../../outcome.ts";
import { type Limit, LIMIT_NAMES, type Limits, parseLimit } from "../limits.ts";
import { AmountError } from "./amounts.ts";
import { describe, Fault, type Keys } from "./fault.ts";
import { readMap, refTo, type Shape } from "./values.ts";

/** Reads `limits`. */
export function readLimits(value: unknown, shape: Shape): Limits {
  const map = readMap(value, ["limits"], LIMIT_NAMES);
  const limits: Partial<Record<LimitName, Limit>> = {};
  for (const name of LIMIT_NAMES) {
    if (!map.has(name)) continue;
    const keys = ["limits", name];
    const item = map.get(name);
    const most = readAmount(name, item, keys);
    limits[name] = { most, ref: refTo(shape, keys, String(item)) };
  }
  return limits;
}

function readAmount(name: LimitName, item: unknown, keys: Keys): number {
  if (typeof item !== "string" && typeof item !== "number") {
    throw new Fault(keys, `an amount is expected, not ${describe(item)}`, {
      hint: "leave it out for no limit",
    });
  }
  try {
    return parseLimit(name, String(item));
  } catch (error) {
    if (!(error instanceof AmountError)) throw error;
    throw new Fault(keys, error.message, { hint: error.hint });
  }
}
