/** Adds a rule to the text of a policy file, and leaves the rest as it is. */

import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  Scalar,
} from "yaml";
import type { AskedAccess } from "./consent.ts";
import { readTwice } from "./positions.ts";
import { readLayer } from "./shape.ts";
import { readPolicyText } from "./text.ts";
import { toPattern, type Variables } from "./variables.ts";
import { parseYaml } from "./yaml.ts";

/** Any paths will do: what they stand for is known in the next run. */
const ANY: Variables = {
  cwd: "/",
  home: "/",
  tmp: "/",
  program: "/",
  "policy-dir": "/",
};

/**
 * Adds a path to what a policy allows.
 *
 * @param text the policy, which is a valid one
 * @param section where the rule belongs
 * @param pattern the rule
 * @returns the new text, with its comments; `undefined` where no rule can be
 *   added, as in `read: true`
 */
export function withRule(
  text: string,
  section: AskedAccess,
  pattern: string,
): string | undefined {
  const document = parseDocument(text, { version: "1.2", schema: "core" });
  if (document.errors.length > 0) return undefined;
  if (!document.has(section)) {
    document.set(section, document.createNode([quoted(pattern)]));
  } else if (!addTo(document, [section], pattern)) return undefined;
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
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
  if (isMap(node) && keys.length === 1) {
    if (node.has("allow")) return addTo(document, [...keys, "allow"], pattern);
    node.set("allow", document.createNode([quoted(pattern)]));
    return true;
  }
  // Nothing was allowed so far, in either spelling.
  if (isScalar(node) && (node.value === false || node.value === null)) {
    document.setIn(keys, document.createNode([quoted(pattern)]));
    return true;
  }
  return false;
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
  const wanted = toPattern(pattern, ANY);
  return layer[section].allow.some((rule) => rule.pattern === wanted);
}

/** A path has characters that mean something in YAML. */
function quoted(pattern: string): Scalar<string> {
  const scalar = new Scalar(pattern);
  if (!/^\/[\w./+-]*$/.test(pattern)) scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}
