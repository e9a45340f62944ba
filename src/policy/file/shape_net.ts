/** The part of a policy about the network. */

import { isName, listenable } from "../net/names.ts";
import {
  isPossible,
  type Net,
  type NetRule,
  type NetRuleSet,
  NO_NET_RULES,
  SOCKET_FAMILIES,
  type SocketFamily,
} from "../net/net.ts";
import { EVERYTHING, type NetPattern, parseNet } from "../net/pattern.ts";
import { type Effect, EFFECTS } from "../policy.ts";
import { asFault, describe, Fault, type Keys, shorten } from "./fault.ts";
import { readRefusal, REFUSAL_KEYS } from "./shape_calls.ts";
import { mustBeSeen } from "./seen.ts";
import { readEffects } from "./shape_rules.ts";
import { didYouMean } from "./similar.ts";
import { readList, readMap, readText, refTo, type Shape } from "./values.ts";
import { mustRefuse, toPattern } from "./variables.ts";

/** The keys of `net`. */
export const NET_KEYS = ["connect", "listen", "sockets"] as const;

/** Families that the kernel knows and no rule could speak of. */
const CLOSED_FAMILIES: Readonly<Record<string, string>> = {
  packet: "it sees what others send",
  vsock: "it reaches other machines by numbers that no rule knows",
  alg: "it is a door into the kernel, and none to the network",
  bluetooth: "no rule knows its addresses",
  can: "no rule knows its addresses",
  xdp: "it sees what others send",
};

/**
 * Reads `net`: true, false, what may be reached and listened at alike, or a map
 * of `connect`, `listen` and `sockets`.
 */
export function readNet(value: unknown, shape: Shape, inherits: boolean): Net {
  if (typeof value === "boolean") return value ? "all" : "none";
  const both = Array.isArray(value) || isEffects(value);
  if (both) {
    const rules = readRules(value, ["net"], shape, inherits);
    return { connect: rules, listen: listenable(rules) };
  }
  if (typeof value !== "object" || value === null) {
    throw new Fault(
      ["net"],
      `"net" must be true, false, a list, or a map of connect and listen, not ${
        describe(value)
      }`,
      {
        hint: typeof value === "string"
          ? `write ["${shorten(value)}"]`
          : `write "net: true" for all of it, or leave it out for none`,
      },
    );
  }
  const map = readMap(value, ["net"], NET_KEYS);
  const rules = (key: "connect" | "listen"): NetRuleSet =>
    map.has(key)
      ? readRules(map.get(key), ["net", key], shape, inherits)
      : NO_NET_RULES;
  const connect = rules("connect");
  const listen = rules("listen");
  for (const { patterns, ref } of EFFECTS.flatMap((one) => listen[one])) {
    if (!patterns.some(isName)) continue;
    throw new Fault(
      ref.keys,
      `"${ref.text}" is the name of a host, and a socket listens at an address`,
      {
        hint: "write the address of an interface, localhost:8080, or *:8080",
      },
    );
  }
  if (!map.has("sockets")) return { connect, listen };
  const sockets = readFamilies(map.get("sockets"));
  for (const rule of [...connect.allow, ...listen.allow]) {
    if (isPossible(rule, sockets)) continue;
    throw new Fault(
      rule.ref.keys,
      `no socket that "sockets" lists can be used for "${rule.ref.text}"`,
      { hint: `add the family to "sockets", or leave "sockets" out` },
    );
  }
  return { connect, listen, sockets };
}

/** Whether a value is a map of what is allowed, denied and ignored. */
function isEffects(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    EFFECTS.some((effect) => Object.hasOwn(value, effect));
}

function readRules(
  value: unknown,
  keys: Keys,
  shape: Shape,
  inherits: boolean,
): NetRuleSet {
  return readEffects<NetRule>(value, keys, inherits, {
    all: (keys) => ({ patterns: EVERYTHING, ref: refTo(shape, keys, "true") }),
    one: (item, keys, effect) => readRule(item, keys, effect, shape),
  });
}

function readRule(
  item: unknown,
  keys: Keys,
  effect: Effect,
  shape: Shape,
): NetRule {
  if (typeof item !== "object" || item === null || Array.isArray(item)) {
    if (typeof item !== "string") {
      throw new Fault(keys, `an address is expected, not ${describe(item)}`, {
        hint: `put it in double quotes: "192.0.2.1:443"`,
      });
    }
    return {
      patterns: patterns(item, keys, shape, effect !== "allow"),
      ref: refTo(shape, keys, item),
    };
  }
  if (effect !== "deny") {
    throw new Fault(keys, `only a rule in "deny" can say how to refuse`, {
      hint: "write the address alone",
    });
  }
  const map = readMap(item, keys, ["address", ...REFUSAL_KEYS]);
  if (!map.has("address")) throw new Fault(keys, `"address" is missing`);
  const at = [...keys, "address"];
  const text = readText(map.get("address"), at);
  return {
    patterns: patterns(text, at, shape, true),
    ref: refTo(shape, keys, text),
    refusal: readRefusal(map, keys),
  };
}

function patterns(
  text: string,
  keys: Keys,
  shape: Shape,
  refuses: boolean,
): readonly NetPattern[] {
  try {
    if (refuses) mustBeSeen(text);
    return parseNet(
      text,
      (path) => {
        const pattern = toPattern(path, shape.variables);
        if (refuses) mustRefuse(path);
        return pattern;
      },
      refuses,
    );
  } catch (error) {
    throw asFault(error, keys);
  }
}

function readFamilies(value: unknown): readonly SocketFamily[] {
  const keys = ["net", "sockets"];
  return readList(value, keys).map((item, index) => {
    const at = [...keys, index];
    const word = readText(item, at);
    const known = SOCKET_FAMILIES.find((family) => family === word);
    if (known !== undefined) return known;
    const why = Object.hasOwn(CLOSED_FAMILIES, word)
      ? CLOSED_FAMILIES[word]
      : undefined;
    throw new Fault(
      at,
      why === undefined
        ? `unknown family "${shorten(word)}"`
        : `sockets of the family "${word}" stay closed: ${why}`,
      {
        hint: why === undefined ? didYouMean(word, SOCKET_FAMILIES) : undefined,
      },
    );
  });
}
