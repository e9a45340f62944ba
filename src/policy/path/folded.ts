/**
 * What rules say where a file system may not tell capital letters: there, one file has
 * more names than the kernel says. What is refused by one is so by all; what is allowed
 * is so by its own alone, and what comes to another may be used by that.
 */

import type { Move } from "../call.ts";
import { aboveShort, fold, foldLetters } from "./fold.ts";
import { ALL_SLOTS, lengthOf, type PathMatcher } from "./match.ts";
import {
  closing,
  HARMLESS,
  type Judge,
  treeObstacle,
  uncovers,
  WIDER,
} from "./move.ts";
import { ALLOW, ALLOW_SLOTS, bestRule, READ, RUN, slotOf } from "./rules.ts";
import { isWithin } from "./within.ts";

/** The rules, by what {@linkcode fold} makes of their names. */
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
  refuses(access: number, path: string): number {
    if (!this.#isThere(path)) return -1;
    const name = fold(path);
    const whole = foldLetters(path);
    for (const one of name === whole ? [name] : [name, whole]) {
      const { rule, allows } = this.#find(access, one);
      if (rule >= 0 && !allows) return this.#number(rule);
    }
    return this.#number(this.#besideShort(name, closing(access)));
  }

  /** Whether a rule of some slots, as bits, begins at a path, or beneath it. */
  isNamed(path: string, slots: number): boolean {
    return this.#walks(path) && (this.#matcher.named() & slots) !== 0;
  }

  /** Whether a rule of some slots, as bits, begins beneath a path. */
  isAbove(path: string, slots: number): boolean {
    return this.#walks(path) && (this.#matcher.namedBeneath() & slots) !== 0;
  }

  /** Walks to a path in one kind of letters; whether it may have such a name. */
  #walks(path: string): boolean {
    if (!this.#isThere(path)) return false;
    const name = fold(path);
    this.#matcher.walk(name, lengthOf(name), ALL_SLOTS);
    return true;
  }

  /** Whether a path is a name of another one, or of what that is in. */
  leadsTo(path: string, other: string): boolean {
    return this.#isThere(path) && isWithin(fold(other), fold(path));
  }

  /**
   * Finds what speaks against a move, as `obstacle()` says: what is refused in a
   * directory would be so no more, or what may not be read could be so by another name
   * of where it comes to.
   *
   * @param move what moves
   * @param judge what may be done with one path, by its own name
   * @returns the number of the rule, or as `obstacle()` does
   */
  obstacle(move: Move, judge: Judge): number {
    const { from, to, tree } = move;
    if (!this.#isThere(from) && !this.#isThere(to)) return HARMLESS;
    if (this.#opens(move, judge)) return WIDER;
    if (!tree) return HARMLESS;
    const [old, other] = [fold(from), fold(to)];
    const refusing = ALL_SLOTS & ~ALLOW_SLOTS;
    const beside = Math.max(
      this.#besideShort(old, refusing),
      this.#besideShort(other, refusing),
    );
    if (beside >= 0) return this.#number(beside);
    const matcher = this.#matcher;
    const found = treeObstacle(matcher.residual(old), matcher.residual(other));
    return this.#number(found);
  }

  /** Whether a move of a file opens what may be in its place, as `uncovers()` says. */
  uncovers({ from, to }: Move): boolean {
    if (!this.#isThere(from) && !this.#isThere(to)) return false;
    const matcher = this.#matcher;
    return uncovers(matcher.residual(fold(from)), matcher.residual(fold(to)));
  }

  /** Whether what moves may be read or run by another name of its new place. */
  #opens({ from, to }: Move, judge: Judge): boolean {
    if (!this.#isThere(to) || judge(READ, from).allows) return false;
    const name = fold(to);
    return this.#find(READ, name).allows ||
      !judge(RUN, from).allows && this.#find(RUN, name).allows;
  }

  /** The rule for an access to a name, and whether it allows that. */
  #find(access: number, name: string): ReturnType<Judge> {
    this.#matcher.walk(name, lengthOf(name), ALL_SLOTS);
    const rule = bestRule(this.#matcher, access);
    const allowed = this.#matcher.best(slotOf(access, ALLOW));
    return { rule, allows: rule >= 0 && rule === allowed };
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
