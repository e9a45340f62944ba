/**
 * Where in a policy file things stand, and a second opinion on what it says.
 *
 * It is loaded only where a file of the user is read or a message needs a line.
 */

import { type Keys, shorten } from "./fault.ts";
import { explain, lowerFirst } from "./syntax.ts";
import { TextFault } from "./text.ts";
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  Parser,
  visit,
  type YAMLMap,
} from "./yaml_nodes.ts";

/** Characters of a text: the first, and how many. */
export interface Span {
  /** The first character. */
  readonly offset: number;
  /** How many are meant. */
  readonly length: number;
}

const OPTIONS = {
  version: "1.2",
  schema: "core",
  merge: false,
  // Looked at in checkNodes(): this option compares every key with every other.
  uniqueKeys: false,
  prettyErrors: false,
  keepSourceTokens: false,
  logLevel: "error",
} as const;

/**
 * Finds what keys lead to.
 *
 * @param text the policy
 * @param keys the keys and indices
 * @param part whether the last key itself is meant, or its value
 * @returns the characters, those of the nearest thing around where there is no such
 */
export function locate(
  text: string,
  keys: Keys,
  part: "key" | "value" = "value",
): Span | undefined {
  return positionsIn(text)(keys, part);
}

/**
 * Prepares to find what keys lead to, many times.
 *
 * @param text the policy, which is parsed once
 * @returns the same as {@linkcode locate} for this text
 */
export function positionsIn(
  text: string,
): (keys: Keys, part?: "key" | "value") => Span | undefined {
  const { contents } = parseCarefully(text);
  return (keys, part = "value") => {
    const found = spanAt(contents, keys, part);
    return found === undefined ? undefined : oneLine(text, found);
  };
}

function spanAt(
  contents: unknown,
  keys: Keys,
  part: "key" | "value",
): Span | undefined {
  let node = contents;
  let found = spanOf(node);
  keys.forEach((key, index) => {
    const last = index === keys.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((one) => keyOf(one) === String(key));
      const keySpan = spanOf(pair?.key);
      node = pair?.value;
      const valueSpan = !last || pointable(node) ? spanOf(node) : undefined;
      found = (last && part === "key" ? keySpan : valueSpan) ?? keySpan ??
        found;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      found = spanOf(node) ?? found;
    } else {
      node = undefined;
    }
  });
  return found;
}

/**
 * Reads a policy a second time, by another parser, and compares.
 *
 * @param text the policy
 * @param parse the parser whose result is enforced; called only on harmless text
 * @returns what it returned
 * @throws {TextFault} where the two do not agree, or might not elsewhere
 */
export function readTwice(
  text: string,
  parse: (text: string) => unknown,
): unknown {
  const document = parseCarefully(text);
  const [error] = document.errors;
  if (error !== undefined) {
    const { message, hint } = explain(
      error.code,
      error.message,
      text,
      error.pos[0],
    );
    throw new TextFault(message, text, error.pos[0], { hint });
  }
  checkNodes(document, text);
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw syntaxFault(error, text);
  }
  const keys = difference(value, document.toJS(), []);
  if (keys !== undefined) {
    const span = locate(text, keys);
    throw new TextFault(
      "it can be read in two ways",
      text,
      span?.offset,
      {
        length: span?.length ?? 1,
        hint: "put the value in double quotes",
      },
    );
  }
  return value;
}

/**
 * Whether the package looks for LOG_TOKENS and LOG_STREAM in the environment,
 * which would be the only permission that a policy needs. It does where it was
 * built for Node, which then is loaded; the build for browsers, which a bundle
 * has, does not, and to look at `process` would load a part of Node for it.
 */
const LOOKS_AT_ENVIRONMENT = /process/.test(String(Parser.prototype.next));

/** Parses text that may be made to break a parser. */
function parseCarefully(text: string): Document.Parsed {
  const { process } = LOOKS_AT_ENVIRONMENT
    ? globalThis as { process?: { env: unknown } }
    : {};
  const env = process?.env;
  if (process !== undefined) process.env = {};
  try {
    return parseDocument(text, OPTIONS);
  } catch (error) {
    // It collects errors and throws none of its own: its stack ran out, or
    // that of a regular expression.
    if (!(error instanceof RangeError || error instanceof SyntaxError)) {
      throw error;
    }
    throw new TextFault("it is nested too deeply", text, undefined);
  } finally {
    if (process !== undefined) process.env = env;
  }
}

/** The error of the enforced parser, at its place. */
export function syntaxFault(error: unknown, text: string): TextFault {
  const message = error instanceof Error ? error.message : String(error);
  const place = /^(.*?) at line (\d+), column (\d+)/s.exec(message);
  if (place === null) {
    return new TextFault(
      shorten(lowerFirst(message.split("\n")[0] ?? "")),
      text,
      undefined,
    );
  }
  let offset = 0;
  for (let line = 1; line < Number(place[2]); line++) {
    offset = text.indexOf("\n", offset) + 1;
  }
  const what = (place[1] ?? "").replace(/^Cannot [^:]*: /, "");
  return new TextFault(
    shorten(lowerFirst(what)),
    text,
    offset + Number(place[3]) - 1,
  );
}

