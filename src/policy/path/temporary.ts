/** The names of jail's temporary directories, which jail removes with all in them. */

import type { Move } from "../call.ts";

const NAME_REGEXP = /^jail-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether a name is one that jail gives to a temporary directory. */
export function isTemporary(name: string): boolean {
  return NAME_REGEXP.test(name);
}

/**
 * Which end of a move lies outside, where the other one is such a directory or lies in
 * one. At the end of a run, or at the start of another one, jail removes all in there,
 * whatever rules say of it; and goes on where a program moves away, with what it puts
 * in meanwhile, a directory that is being emptied.
 *
 * @param move what moves
 * @returns the path outside; `undefined` where both ends are, or neither is
 */
export function outsideTemporary({ from, to }: Move): string | undefined {
  const [begins, ends] = [isInTemporary(from), isInTemporary(to)];
  return begins === ends ? undefined : begins ? to : from;
}

function isInTemporary(path: string): boolean {
  return path.split("/").some(isTemporary);
}
