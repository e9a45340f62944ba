/** The sections of a policy that are lists of rules: files and names of variables. */

import { fromText } from "../../abi/bytes.ts";
import { isVariable } from "../env.ts";
import { isAlone } from "../path/glob.ts";
import { parseSegment } from "../path/segment.ts";
import {
  type Effect,
  EFFECTS,
  type EnvRules,
  type NameRule,
  type PathRule,
  type PathRules,
  type ValueRule,
} from "../policy.ts";
import { asFault, describe, Fault, type Keys, shorten } from "./fault.ts";
import { readRefusal, REFUSAL_KEYS } from "./shape_calls.ts";
import { mustBeSeen } from "./seen.ts";
import {
  readEntries,
  readList,
  readMap,
  readText,
  refTo,
  type Shape,
} from "./values.ts";
import { mustRefuse, toPattern, toValue } from "./variables.ts";

/** Reads `read`, `write` or `run`. */
export function readPaths(
  value: unknown,
  keys: Keys,
  shape: Shape,
  inherits: boolean,
): PathRules {
  return readEffects(value, keys, inherits, {
    all: (keys) => ({ pattern: "/", ref: refTo(shape, keys, "true") }),
    one: (item, keys, effect) => readPath(item, keys, effect, shape),
  });
}

/** Reads `env`. */
export function readNames(
  value: unknown,
  keys: Keys,
  shape: Shape,
  inherits: boolean,
): EnvRules {
  const isMap = typeof value === "object" && value !== null &&
    !Array.isArray(value);
  const { set, ...effects } = isMap ? value as Record<string, unknown> : {};
  const rules = readEffects(isMap ? effects : value, keys, inherits, {
    all: (keys) => ({
      pattern: "*",
      ref: refTo(shape, keys, "true"),
      all: true,
    }),
    one: (item, keys, effect) => readName(item, keys, effect, shape),
    more: ["set"],
  });
  return {
    ...rules,
    set: set === undefined ? [] : readSet(set, [...keys, "set"], shape),
  };
}

/** Reads the variables that get a value. */
function readSet(value: unknown, keys: Keys, shape: Shape): ValueRule[] {
  return [...readEntries(value, keys, "write {NAME: value}")].map(
    ([name, text]) => {
      const at = [...keys, name];
      notAName(name, at, "key");
      const value = readText(text, at);
      try {
        return {
          name: fromText(name),
          value: toValue(value, shape.variables),
          ref: refTo(shape, at, name),
        };
      } catch (error) {
        throw asFault(error, at);
      }
    },
  );
}

/** What reads the rules of one section. */
export interface RuleReaders<Rule> {
  /** Makes the rule that means everything. */
  readonly all: (keys: Keys) => Rule;
  /** Reads one item of a list. */
  readonly one: (item: unknown, keys: Keys, effect: Effect) => Rule;
  /** Which keys the map may have besides. */
  readonly more?: readonly string[];
}

/** Reads `true`, `false`, a list, or a map of what is allowed, denied and ignored. */
export function readEffects<Rule>(
  value: unknown,
  keys: Keys,
  inherits: boolean,
  readers: RuleReaders<Rule>,
): { allow: readonly Rule[]; deny: readonly Rule[]; ignore: readonly Rule[] } {
  const rules = (value: unknown, keys: Keys, effect: Effect): Rule[] => {
    if (value === true) return [readers.all(keys)];
    if (value === false) return [];
    return readList(value, keys).map((item, index) =>
      readers.one(item, [...keys, index], effect)
    );
  };
  if (Array.isArray(value) || value === true) {
    return { allow: rules(value, keys, "allow"), deny: [], ignore: [] };
  }
  if (value === false) {
    if (inherits) {
      throw new Fault(keys, `false takes nothing back that "extends" brings`, {
        hint: `write {deny: true} to refuse everything`,
      });
    }
    return { allow: [], deny: [], ignore: [] };
  }
  if (typeof value !== "object" || value === null) {
    throw new Fault(
      keys,
      `"${
        keys.at(-1)
      }" must be a list, true, or a map of allow, deny and ignore, not ${
        describe(value)
      }`,
      { hint: hintFor(value) },
    );
  }
  const map = readMap(value, keys, EFFECTS, [], readers.more);
  const of = (effect: Effect): Rule[] =>
    map.has(effect) ? rules(map.get(effect), [...keys, effect], effect) : [];
  return { allow: of("allow"), deny: of("deny"), ignore: of("ignore") };
}

