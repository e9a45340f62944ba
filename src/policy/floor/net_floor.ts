/** What Landlock holds of the network: TCP ports, and abstract sockets. */

import * as landlock from "../../abi/landlock.ts";
import { writesEverything } from "../everything.ts";
import type { NetRule, NetRuleSet } from "../net/net.ts";
import type { NetPattern, Ports } from "../net/pattern.ts";
import type { Policy } from "../policy.ts";

/** A TCP port, and what may be done with it. */
export interface PortGrant {
  /** The port. */
  readonly port: number;
  /** `LANDLOCK_ACCESS_NET_*`. */
  readonly access: number;
}

/** What Landlock holds of the network. */
export interface NetFloor {
  /** `LANDLOCK_ACCESS_NET_*` that are refused. */
  readonly handledNet: number;
  /** The ports that are allowed. */
  readonly ports: readonly PortGrant[];
  /** Whether no abstract socket from outside may be reached. */
  readonly scoped: boolean;
}

/** More ports than this are not worth their rules. */
const MOST_PORTS = 256;

/**
 * Finds what Landlock can hold of a policy about the network. It knows TCP, and
 * ports without addresses, so it allows what any rule allows at a port, and
 * takes nothing back that a rule refuses.
 *
 * @param policy the merged policy
 * @param abi the version of Landlock
 */
export function netFloor(
  policy: Pick<Policy, "net" | "write">,
  abi: number,
): NetFloor {
  const { net } = policy;
  const both = landlock.LANDLOCK_ACCESS_NET_BIND_TCP |
    landlock.LANDLOCK_ACCESS_NET_CONNECT_TCP;
  const everything = writesEverything(policy);
  if (net === "all") {
    return { handledNet: 0, ports: [], scoped: !everything };
  }
  if (net === "none") {
    return { handledNet: abi >= 4 ? both : 0, ports: [], scoped: true };
  }
  const scoped = !net.connect.allow.some(({ patterns }) =>
    patterns.some(({ kind }) =>
      kind === "abstract" || kind === "all" && everything
    )
  );
  let handledNet = 0;
  const ports = new Map<number, number>();
  const handle = (set: NetRuleSet, access: number): void => {
    const open = portsOf(set);
    if (open === undefined) return;
    handledNet |= access;
    for (const port of open) ports.set(port, (ports.get(port) ?? 0) | access);
  };
  if (abi >= 4) {
    handle(net.connect, landlock.LANDLOCK_ACCESS_NET_CONNECT_TCP);
    handle(net.listen, landlock.LANDLOCK_ACCESS_NET_BIND_TCP);
  }
  return {
    handledNet,
    ports: [...ports].sort(([a], [b]) => a - b)
      .map(([port, access]) => ({ port, access })),
    scoped,
  };
}

/** The ports that rules allow, `undefined` where they are too many. */
function portsOf({ allow }: NetRuleSet): ReadonlySet<number> | undefined {
  const found = new Set<number>();
  for (const pattern of allow.flatMap((rule: NetRule) => rule.patterns)) {
    const ports = portsOfPattern(pattern);
    if (ports === "all") return undefined;
    if (ports === undefined) continue;
    if (found.size + ports.last - ports.first >= MOST_PORTS) return undefined;
    for (let port = ports.first; port <= ports.last; port++) found.add(port);
  }
  return found;
}

function portsOfPattern(pattern: NetPattern): Ports | "all" | undefined {
  switch (pattern.kind) {
    case "all":
      return "all";
    case "any":
    case "address":
    case "name":
      return pattern.ports;
    case "unix":
    case "abstract":
      return undefined;
  }
}
