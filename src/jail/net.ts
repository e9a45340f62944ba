/** Rules about the network on this machine: its interfaces, and what the tracer needs. */

import { UnsupportedError } from "../errors.ts";
import { Fault } from "../policy/fault.ts";
import { NetMatcher, ZoneError } from "../policy/net_match.ts";
import type { NetRule, NetRules } from "../policy/net.ts";
import { needsSources, sourcesOf } from "../policy/net_sources.ts";
import { asPolicyError } from "../policy/parse.ts";
import type { Policy } from "../policy/policy.ts";
import { interfaceIndex } from "../sys/interfaces.ts";
import type { NetOptions } from "../trace/options.ts";
import { assembleSources } from "../trace/source_filter.ts";

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
    const hint = "see the names with: ls /sys/class/net";
    const fault = new Fault(keys, error.message, { hint });
    throw await asPolicyError(fault, source, text);
  }
}

/**
 * Makes what the tracer needs for rules about the network.
 *
 * @param policy the merged policy
 * @param granted what a person has allowed meanwhile, where one may be asked
 * @returns `undefined` where there are no such rules
 * @throws {UnsupportedError} where the rules are too many for a filter
 */
export function netOptions(
  { net }: Policy,
  granted?: () => readonly NetRule[],
): NetOptions | undefined {
  if (typeof net === "string") return undefined;
  const wider = granted &&
    ((): Uint8Array | undefined => widened(net, granted()));
  if (!needsSources(net)) return { sources: undefined, granted: wider };
  try {
    return { sources: assembleSources(sourcesOf(net)), granted: wider };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UnsupportedError(
      "Cannot filter datagrams by the rules of net: they are too many",
      "join addresses by a prefix, such as 10.0.0.0/8, and ports by a range",
    );
  }
}

/** The filter for datagrams with rules beside those of the policy; or none. */
function widened(
  net: NetRules,
  granted: readonly NetRule[],
): Uint8Array | undefined {
  if (granted.length === 0 || !needsSources(net)) return undefined;
  const { connect } = net;
  const allow = [...connect.allow, ...granted];
  try {
    return assembleSources(
      sourcesOf({ ...net, connect: { ...connect, allow } }),
    );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // Then no answers come in; what is sent was allowed all the same.
    return undefined;
  }
}
