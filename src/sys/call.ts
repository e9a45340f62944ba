/** A system call by its number. */

import { rareLibc } from "./libc.ts";

/**
 * Makes a system call.
 *
 * @param nr its number on this machine
 * @param words its arguments, at most six, as the registers have them
 * @returns what it returns, as an `int`; a negative errno where it fails
 */
export function makeCall(nr: number, words: readonly bigint[]): number {
  const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n] = words;
  return rareLibc().syscallWords(nr, a, b, c, d, e, f);
}
