/** Asks about each path once: thousands of rules name a few directories. */

/**
 * Makes a function that remembers its answers.
 *
 * @param ask answers for a path, and for the same path always the same
 * @returns the same, asked once about each
 */
export function remembered<T>(ask: (path: string) => T): (path: string) => T {
  const known = new Map<string, T>();
  return (path) => {
    if (!known.has(path)) known.set(path, ask(path));
    return known.get(path) as T;
  };
}
