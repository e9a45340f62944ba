/** Which rule about the network covers an endpoint? */

import type { Move } from "../call.ts";
import type { Refusal } from "../decision.ts";
import { fold, foldGlob } from "../path/fold.ts";
import { type Glob, parseGlob } from "../path/glob.ts";
import { lengthOf, PathMatcher } from "../path/match.ts";
import { opensSockets, reachesMore } from "../path/move.ts";
import {
  ALLOW,
  literalRoot,
  realGlobs,
  type Realpath,
  slotOf,
} from "../path/rules.ts";
import {
  matchSegment,
  parseSegment,
  type SegmentPattern,
} from "../path/segment.ts";
import { isWithin } from "../path/within.ts";
import { type Effect, EFFECTS } from "../policy.ts";
import {
  type Endpoint,
  isUnspecified,
  loopbackOf,
  type NetAccess,
} from "./endpoint.ts";
import { isEvery, NameMatcher } from "./names.ts";
import type { NetRule, NetRules } from "./net.ts";
import { byteMask, type NetPattern, type Ports } from "./pattern.ts";

/** A rule about the network, ready to match. */
export interface CompiledNetRule {
  /** What it does with what it matches. */
  readonly effect: Effect;
  /** The rule. */
  readonly rule: NetRule;
}

/** What covers an endpoint. */
export interface FoundNetRule extends CompiledNetRule {
  /** Whether the rule names the endpoint, and is not `true` alone. */
  readonly named: boolean;
  /** Where a rule about unix sockets begins: its names in front of a wildcard. */
  readonly root?: string;
}

/** The index of an interface, `undefined` where there is none of this name. */
export type InterfaceIndex = (name: string) => number | undefined;

/** A rule with a zone that names no interface. */
export class ZoneError extends Error {
  /** The rule. */
  readonly rule: NetRule;

  /** Makes one: the rule, and the name. */
  constructor(rule: NetRule, zone: string) {
    super(`there is no interface "${zone}"`);
    this.rule = rule;
  }
}

interface Compiled extends CompiledNetRule {
  readonly pattern: NetPattern;
  readonly scope: number;
  readonly segment: SegmentPattern | undefined;
}

/** A rule about unix sockets that have a path. */
interface CompiledUnixRule extends CompiledNetRule {
  readonly root: string;
}

const ACCESSES: readonly NetAccess[] = ["connect", "listen"];

/** All rules about the network of a policy. */
export class NetMatcher {
  readonly #lists: Readonly<Record<NetAccess, readonly Compiled[]>>;
  readonly #paths = new PathMatcher();
  /** The rules about paths, as `foldGlob()` spells them. */
  readonly #folded = new PathMatcher();
  readonly #folding: readonly string[];
  /** Whether names may mean the same where the last walk ended. */
  #folds = false;
  readonly #unix: readonly CompiledUnixRule[];
  /** The rules that name hosts. */
  readonly names: NameMatcher;

