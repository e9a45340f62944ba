/**
 * Checks what a program that embeds a jail has given, whose types nobody may have
 * looked at.
 */

import { didYouMean } from "../policy/file/similar.ts";

/**
 * Whether something has keys that say what it holds. Those of a Map, a URL or a
 * promise say nothing, and all that is in it would be skipped.
 */
export function hasKeys(given: unknown): given is object {
  return Object.prototype.toString.call(given) === "[object Object]";
}

/**
 * Refuses what has no keys that say what it holds.
 *
 * @param given what was given
 * @param what what it should hold
 * @throws {TypeError} where it is a list, a Map, a promise, or no object
 */
export function checkObject(given: unknown, what: string): void {
  if (hasKeys(given)) return;
  throw new TypeError(`Cannot use ${what}: a plain object is expected`);
}

/**
 * Refuses what has other keys than these: what is skipped would not hold.
 *
 * @param given an object
 * @param known its keys
 * @param what what a key is called
 * @throws {TypeError} where it has another, or is none that has keys
 */
export function checkKeys(
  given: object,
  known: readonly string[],
  what: string,
): void {
  checkObject(given, `these ${what}s`);
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
