/**
 * What a question says of files and calls: in a few rows, and as nothing else than
 * it is.
 */

import { printable } from "../abi/bytes.ts";
import { safe } from "./report.ts";

/** The most columns of a path or of a call; a question has few rows then. */
const MOST = 110;

/** The same for the program that asks, which is on one line with the path. */
const MOST_OF_PROGRAM = 60;

/**
 * What could be taken for the end of a row, for a part of a question or for the
 * slash of a path: more than one space, other spaces and what looks like one,
 * frames, blocks and signs of jail's own, slashes, quotes, the mark of a cut.
 */
const MISLEADING_REGEXP =
  /(?<= ) +| +(?= )|(?! )[\p{Zs}\u115f\u1160\u2800\u3164\uffa0]|[\u2500-\u259f\u26a0\u2705\u274c]|[\u2044\u2215\u2571\u29f8\uff0f]|[\u201c-\u201f\uff02]|[\u2026\u22ef]/gu;

/**
 * All of a call but the mark of what jail leaves out of it, which no name is: names
 * stand in quotes, and have a backslash in front of their own.
 */
const NAMED_REGEXP = /"(?:[^"\\]|\\.)*"?|[^"\u2026]+/gs;

/**
 * A file as a question names it.
 *
 * @param path its real path, a byte string
 * @param most how many columns it may take
 */
export function fileText(path: string, most = MOST): string {
  // What is cut stands between two quoted parts: no name can look like that.
  return cut(plain(printable(path, path.length)), most, '"', '"');
}

/** The program that asks, as a byte string, as a question names it. */
export function programText(path: string): string {
  return path === "" ? "The program" : fileText(path, MOST_OF_PROGRAM);
}

/** A call as a question names it. */
export function callText(text: string): string {
  return cut(safe(text).replace(NAMED_REGEXP, plain), MOST, "", "");
}

/** Text with what misleads spelt out. */
function plain(text: string): string {
  return text.replace(
    MISLEADING_REGEXP,
    (found) =>
      Array.from(found, (char) => {
        const code = (char.codePointAt(0) as number).toString(16);
        return code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, "0")}`;
      }).join(""),
  );
}

/** Text without its middle, where it is too long. */
function cut(text: string, most: number, end: string, start: string): string {
  const chars = Array.from(text);
  if (widthOf(chars) <= most) return text;
  const half = Math.floor(most / 2) - 10;
  let first = 0;
  for (let width = 0; width < half; first++) width += columns(chars[first]);
  let last = chars.length;
  for (let width = 0; width < half; last--) width += columns(chars[last - 1]);
  const head = chars.slice(0, first).join("");
  const tail = chars.slice(last).join("");
  return `${head}${end} … ${last - first} more … ${start}${tail}`;
}

function widthOf(chars: readonly string[]): number {
  return chars.reduce((sum, char) => sum + columns(char), 0);
}

/** How many columns a character takes, at the most. */
function columns(char = ""): number {
  return char <= "\x7f" ? 1 : 2;
}
