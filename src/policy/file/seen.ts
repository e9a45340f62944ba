/** A rule that refuses must mean what a person reads. */

import { GlobError } from "../path/segment.ts";

// What is not seen: blanks of no width, or at an end, fillers, and marks of direction.
// Not here are those that join letters and signs, as names have them.
const UNSEEN_REGEXP =
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0]|[\u00a0\u2000-\u200a\u202f\u205f\u3000]$/;

/**
 * Refuses a text with a character that nobody sees: copied along, it makes another
 * name of one, and the rule refuses nothing. So does half of one (`"\udcff"`), by
 * which some write a byte of a name that is not UTF-8.
 *
 * @param text what a rule refuses
 * @throws {GlobError} where it has one
 */
export function mustBeSeen(text: string): void {
  if (!text.isWellFormed()) {
    throw new GlobError(
      "it has half of a character, which is no name's",
      'write "?" in its place in a policy file, for a byte that is not UTF-8',
    );
  }
  const found = UNSEEN_REGEXP.exec(text);
  if (found === null) return;
  const code = text.charCodeAt(found.index).toString(16).padStart(4, "0");
  throw new GlobError(
    `it has a character that is not seen (U+${code.toUpperCase()})`,
    "take it out",
  );
}
