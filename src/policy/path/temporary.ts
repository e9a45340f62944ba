/** The names of jail's temporary directories, which jail removes with all in them. */

import type { Move } from "../call.ts";
import { isWithin } from "./within.ts";

const NAME_REGEXP = /^jail-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether a name is one that jail gives to a temporary directory. */
export function isTemporary(name: string): boolean {
  return NAME_REGEXP.test(name);
}

/**
 * Whether a move takes something into such a directory, or gives it such a name: at
 * the end of the run, or at the start of another one, jail removes it, whatever rules
 * say of what is in it.
 *
 * @param move what moves
 */
export function entersTemporary({ from, to }: Move): boolean {
  const names = to.split("/");
  const at = names.findIndex(isTemporary);
  if (at < 0) return false;
  const directory = names.slice(0, at + 1).join("/");
  return from === directory || !isWithin(from, directory);
}
