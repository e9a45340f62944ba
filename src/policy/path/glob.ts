/**
 * The language of path rules: a pattern to the segments it is made of.
 *
 * `*` is any characters of one name, dots in front included; `?` is one
 * character; `[a-z]` and `[!a-z]` one of a set; `**` between slashes any
 * number of directories, none included; `{a,b}` one or the other; `\` makes
 * the next character an ordinary one. Case matters, but for what is refused where a
 * file system may not tell it. A path without any of these means it and all beneath
 * it; with `/.` at its end, it alone.
 */

import {
  actsOnNothing,
  classEnd,
  GlobError,
  literalSegment,
  parseSegment,
  type SegmentPattern,
} from "./segment.ts";

export { GlobError };

/** One segment of a glob: a name, a pattern of one name, or `**`. */
export type Segment =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "pattern"; readonly pattern: SegmentPattern }
  | { readonly kind: "any-depth" };

/** A pattern without alternatives, ready to match. */
export interface Glob {
  /** What stands between the slashes. */
  readonly segments: readonly Segment[];
  /** Whether all beneath a match matches too: so for a path without wildcards. */
  readonly beneath: boolean;
  /** Paths that `..` leads out of again, where no wildcard is in front. */
  readonly left?: readonly string[];
}

const MAX_LENGTH = 4096;
const MAX_ALTERNATIVES = 256;
const ANY_DEPTH: Segment = { kind: "any-depth" };

/** Makes ordinary characters of all that a glob would act on. */
export function escapeGlob(path: string): string {
  return path.replace(/[*?[\]{|},\\]/g, "\\$&");
}

