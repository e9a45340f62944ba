/** Adds a rule to the text of a policy file, and leaves the rest as it is. */

import { type AskedAccess, isNetAccess } from "../consent.ts";
import { EFFECTS } from "../policy.ts";
import { readTwice } from "./positions.ts";
import { readLayer } from "./shape.ts";
import { readPolicyText } from "./text.ts";
import { toPattern, type Variables } from "./variables.ts";
import { parseYaml } from "./yaml.ts";
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  Scalar,
} from "./yaml_nodes.ts";

/** Any paths will do: what they stand for is known in the next run. */
const ANY: Variables = {
  cwd: "/",
  home: "/",
  tmp: "/",
  program: "/",
  "policy-dir": "/",
};

/** The keys of a section in a policy. */
function keysOf(section: AskedAccess): readonly string[] {
  return isNetAccess(section) ? ["net", section] : [section];
}

/**
 * Adds a path to what a policy allows, or an address.
 *
 * @param text the policy, which is a valid one
 * @param section where the rule belongs
 * @param pattern the rule
 * @returns the new text, with its comments; `undefined` where no rule can be
 *   added, as in `read: true`, in `net: [...]`, which would let it listen as well
 *   as connect, and in `net: false`
 */
export function withRule(
  text: string,
  section: AskedAccess,
  pattern: string,
): string | undefined {
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    // Looked at by hasRule(): this option compares every key with every other.
    uniqueKeys: false,
  });
  if (document.errors.length > 0) return undefined;
  const keys = keysOf(section);
  const [first = "", second] = keys;
  const above = document.get(first, true);
  // "net: false" also takes back what the policies before this one allow.
  if (second !== undefined && above === undefined) {
    document.set(first, document.createNode({}));
  } else if (second !== undefined && !hasEnds(above)) return undefined;
  if (!document.hasIn(keys)) {
    document.setIn(keys, document.createNode([quoted(pattern)]));
  } else if (!addTo(document, keys, pattern)) return undefined;
  // Others read such a file, too, and take no bare word in it.
  return isJson(text)
    ? `${JSON.stringify(document, null, 2)}\n`
    : document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** Whether a policy is JSON, which is YAML as well. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function addTo(
  document: Document.Parsed,
  keys: readonly string[],
  pattern: string,
): boolean {
  const node = document.getIn(keys, true);
  if (isSeq(node)) {
    node.add(quoted(pattern));
    return true;
  }
  if (isMap(node) && keys.at(-1) !== "allow") {
    if (node.has("allow")) return addTo(document, [...keys, "allow"], pattern);
    node.set("allow", document.createNode([quoted(pattern)]));
    return true;
  }
  // Nothing was allowed so far, in either spelling.
  if (isEmpty(node)) {
    document.setIn(keys, document.createNode([quoted(pattern)]));
    return true;
  }
  return false;
}

/** Whether nothing is said: no node, false, or nothing behind the colon. */
function isEmpty(node: unknown): boolean {
  return node === undefined ||
    isScalar(node) && (node.value === false || node.value === null);
}

/** Whether a map has rules for either end, and not rules for both. */
function hasEnds(node: unknown): boolean {
  return isMap(node) && !EFFECTS.some((effect) => node.has(effect));
}

/**
 * Whether a policy can be read, and allows a path by a rule of its own.
 *
 * @param text the policy
 * @param section where the rule belongs
 * @param pattern the rule
 * @throws {Error} that says why it cannot be read
 */
export function hasRule(
  text: string,
  section: AskedAccess,
  pattern: string,
): boolean {
  const readable = readPolicyText(new TextEncoder().encode(text));
  const layer = readLayer(readTwice(readable, parseYaml), {
    source: "",
    variables: ANY,
  });
  if (isNetAccess(section)) {
    const { net } = layer;
    return typeof net === "object" &&
      net[section].allow.some(({ ref }) => ref.text === pattern);
  }
  const wanted = toPattern(pattern, ANY);
  return layer[section].allow.some((rule) => rule.pattern === wanted);
}

/** A path or an address has characters that mean something in YAML. */
function quoted(pattern: string): Scalar<string> {
  const scalar = new Scalar(pattern);
  if (!/^\/[\w./+-]*$/.test(pattern)) scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}