  /**
   * Makes one.
   *
   * @param rules the rules
   * @param realpath finds the real path of a socket that a rule names by a link
   * @param interfaceIndex finds the index of the interface that a zone names
   * @param folding where names may mean the same in capital letters
   * @throws {ZoneError} where there is no such interface
   */
  constructor(
    rules: NetRules,
    realpath: Realpath,
    interfaceIndex: InterfaceIndex,
    folding: readonly string[] = [],
  ) {
    this.#folding = folding;
    const lists: Record<NetAccess, Compiled[]> = { connect: [], listen: [] };
    const unix: (CompiledUnixRule & {
      readonly glob: Glob;
      readonly slot: number;
      readonly depth: number;
    })[] = [];
    ACCESSES.forEach((access, at) => {
      EFFECTS.forEach((effect, index) => {
        for (const rule of rules[access][effect]) {
          for (const pattern of rule.patterns) {
            const compiled: Compiled = {
              effect,
              rule,
              pattern: access === "connect" ? aimed(pattern) : pattern,
              scope: scopeOf(rule, pattern, interfaceIndex),
              segment: pattern.kind === "abstract"
                ? parseSegment(pattern.pattern)
                : undefined,
            };
            lists[access].push(compiled);
            if (pattern.kind !== "unix") continue;
            for (const glob of realGlobs(pattern.pattern, realpath)) {
              const names = literalRoot(glob);
              unix.push({
                ...{ effect, rule, glob, slot: slotOf(at, index) },
                ...{ depth: names.length, root: `/${names.join("/")}` },
              });
            }
          }
        }
      });
    });
    // As for files, the one with the longest root is the most specific.
    unix.sort((one, other) => one.depth - other.depth);
    unix.forEach(({ glob, slot }, at) => {
      this.#paths.add(glob, slot, at);
      if (folding.length > 0) this.#folded.add(foldGlob(glob), slot, at);
    });
    this.#unix = unix;
    this.#lists = lists;
    this.names = new NameMatcher(rules);
  }

  /**
   * Finds the rule that holds: deny, then ignore, then allow. What refuses an
   * address comes before what is said of its names.
   *
   * @param access what is done
   * @param endpoint with which endpoint
   * @param portless whether its port is not meant: it is allowed where some port
   *   is, and refused where all ports are
   * @returns the rule, or `undefined` where none covers it
   */
  find(
    access: NetAccess,
    endpoint: Endpoint,
    portless = false,
  ): FoundNetRule | undefined {
    if (endpoint.family === "unix") this.#walk(endpoint.path);
    const at = ACCESSES.indexOf(access);
    for (
      const [index, effect] of (["deny", "ignore", "allow"] as const)
        .entries()
    ) {
      const byName = effect === "allow"
        ? this.#named(access, endpoint, portless)
        : undefined;
      if (byName !== undefined) return { ...byName, named: true };
      const slot = slotOf(at, EFFECTS.indexOf(effect));
      const best = endpoint.family === "unix"
        ? this.#best(slot, effect !== "allow")
        : -1;
      const unix = this.#unix[best];
      if (unix !== undefined) return { ...unix, named: true };
      let all: Compiled | undefined;
      const list = this.#lists[access];
      for (let i = list.length - 1; i >= 0; i--) {
        const one = list[i] as Compiled;
        if (one.effect !== effect) continue;
        if (one.pattern.kind === "all") all ??= one;
        else if (covers(one, access, endpoint, index < 2, portless)) {
          return { ...one, named: true };
        }
      }
      if (all !== undefined) return { ...all, named: false };
    }
    return undefined;
  }

