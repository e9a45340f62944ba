/**
 * The values of a policy file made a layer: which keys there are, and what each
 * takes.
 */

import type { RuleRef } from "../decision.ts";
import { LIMIT_NAMES } from "../limits.ts";
import {
  EFFECTS,
  EMPTY_LAYER,
  type Layer,
  PATH_SECTIONS,
  type Reference,
  type RootRule,
  type SaidNothing,
} from "../policy.ts";
import { asFault, describe, Fault, type Keys, shorten } from "./fault.ts";
import { readCalls, readDefault } from "./shape_calls.ts";
import { readLimits } from "./shape_limits.ts";
import { NET_KEYS, readNet } from "./shape_net.ts";
import { readNames, readPaths } from "./shape_rules.ts";
import { readSys, SYS_KEYS } from "./shape_sys.ts";
import { didYouMean } from "./similar.ts";
import { readList, readMap, readText, refTo, type Shape } from "./values.ts";
import { toDirectory } from "./variables.ts";

/** The keys of a policy that have a meaning. */
export const POLICY_KEYS = [
  "description",
  "extends",
  "read",
  "write",
  "run",
  "env",
  "net",
  "sys",
  "limits",
  "calls",
  "default",
  "unseen",
  "require",
  "strict",
  "root",
] as const;

/** The sections whose rules add up, so that none takes back what another allows. */
const LISTED = [...PATH_SECTIONS, "env"] as const;

/** The keys that will have one. */
const RESERVED_KEYS = ["tests"] as const;

/**
 * Reads a parsed policy.
 *
 * @param value what the YAML says
 * @param shape whose it is
 * @returns the layer
 * @throws {Fault} at the first thing that is wrong
 */
export function readLayer(value: unknown, shape: Shape): Layer {
  const map = readMap(value, [], POLICY_KEYS, RESERVED_KEYS, [], insteadOf);
  const inherits = map.has("extends");
  const paths = (key: "read" | "write" | "run"): Layer["read"] =>
    map.has(key)
      ? readPaths(map.get(key), [key], shape, inherits)
      : EMPTY_LAYER[key];
  const otherwise = (key: "default" | "unseen"): Layer["default"] =>
    map.has(key) ? readDefault(map.get(key), key, shape) : undefined;
  return {
    description: map.has("description")
      ? readText(map.get("description"), ["description"])
      : undefined,
    extends: inherits ? readReferences(map.get("extends"), shape) : [],
    read: paths("read"),
    write: paths("write"),
    run: paths("run"),
    env: map.has("env")
      ? readNames(map.get("env"), ["env"], shape, inherits)
      : EMPTY_LAYER.env,
    net: map.has("net") ? readNet(map.get("net"), shape, inherits) : undefined,
    sys: map.has("sys") ? readSys(map.get("sys"), shape) : undefined,
    limits: map.has("limits")
      ? readLimits(map.get("limits"), shape)
      : EMPTY_LAYER.limits,
    calls: map.has("calls")
      ? readCalls(map.get("calls"), shape)
      : EMPTY_LAYER.calls,
    default: otherwise("default"),
    unseen: otherwise("unseen") ?? otherwise("default"),
    require: map.has("require") ? readRequire(map.get("require"), shape) : [],
    strict: map.has("strict")
      ? readStrict(map.get("strict"), shape)
      : undefined,
    root: map.has("root") ? readRoot(map.get("root"), shape) : undefined,
    nothing: [
      ...LISTED.flatMap((key) => saidNothing(map.get(key), [key], shape)),
      ...netSaidNothing(map.get("net"), shape),
    ],
    sources: [],
  };
}

/** What to write in place of a key that belongs into a section, or is a flag's. */
function insteadOf(key: string): string | undefined {
  const [, effect, section] =
    /^(allow|deny|ignore)-(read|write|run|net|env|sys)$/.exec(key) ?? [];
  if (section !== undefined) return `write ${section}: {${effect}: …}`;
  if (isEffect(key)) return `write it in a section, such as read: {${key}: …}`;
  if (key === "permissions") return "write what is in it without it";
  if (key === "timeout") return "write limits: {time: …}";
  const keys = { limits: LIMIT_NAMES, net: NET_KEYS, sys: SYS_KEYS };
  const above = Object.entries(keys).find(([, names]) =>
    (names as readonly string[]).includes(key)
  );
  return above && `write ${above[0]}: {${key}: …}`;
}

function isEffect(key: string): boolean {
  return (EFFECTS as readonly string[]).includes(key);
}

/** Where a section says `false`, if it does and does not refuse everything. */
function saidNothing(
  value: unknown,
  keys: Keys,
  shape: Shape,
): SaidNothing[] {
  if (value === false) return [{ keys, ref: refTo(shape, keys, "false") }];
  if (typeof value !== "object" || value === null) return [];
  const { allow, deny } = value as Record<string, unknown>;
  return allow === false && deny !== true
    ? [{ keys, ref: refTo(shape, [...keys, "allow"], "false") }]
    : [];
}

/** The same of `net`, which takes everything back where all of it is `false`. */
function netSaidNothing(value: unknown, shape: Shape): SaidNothing[] {
  if (typeof value !== "object" || value === null) return [];
  const { connect, listen } = value as Record<string, unknown>;
  return [
    ...saidNothing(value, ["net"], shape),
    ...saidNothing(connect, ["net", "connect"], shape),
    ...saidNothing(listen, ["net", "listen"], shape),
  ];
}

/** What a policy can require. */
const REQUIREMENTS = ["landlock"] as const;

/** Reads what the policy does not run without. */
function readRequire(value: unknown, shape: Shape): RuleRef[] {
  return readList(value, ["require"]).map((one, index) => {
    const keys = ["require", index];
    const word = readText(one, keys);
    if (word === "landlock") return refTo(shape, keys, word);
    throw new Fault(keys, `"${shorten(word)}" cannot be required`, {
      hint: didYouMean(word, REQUIREMENTS) ??
        `what can be is ${REQUIREMENTS.join(", ")}`,
    });
  });
}

/** Reads whether no rule may be a best effort. */
function readStrict(value: unknown, shape: Shape): RuleRef | undefined {
  if (value === true) return refTo(shape, ["strict"], "true");
  if (value === false) return undefined;
  throw new Fault(
    ["strict"],
    `true or false is expected, not ${describe(value)}`,
    { hint: "leave it out for false" },
  );
}

/** Reads which directory is the root. */
function readRoot(value: unknown, shape: Shape): RootRule {
  const text = readText(value, ["root"]);
  const { cwd, home, "policy-dir": dir } = shape.outside ?? shape.variables;
  try {
    const path = toDirectory(text, { cwd, home, "policy-dir": dir });
    return { path, ref: refTo(shape, ["root"], text) };
  } catch (error) {
    throw asFault(error, ["root"]);
  }
}

/** Reads one name of a policy, or a list of them. */
function readReferences(value: unknown, shape: Shape): Reference[] {
  const all = typeof value === "string"
    ? [value]
    : readList(value, ["extends"]);
  return all.map((one, index) => {
    const keys = one === value ? ["extends"] : ["extends", index];
    const name = readText(one, keys);
    if (name === "") throw new Fault(keys, "a policy's name cannot be empty");
    return { name, ref: refTo(shape, keys, name) };
  });
}
