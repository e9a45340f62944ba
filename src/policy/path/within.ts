/** Which paths lie beneath which others, by their names alone. */

/** Whether a path is another one, or lies beneath it. */
export function isWithin(path: string, above: string): boolean {
  return above === "/" || path === above || path.startsWith(`${above}/`);
}

/** Whether one of two paths is the other, or lies beneath it. */
export function overlap(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one);
}

/** Those paths that lie beneath none of the others. */
export function outermost(paths: readonly string[]): string[] {
  const all = new Set(paths);
  return [...all].filter((path) =>
    path === "/" || nearest(all, parentOf(path)) === undefined
  ).sort();
}

/** The path among some that is this one, or the nearest one above it. */
export function nearest(
  paths: Pick<ReadonlySet<string>, "has">,
  path: string,
): string | undefined {
  for (let at = path;; at = parentOf(at)) {
    if (paths.has(at)) return at;
    if (at === "/") return undefined;
  }
}

/**
 * What is known of a path, or of the nearest one above it.
 *
 * @param known what is known, by paths
 * @param path a path
 */
export function above<T>(
  known: ReadonlyMap<string, T>,
  path: string,
): T | undefined {
  const at = nearest(known, path);
  return at === undefined ? undefined : known.get(at);
}

/** The directory that a path is in. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** The path of a name in a directory. */
export function pathIn(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}

/** The paths above one, from its directory up to the root. */
export function directoriesAbove(path: string): string[] {
  const found: string[] = [];
  for (let at = path; at !== "/";) {
    at = parentOf(at);
    found.push(at);
  }
  return found;
}
