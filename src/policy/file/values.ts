/** Single values of a policy file: is it a map, a list, a text? */

import type { RuleRef } from "../decision.ts";
import { describe, Fault, type Keys, shorten } from "./fault.ts";
import { didYouMean } from "./similar.ts";
import type { Variables } from "./variables.ts";

/** What a reader of values has to know besides the value. */
export interface Shape {
  /** What rules are said to be part of. */
  readonly source: string;
  /** What the variables stand for. */
  readonly variables: Variables;
  /** The same for `root`, which lies outside of what other paths are in. */
  readonly outside?: Variables | undefined;
}

/** Where the value is that the keys lead to. */
export function refTo(shape: Shape, keys: Keys, text: string): RuleRef {
  return { source: shape.source, keys, text: shorten(text) };
}

/**
 * Reads a map that has no other keys than these.
 *
 * @param value the value
 * @param keys where it is
 * @param known its keys
 * @param reserved keys that it will have
 * @param others keys of it that are read elsewhere
 * @param insteadOf says what to write in place of a key, if that is known
 * @returns the map
 * @throws {Fault} where it is none, or has another key
 */
export function readMap(
  value: unknown,
  keys: Keys,
  known: readonly string[],
  reserved: readonly string[] = [],
  others: readonly string[] = [],
  insteadOf: (key: string) => string | undefined = () => undefined,
): Map<string, unknown> {
  const map = readEntries(
    value,
    keys,
    keys.length === 0
      ? "write a key, a colon and a space, such as read: [/usr]"
      : `its keys are ${[...known, ...others].join(", ")}`,
  );
  for (const key of map.keys()) {
    if (known.includes(key)) continue;
    const at = [...keys, key];
    if (reserved.includes(key)) {
      throw new Fault(at, `"${key}" is not enforced yet`, {
        part: "key",
        hint: "leave it out",
      });
    }
    throw new Fault(at, `unknown key "${shorten(key)}"`, {
      part: "key",
      hint: insteadOf(key) ?? didYouMean(key, [...known, ...others]) ??
        `the keys here are ${[...known, ...others].join(", ")}`,
    });
  }
  return map;
}

/** Reads a map with any keys; the hint is for who wrote none. */
export function readEntries(
  value: unknown,
  keys: Keys,
  hint?: string,
): Map<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const what = keys.length === 0 ? "a policy" : `"${keys.at(-1)}"`;
    throw new Fault(keys, `${what} must be a map, not ${describe(value)}`, {
      hint,
    });
  }
  return new Map(Object.entries(value));
}

/** Reads a text. */
export function readText(value: unknown, keys: Keys): string {
  if (typeof value === "string") return value;
  throw new Fault(keys, `a text is expected, not ${describe(value)}`, {
    hint: "put it in double quotes",
  });
}

/** Reads a list. */
export function readList(value: unknown, keys: Keys): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Fault(keys, `a list is expected, not ${describe(value)}`, {
    hint: typeof value === "string"
      ? `write ["${shorten(value)}"]`
      : "write [] for none",
  });
}
