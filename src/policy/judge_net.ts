/** Decides where a call may send, and where it may listen, by rules about the network. */

import { PolicyError } from "../errors.ts";
import type { FileKind } from "./call.ts";
import type { Decision, RuleRef } from "./decision.ts";
import type { NetUse } from "./endpoint.ts";
import { writesEverything } from "./everything.ts";
import * as fixed from "./fixed.ts";
import {
  type InterfaceIndex,
  NetMatcher,
  netRefusal,
  ZoneError,
} from "./net_match.ts";
import { socketFamilies } from "./net.ts";
import type { Policy } from "./policy.ts";
import type { Realpath } from "./rules.ts";

/** What decisions about the network rest on besides their rules. */
export interface NetContext {
  /** Finds the real path of a socket that a rule names by a link. */
  readonly realpath: Realpath;
  /** Finds an interface that a rule names. */
  readonly interfaceIndex: InterfaceIndex;
  /** Decides whether the file of a unix socket may be written. */
  readonly file: (path: string, kind: FileKind) => Decision;
  /** The decision where no rule says anything. */
  readonly otherwise: Decision;
}

/**
 * Makes what decides by the rules about the network.
 *
 * @param policy the merged policy
 * @param context what decisions rest on besides
 * @returns `undefined` where there are no such rules
 * @throws {PolicyError} where a rule names an interface that is not there
 */
export function judgeNet(
  policy: Policy,
  context: NetContext,
): NetJudge | undefined {
  const { net } = policy;
  if (typeof net === "string") return undefined;
  const { realpath, interfaceIndex } = context;
  try {
    const matcher = new NetMatcher(net, realpath, interfaceIndex);
    return new NetJudge(
      matcher,
      context,
      socketFamilies(net).has("netlink"),
      writesEverything(policy),
    );
  } catch (error) {
    if (!(error instanceof ZoneError)) throw error;
    const { source, text } = error.rule.ref;
    throw new PolicyError(
      `Cannot use "${text}" of "${source}": ${error.message}`,
    );
  }
}

/** Decides by the rules about the network. */
export class NetJudge {
  readonly #matcher: NetMatcher;
  readonly #context: NetContext;
  readonly #netlink: boolean;
  readonly #everything: boolean;

  /**
   * Makes one.
   *
   * @param matcher finds the rule
   * @param context what decisions rest on besides
   * @param netlink whether the kernel may be asked by netlink
   * @param everything whether every file may be written
   */
  constructor(
    matcher: NetMatcher,
    context: NetContext,
    netlink: boolean,
    everything: boolean,
  ) {
    this.#matcher = matcher;
    this.#context = context;
    this.#netlink = netlink;
    this.#everything = everything;
  }

  /** Decides a call with socket addresses: each of them must be allowed. */
  decide(net: readonly NetUse[]): Decision {
    let allowed: Decision | undefined;
    for (let i = 0; i < net.length; i++) {
      const decision = this.#one(net[i] as NetUse);
      if (decision.kind === "refuse") return { ...decision, end: i };
      allowed ??= decision;
    }
    return allowed ?? allow(fixed.NOBODY);
  }

  #one({ access, endpoint, chosen }: NetUse): Decision {
    const { otherwise, file } = this.#context;
    switch (endpoint.family) {
      case "none":
        return allow(fixed.NOBODY);
      case "unknown":
        return otherwise;
      case "netlink":
        return this.#netlink && endpoint.port === 0 && endpoint.groups === 0
          ? allow(fixed.KERNEL)
          : otherwise;
      case "inet":
      case "inet6":
      case "unix":
      case "abstract":
    }
    const found = this.#matcher.find(access, endpoint);
    if (found === undefined) {
      return chosen === true ? allow(fixed.CHOSEN_PORT) : otherwise;
    }
    const { ref } = found.rule;
    if (found.effect !== "allow") {
      const refusal = netRefusal(found, access, endpoint);
      return { kind: "refuse", refusal, rule: ref, use: -1 };
    }
    if (endpoint.family === "abstract") {
      return found.named || this.#everything ? allow(ref) : otherwise;
    }
    if (endpoint.family !== "unix") return allow(ref);
    // Its file is one that is written. To reach it the rule is enough, unless
    // another one closes the file; to make it is to write in its directory.
    const written = file(endpoint.path, endpoint.kind);
    if (written.kind === "allow") return allow(ref);
    const unsaid = written.rule === otherwise.rule;
    return found.named && access === "connect" && unsaid ? allow(ref) : written;
  }
}

function allow(rule: RuleRef): Decision {
  return { kind: "allow", rule };
}
