/**
 * What rules refuse where a file system may not tell capital letters: there, one file
 * has more names than the kernel says.
 */

import type { Move } from "../call.ts";
import { aboveShort, fold } from "./fold.ts";
import { ALL_SLOTS, lengthOf, type PathMatcher } from "./match.ts";
import { closing, HARMLESS, treeObstacle } from "./move.ts";
import { bestRule } from "./rules.ts";
import { isWithin } from "./within.ts";

/** The rules that refuse something, by what {@linkcode fold} makes of their names. */
export class FoldedRules {
  readonly #places: readonly string[];
  readonly #matcher: PathMatcher;
  readonly #first: number;

  /**
   * Takes the rules of some places.
   *
   * @param places where names may mean the same in capital letters
   * @param matcher the tree of the rules, as `foldGlob()` spells them
   * @param first the number that the first of them has among all rules
   */
  constructor(places: readonly string[], matcher: PathMatcher, first: number) {
    this.#places = places;
    this.#matcher = matcher;
    this.#first = first;
  }

  /** The number of the rule that refuses an access to a path, or -1. */
  find(access: number, path: string): number {
    if (!this.#isThere(path)) return -1;
    const name = fold(path);
    this.#matcher.walk(name, lengthOf(name), ALL_SLOTS);
    const rule = bestRule(this.#matcher, access);
    return this.#number(
      rule < 0 ? this.#besideShort(name, closing(access)) : rule,
    );
  }

  /** Whether a rule begins at a path, or beneath it. */
  isNamed(path: string): boolean {
    if (!this.#isThere(path)) return false;
    const name = fold(path);
    this.#matcher.walk(name, lengthOf(name), ALL_SLOTS);
    return this.#matcher.named() !== 0;
  }

  /** Whether a path is a name of another one, or of what that is in. */
  leadsTo(path: string, other: string): boolean {
    return this.#isThere(path) && isWithin(fold(other), fold(path));
  }

  /**
   * Finds what speaks against a move of a directory: what is refused in there would be
   * so no more, as `obstacle()` says.
   *
   * @param move what moves
   * @returns the number of the rule, or as `obstacle()` does
   */
  obstacle({ from, to, tree }: Move): number {
    if (!tree || !this.#isThere(from) && !this.#isThere(to)) return HARMLESS;
    const [old, other] = [fold(from), fold(to)];
    const beside = Math.max(
      this.#besideShort(old, ALL_SLOTS),
      this.#besideShort(other, ALL_SLOTS),
    );
    if (beside >= 0) return this.#number(beside);
    const matcher = this.#matcher;
    const found = treeObstacle(matcher.residual(old), matcher.residual(other));
    return this.#number(found);
  }

  /** Whether names may mean the same there. */
  #isThere(path: string): boolean {
    return this.#places.some((place) => isWithin(path, place));
  }

  /** A rule in a directory in which a path goes on by what may be a short name, or -1. */
  #besideShort(name: string, slots: number): number {
    for (const directory of aboveShort(name)) {
      for (const branch of this.#matcher.residual(directory).branches) {
        const rule = branch.ruleBelow(slots);
        if (rule >= 0) return rule;
      }
    }
    return -1;
  }

  #number(rule: number): number {
    return rule < 0 ? rule : this.#first + rule;
  }
}
