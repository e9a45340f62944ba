/** Checks what a program that embeds a jail has given, whose types nobody may have looked at. */

import { didYouMean } from "../policy/similar.ts";

/**
 * Refuses what has other keys than these: what is skipped would not hold.
 *
 * @param given an object
 * @param known its keys
 * @param what what a key is called
 * @throws {TypeError} where it has another
 */
export function checkKeys(
  given: object,
  known: readonly string[],
  what: string,
): void {
  const key = Object.keys(given).find((key) => !known.includes(key));
  if (key === undefined) return;
  const near = didYouMean(key, known) ?? `there are ${known.join(", ")}`;
  throw new TypeError(`Cannot use the ${what} "${key}": ${near}`);
}

/**
 * Refuses a word that is none of these.
 *
 * @param key what it is given for
 * @param word the word, or nothing
 * @param known the words
 * @throws {TypeError} where it is another
 */
export function checkWord(
  key: string,
  word: string | undefined,
  known: readonly string[],
): void {
  if (word === undefined || known.includes(word)) return;
  const all = known.map((one) => `"${one}"`).join(", ");
  throw new TypeError(
    `Cannot use ${key}: ${JSON.stringify(word)}: it must be one of ${all}`,
  );
}
