/** The section of a policy that says what the program sees of the system. */

import {
  allHidden,
  allReal,
  type Fact,
  type FactName,
  type SysRules,
  UNAME_FIELDS,
  type UnameField,
} from "../sys.ts";
import { describe, Fault, type Keys } from "./fault.ts";
import { readTime } from "./shape_time.ts";
import { didYouMean } from "./similar.ts";
import { readMap, readText, refTo, type Shape } from "./values.ts";

/** The keys of `sys`. */
export const SYS_KEYS = [
  "uname",
  "hostname",
  "time",
  "cpus",
  "uid",
  "gid",
  "sysinfo",
  "others",
  "random",
  "deterministic",
] as const;

/** Longest text of a field of uname(2), in bytes: `__NEW_UTS_LEN`. */
const MAX_FIELD = 64;

/** Most processors that can be claimed: one mask of sched_getaffinity(2). */
const MAX_CPUS = 1024;

/** The largest id; the one above means none. */
const MAX_ID = 2 ** 32 - 2;

/** What `deterministic: true` stands for. */
const DETERMINISTIC = {
  at: Date.UTC(2000, 0, 1),
  hostname: "localhost",
  cpus: 1,
  seed: 0,
};

/** Reads `sys`. */
export function readSys(value: unknown, shape: Shape): SysRules {
  if (value === true) return allReal(refTo(shape, ["sys"], "true"));
  if (value === false) return allHidden(refTo(shape, ["sys"], "false"));
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Fault(
      ["sys"],
      `"sys" must be true, false or a map, not ${describe(value)}`,
      { hint: `the keys of the map are ${SYS_KEYS.join(", ")}` },
    );
  }
  const map = readMap(value, ["sys"], SYS_KEYS);
  const fact = <Value>(
    key: FactName,
    read: (value: unknown, keys: Keys) => Value,
  ): Partial<Record<FactName, Fact<Value>>> => {
    if (!map.has(key)) return {};
    const keys = ["sys", key];
    const said = map.get(key);
    const ref = refTo(shape, keys, `${key}: ${textOf(said)}`);
    const value = said === "real" ? "real" : read(said, keys);
    return { [key]: { value, ref } };
  };
  const all = readDeterministic(map, shape);
  return {
    ...all,
    ...fact("time", readTime),
    ...fact("cpus", whole(1, MAX_CPUS)),
    ...fact("uid", whole(0, MAX_ID)),
    ...fact("gid", whole(0, MAX_ID)),
    ...fact("sysinfo", readDeny),
    ...fact("others", readDeny),
    ...fact("random", readRandom),
    uname: { ...all.uname, ...readUname(map, shape) },
  } as SysRules;
}

/** Reads the one key that says several things. */
function readDeterministic(
  map: ReadonlyMap<string, unknown>,
  shape: Shape,
): SysRules {
  const value = map.get("deterministic") ?? false;
  const keys = ["sys", "deterministic"];
  if (value === false) return {};
  if (value !== true) {
    throw new Fault(keys, `true or false is expected, not ${describe(value)}`, {
      hint: "leave it out for false",
    });
  }
  const ref = refTo(shape, keys, "deterministic: true");
  const { at, hostname, cpus, seed } = DETERMINISTIC;
  return {
    uname: { nodename: { value: hostname, ref } },
    time: { value: { kind: "fixed", at }, ref },
    cpus: { value: cpus, ref },
    random: { value: seed, ref },
  };
}

/** Reads `uname` and `hostname`, which is one of its fields. */
function readUname(
  map: ReadonlyMap<string, unknown>,
  shape: Shape,
): SysRules["uname"] {
  const fields: Partial<Record<UnameField, Fact<string>>> = {};
  const read = (value: unknown, keys: Keys): Fact<string> => ({
    value: readField(value, keys),
    ref: refTo(shape, keys, `${keys.at(-1)}: ${textOf(value)}`),
  });
  if (map.has("uname")) {
    const keys = ["sys", "uname"];
    const value = map.get("uname");
    if (value === "real") {
      Object.assign(fields, allReal(refTo(shape, keys, "uname: real")).uname);
    } else {
      for (const [field, text] of readMap(value, keys, UNAME_FIELDS)) {
        fields[field as UnameField] = read(text, [...keys, field]);
      }
    }
  }
  if (map.has("hostname")) {
    const keys = ["sys", "hostname"];
    if (fields.nodename !== undefined && fields.nodename.value !== "real") {
      throw new Fault(keys, `"hostname" and "nodename" are the same`, {
        part: "key",
        hint: "leave out one of them",
      });
    }
    fields.nodename = read(map.get("hostname"), keys);
  }
  return fields;
}

/** Reads one field of uname(2). */
function readField(value: unknown, keys: Keys): string {
  const text = readText(value, keys);
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x1f\x7f]/.test(text)) {
    throw new Fault(keys, "a name of the system has no control characters");
  }
  if (new TextEncoder().encode(text).length > MAX_FIELD) {
    throw new Fault(
      keys,
      `a name of the system has at most ${MAX_FIELD} bytes`,
    );
  }
  return text;
}

/** Reads a whole number. */
function whole(
  least: number,
  most: number,
): (value: unknown, keys: Keys) => number {
  return (value, keys) => {
    const fits = typeof value === "number" && Number.isInteger(value) &&
      value >= least && value <= most;
    if (fits) return value;
    throw new Fault(
      keys,
      `"real" or a number from ${least} to ${most} is expected, not ${
        describe(value)
      }`,
      { hint: `leave it out for "real"` },
    );
  };
}

/** Reads what can only be denied. */
function readDeny(value: unknown, keys: Keys): "deny" {
  if (value === "deny") return value;
  throw new Fault(
    keys,
    `"real" or "deny" is expected, not ${describe(value)}`,
    {
      hint: typeof value === "string" && didYouMean(value, ["deny"]) ||
        `leave it out for "real"`,
    },
  );
}

/** Reads where random numbers come from. */
function readRandom(value: unknown, keys: Keys): number {
  if (typeof value !== "object" || value === null) {
    throw new Fault(
      keys,
      `"real" or a map with a seed is expected, not ${describe(value)}`,
      { hint: "write {seed: 1}" },
    );
  }
  const map = readMap(value, keys, ["seed"]);
  return whole(0, 2 ** 32 - 1)(map.get("seed"), [...keys, "seed"]);
}

/** A value as it is shown in a rule. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}
