/** Which of many paths lie above or beneath another one, found by its names. */

import { directoriesAbove, nearest } from "../path/within.ts";

/** Real paths, to be asked about others. */
export class Paths {
  readonly #paths: ReadonlySet<string>;
  #above: ReadonlySet<string> | undefined;

  /**
   * Makes the set.
   *
   * @param paths the paths
   */
  constructor(paths: Iterable<string>) {
    this.#paths = new Set(paths);
  }

  /** Whether a path is one of these. */
  has(path: string): boolean {
    return this.#paths.has(path);
  }

  /** Whether a path is one of these, or lies beneath one. */
  hold(path: string): boolean {
    return nearest(this.#paths, path) !== undefined;
  }

  /** Whether a path is one of these, or lies above one. */
  isAround(path: string): boolean {
    this.#above ??= new Set([...this.#paths].flatMap(directoriesAbove));
    return this.#paths.has(path) || this.#above.has(path);
  }

  /** Whether a path is one of these, or lies above or beneath one. */
  meet(path: string): boolean {
    return this.hold(path) || this.isAround(path);
  }

  /** The outermost of these that a path lies beneath. */
  above(path: string): string | undefined {
    return directoriesAbove(path).findLast((above) => this.#paths.has(above));
  }
}
