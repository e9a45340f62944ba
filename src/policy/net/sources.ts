/**
 * Whose datagrams a socket of the internet may receive.
 *
 * A socket that sends a datagram gets a port, and from then on anybody may send
 * to it. So sockets for datagrams get a filter: it lets through what comes from
 * where the policy lets messages go, and what comes to where it lets sockets
 * listen.
 */

import { isUnspecified } from "./endpoint.ts";
import { aimed } from "./match.ts";
import type { NetRule, NetRules, NetRuleSet } from "./net.ts";
import { ALL_PORTS, type NetPattern, type Ports } from "./pattern.ts";

/** One condition on the source of a datagram, or on where it goes. */
export interface SourceTest {
  /** The address that is meant: the sender's, or the receiver's. */
  readonly end: "source" | "destination";
  /** How it begins; `undefined` for every address. */
  readonly address: readonly number[] | undefined;
  /** How many bits of it count. */
  readonly bits: number;
  /** The ports. */
  readonly ports: Ports;
}

/** What a filter for datagrams lets through, in the order in which it is asked. */
export interface SourceRules {
  /** The end that they are about. */
  readonly refuse: readonly SourceTest[];
  /** What is let through, unless it is refused. */
  readonly allow: readonly SourceTest[];
}

/** What comes from where messages may go, and what comes to where may be listened. */
export interface Sources {
  /**
   * What is let through whatever the rules say: jail itself, which answers for
   * resolvers.
   */
  readonly always: readonly SourceTest[];
  /** About the sender. */
  readonly source: SourceRules;
  /** About the receiver. */
  readonly destination: SourceRules;
}

/** Whether some datagrams must not be received. */
export function needsSources({ connect, listen }: NetRules): boolean {
  return !isOpen(connect) && !isOpen(listen);
}

function isOpen({ allow, deny, ignore }: NetRuleSet): boolean {
  return deny.length + ignore.length === 0 &&
    allow.some(({ patterns }) =>
      patterns.some((pattern) =>
        pattern.kind === "all" ||
        pattern.kind === "any" && isEvery(pattern.ports)
      )
    );
}

function isEvery({ first, last }: Ports): boolean {
  return first === ALL_PORTS.first && last === ALL_PORTS.last;
}

/**
 * Finds which datagrams may be received under rules about the network.
 *
 * @param net the rules
 * @param always what is let through whatever they say
 * @param named addresses that were found by a name which rules allow
 * @returns the conditions. An interface that a rule names is not among them:
 *   what refuses is wider for it, and what allows is left to the address
 */
export function sourcesOf(
  { connect, listen }: NetRules,
  always: readonly SourceTest[] = [],
  named: readonly SourceTest[] = [],
): Sources {
  const source = rulesOf(connect, "source");
  return {
    always,
    source: { ...source, allow: [...source.allow, ...named] },
    destination: rulesOf(listen, "destination"),
  };
}

/** The condition that one sender meets alone. */
export function sourceTest(
  address: readonly number[],
  port: number,
): SourceTest {
  const ports = { first: port, last: port };
  return { end: "source", address, bits: 8 * address.length, ports };
}

function rulesOf(set: NetRuleSet, end: SourceTest["end"]): SourceRules {
  const tests = (rules: readonly NetRule[]): SourceTest[] =>
    rules.flatMap(({ patterns }) =>
      patterns.flatMap((pattern) => testsOf(pattern, end))
    );
  const refuse = tests([...set.deny, ...set.ignore]);
  const allow = tests(set.allow);
  return {
    refuse,
    allow: end === "source"
      ? allow
      : allow.flatMap((test) => [test, ...onAll(test, refuse)]),
  };
}

function testsOf(given: NetPattern, end: SourceTest["end"]): SourceTest[] {
  const pattern = end === "source" ? aimed(given) : given;
  switch (pattern.kind) {
    case "unix":
    case "abstract":
    // Its addresses come later: see `named`.
    case "name":
      return [];
    case "all":
      return [{ end, address: undefined, bits: 0, ports: ALL_PORTS }];
    case "any":
      return [{ end, address: undefined, bits: 0, ports: pattern.ports }];
    case "address": {
      const { address, bits, ports } = pattern;
      return [{ end, address, bits, ports }];
    }
  }
}

/**
 * What else comes to who may listen there. Whoever may listen on no address listens
 * on all: on those of IPv4, or on both. At the ports where one of these is refused he
 * may not.
 */
function onAll(test: SourceTest, refuse: readonly SourceTest[]): SourceTest[] {
  const { address } = test;
  if (address === undefined || !isUnspecified(address)) return [];
  const isOld = address.length === 4;
  const all = { ...test, address: isOld ? address : undefined, bits: 0 };
  return refuse
    .filter((one) => !isOld || one.address?.length !== 16)
    .reduce(
      (left, { ports }) => left.flatMap((one) => without(one, ports)),
      [test.ports],
    )
    .map((ports) => ({ ...all, ports }));
}

/** The ports that are left of some where others are taken out. */
function without({ first, last }: Ports, out: Ports): Ports[] {
  return [
    { first, last: Math.min(last, out.first - 1) },
    { first: Math.max(first, out.last + 1), last },
  ].filter((ports) => ports.first <= ports.last);
}
