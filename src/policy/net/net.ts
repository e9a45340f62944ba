/** What a policy says of the network, and how its layers make one of it. */

import type { Refusal, RuleRef } from "../decision.ts";
import { jailRule } from "../fixed.ts";
import type { AllOrNone, Effect } from "../policy.ts";
import type { NetPattern } from "./pattern.ts";

/** One rule about the network. */
export interface NetRule {
  /** What it covers: one of these. */
  readonly patterns: readonly NetPattern[];
  /** Where it stands. */
  readonly ref: RuleRef;
  /** How to refuse, where the rule says; only in `deny`. */
  readonly refusal?: Refusal | undefined;
}

/** What is allowed, denied and ignored. */
export type NetRuleSet = Readonly<Record<Effect, readonly NetRule[]>>;

/** The families of sockets that a policy can name. */
export const SOCKET_FAMILIES = ["inet", "inet6", "unix", "netlink"] as const;

/** One of {@linkcode SOCKET_FAMILIES}. */
export type SocketFamily = "inet" | "inet6" | "unix" | "netlink";

/** What may be done with the network, where that is neither all nor nothing. */
export interface NetRules {
  /** Where a connection or a message may go. */
  readonly connect: NetRuleSet;
  /** Where connections and messages may be received. */
  readonly listen: NetRuleSet;
  /** The families of which sockets may be made, if that was said. */
  readonly sockets?: readonly SocketFamily[] | undefined;
}

/** What a policy says of the network. */
export type Net = AllOrNone | NetRules;

/** No rules. */
export const NO_NET_RULES: NetRuleSet = { allow: [], deny: [], ignore: [] };

const TRUE: NetRule = {
  patterns: [{ kind: "all" }],
  ref: jailRule(["net"], "net: true"),
};
const ALL: NetRules = {
  connect: { ...NO_NET_RULES, allow: [TRUE] },
  listen: { ...NO_NET_RULES, allow: [TRUE] },
};
const NONE: NetRules = { connect: NO_NET_RULES, listen: NO_NET_RULES };

/**
 * Merges what layers say. `true` adds everything, `false` takes back what was
 * allowed before it, and rules append.
 *
 * @param layers what each layer says, the most basic one first
 * @returns all of it: `all` and `none` where no rule makes a difference
 */
export function mergeNet(layers: readonly (Net | undefined)[]): Net {
  const net = mergeNetRules(layers);
  const { connect, listen, sockets } = net;
  const refuses = [connect, listen].some((set) =>
    set.deny.length + set.ignore.length > 0
  );
  const allows = connect.allow.length + listen.allow.length > 0;
  if (!allows && sockets === undefined) return "none";
  if (deniesAll(net)) return "none";
  const everything = [connect, listen].every((set) =>
    set.allow.some(isEverything)
  );
  return everything && !refuses && sockets === undefined ? "all" : net;
}

/**
 * Appends the rules of layers: `true` adds one that covers everything, `false`
 * takes back what was allowed before it.
 *
 * @param layers what each layer says, the most basic one first
 */
export function mergeNetRules(layers: readonly (Net | undefined)[]): NetRules {
  let net = NONE;
  for (const layer of layers) {
    if (layer === undefined) continue;
    if (layer === "none") net = withoutAllow(net);
    else net = append(net, layer === "all" ? ALL : layer);
  }
  return net;
}

function deniesAll({ connect, listen }: NetRules): boolean {
  return [connect, listen].every((set) =>
    set.deny.some((rule) => isEverything(rule) && rule.refusal === undefined)
  );
}

/**
 * The same policy with rules about the network where a person is asked: sockets
 * of the internet can be made, and what no rule speaks of comes to be decided.
 *
 * @param policy the merged policy
 */
export function withNetQuestions<P extends NetPolicy>(policy: P): P {
  const { net, netRules = NONE } = policy;
  if (net === "all") return policy;
  const rules = net === "none" ? netRules : net;
  if (rules.sockets !== undefined || deniesAll(rules)) return policy;
  const sockets = new Set([...socketFamilies(rules), ...ASKED_FAMILIES]);
  return { ...policy, net: { ...rules, sockets: [...sockets] } };
}

/** The part of a policy that is about the network. */
interface NetPolicy {
  readonly net: Net;
  readonly netRules?: NetRules | undefined;
}

/** Families whose addresses a person is asked about. */
const ASKED_FAMILIES: readonly SocketFamily[] = ["inet", "inet6"];

function withoutAllow({ connect, listen }: NetRules): NetRules {
  return {
    connect: { ...connect, allow: [] },
    listen: { ...listen, allow: [] },
  };
}

function append(a: NetRules, b: NetRules): NetRules {
  const set = (a: NetRuleSet, b: NetRuleSet): NetRuleSet => ({
    allow: [...a.allow, ...b.allow],
    deny: [...a.deny, ...b.deny],
    ignore: [...a.ignore, ...b.ignore],
  });
  const sockets = a.sockets === undefined
    ? b.sockets
    : b.sockets === undefined
    ? a.sockets
    : [...new Set([...a.sockets, ...b.sockets])];
  return {
    connect: set(a.connect, b.connect),
    listen: set(a.listen, b.listen),
    sockets,
  };
}

/** Whether a rule is `true`. */
function isEverything({ patterns }: NetRule): boolean {
  return patterns.some(({ kind }) => kind === "all");
}

/** The families that a pattern can be about. */
function familiesOf(pattern: NetPattern): readonly SocketFamily[] {
  switch (pattern.kind) {
    case "all":
      return SOCKET_FAMILIES;
    case "any":
      return ["inet", "inet6"];
    case "address":
      // A socket of IPv6 reaches addresses of IPv4 as well.
      return pattern.address.length === 4 ? ["inet", "inet6"] : ["inet6"];
    case "name":
      return ["inet", "inet6"];
    case "unix":
    case "abstract":
      return ["unix"];
  }
}

/**
 * The families of which sockets may be made: those named, or those that some rule
 * is about.
 */
export function socketFamilies(net: NetRules): ReadonlySet<SocketFamily> {
  const allowed = [...net.connect.allow, ...net.listen.allow]
    .flatMap(({ patterns }) => patterns.flatMap(familiesOf));
  return new Set(net.sockets ?? allowed);
}

/** Whether unix sockets may reach others, who may send descriptors by them. */
export function reachesUnix(net: Net): boolean {
  if (net === "all") return true;
  return net !== "none" && socketFamilies(net).has("unix");
}

/** Whether sockets of these families can be used for what a rule allows. */
export function isPossible(
  { patterns }: NetRule,
  sockets: readonly SocketFamily[],
): boolean {
  return patterns.some((pattern) =>
    familiesOf(pattern).some((family) => sockets.includes(family))
  );
}