/** What to write instead. */
function hintFor(value: unknown): string {
  if (value === null) return "write [] for nothing";
  if (typeof value !== "string") return "write a list, or true for everything";
  return /^(?:y|yes|on|all)$/i.test(value)
    ? `write "true" for everything`
    : `write ["${shorten(value)}"]`;
}

/** Reads one rule about files. */
function readPath(
  item: unknown,
  keys: Keys,
  effect: Effect,
  shape: Shape,
): PathRule {
  if (typeof item === "string") {
    notAlone(item, keys, effect);
    return {
      pattern: pattern(item, keys, effect, shape),
      ref: refTo(shape, keys, item),
    };
  }
  if (typeof item !== "object" || item === null || Array.isArray(item)) {
    throw new Fault(keys, `a path is expected, not ${describe(item)}`, {
      hint: "put it in double quotes",
    });
  }
  if (effect !== "deny") {
    throw new Fault(keys, `only a rule in "deny" can say how to refuse`, {
      hint: "write the path alone",
    });
  }
  const map = readMap(item, keys, ["path", ...REFUSAL_KEYS]);
  if (!map.has("path")) throw new Fault(keys, `"path" is missing`);
  const text = readText(map.get("path"), [...keys, "path"]);
  notAlone(text, [...keys, "path"], effect);
  return {
    pattern: pattern(text, [...keys, "path"], effect, shape),
    ref: refTo(shape, keys, text),
    refusal: readRefusal(map, keys),
  };
}

/** Closing a directory and leaving open what is in it is hardly meant. */
function notAlone(text: string, keys: Keys, effect: Effect): void {
  if (effect === "allow" || !isAlone(text)) return;
  throw new Fault(keys, `"/." would leave open what is beneath`, {
    hint: `write "${text.slice(0, -2) || "/"}"`,
  });
}

/** Makes a pattern of a path as it is written. */
function pattern(
  text: string,
  keys: Keys,
  effect: Effect,
  shape: Shape,
): string {
  if (keys[0] === "run" && /^[A-Za-z0-9][\w.+-]*$/.test(text)) {
    throw new Fault(keys, "a program is named by its whole path", {
      hint: `write where it is, such as "/usr/bin/${text}"`,
    });
  }
  try {
    const pattern = toPattern(text, shape.variables);
    if (effect !== "allow") {
      mustBeSeen(text);
      mustRefuse(text);
    }
    return pattern;
  } catch (error) {
    throw asFault(error, keys);
  }
}

/** Refuses what cannot be the name of a variable. */
function notAName(text: string, keys: Keys, part: "key" | "value"): void {
  if (isVariable(text)) return;
  throw new Fault(keys, `"${shorten(text)}" cannot be the name of a variable`, {
    part,
    hint: text.includes("=")
      ? `write the name alone; "env: {set: {NAME: value}}" sets values`
      : "write the name alone",
  });
}

/** Reads one name of a variable. */
function readName(
  item: unknown,
  keys: Keys,
  effect: Effect,
  shape: Shape,
): NameRule {
  const text = readText(item, keys);
  notAName(text, keys, "value");
  const pattern = fromText(text);
  try {
    if (effect !== "allow") mustBeSeen(text);
    parseSegment(pattern);
  } catch (error) {
    throw asFault(error, keys);
  }
  return { pattern, ref: refTo(shape, keys, text) };
}