/** Refuses what the language of policies does without, since readers differ on it. */
function checkNodes(document: Document.Parsed, text: string): void {
  const directive = /^%.*/m.exec(text);
  if (directive !== null) {
    throw new TextFault("a policy has no directives", text, directive.index);
  }
  const refuse = (node: Node, message: string, hint?: string): never => {
    const [from, to] = node.range ?? [0, 0];
    const { offset, length } = oneLine(text, {
      offset: from,
      length: to - from,
    });
    throw new TextFault(message, text, offset, { length, hint });
  };
  visit(document, {
    Node: (key, node, path) => {
      if (isAlias(node)) {
        return refuse(
          node,
          "a policy has no aliases",
          "write the value again, or put a glob in double quotes",
        );
      }
      if (node.anchor !== undefined) {
        return refuse(
          node,
          "a policy has no anchors",
          `take "&${node.anchor}" out`,
        );
      }
      if (node.tag !== undefined) {
        return refuse(
          node,
          "a policy has no tags",
          'take out the word in front of it that begins with "!"',
        );
      }
      if (!isScalar(node)) {
        if (key === "key") return refuse(node, "a key must be a text");
        return isMap(node) ? checkKeys(node, refuse) : undefined;
      }
      if (key === "key" && typeof node.value !== "string") {
        return refuse(node, "a key must be a text", "put it in double quotes");
      }
      if (typeof node.value === "string" && !node.value.isWellFormed()) {
        return refuse(
          node,
          "it has half of a character, which no text of the system has",
          'take it out; "?" in a pattern is a byte that is not UTF-8, too',
        );
      }
      const { source } = node;
      const [from, to] = node.range ?? [0, 0];
      const written = text.slice(from, to);
      const isItem = typeof key === "number";
      const isPlain = node.type === "PLAIN" && source !== undefined;
      if (isPlain && /^(?:yes|no|on|off)$/i.test(source)) {
        return refuse(
          node,
          `"${source}" is a text to some readers and true or false to others`,
          `write "true" or "false", or put it in double quotes`,
        );
      }
      // An item that is indented more than those above it goes on with them, as does
      // one behind them on their line; a text of several lines is one rule, as well.
      if (
        isPlain && isItem && SEVERAL_REGEXP.test(written) ||
        written.includes("\n") && !mayHaveLines(path)
      ) {
        return refuse(
          node,
          "it may be meant for several items",
          'begin each in a line of its own with the same blanks and "- ", ' +
            "or put it in double quotes",
        );
      }
    },
  });
}

/** A plain text that may be several, or has half of the quotes around it. */
const SEVERAL_REGEXP = /, | - |[,;"']$|\s(?:[/~"']|\$\{|unix:)/;

/** Whether a value may be a text of several lines: one that is no rule. */
function mayHaveLines(path: readonly unknown[]): boolean {
  const [first, second] = path.filter(isPair).map(keyOf);
  return first === "description" || first === "env" && second === "set";
}

/** Refuses a map that has a key twice. */
function checkKeys(
  map: YAMLMap,
  refuse: (node: Node, message: string, hint?: string) => never,
): undefined {
  const seen = new Set<unknown>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value)) {
      return refuse(
        key,
        `the same key twice, "${shorten(String(key.value))}"`,
        "make one of the two",
      );
    }
    seen.add(key.value);
  }
}

/** The keys of the first place where two values differ. */
function difference(
  one: unknown,
  other: unknown,
  keys: Keys,
): Keys | undefined {
  if (Object.is(one, other)) return undefined;
  if (
    typeof one !== "object" || typeof other !== "object" || one === null ||
    other === null || Array.isArray(one) !== Array.isArray(other)
  ) {
    return keys;
  }
  const names = Object.keys(one);
  const others = new Set(Object.keys(other));
  for (const name of names) {
    const at = [...keys, name];
    if (!others.delete(name)) return at;
    const found = difference(
      (one as Record<string, unknown>)[name],
      (other as Record<string, unknown>)[name],
      at,
    );
    if (found !== undefined) return found;
  }
  const [extra] = others;
  return extra === undefined ? undefined : [...keys, extra];
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : "";
}

/** Whether a value stands beside its key; one below it is better told by the key. */
function pointable(node: unknown): boolean {
  return isScalar(node) || (isCollection(node) && node.flow === true);
}

function spanOf(node: unknown): Span | undefined {
  if (isPair(node) || !isNode(node) || node.range == null) return undefined;
  const [start, end] = node.range;
  return { offset: start, length: Math.max(1, end - start) };
}

/** The part of a span that is in its first line. */
function oneLine(text: string, span: Span): Span {
  const end = span.offset + span.length;
  const newline = text.indexOf("\n", span.offset);
  const part = text.slice(
    span.offset,
    newline < 0 ? end : Math.min(end, newline),
  );
  return { offset: span.offset, length: Math.max(1, part.trimEnd().length) };
}
