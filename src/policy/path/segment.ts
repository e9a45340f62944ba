/**
 * Does a pattern of one path segment match a name? Never in more than linear steps
 * per star.
 */

import { printable } from "../../abi/bytes.ts";

/** One step of a pattern: a byte, or one of the negative marks below. */
const ANY = -1;
const STAR = -2;
const FIRST_CLASS = -3;

/** A set of characters: `[a-z]`. */
interface CharClass {
  readonly negated: boolean;
  /** Pairs: first and last code point. */
  readonly ranges: readonly number[];
}

/** A pattern of one segment, ready to match. */
export interface SegmentPattern {
  /** The pattern as written, which tells equal ones. */
  readonly text: string;
  readonly steps: readonly number[];
  readonly classes: readonly CharClass[];
}

/** What is wrong with a pattern. */
export class GlobError extends Error {
  /** What to do about it. */
  readonly hint: string | undefined;

  /** Makes one: what is wrong, and what to do about it. */
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** The name that a segment without wildcards stands for; `undefined` with one. */
export function literalSegment(text: string): string | undefined {
  if (!/[*?[\\]/.test(text)) return text;
  let name = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char === "*" || char === "?" || char === "[") return undefined;
    name += char === "\\" ? text[++at] ?? "" : char;
  }
  return name;
}

/**
 * Reads a segment with wildcards: `*`, `?`, `[a-z]`, `[!a-z]`, `\` before a
 * character.
 */
export function parseSegment(text: string): SegmentPattern {
  const steps: number[] = [];
  const classes: CharClass[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char === "*") {
      if (text[at + 1] === "*") {
        throw new GlobError(
          `"**" must stand alone between slashes`,
          `write "*" for any characters of one name, "/**/" for any directories`,
        );
      }
      steps.push(STAR);
    } else if (char === "?") {
      steps.push(ANY);
    } else if (char === "[") {
      const end = classEnd(text, at);
      steps.push(FIRST_CLASS - classes.length);
      classes.push(parseClass(text.slice(at + 1, end)));
      at = end;
    } else {
      if (char === "\\") at++;
      if (at === text.length) throw actsOnNothing();
      steps.push(text.charCodeAt(at));
    }
  }
  return { text, steps, classes };
}

/** What is wrong with a `\` at the end. */
export function actsOnNothing(): GlobError {
  return new GlobError(
    `"\\" has nothing to act on`,
    `write "\\\\" for the character itself`,
  );
}

/** Where the `]` is that closes the `[` at `open`. */
export function classEnd(text: string, open: number): number {
  let at = open + 1;
  if (text[at] === "!" || text[at] === "^") at++;
  if (text[at] === "]") at++;
  for (; at < text.length && text[at] !== "/"; at++) {
    if (text[at] === "]") return at;
    if (text[at] === "\\") at++;
  }
  throw new GlobError(
    `"[" is not closed`,
    `close it with "]", or write "\\[" for the character itself`,
  );
}

/** Reads what stands between `[` and `]`. */
function parseClass(text: string): CharClass {
  const negated = text[0] === "!" || text[0] === "^";
  if (text.startsWith("[:", negated ? 1 : 0)) {
    throw new GlobError(
      `named classes such as "[:alpha:]" are not known`,
      `write a range: "[a-z]"`,
    );
  }
  const points: { code: number; dash: boolean }[] = [];
  for (let at = negated ? 1 : 0; at < text.length;) {
    const dash = text[at] === "-";
    if (text[at] === "\\" && at + 1 < text.length) at++;
    points.push({ code: codeAt(text, at, text.length), dash });
    at += sizeAt(text, at, text.length);
  }
  const ranges: number[] = [];
  for (let i = 0; i < points.length; i++) {
    const first = points[i]?.code as number;
    const last = points[i + 2];
    if (points[i + 1]?.dash !== true || last === undefined) {
      ranges.push(first, first);
      continue;
    }
    if (last.code < first) {
      throw new GlobError(
        `the range in ${printable(`[${text}]`)} runs backwards`,
      );
    }
    ranges.push(first, last.code);
    i += 2;
  }
  return { negated, ranges };
}

/** Whether the pattern matches `name[start..end)`, all of it. */
export function matchSegment(
  pattern: SegmentPattern,
  name: string,
  start: number,
  end: number,
): boolean {
  const { steps, classes } = pattern;
  let at = start;
  let step = 0;
  // Only the last star needs a second try: what an earlier one could take
  // instead, the later one can as well.
  let starStep = -1;
  let starAt = start;
  for (;;) {
    const want = step < steps.length ? steps[step] as number : undefined;
    if (want === STAR) {
      starStep = ++step;
      starAt = at;
      continue;
    }
    if (want === undefined) {
      if (at === end) return true;
    } else if (at < end) {
      const size = want >= 0
        ? name.charCodeAt(at) === want ? 1 : 0
        : want === ANY || inClass(classes[FIRST_CLASS - want], name, at, end)
        ? sizeAt(name, at, end)
        : 0;
      if (size > 0) {
        at += size;
        step++;
        continue;
      }
    }
    if (starStep === -1 || starAt >= end) return false;
    starAt += sizeAt(name, starAt, end);
    at = starAt;
    step = starStep;
  }
}

/** Whether the character at `at` is in a set. */
function inClass(
  set: CharClass | undefined,
  name: string,
  at: number,
  end: number,
): boolean {
  if (set === undefined) return false;
  const code = codeAt(name, at, end);
  const { ranges } = set;
  for (let i = 0; i < ranges.length; i += 2) {
    if (code >= (ranges[i] as number) && code <= (ranges[i + 1] as number)) {
      return !set.negated;
    }
  }
  return set.negated;
}

/** How many bytes the UTF-8 character at `at` has; 1 for a byte that is none. */
function sizeAt(name: string, at: number, end: number): number {
  const lead = name.charCodeAt(at);
  if (lead < 0xc2) return 1;
  const size = lead >= 0xf5 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (at + size > end) return 1;
  for (let i = 1; i < size; i++) {
    if ((name.charCodeAt(at + i) & 0xc0) !== 0x80) return 1;
  }
  return size;
}

/** The code point at `at`; a byte that is not UTF-8 is beyond all code points. */
function codeAt(name: string, at: number, end: number): number {
  const lead = name.charCodeAt(at);
  if (lead < 0x80) return lead;
  const size = sizeAt(name, at, end);
  if (size === 1) return 0x110000 + lead;
  let code = lead & (0x7f >> size);
  for (let i = 1; i < size; i++) {
    code = (code << 6) | (name.charCodeAt(at + i) & 0x3f);
  }
  return code;
}
