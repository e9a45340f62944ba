/** Names for files that no path of the program leads to. */

/** The start of a name for a file that no path of the program leads to. */
const OUTSIDE = "outside:";

/** Whether a name is for a file that no path of the program leads to. */
export function isOutside(name: string): boolean {
  return name.startsWith(OUTSIDE);
}

/**
 * The name for a file that no path of the program leads to.
 *
 * @param outer what the kernel calls it
 * @param mount the id of its mount, where that is none of this process's: others
 *   may have chosen the same name there
 */
export function nameOutside(outer: string, mount = ""): string {
  return `${OUTSIDE}${mount}${outer}`;
}
