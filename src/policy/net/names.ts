/** Rules about the network that name hosts. */

import { type Effect, EFFECTS } from "../policy.ts";
import { isMeant } from "./host.ts";
import type { NetRule, NetRules, NetRuleSet } from "./net.ts";
import type { NetPattern, Ports } from "./pattern.ts";

/** A pattern that names hosts. */
type NamePattern = Extract<NetPattern, { readonly kind: "name" }>;

/** A rule that names hosts, and what it does. */
export interface NameRuleFound {
  /** What it does with what it covers. */
  readonly effect: Effect;
  /** The rule. */
  readonly rule: NetRule;
}

interface Compiled extends NameRuleFound {
  readonly pattern: NamePattern;
}

/** Whether a pattern names hosts. */
export function isName(pattern: NetPattern): pattern is NamePattern {
  return pattern.kind === "name";
}

/** Whether some rule names a host. */
export function hasNames({ connect }: NetRules): boolean {
  return EFFECTS.some((effect) =>
    connect[effect].some(({ patterns }) => patterns.some(isName))
  );
}

/** The rules that can be about listening: a socket listens at an address. */
export function listenable(set: NetRuleSet): NetRuleSet {
  const without = (rules: readonly NetRule[]): readonly NetRule[] =>
    rules.filter(({ patterns }) => !patterns.some(isName));
  return {
    allow: without(set.allow),
    deny: without(set.deny),
    ignore: without(set.ignore),
  };
}

/** The rules of a policy that name hosts. */
export class NameMatcher {
  readonly #rules: readonly Compiled[];

  /** Makes one of the rules about where a connection may go. */
  constructor({ connect }: NetRules) {
    // Of two rules the last one is found.
    this.#rules = (["deny", "ignore", "allow"] as const).flatMap((effect) =>
      connect[effect].flatMap((rule) =>
        rule.patterns.filter(isName).map((pattern) => ({
          ...{ effect, rule, pattern },
        }))
      ).reverse()
    );
  }

  /** Whether some rule allows a name. */
  get allows(): boolean {
    return this.#rules.some(({ effect }) => effect === "allow");
  }

  /** Whether some rule is about a name, at some port. */
  concerns(name: string): boolean {
    return this.#rules.some(({ pattern }) => isMeant(pattern, name));
  }

  /**
   * Finds the rule for an address by its names. Each name is judged by itself,
   * and one that is allowed is enough: where two names share an address, nobody
   * can tell which of them is meant.
   *
   * @param names the names that the address is known by
   * @param port the port; `undefined` for some port, that is, what all refuse
   * @returns a rule that allows it, else one that refuses it, if there is one
   */
  find(
    names: readonly string[],
    port: number | undefined,
  ): NameRuleFound | undefined {
    let refusing: NameRuleFound | undefined;
    for (const name of names) {
      const found = this.#rules.find(({ effect, pattern }) =>
        isMeant(pattern, name) &&
        (port === undefined
          ? effect === "allow" || isEvery(pattern.ports)
          : pattern.ports.first <= port && port <= pattern.ports.last)
      );
      if (found?.effect === "allow") return found;
      refusing ??= found;
    }
    return refusing;
  }

  /**
   * Finds the rule for a question for a name: one that allows it at some port,
   * which no other rule takes back as a whole.
   *
   * @param name the name
   * @returns the rule, or `undefined` where none is about it
   */
  ask(name: string): NameRuleFound | undefined {
    const about = this.#rules.filter(({ pattern }) => isMeant(pattern, name));
    const refusing = about.filter(({ effect }) => effect !== "allow");
    const allowed = about.find(({ effect, pattern }) =>
      effect === "allow" &&
      !refusing.some((other) => includes(other.pattern.ports, pattern.ports))
    );
    return allowed ?? refusing.find(({ pattern }) => isEvery(pattern.ports)) ??
      // Some port is refused, and none is allowed by this name.
      (about.some(({ effect }) => effect === "allow")
        ? refusing[0]
        : undefined);
  }
}

function includes(a: Ports, b: Ports): boolean {
  return a.first <= b.first && b.last <= a.last;
}

/** Whether ports are all that there are. */
export function isEvery({ first, last }: Ports): boolean {
  return first <= 1 && last === 65535;
}
