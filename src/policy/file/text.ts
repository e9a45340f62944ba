/** The bytes of a policy file made text, before any parser sees them. */

/** The most bytes of a policy file. */
export const MAX_SIZE = 512 * 1024;

const MAX_LINES = 50_000;

const MAX_LINE = 64 * 1024;

const MAX_DEPTH = 64;

// What YAML forbids, a byte order mark that is not the first character, and a
// carriage return alone, which some readers take for the end of a line.
const CONTROL_REGEXP =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]|\r(?!\n)/;

// What is not seen, and what makes a text look like another one: a blank of no
// width, and marks that turn the direction of what follows.
const UNSEEN_REGEXP = /[\u200b\u202a-\u202e\u2060-\u2064\u2066-\u2069]/;

/** Something wrong with the text of a policy, at one of its characters. */
export class TextFault extends Error {
  /** The text, as far as it could be read. */
  readonly text: string;
  /** Which character of it is meant; `undefined` for the whole. */
  readonly offset: number | undefined;
  /** How many characters are meant. */
  readonly length: number;
  /** What to do about it. */
  readonly hint: string | undefined;

  /** Makes one: what is wrong, with which text, where, and what to do about it. */
  constructor(
    message: string,
    text: string,
    offset: number | undefined,
    options: { length?: number; hint?: string | undefined } = {},
  ) {
    super(message);
    this.text = text;
    this.offset = offset;
    this.length = options.length ?? 1;
    this.hint = options.hint;
  }
}

/**
 * Reads the text of a policy file.
 *
 * @param bytes the file
 * @returns its text, without a byte order mark
 * @throws {TextFault} when it is too long, not UTF-8, or not printable
 */
export function readPolicyText(bytes: Uint8Array): string {
  if (bytes.length > MAX_SIZE) {
    const size = Math.ceil(bytes.length / 1024);
    throw new TextFault(
      `it has ${size} KiB, and a policy has at most ${MAX_SIZE / 1024} KiB`,
      "",
      undefined,
    );
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const loose = new TextDecoder().decode(bytes);
    throw new TextFault("it is not UTF-8", loose, firstInvalid(bytes), {
      hint: "save the file as UTF-8",
    });
  }
  for (
    const [what, regexp] of [
      ["a control character", CONTROL_REGEXP],
      ["a character that is not seen", UNSEEN_REGEXP],
    ] as const
  ) {
    const found = regexp.exec(text);
    if (found === null) continue;
    const code = text.charCodeAt(found.index).toString(16).padStart(4, "0");
    throw new TextFault(
      `${what} (U+${code.toUpperCase()})`,
      text,
      found.index,
      { hint: "take it out" },
    );
  }
  const lines = text.split("\n", MAX_LINES + 1).length;
  if (lines > MAX_LINES) {
    throw new TextFault(`it has more than ${MAX_LINES} lines`, text, undefined);
  }
  const long = longLine(text);
  if (long !== undefined) {
    throw new TextFault("a line is too long", text, long, {
      hint: "write one rule per line",
    });
  }
  checkDepth(text);
  return text;
}

/** Where in the text the first byte is that is not UTF-8. */
function firstInvalid(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  // The longest valid beginning, by halves; a cut character is not an error.
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isValid(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return new TextDecoder().decode(bytes.subarray(0, good), { stream: true })
    .length;
}

function isValid(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Where a line starts that is too long for a person to have written it. */
function longLine(text: string): number | undefined {
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    if (end - start > MAX_LINE) return start;
    start = end + 1;
  }
  return undefined;
}

/** Refuses what would take a parser deep: no policy needs more than a few levels. */
function checkDepth(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "[" || char === "{") depth++;
    else if (depth > 0 && (char === "]" || char === "}")) depth--;
    if (depth > MAX_DEPTH) {
      throw new TextFault("it is nested too deeply", text, at);
    }
  }
  const block = /^[ \t]*(?:[-?:][ \t]+){16}/m.exec(text);
  if (block !== null) {
    throw new TextFault("it is nested too deeply", text, block.index);
  }
}

/** Where each line of a text starts. */
export function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (
    let at = text.indexOf("\n");
    at !== -1;
    at = text.indexOf("\n", at + 1)
  ) {
    starts.push(at + 1);
  }
  return starts;
}

/** Line and column, from 1, of a character, and the line it is in. */
export function placeOf(
  text: string,
  offset: number,
  starts: readonly number[] = lineStarts(text),
): { line: number; column: number; snippet: string } {
  let line = 0;
  for (let end = starts.length; end - line > 1;) {
    const middle = (line + end) >> 1;
    if ((starts[middle] as number) <= offset) line = middle;
    else end = middle;
  }
  const start = starts[line] as number;
  const next = starts[line + 1];
  return {
    line: line + 1,
    // Characters as people count them, not UTF-16 units.
    column: Array.from(text.slice(start, offset)).length + 1,
    snippet: text.slice(start, next).replace(/\r?\n?$/, ""),
  };
}
