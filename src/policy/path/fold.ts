/** Names where capital letters make no difference: FAT, NTFS, shared folders. */

import { fromText, toText } from "../../abi/bytes.ts";
import type { Glob, Segment } from "./glob.ts";
import { matchSegment, parseSegment } from "./segment.ts";

/** What such file systems do not see at the end of a name. */
const ENDS_REGEXP = /(?<=[^/])[. ]+(?=\/|$)/g;

/**
 * One spelling for all names that such a file system may take for the same.
 *
 * @param path a path, or a name, a byte string
 */
export function fold(path: string): string {
  const names = isAscii(path) ? path.toLowerCase() : lowerEach(path);
  return names.replace(ENDS_REGEXP, "");
}

/** One name that is no text changes no letter of the others. */
function lowerEach(path: string): string {
  return path.split("/").map(lower).join("/");
}

function lower(name: string): string {
  if (isAscii(name)) return name.toLowerCase();
  const text = toText(name);
  if (text === undefined) return lowerAscii(name);
  const plain = text.normalize("NFD")
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "");
  // Of some letters the small one has a capital of its own: U+017F is an S, U+1E9E
  // two of them. Another one has two, of which one stands at the end of words.
  const small = plain.toLowerCase().toUpperCase().toLowerCase().replaceAll(
    "\u03c2",
    "\u03c3",
  );
  return fromText(small.normalize("NFD"));
}

function isAscii(name: string): boolean {
  return !/[\x80-\xff]/.test(name);
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/**
 * What FAT and NTFS give a file with a long name besides, such as `GIT~1`. What belongs
 * to a letter counts as one with it.
 */
const SHORT_REGEXP =
  /\/(?!~\d+(?:[./]|$))[\x80-\xff]*(?:[^/.\x80-\xff][\x80-\xff]*){0,6}~\d{1,6}(?:\.[\x80-\xff]*(?:[^/.\x80-\xff][\x80-\xff]*){0,3})?(?=\/|$)/g;

/** A name of which some bytes are none of ASCII. */
const BYTES_REGEXP = /\/[^/\x80-\xff]*[\x80-\xff][^/]*/g;

/**
 * The directories in which a path goes on by what may be the short name of a file with
 * another name, or by what is no text: whoever mounts FAT says what letters its bytes
 * are (`iocharset`). Any in there could be meant.
 *
 * @param path a path, a byte string
 */
export function aboveShort(path: string): string[] {
  const untold = isAscii(path)
    ? []
    : Array.from(path.matchAll(BYTES_REGEXP)).filter(([name]) =>
      toText(name) === undefined
    );
  return [...path.matchAll(SHORT_REGEXP), ...untold].map(({ index }) =>
    path.slice(0, index) || "/"
  );
}

/**
 * A pattern of what {@linkcode fold} makes of the names that another one means.
 *
 * @param glob the other one
 */
export function foldGlob(glob: Glob): Glob {
  return { ...glob, segments: glob.segments.map(foldSegment) };
}

function foldSegment(segment: Segment): Segment {
  switch (segment.kind) {
    case "name":
      return { kind: "name", name: fold(segment.name) };
    case "pattern":
      return {
        kind: "pattern",
        pattern: parseSegment(foldPattern(segment.pattern.text)),
      };
    case "any-depth":
      return segment;
  }
}

/** A pattern of a name in small letters. */
function foldPattern(text: string): string {
  return text.replace(
    /\[((?:[!^]\]?|\]?)(?:\\[^]|[^\]\\])*)\]|(?:\\[^]|[^[\\])+/g,
    (part, set: string | undefined) =>
      set === undefined ? lower(part) : `[${small(set)}${set}]`,
  );
}

const CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** The small letters that a set has besides; none of one that says what is not in it. */
function small(set: string): string {
  if (/^[!^\]-]/.test(set)) return "";
  const pattern = parseSegment(`[${set}]`);
  const isIn = (letter: string): boolean => matchSegment(pattern, letter, 0, 1);
  return Array.from(CAPITALS).filter(isIn).join("").toLowerCase();
}