/** Whether a pattern has wildcards; without one it means a path and all beneath. */
function hasWildcards(pattern: string): boolean {
  return /[*?[{]/.test(pattern.replace(/\\[^]/g, ""));
}

/** A policy's patterns are asked for by all who prepare a run. */
const parsed = new Map<string, readonly Glob[]>();
const MOST_PARSED = 1 << 16;

/**
 * Reads an absolute pattern.
 *
 * @param pattern a byte string
 * @returns one glob for each combination of its alternatives
 * @throws {GlobError} when it makes no sense, or would make too much of it
 */
export function parseGlob(pattern: string): readonly Glob[] {
  const known = parsed.get(pattern);
  if (known !== undefined) return known;
  if (parsed.size === MOST_PARSED) parsed.clear();
  const globs = parse(pattern);
  parsed.set(pattern, globs);
  return globs;
}

function parse(pattern: string): Glob[] {
  if (pattern.length > MAX_LENGTH) {
    throw new GlobError(
      `a pattern of ${pattern.length} bytes is longer than any path (${MAX_LENGTH})`,
    );
  }
  if (pattern.includes("\0")) {
    throw new GlobError("a path cannot contain a NUL byte");
  }
  if (/\([^/()|]*\|[^/()]*\)/.test(pattern.replace(/\\[^]/g, ""))) {
    throw new GlobError(
      `"(…|…)" is no choice`,
      `write "{a,b}", or "\\|" for the character itself`,
    );
  }
  const alone = hasWildcards(pattern) || isAlone(pattern);
  return expandBraces(pattern).map((one) => toGlob(one, alone));
}

/** Whether a path ends in `/.`: a directory alone, and nothing beneath it. */
export function isAlone(pattern: string): boolean {
  return pattern.endsWith("/.");
}

/** Reads a pattern without alternatives. */
function toGlob(pattern: string, alone: boolean): Glob {
  if (pattern[0] !== "/") {
    throw new GlobError("a rule must be an absolute path");
  }
  const segments: Segment[] = [];
  const left: string[] = [];
  for (const text of splitSegments(pattern)) {
    if (text === "") continue;
    if (text === "**") {
      if (segments.at(-1)?.kind !== "any-depth") segments.push(ANY_DEPTH);
      continue;
    }
    const name = literalSegment(text);
    if (name === ".") continue;
    if (name === "..") {
      const names = segments.map((one) => one.kind === "name" ? one.name : "");
      if (!names.includes("")) left.push(`/${names.join("/")}`);
      goUp(segments);
    } else {
      segments.push(
        name === undefined
          ? { kind: "pattern", pattern: parseSegment(text) }
          : { kind: "name", name },
      );
    }
  }
  // "/a/**" is "/a" and all beneath it.
  const last = segments.at(-1)?.kind === "any-depth";
  if (last) segments.pop();
  const glob = { segments, beneath: last || !alone };
  return left.length === 0 ? glob : { ...glob, left };
}

/** Takes back the last segment, for `..`. */
function goUp(segments: Segment[]): void {
  const last = segments.pop();
  if (last === undefined) {
    throw new GlobError(`".." leads above the root directory`);
  }
  if (last.kind !== "name") {
    throw new GlobError(`".." after a wildcard has no one meaning`);
  }
}

/** What stands between slashes; a slash in `[…]` or after `\` is an error. */
function splitSegments(pattern: string): string[] {
  if (!/[\\[]/.test(pattern)) return pattern.slice(1).split("/");
  const segments: string[] = [];
  let start = 1;
  for (let at = 1; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === "\\") at = escapedAt(pattern, at);
    else if (char === "[") at = classEnd(pattern, at);
    else if (char === "/") {
      segments.push(pattern.slice(start, at));
      start = at + 1;
    }
  }
  segments.push(pattern.slice(start));
  return segments;
}

/** Where the character is that the `\` at `at` makes ordinary. */
function escapedAt(pattern: string, at: number): number {
  const next = pattern[at + 1];
  if (next === undefined || next === "/") {
    throw actsOnNothing();
  }
  return at + 1;
}

/** All combinations of the alternatives `{a,b}`. */
function expandBraces(pattern: string): string[] {
  if (!/[\\[{}]/.test(pattern)) return [pattern];
  let done = [""];
  let plainFrom = 0;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === "\\") at = escapedAt(pattern, at);
    else if (char === "[") at = classEnd(pattern, at);
    else if (char === "}") {
      throw new GlobError(
        `"}" closes nothing`,
        `write "\\}" for the character itself`,
      );
    } else if (char === "{") {
      const { choices, end } = readBraces(pattern, at);
      const before = pattern.slice(plainFrom, at);
      const all = choices.flatMap(expandBraces);
      if (done.length * all.length > MAX_ALTERNATIVES) {
        throw new GlobError(
          `"{…}" stands for more than ${MAX_ALTERNATIVES} patterns`,
          "write several rules",
        );
      }
      done = done.flatMap((head) => all.map((tail) => head + before + tail));
      at = end;
      plainFrom = end + 1;
    }
  }
  const rest = pattern.slice(plainFrom);
  return done.map((head) => head + rest);
}

/** What stands between braces. */
interface Braces {
  readonly choices: string[];
  /** Where the `}` is. */
  readonly end: number;
}

/** Reads what most braces are: right, and with nothing in them but names. */
function plainBraces(pattern: string, open: number): Braces | undefined {
  const end = pattern.indexOf("}", open);
  const inner = pattern.slice(open + 1, end);
  if (end < 0 || /[\\[{]/.test(inner)) return undefined;
  const choices = inner.split(",");
  const isRight = choices.length > 1 && !choices.includes("");
  return isRight ? { choices, end } : undefined;
}

/** The choices of the `{` at `open`, and where its `}` is. */
function readBraces(pattern: string, open: number): Braces {
  const plain = plainBraces(pattern, open);
  if (plain !== undefined) return plain;
  const choices: string[] = [];
  let start = open + 1;
  let depth = 1;
  for (let at = start; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === "\\") at = escapedAt(pattern, at);
    else if (char === "[") at = classEnd(pattern, at);
    else if (char === "{" && ++depth > 8) {
      throw new GlobError(`"{" is nested more than 8 deep`);
    } else if (char === "}") depth--;
    if (depth === 0 || (depth === 1 && char === ",")) {
      choices.push(pattern.slice(start, at));
      start = at + 1;
    }
    if (depth > 0) continue;
    if (choices.length < 2 || choices.includes("")) {
      throw new GlobError(
        `"{…}" needs two or more choices, none of them empty`,
        `write "{a,b}", or "\\{" for the character itself`,
      );
    }
    return { choices, end: at };
  }
  throw new GlobError(
    `"{" is not closed`,
    `close it with "}", or write "\\{" for the character itself`,
  );
}
