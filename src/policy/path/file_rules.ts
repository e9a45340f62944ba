/** The rules of a policy about files: which of them holds for an access to a path. */

import type { Move } from "../call.ts";
import type { Policy } from "../policy.ts";
import { foldGlob } from "./fold.ts";
import { FoldedRules } from "./folded.ts";
import { ALL_SLOTS, lengthOf, PathMatcher } from "./match.ts";
import { HARMLESS, type Judge, obstacle, uncovers } from "./move.ts";
import {
  ALLOW,
  ALLOW_SLOTS,
  bestRule,
  type CompiledRule,
  compileRules,
  READ,
  type Realpath,
  RUN,
  type Said,
  slotOf,
  WRITE,
} from "./rules.ts";
import { isWithin } from "./within.ts";

const READ_SLOTS = 0b111;
/** Per access: its own rules, and those of reading, since what is hidden is hidden. */
const SLOTS = [READ_SLOTS, READ_SLOTS | 0b111_000, READ_SLOTS | 0b111_000_000];

/** The rules, and what a person says besides. */
export class FileRules {
  readonly #policy: Policy;
  readonly #realpath: Realpath;
  readonly #folding: readonly string[];
  readonly #said: Said[] = [];
  #rules: readonly CompiledRule[] = [];
  #matcher: PathMatcher = new PathMatcher();
  #folded: FoldedRules | undefined;
  readonly #judge: Judge = (access, path) => {
    const rule = this.#number(access, path);
    return { allows: this.#rules[rule]?.effect === "allow", rule };
  };

  /**
   * Takes the rules of a policy.
   *
   * @param policy the merged policy
   * @param realpath finds the real paths that its rules mean
   * @param folding where names may mean the same in capital letters
   */
  constructor(policy: Policy, realpath: Realpath, folding: readonly string[]) {
    this.#policy = policy;
    this.#realpath = realpath;
    this.#folding = folding;
    this.#compile();
  }

  /** Takes what a person has said for a whole run as a rule. */
  heed(said: Said): void {
    this.#said.push(said);
    this.#compile();
  }

  #compile(): void {
    const given = [this.#policy, this.#realpath, this.#said] as const;
    const { rules, matcher } = compileRules(...given);
    this.#rules = rules;
    this.#matcher = matcher;
    const places = this.#folding;
    if (places.length === 0) return;
    const folded = compileRules(...given, foldGlob);
    this.#rules = [...rules, ...folded.rules];
    this.#folded = new FoldedRules(places, folded.matcher, rules.length);
  }

  /** The rule of a number, as {@linkcode obstacle} says one. */
  at(number: number): CompiledRule | undefined {
    return this.#rules[number];
  }

  /** The rule that holds for an access to a path. */
  find(access: number, path: string): CompiledRule | undefined {
    return this.#rules[this.#number(access, path)];
  }

  /** The rule that closes a path to be read, if one does. */
  closing(path: string): CompiledRule | undefined {
    const rule = this.find(READ, path);
    return rule?.effect === "allow" ? undefined : rule;
  }

  /**
   * Finds whether a file may be seen: what a rule allows in some way, what lies on the
   * way there, and what a directory that may be read lists.
   *
   * @param path its path
   * @param isDirectory whether it is a directory
   * @returns the rule that says so, or that it may not; `undefined` where none does
   */
  seeing(
    path: string,
    isDirectory: boolean,
  ): CompiledRule | "on the way" | undefined {
    const matcher = this.#matcher;
    matcher.walk(path, lengthOf(path), ALL_SLOTS);
    for (let access = READ; access <= RUN; access++) {
      const best = bestRule(matcher, access);
      const rule = this.#rules[
        access === READ ? this.#inAnyLetters(READ, path, best) : best
      ];
      if (rule === undefined) continue;
      // Only a rule about reading says that something must not be seen.
      if (rule.effect === "allow" || access === READ) return rule;
    }
    return this.#around(path, isDirectory);
  }

  /**
   * Whether a rule lets a path be read or written, lists it, or leads on from there,
   * whatever others refuse: alike for all that it may be.
   */
  isShown(path: string): boolean {
    const matcher = this.#matcher;
    matcher.walk(path, lengthOf(path), ALL_SLOTS);
    return [READ, WRITE].some((access) =>
      matcher.best(slotOf(access, ALLOW)) >= 0
    ) || this.#around(path, true) !== undefined;
  }

  /** What shows a path of the last walk by what is beneath it, or lists it. */
  #around(
    path: string,
    isDirectory: boolean,
  ): CompiledRule | "on the way" | undefined {
    const matcher = this.#matcher;
    // Behind a wildcard anything could be on the way: only directories are,
    // and whether a name is a file or nothing must not show.
    if ((matcher.below(isDirectory) & ALLOW_SLOTS) !== 0) return "on the way";
    const slash = path.lastIndexOf("/");
    if (slash < 0 || path === "/") return undefined;
    matcher.walk(path, slash, READ_SLOTS);
    const listed = this.#rules[bestRule(matcher, READ)];
    return listed?.effect === "allow" ? listed : undefined;
  }

  /** Whether a rule of some slots, as bits, names a path, or one beneath it. */
  isNamed(path: string, slots: number): boolean {
    this.#matcher.walk(path, lengthOf(path), slots);
    return (this.#matcher.named() & slots) !== 0 ||
      this.#folded?.isNamed(path, slots) === true;
  }

  /** Whether a rule of some slots, as bits, names a path beneath one. */
  isAbove(path: string, slots: number): boolean {
    this.#matcher.walk(path, lengthOf(path), slots);
    return (this.#matcher.namedBeneath() & slots) !== 0 ||
      this.#folded?.isAbove(path, slots) === true;
  }

  /** Whether a path may be a name of another one, or of what that is in. */
  leadsTo(path: string, other: string): boolean {
    return isWithin(other, path) || this.#folded?.leadsTo(path, other) === true;
  }

  /** What speaks against a move, as `obstacle()` of `move.ts` says. */
  obstacle(move: Move): number {
    const found = obstacle(move, this.#judge, this.#matcher);
    return found === HARMLESS
      ? this.#folded?.obstacle(move, this.#judge) ?? found
      : found;
  }

  /** Whether a move of a file opens what may be in its place, as `uncovers()` says. */
  uncovers(move: Move): boolean {
    const matcher = this.#matcher;
    const [from, to] = [matcher.residual(move.from), matcher.residual(move.to)];
    return uncovers(from, to) || this.#folded?.uncovers(move) === true;
  }

  /** The number of the rule that holds for an access to a path, or -1. */
  #number(access: number, path: string): number {
    this.#matcher.walk(path, lengthOf(path), SLOTS[access] as number);
    return this.#inAnyLetters(access, path, bestRule(this.#matcher, access));
  }

  /**
   * The number of the rule that holds, where one refuses a path by its name in other
   * letters that a file system may not tell from it.
   *
   * @param access the access
   * @param path the path
   * @param rule the rule that holds by the name itself, or -1
   */
  #inAnyLetters(access: number, path: string, rule: number): number {
    const isOpen = rule < 0 || this.#rules[rule]?.effect === "allow";
    const refused = isOpen ? this.#folded?.refuses(access, path) ?? -1 : -1;
    return refused < 0 ? rule : refused;
  }
}
