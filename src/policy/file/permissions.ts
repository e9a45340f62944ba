/** A permission set of a `deno.json` made a layer. */

import { PolicyError } from "../../errors.ts";
import { EFFECTS, type Layer } from "../policy.ts";
import { describe, Fault, type Keys } from "./fault.ts";
import {
  type FlagOptions,
  flagsLayer,
  type FlagValues,
  type PermissionFlags,
} from "./flags.ts";
import { asPolicyError } from "./parse.ts";
import { didYouMean } from "./similar.ts";
import { TextFault } from "./text.ts";
import { readEntries, readMap } from "./values.ts";

/** What {@linkcode permissionsLayer} has to know besides the file. */
export interface PermissionOptions extends Omit<FlagOptions, "cwd" | "ref"> {
  /** The file as the user named it. */
  readonly source: string;
  /** The directory that it is in, which its paths are relative to, as a byte string. */
  readonly dir: string;
  /** The set's name; `default` unless given. */
  readonly name?: string | undefined;
}

const SECTIONS = ["read", "write", "run", "net", "env", "sys"] as const;

/** Deno has permissions for these, which are about code that it loads itself. */
const FOREIGN = ["import", "ffi"];

/**
 * Makes a layer of a permission set.
 *
 * @param text a `deno.json` or `deno.jsonc`
 * @param options which set, and what to know about the machine
 * @returns the layer
 * @throws {PolicyError} when there is no such set, or it is wrong
 */
export async function permissionsLayer(
  text: string,
  options: PermissionOptions,
): Promise<Layer> {
  const { source, dir, name = "default" } = options;
  const json = withoutComments(text);
  const value = parseJson(json, source);
  try {
    checkKeys(json);
    const flags = readSet(value, name);
    const layer = flagsLayer(flags, {
      ...options,
      cwd: dir,
      ref: (section, effect, index, text) => ({
        source,
        keys: [
          "permissions",
          name,
          section,
          ...(isShort(value, name, section) ? [] : [effect]),
          ...(index === undefined ? [] : [index]),
        ],
        text,
      }),
    });
    return { ...layer, sources: [{ name: source, text: json }] };
  } catch (error) {
    throw await asPolicyError(error, source, json);
  }
}

function parseJson(json: string, source: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PolicyError(`Cannot read "${source}": ${reason}`, {
      hint: "it must be JSON, with comments and trailing commas or without",
    });
  }
}

/** A text of JSON, with what makes it a key, or where a map begins or ends. */
const KEY_REGEXP = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g;

/**
 * Refuses the same key twice in permissions: of two JSON has the last, and Deno
 * none.
 */
function checkKeys(json: string): void {
  const maps: Set<unknown>[] = [];
  let first: unknown;
  for (const { 0: token, 1: colon, index } of json.matchAll(KEY_REGEXP)) {
    if (token === "{") maps.push(new Set());
    else if (token === "}") maps.pop();
    if (colon === undefined) continue;
    const key: unknown = JSON.parse(token.slice(0, -colon.length));
    if (maps.length === 1) first = key;
    if (first === "permissions" && maps.at(-1)?.has(key)) {
      throw new TextFault("the same key twice", json, index, {
        length: token.length - colon.length,
        hint: "make one of the two",
      });
    }
    maps.at(-1)?.add(key);
  }
}

/**
 * Whether a section of a set that was read is a list, or true, not a map of
 * effects.
 */
function isShort(value: unknown, name: string, section: string): boolean {
  const { permissions } = value as {
    readonly permissions: Readonly<Record<string, Record<string, unknown>>>;
  };
  const found = permissions[name]?.[section];
  return Array.isArray(found) || typeof found !== "object";
}

function setsHint(names: readonly string[]): string {
  return names.length === 0
    ? 'write one: {"permissions": {"default": {"read": ["."]}}}'
    : `name one of those that are there: ${names.join(", ")}`;
}

/** Reads the set of a name. */
function readSet(value: unknown, name: string): PermissionFlags {
  const sets = readEntries(
    readEntries(value, []).get("permissions") ?? {},
    ["permissions"],
  );
  if (!sets.has(name)) {
    throw new Fault(["permissions"], `there is no permission set "${name}"`, {
      hint: didYouMean(name, sets.keys()) ?? setsHint([...sets.keys()]),
    });
  }
  const keys = ["permissions", name];
  const set = readEntries(sets.get(name), keys);
  for (const key of FOREIGN) {
    if (!asksNothing(set.get(key))) {
      throw new Fault(
        [...keys, key],
        `"${key}" is about what code in JavaScript loads, and means nothing here`,
        {
          part: "key",
          hint: "leave it out, in a set of the program's own: " +
            "it loads what it may read",
        },
      );
    }
    set.delete(key);
  }
  const map = readMap(Object.fromEntries(set), keys, ["all", ...SECTIONS]);
  const flags: Record<string, FlagValues | boolean> = {};
  if (map.has("all")) {
    const all = map.get("all");
    if (typeof all !== "boolean") {
      throw new Fault([...keys, "all"], `"all" must be true or false`);
    }
    flags["allowAll"] = all;
  }
  for (const section of SECTIONS) {
    if (!map.has(section)) continue;
    flags[section] = readValues(map.get(section), [...keys, section]);
  }
  return flags;
}

/** Whether a value asks for no permission at all. */
function asksNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.values(value).every(asksNothing);
}

/** Reads true, false, a list, or a map of what is allowed, denied and ignored. */
function readValues(value: unknown, keys: Keys): FlagValues {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { allow: value === false ? value : readValue(value, keys) };
  }
  const map = readMap(value, keys, EFFECTS);
  return Object.fromEntries(
    [...map].map(([effect, list]) => [
      effect,
      effect === "allow" && list === false
        ? list
        : readValue(list, [...keys, effect]),
    ]),
  );
}

function readValue(
  value: unknown,
  keys: Keys,
): true | readonly string[] | undefined {
  if (value === true) return true;
  if (value === false) return [];
  if (value === null) return undefined;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item === "string")) return value;
  }
  throw new Fault(
    keys,
    `a list of texts, true or false is expected, not ${describe(value)}`,
    { hint: "write [] for nothing" },
  );
}

/**
 * Blanks out the comments and trailing commas of JSONC, so that all else stays
 * where it is.
 */
function withoutComments(text: string): string {
  const token = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\/|,(?=\s*[\]}])/g;
  const blank = (part: string): string =>
    part[0] === '"' ? part : part.replace(/[^\n]/g, " ");
  // A trailing comma may be followed by a comment, which is blank by then.
  return text.replace(token, (part) => part === "," ? part : blank(part))
    .replace(token, blank);
}
