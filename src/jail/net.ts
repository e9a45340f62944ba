/**
 * Rules about the network on this machine: its interfaces, and what the tracer
 * needs.
 */

import { UnsupportedError } from "../errors.ts";
import { Fault } from "../policy/file/fault.ts";
import { asPolicyError } from "../policy/file/parse.ts";
import { NetMatcher, ZoneError } from "../policy/net/match.ts";
import type { NetRule, NetRules } from "../policy/net/net.ts";
import {
  needsSources,
  sourcesOf,
  type SourceTest,
  sourceTest,
} from "../policy/net/sources.ts";
import type { Policy } from "../policy/policy.ts";
import { interfaceIndex } from "../sys/interfaces.ts";
import { assembleSources } from "../trace/bpf/source_filter.ts";
import { MOST_SOURCES } from "../trace/named_sources.ts";
import type { NameOptions, NetOptions, StandIn } from "../trace/options.ts";

/**
 * Looks whether the interfaces that rules name are there.
 *
 * @param policy the merged policy
 * @returns the policy
 * @throws {PolicyError} where one is not, with the place of the rule
 */
export async function checkZones(policy: Policy): Promise<Policy> {
  const { net, sources } = policy;
  if (typeof net === "string") return policy;
  try {
    new NetMatcher(net, () => undefined, interfaceIndex);
    return policy;
  } catch (error) {
    if (!(error instanceof ZoneError)) throw error;
    const { source, keys } = error.rule.ref;
    const text = sources.find(({ name }) => name === source)?.text ?? "";
    const hint = "see the names with: cat /proc/net/dev";
    const fault = new Fault(keys, error.message, { hint });
    throw await asPolicyError(fault, source, text);
  }
}

/**
 * Makes what the tracer needs for rules about the network.
 *
 * @param policy the merged policy
 * @param granted what a person has allowed meanwhile, where one may be asked
 * @param names what is known of names, where rules name hosts
 * @returns `undefined` where there are no such rules
 * @throws {UnsupportedError} where the rules are too many for a filter
 */
export function netOptions(
  { net }: Policy,
  granted?: () => readonly NetRule[],
  names?: NameOptions,
): NetOptions | undefined {
  if (typeof net === "string") return undefined;
  const filter = (named: readonly SourceTest[]): Uint8Array | undefined =>
    filterOf(net, granted?.() ?? [], names?.standIns ?? [], named);
  const wider = granted &&
    ((): Uint8Array | undefined =>
      granted().length === 0 || !needsSources(net) ? undefined : filter([]));
  if (!needsSources(net)) return { sources: undefined, granted: wider, names };
  // As many as a socket can have, of the longest: later there must be room.
  const longest = sourceTest(Array<number>(16).fill(1), 1);
  const most = names === undefined ? 0 : MOST_SOURCES;
  if (filter(Array(most).fill(longest)) === undefined) {
    throw new UnsupportedError(
      "Cannot filter datagrams by the rules of net: they are too many",
      "join addresses by a prefix, such as 10.0.0.0/8, and ports by a range",
    );
  }
  return { sources: filter, granted: wider, names };
}

/**
 * The filter for datagrams.
 *
 * @param net the rules
 * @param granted rules beside those of the policy
 * @param standIns jail's own sockets, whose answers always come in
 * @param named addresses that were found by a name
 * @returns `undefined` where that is too much for one
 */
function filterOf(
  net: NetRules,
  granted: readonly NetRule[],
  standIns: readonly StandIn[],
  named: readonly SourceTest[],
): Uint8Array | undefined {
  const { connect } = net;
  const rules = {
    ...net,
    connect: { ...connect, allow: [...connect.allow, ...granted] },
  };
  const always = standIns.map(({ address, port }) => sourceTest(address, port));
  try {
    return assembleSources(sourcesOf(rules, always, named));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}
