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
  return foldLetters(path).replace(ENDS_REGEXP, "");
}

/**
 * The same of one that sees all of a name: where a wildcard means what is at its end.
 *
 * @param path a path, or a name, a byte string
 */
export function foldLetters(path: string): string {
  return isAscii(path) ? path.toLowerCase() : lowerEach(path);
}

/** One name that is no text changes no letter of the others. */
function lowerEach(path: string): string {
  return path.split("/").map(lower).join("/");
}

function lower(name: string): string {
  if (isAscii(name)) return name.toLowerCase();
  const text = toText(name) ?? toText(inOtherBytes(name));
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

/**
 * A name with other letters of Latin-1 for those that are no text: whoever mounts FAT
 * says what letters its bytes are (`iocharset`), and there the first byte of each
 * letter of UTF-8 is one. How many come after it tells which of both it was.
 */
function inOtherBytes(name: string): string {
  return name.replace(
    /([\xc0-\xfe])([\x80-\xbf]+)/g,
    (_, first: string, more: string) => {
      const byte = first.charCodeAt(0);
      const other = more.length === 1 ? byte & ~0x20 : byte | 0x20;
      return String.fromCharCode(other) + more;
    },
  );
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

/**
 * The directories in which a path goes on by what may be the short name of a file with
 * another name: any in there could be meant.
 *
 * @param path a path, a byte string
 */
export function aboveShort(path: string): string[] {
  return Array.from(
    path.matchAll(SHORT_REGEXP),
    ({ index }) => path.slice(0, index) || "/",
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
      set === undefined ? lower(part) : foldSet(set),
  ).replace(
    // Several of these would mean something else.
    /(\\[^])|\*+/g,
    (_, escaped: string | undefined) => escaped ?? "*",
  );
}

const CAPITALS = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ");

/**
 * A set with the small letters of capital ones that it has. What cannot be said by one
 * may be any name: a small letter is in a set that leaves it out and has its capital
 * one, and letters beyond ASCII come in parts.
 */
function foldSet(set: string): string {
  if (!isAscii(set)) return "*";
  const pattern = parseSegment(`[${set}]`);
  const isIn = (letter: string): boolean => matchSegment(pattern, letter, 0, 1);
  const more = CAPITALS.filter(isIn).map((letter) => letter.toLowerCase())
    .filter((letter) => !isIn(letter));
  if (more.length === 0) return `[${set}]`;
  if (/^(?:[!^]|[\]-]-)/.test(set)) return "*";
  // In front of all others these two mean themselves.
  const [first = ""] = /^[\]-]/.exec(set) ?? [];
  return `[${first}${more.join("")}${set.slice(first.length)}]`;
}
