/** The parts of a policy about calls by name, and about how to refuse. */

import { ERRNO, type ErrnoName } from "../../abi/errno.ts";
import { isSignalName, SIGNAL } from "../../abi/signal.ts";
import {
  GROUPS,
  isGroup,
  isSyscallName,
  SYSCALLS,
} from "../../abi/syscalls.ts";
import { NEVER_ALLOWED } from "../calls.ts";
import type { Refusal } from "../decision.ts";
import type { CallRule, CallRules, DefaultRule } from "../policy.ts";
import { describe, Fault, type Keys, shorten } from "./fault.ts";
import { didYouMean } from "./similar.ts";
import { readEntries, readList, readMap, refTo, type Shape } from "./values.ts";

/** What `calls` can say. */
export const CALL_KEYS = ["allow", "deny", "kill", "signal", "return"] as const;

/** The ways in which a rule can say how to refuse. */
export const REFUSAL_KEYS = ["errno", "kill", "signal", "return"] as const;

const KILL: Refusal = { kind: "kill" };

/** Reads `calls`. */
export function readCalls(value: unknown, shape: Shape): CallRules {
  const map = readMap(value, ["calls"], CALL_KEYS);
  const allow = map.has("allow")
    ? readCallList(map.get("allow"), ["calls", "allow"], shape)
    : [];
  for (const { name, ref } of allow) {
    if (!name.startsWith("@") && NEVER_ALLOWED.has(name as never)) {
      throw new Fault(
        ref.keys,
        `"${name}" cannot be allowed: it would let the program out`,
      );
    }
  }
  const refuse: CallRule[] = [];
  const deny = map.get("deny");
  if (Array.isArray(deny)) {
    refuse.push(...readCallList(deny, ["calls", "deny"], shape));
  } else if (map.has("deny")) {
    refuse.push(...readCallMap(deny, ["calls", "deny"], shape, readErrno));
  }
  if (map.has("kill")) {
    for (
      const rule of readCallList(map.get("kill"), ["calls", "kill"], shape)
    ) {
      refuse.push({ ...rule, refusal: KILL });
    }
  }
  if (map.has("signal")) {
    const keys = ["calls", "signal"];
    refuse.push(...readCallMap(map.get("signal"), keys, shape, readSignal));
  }
  if (map.has("return")) {
    const keys = ["calls", "return"];
    refuse.push(...readCallMap(map.get("return"), keys, shape, readReturn));
  }
  refuseTwice(refuse);
  return { allow, refuse };
}

/** One call can be refused in one way. */
function refuseTwice(rules: readonly CallRule[]): void {
  const names = new Set<string>();
  for (const { name, ref } of rules) {
    if (names.has(name)) {
      throw new Fault(ref.keys, `"${name}" is refused twice`);
    }
    names.add(name);
  }
}

/** Reads a list of calls and groups. */
function readCallList(value: unknown, keys: Keys, shape: Shape): CallRule[] {
  return readList(value, keys).map((item, index) => {
    const at = [...keys, index];
    const name = readCallName(item, at, "value");
    return { name, ref: refTo(shape, at, name) };
  });
}

/** What a map from calls looks like, whichever it is. */
const HOW_EACH = "write {call: how it is refused}";

/** Reads a map from calls and groups to how each is refused. */
function readCallMap(
  value: unknown,
  keys: Keys,
  shape: Shape,
  read: (value: unknown, keys: Keys) => Refusal,
): CallRule[] {
  return [...readEntries(value, keys, HOW_EACH)].map(([key, item]) => {
    const at = [...keys, key];
    const name = readCallName(key, at, "key");
    return { name, ref: refTo(shape, at, name), refusal: read(item, at) };
  });
}

/** Reads the name of a call, or of a group with `@` in front. */
function readCallName(
  item: unknown,
  keys: Keys,
  part: "key" | "value",
): CallRule["name"] {
  if (typeof item !== "string") {
    throw new Fault(keys, `a call's name is expected, not ${describe(item)}`);
  }
  const group = item.slice(1);
  if (item.startsWith("@") && isGroup(group)) return `@${group}`;
  if (isSyscallName(item)) return item;
  const known = item.startsWith("@")
    ? GROUPS.map((one) => `@${one}`)
    : Object.keys(SYSCALLS);
  const what = item.startsWith("@") ? "group" : "call";
  throw new Fault(keys, `unknown ${what} "${shorten(item)}"`, {
    part,
    hint: didYouMean(item, known) ??
      (what === "group" ? `the groups are ${known.join(" ")}` : undefined),
  });
}

/** Reads `default` or `unseen`. */
export function readDefault(
  value: unknown,
  key: "default" | "unseen",
  shape: Shape,
): DefaultRule {
  const keys = [key];
  const ref = refTo(shape, keys, `${key}: ${String(value)}`);
  if (value === "kill") return { refusal: KILL, ref };
  return { refusal: readErrno(value, keys), ref };
}

/**
 * Reads how a rule refuses: the one of `errno`, `kill`, `signal`, `return` that it
 * has.
 */
export function readRefusal(
  map: ReadonlyMap<string, unknown>,
  keys: Keys,
): Refusal | undefined {
  const [key, second] = REFUSAL_KEYS.filter((key) => map.has(key));
  if (key === undefined) return undefined;
  if (second !== undefined) {
    throw new Fault(
      [...keys, second],
      `"${key}" and "${second}" are two ways to refuse`,
      { part: "key", hint: "leave one of them out" },
    );
  }
  const value = map.get(key);
  const at = [...keys, key];
  switch (key) {
    case "errno":
      return readErrno(value, at);
    case "kill":
      if (value === true) return KILL;
      throw new Fault(at, `"kill" must be true, not ${describe(value)}`);
    case "signal":
      return readSignal(value, at);
    case "return":
      return readReturn(value, at);
  }
}

const ERRNO_HINT = "write its name, such as EPERM";

function readErrno(value: unknown, keys: Keys): Refusal {
  if (typeof value === "string" && Object.hasOwn(ERRNO, value)) {
    return { kind: "errno", errno: value as ErrnoName };
  }
  throw new Fault(keys, `an errno is expected, not ${describe(value)}`, {
    hint: typeof value === "string"
      ? didYouMean(value, [...Object.keys(ERRNO), "kill"]) ?? ERRNO_HINT
      : ERRNO_HINT,
  });
}

const SIGNAL_HINT = "write its name, such as SIGTERM";

function readSignal(value: unknown, keys: Keys): Refusal {
  if (typeof value === "string" && isSignalName(value)) {
    return { kind: "signal", signal: value };
  }
  throw new Fault(keys, `a signal is expected, not ${describe(value)}`, {
    hint: typeof value === "string"
      ? didYouMean(value, Object.keys(SIGNAL)) ?? SIGNAL_HINT
      : SIGNAL_HINT,
  });
}

function readReturn(value: unknown, keys: Keys): Refusal {
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    return { kind: "return", value };
  }
  throw new Fault(keys, `a whole number is expected, not ${describe(value)}`, {
    hint: "write digits alone, such as 0 or -1",
  });
}