  /**
   * Whether a move lets a socket be reached that could not be before, or lets
   * who listens by it do so where that is not allowed.
   *
   * @param move what moves: a socket, or a directory
   */
  widens({ from, to, tree }: Move): boolean {
    return ACCESSES.some((access, at) => {
      const gains = access === "connect";
      if (!tree) {
        const [less, more] = gains ? [from, to] : [to, from];
        if (this.#allows(access, less)) return false;
        return this.#allows(access, more) ||
          gains && this.#best(slotOf(at, ALLOW), true) >= 0;
      }
      const unnamed = this.#lists[access].filter(({ pattern }) =>
        pattern.kind === "all"
      );
      // Nothing is allowed anywhere.
      if (unnamed.some(({ effect }) => effect !== "allow")) return false;
      const opens = (paths: PathMatcher, from: string, to: string): boolean =>
        opensSockets(
          paths.residual(from),
          paths.residual(to),
          at,
          gains,
          unnamed.length > 0,
        );
      return opens(this.#paths, from, to) ||
        (this.#isFolding(from) || this.#isFolding(to)) &&
          opens(this.#folded, fold(from), fold(to));
    });
  }

  /**
   * Whether a move may bring a socket that is closed to be read to where a rule means
   * such sockets, from where none does.
   *
   * @param move what moves: a socket, or a directory
   * @param isClosed whether a path is closed to be read: a rule that begins at one
   *   means what is in it
   */
  bringsTo(
    { from, to, tree }: Move,
    isClosed: (path: string) => boolean,
  ): boolean {
    const means = this.#unix.map(({ effect, root }) =>
      effect === "allow" && isClosed(root)
    );
    if (!means.includes(true)) return false;
    const slot = slotOf(ACCESSES.indexOf("connect"), EFFECTS.indexOf("allow"));
    const [before, after] = [from, to].map((path) => {
      this.#walk(path);
      return means[this.#paths.best(slot)] === true;
    });
    if (after === true && before !== true) return true;
    return tree &&
      reachesMore(this.#paths.residual(from), this.#paths.residual(to), slot);
  }

  /**
   * Whether a rule about a unix socket begins at a path, or beneath it.
   *
   * @param path a real path
   * @param effects of which rules
   */
  hasRuleAt(path: string, effects: readonly Effect[]): boolean {
    return this.#hasRule(path, effects, (paths) => paths.named());
  }

  /**
   * Whether a rule about a unix socket begins beneath a path.
   *
   * @param path a real path
   * @param effects of which rules
   */
  hasRuleBeneath(path: string, effects: readonly Effect[]): boolean {
    return this.#hasRule(path, effects, (paths) => paths.namedBeneath());
  }

  #hasRule(
    path: string,
    effects: readonly Effect[],
    slotsOf: (paths: PathMatcher) => number,
  ): boolean {
    this.#walk(path);
    const named = slotsOf(this.#paths) |
      (this.#folds ? slotsOf(this.#folded) : 0);
    const slots = ACCESSES.flatMap((_, at) =>
      effects.map((effect) => slotOf(at, EFFECTS.indexOf(effect)))
    );
    return slots.some((slot) => (named & 1 << slot) !== 0);
  }

  #allows(access: NetAccess, path: string): boolean {
    const endpoint: Endpoint = { family: "unix", path, kind: "socket" };
    return this.find(access, endpoint)?.effect === "allow";
  }

  #named(
    access: NetAccess,
    endpoint: Endpoint,
    portless: boolean,
  ): CompiledNetRule | undefined {
    if (access !== "connect") return undefined;
    if (endpoint.family !== "inet" && endpoint.family !== "inet6") {
      return undefined;
    }
    const { names, port } = endpoint;
    return names && this.names.find(names, portless ? undefined : port);
  }

  #walk(path: string): void {
    this.#paths.walk(path, lengthOf(path), 0b111_111);
    this.#folds = this.#isFolding(path);
    if (!this.#folds) return;
    const name = fold(path);
    this.#folded.walk(name, lengthOf(name), 0b111_111);
  }

  /** The rule that the last walk found, by its own name or, perhaps, in any letters. */
  #best(slot: number, inAnyLetters: boolean): number {
    const best = this.#paths.best(slot);
    return inAnyLetters && this.#folds
      ? Math.max(best, this.#folded.best(slot))
      : best;
  }

  #isFolding(path: string): boolean {
    return this.#folding.some((place) => isWithin(path, place));
  }
}

/** The paths that rules name by which a unix socket is refused. */
export function refusedSockets(rules: NetRules): string[] {
  return ACCESSES.flatMap((access) => {
    const { deny, ignore } = rules[access];
    return [...deny, ...ignore].flatMap(({ patterns }) => patterns);
  }).flatMap((pattern) =>
    pattern.kind === "unix"
      ? parseGlob(pattern.pattern).map((glob) =>
        `/${literalRoot(glob).join("/")}`
      )
      : []
  );
}

/** A connection to no address reaches the loopback: a rule about it means that. */
export function aimed(pattern: NetPattern): NetPattern {
  return pattern.kind === "address" && isUnspecified(pattern.address) &&
      pattern.bits === 8 * pattern.address.length
    ? { ...pattern, address: loopbackOf(pattern.address) }
    : pattern;
}

function scopeOf(
  rule: NetRule,
  pattern: NetPattern,
  interfaceIndex: InterfaceIndex,
): number {
  if (pattern.kind !== "address" || pattern.zone === "") return 0;
  const { zone } = pattern;
  const index = /^[1-9][0-9]{0,9}$/.test(zone)
    ? Number(zone)
    : interfaceIndex(zone);
  if (index === undefined) throw new ZoneError(rule, zone);
  return index;
}

/**
 * Whether a pattern covers an endpoint; one that refuses covers what could be
 * meant.
 */
function covers(
  { pattern, scope, segment }: Compiled,
  access: NetAccess,
  endpoint: Endpoint,
  refuses: boolean,
  portless: boolean,
): boolean {
  switch (endpoint.family) {
    case "inet":
    case "inet6":
      break;
    case "abstract":
      return segment !== undefined &&
        matchSegment(segment, endpoint.name, 0, endpoint.name.length);
    case "unix":
    case "netlink":
    case "none":
    case "name":
    case "unknown":
      return false;
  }
  if (pattern.kind !== "any" && pattern.kind !== "address") return false;
  const covered = portless
    ? !refuses || isEvery(pattern.ports)
    : coversPort(pattern.ports, access, endpoint.port, refuses);
  if (!covered) return false;
  if (pattern.kind === "any") return true;
  const { address, bits } = pattern;
  if (access === "listen" && refuses && isUnspecified(endpoint.address)) {
    // Whoever listens on all addresses listens on this one: `::` on those of
    // IPv4 as well.
    return endpoint.family === "inet6" || address.length === 4;
  }
  if (address.length !== endpoint.address.length) return false;
  if (scope !== 0 && endpoint.family === "inet6") {
    const other = endpoint.scope !== scope;
    if (other && !(refuses && endpoint.scope === 0)) return false;
  }
  return hasPrefix(endpoint.address, address, bits);
}

/** Whether an address begins as another one. */
function hasPrefix(
  address: readonly number[],
  prefix: readonly number[],
  bits: number,
): boolean {
  for (let i = 0; i < prefix.length; i++) {
    const differs = (address[i] as number) ^ (prefix[i] as number);
    if ((differs & byteMask(bits - 8 * i)) !== 0) return false;
  }
  return true;
}

/** The lowest port that the kernel may choose, whatever its settings. */
const LOWEST_CHOSEN = 1024;

/**
 * Whether ports cover one. To listen at port 0 is to let the kernel choose: a
 * rule allows it by 0 or every port, and refuses it by any that it may choose.
 */
function coversPort(
  { first, last }: Ports,
  access: NetAccess,
  port: number,
  refuses: boolean,
): boolean {
  if (access === "connect" || port !== 0 || !refuses) {
    return first <= port && port <= last;
  }
  return first === 0 || last >= LOWEST_CHOSEN;
}

const ECONNREFUSED: Refusal = { kind: "errno", errno: "ECONNREFUSED" };
const EADDRNOTAVAIL: Refusal = { kind: "errno", errno: "EADDRNOTAVAIL" };
const ENOENT: Refusal = { kind: "errno", errno: "ENOENT" };
const EACCES: Refusal = { kind: "errno", errno: "EACCES" };

/**
 * How a rule refuses an endpoint: one that is ignored looks as if it were not
 * there.
 */
export function netRefusal(
  { effect, rule }: CompiledNetRule,
  access: NetAccess,
  { family }: Endpoint,
): Refusal {
  if (rule.refusal !== undefined) return rule.refusal;
  if (effect !== "ignore") return EACCES;
  if (family === "unix" || family === "name") return ENOENT;
  return access === "listen" ? EADDRNOTAVAIL : ECONNREFUSED;
}
