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

const NONE: readonly string[] = [];

/**
 * Those of them that are told of by nothing else.
 *
 * @param crossed real paths, in their order
 * @param real where the path leads, which is judged by itself
 * @param known other real paths that are there for whoever makes the call
 * @returns the paths
 */
export function told(
  crossed: readonly string[],
  real: string,
  known: readonly string[],
): readonly string[] {
  if (crossed.length === 0) return NONE;
  const found: string[] = [];
  for (const path of crossed) {
    const tells = (other: string): boolean => isWithin(other, path);
    if (!tells(real) && !known.some(tells) && !found.some(tells)) {
      found.push(path);
    }
  }
  return found;
}
