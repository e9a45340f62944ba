/**
 * Directories that a path leads into, and out of again by `..`.
 *
 * Nothing of them is in the real path, and yet a path with one leads on only if
 * there is such a directory: who makes the call learns that, so it must be allowed
 * to look at each.
 */

import { isWithin } from "../policy/grants.ts";

/**
 * Notes what a path without links leads out of.
 *
 * @param path an absolute path, a byte string
 * @param crossed where real paths are put
 */
export function cross(path: string, crossed: string[]): void {
  if (!path.includes("/..")) return;
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") {
      names.push(name);
    } else if (names.length > 0) {
      crossed.push(`/${names.join("/")}`);
      names.pop();
    }
  }
}

/**
 * Those of them that are told of by nothing else.
 *
 * @param crossed real paths, in their order
 * @param known what is there for whoever makes the call: where the path starts,
 *   and where it leads, which is judged by itself
 */
export function told(
  crossed: readonly string[],
  ...known: readonly string[]
): readonly string[] {
  const found: string[] = [];
  for (const path of crossed) {
    const isKnown = [...known, ...found].some((other) => isWithin(other, path));
    if (!isKnown) found.push(path);
  }
  return found;
}
