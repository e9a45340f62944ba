/**
 * Directories that a path leads into, and out of again by `..`.
 *
 * Nothing of them is in the real path, and yet a path with one leads on only if
 * there is such a directory: who makes the call learns that, so it must be allowed
 * to look at each.
 */

import { PATH_MAX } from "../../abi/limits.ts";
import { isWithin } from "../../policy/path/within.ts";

/**
 * How long their names may be together, in bytes: no honest path comes near that.
 */
const MOST = 2 * PATH_MAX;

/** What each of them counts besides its length. */
const EACH = 64;

/** Whether a path may have a `..` in it, behind something else. */
export function climbs(path: string): boolean {
  return path.includes("/..");
}

/** What one path has led out of. */
export class Crossed {
  readonly #paths: string[] = [];
  /** Where links lie that were followed, and how much was crossed before. */
  readonly #led: { readonly path: string; readonly before: number }[] = [];
  #room = MOST;

  /** Begins with another path. */
  begin(): void {
    this.#paths.length = 0;
    this.#led.length = 0;
    this.#room = MOST;
  }

  /** Whether there is more than can be asked about. */
  get isTooMuch(): boolean {
    return this.#room < 0;
  }

  /** Whether `..` has led out of something. */
  get hasClimbed(): boolean {
    return this.#paths.length > 0;
  }

  /**
   * Notes that a link was followed: what is crossed from then on, and holds it, it
   * tells of. What was crossed before it does not, since the path would have failed
   * in the same way where there is none.
   *
   * @param directory the real path of the directory that it lies in
   */
  lead(directory: string): void {
    this.#led.push({ path: directory, before: this.#paths.length });
  }

  /** The real paths of the directories in which links lie that were followed. */
  links(): string[] {
    return this.#led.map(({ path }) => path);
  }

  /** Forgets the links that were followed. */
  forgetLinks(): void {
    this.#led.length = 0;
  }

  /**
   * Notes a directory, or what should be one.
   *
   * @param path its real path
   */
  add(path: string): void {
    const last = this.#paths.at(-1);
    // Whoever may look at a directory knows of those that it is in.
    if (this.isTooMuch || last !== undefined && isWithin(last, path)) return;
    this.#room -= path.length + EACH;
    this.#paths.push(path);
  }

  /**
   * Notes what a path without links leads out of.
   *
   * @param path an absolute path, a byte string
   */
  follow(path: string): void {
    if (!climbs(path)) return;
    let real = "";
    let climbed = false;
    for (const name of path.split("/")) {
      if (name === "" || name === ".") continue;
      if (name !== "..") {
        real = `${real}/${name}`;
      } else if (real !== "") {
        if (!climbed) this.add(real);
        real = real.slice(0, real.lastIndexOf("/"));
      }
      climbed = name === "..";
      if (this.isTooMuch) return;
    }
  }

  /**
   * Those that nothing else tells of. Where the path leads is judged by itself, and
   * may be in one of them: but a link could lead there as well, or to nothing, and how
   * a call is refused must not tell the one from the other.
   *
   * @param start where the path starts, a real path
   */
  untold(start: string): readonly string[] {
    if (this.#paths.length === 0) return this.#paths;
    const found: string[] = [];
    this.#paths.forEach((path, at) => {
      const tells = (other: string): boolean => isWithin(other, path);
      const isLed = this.#led.some((link) =>
        link.before <= at && tells(link.path)
      );
      if (!isLed && !tells(start) && !found.some(tells)) found.push(path);
    });
    return found;
  }
}
