/** Names where capital letters make no difference: FAT, NTFS, shared folders. */

import { fromText, toText } from "../../abi/bytes.ts";
import type { Glob, Segment } from "./glob.ts";
import { parseSegment } from "./segment.ts";

/** What such file systems do not see at the end of a name. */
const ENDS_REGEXP = /(?<=[^/])[. ]+(?=\/|$)/g;

/**
 * One spelling for all names that such a file system may take for the same.
 *
 * @param path a path, or a name, a byte string
 */
export function fold(path: string): string {
  return lower(path).replace(ENDS_REGEXP, "");
}

function lower(path: string): string {
  const text = toText(path);
  if (text === undefined) return lowerAscii(path);
  if (text.length === path.length) return text.toLowerCase();
  const plain = text.normalize("NFD")
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "");
  // Of some letters the small one has a capital of its own: U+017F is an S.
  return fromText(plain.toUpperCase().toLowerCase().normalize("NFD"));
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** What FAT and NTFS give a file with a long name besides, such as `GIT~1`. */
const SHORT_REGEXP = /\/[^/.~]{1,6}~\d{1,6}(?:\.[^/.]{0,3})?(?=\/|$)/g;

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

/** A pattern of a name in small letters, but for its sets, which have more in them. */
function foldPattern(text: string): string {
  return text.replace(
    /(\[[!^]?\]?(?:\\[^]|[^\]\\])*\])|[A-Z]+/g,
    (part, set: string | undefined) => set ?? part.toLowerCase(),
  );
}
