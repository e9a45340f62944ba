/** What the wall clock says, as a policy writes it. */

import type { TimeRule } from "../sys.ts";
import { describe, Fault, type Keys, shorten } from "./fault.ts";
import { readDuration, readInstant } from "./instant.ts";
import { didYouMean } from "./similar.ts";
import { readMap, readText } from "./values.ts";

/** The keys of `sys: {time: …}`. */
const TIME_KEYS = ["fixed", "offset", "rate", "from"] as const;

/** Reads what the wall clock says. */
export function readTime(value: unknown, keys: Keys): TimeRule {
  if (value === "deny") return { kind: "deny" };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    if (typeof value === "string" && /^\d{4}-/.test(value)) {
      return { kind: "fixed", at: instant(value, keys) };
    }
    throw new Fault(
      keys,
      `"real", "deny", an instant or a map is expected, not ${describe(value)}`,
      {
        hint: didYouMean(String(value), ["real", "deny"]) ??
          `an instant is such as 2000-01-01T00:00:00Z; the keys of a map are ${
            TIME_KEYS.join(", ")
          }`,
      },
    );
  }
  const map = readMap(value, keys, TIME_KEYS);
  const [first, second] = ["fixed", "offset", "rate"].filter((key) =>
    map.has(key)
  );
  if (second !== undefined) {
    throw new Fault([...keys, second], `"${first}" and "${second}" at once`, {
      part: "key",
      hint: "leave out one of them",
    });
  }
  if (map.has("from") && first !== "rate") {
    throw new Fault([...keys, "from"], `"from" goes with "rate" alone`, {
      part: "key",
    });
  }
  switch (first) {
    case "fixed":
      return { kind: "fixed", at: instant(map.get("fixed"), [...keys, first]) };
    case "offset":
      return { kind: "offset", by: duration(map.get(first), [...keys, first]) };
    case "rate": {
      const rate = rateOf(map.get(first), [...keys, first]);
      return map.has("from")
        ? {
          kind: "rate",
          rate,
          from: instant(map.get("from"), [...keys, "from"]),
        }
        : { kind: "rate", rate };
    }
  }
  throw new Fault(keys, "it says no time", {
    hint: `write one of ${TIME_KEYS.slice(0, 3).join(", ")}`,
  });
}

function instant(value: unknown, keys: Keys): number {
  const at = readInstant(readText(value, keys));
  if (at !== undefined) return at;
  throw new Fault(keys, `"${shorten(String(value))}" is no instant`, {
    hint: "write it with its zone, such as 2000-01-01T00:00:00Z",
  });
}

function duration(value: unknown, keys: Keys): number {
  const text = readText(value, keys);
  const by = readDuration(text);
  if (by !== undefined) return by;
  throw new Fault(keys, `"${shorten(text)}" is no duration`, {
    hint: "write it with units, such as -3d or +1h30m",
  });
}

/** The slowest and the fastest that a clock may run. */
const RATES = { least: 0.001, most: 1000 };

function rateOf(value: unknown, keys: Keys): number {
  const fits = typeof value === "number" && value >= RATES.least &&
    value <= RATES.most;
  if (fits) return value;
  throw new Fault(
    keys,
    `a number from ${RATES.least} to ${RATES.most} is expected, not ${
      describe(value)
    }`,
  );
}
