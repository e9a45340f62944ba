/**
 * Decides where a call may send, and where it may listen, by rules about the
 * network.
 */

import { PolicyError } from "../../errors.ts";
import type { FileKind, Move } from "../call.ts";
import type { Decision, Refusal, RuleRef } from "../decision.ts";
import { writesEverything } from "../everything.ts";
import * as fixed from "../fixed.ts";
import type { Realpath } from "../path/rules.ts";
import type { Effect, Policy } from "../policy.ts";
import type { Endpoint, NetUse } from "./endpoint.ts";
import {
  type InterfaceIndex,
  NetMatcher,
  netRefusal,
  ZoneError,
} from "./match.ts";
import { hasNames } from "./names.ts";
import { socketFamilies } from "./net.ts";

/** What decisions about the network rest on besides their rules. */
export interface NetContext {
  /** Finds the real path of a socket that a rule names by a link. */
  readonly realpath: Realpath;
  /** Finds an interface that a rule names. */
  readonly interfaceIndex: InterfaceIndex;
  /** Where names may mean the same in capital letters. */
  readonly folding: readonly string[];
  /** Decides whether the file of a unix socket may be written. */
  readonly file: (path: string, kind: FileKind) => Decision;
  /** What a rule says that closes the file of a unix socket to be read, if one does. */
  readonly closed: (path: string) => Decision | undefined;
  /** The decision where no rule says anything. */
  readonly otherwise: Decision;
}

/** What a policy says in all, besides its rules about the network. */
export interface NetFacts {
  /** Whether the kernel may be asked by netlink. */
  readonly netlink: boolean;
  /** Whether every file may be written. */
  readonly everything: boolean;
  /** Whether rules name hosts. */
  readonly names: boolean;
  /** Whether the policy does not say how what no rule covers is refused. */
  readonly unsaid: boolean;
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
  const { realpath, interfaceIndex, folding } = context;
  try {
    const matcher = new NetMatcher(net, realpath, interfaceIndex, folding);
    return new NetJudge(
      matcher,
      context,
      {
        netlink: socketFamilies(net).has("netlink"),
        everything: writesEverything(policy),
        names: hasNames(net),
        unsaid: policy.default === undefined,
      },
    );
  } catch (error) {
    if (!(error instanceof ZoneError)) throw error;
    const { source, text } = error.rule.ref;
    throw new PolicyError(
      `Cannot use "${text}" of "${source}": ${error.message}`,
    );
  }
}

const EACCES: Refusal = { kind: "errno", errno: "EACCES" };
const ENOENT: Refusal = { kind: "errno", errno: "ENOENT" };

/** Decides by the rules about the network. */
export class NetJudge {
  readonly #matcher: NetMatcher;
  readonly #context: NetContext;
  readonly #facts: NetFacts;
  readonly #unknownName: Decision;

  /**
   * Makes one.
   *
   * @param matcher finds the rule
   * @param context what decisions rest on besides
   * @param facts what the policy says in all
   */
  constructor(matcher: NetMatcher, context: NetContext, facts: NetFacts) {
    this.#matcher = matcher;
    this.#context = context;
    this.#facts = facts;
    const { otherwise } = context;
    // A name that no rule speaks of does not exist. Nobody is asked for it: by
    // the time it is known to be asked for, it has been answered.
    this.#unknownName = otherwise.kind === "refuse"
      ? {
        ...{ kind: "refuse", rule: otherwise.rule, use: -1 },
        refusal: facts.unsaid ? ENOENT : otherwise.refusal,
      }
      : otherwise;
  }

  /** Decides a call with socket addresses: each of them must be allowed. */
  decide(net: readonly NetUse[]): Decision {
    let allowed: Decision | undefined;
    for (let i = 0; i < net.length; i++) {
      const decision = this.#one(net[i] as NetUse);
      if (decision.kind === "refuse") return { ...decision, end: i };
      allowed ??= decision;
    }
    return allowed ?? allow(fixed.NAMES_NOBODY);
  }

  /**
   * Whether a move lets more be done with a socket than before.
   *
   * @param move what moves: a socket, or a directory
   */
  widens(move: Move): boolean {
    const isClosed = (path: string): boolean =>
      this.#context.closed(path) !== undefined;
    return this.#matcher.widens(move) ||
      (move.tree || isClosed(move.from)) &&
        this.#matcher.bringsTo(move, isClosed);
  }

  /**
   * Whether a rule about a unix socket begins at a path, or beneath it.
   *
   * @param path a real path
   * @param effects of which rules
   */
  hasRuleAt(path: string, effects: readonly Effect[]): boolean {
    return this.#matcher.hasRuleAt(path, effects);
  }

  /**
   * Whether a rule about a unix socket begins beneath a path.
   *
   * @param path a real path
   * @param effects of which rules
   */
  hasRuleBeneath(path: string, effects: readonly Effect[]): boolean {
    return this.#matcher.hasRuleBeneath(path, effects);
  }

  #one({ access, endpoint, chosen, portless }: NetUse): Decision {
    const { otherwise, file, closed } = this.#context;
    switch (endpoint.family) {
      case "none":
        return allow(fixed.NAMES_NOBODY);
      case "unknown":
        return otherwise;
      case "netlink":
        return this.#facts.netlink && endpoint.port === 0 &&
            endpoint.groups === 0
          ? allow(fixed.KERNEL)
          : otherwise;
      case "name":
        return this.#question(endpoint);
      case "inet":
      case "inet6":
        // Rules about its address are not meant: it is jail that answers.
        if (portless === true) return this.#portless(endpoint);
        if (endpoint.resolver !== true || access !== "connect") break;
        if (this.#matcher.names.allows) return allow(fixed.RESOLVER);
        break;
      case "unix":
      case "abstract":
    }
    const found = this.#matcher.find(access, endpoint);
    if (
      endpoint.family === "unix" && access === "connect" &&
      this.#facts.names && fixed.findsNames(endpoint.path) &&
      found?.named !== true
    ) {
      return {
        ...{ kind: "refuse", refusal: ENOENT, use: -1, quiet: true },
        rule: fixed.FINDS_NAMES,
      };
    }
    if (found === undefined) {
      return chosen === true ? allow(fixed.CHOSEN_PORT) : otherwise;
    }
    const { ref } = found.rule;
    if (found.effect !== "allow") {
      const refusal = netRefusal(found, access, endpoint);
      return { kind: "refuse", refusal, rule: ref, use: -1 };
    }
    if (endpoint.family === "abstract") {
      return found.named || this.#facts.everything ? allow(ref) : otherwise;
    }
    if (endpoint.family !== "unix") return allow(ref);
    // Its file is one that is written. To reach it the rule is enough, unless
    // another one closes the file; to make it is to write in its directory.
    const written = file(endpoint.path, endpoint.kind);
    // Who names a place that is closed as a whole means what is in it.
    const meant = found.root !== undefined && closed(found.root) !== undefined;
    const unread = meant || access !== "connect"
      ? undefined
      : closed(endpoint.path);
    // Whatever is there now: by the time of the call a socket may be.
    if (written.kind === "allow") return unread ?? allow(ref);
    const unsaid = written.rule === otherwise.rule;
    return found.named && access === "connect" && unsaid
      ? unread ?? allow(ref)
      : written;
  }

  /**
   * Decides by its address alone whether it may be named by a socket that cannot
   * send. So getaddrinfo(3) puts addresses in order: where it may not, it takes
   * that for no route.
   */
  #portless(endpoint: Endpoint): Decision {
    const found = this.#matcher.find("connect", endpoint, true);
    if (found?.effect === "allow") return allow(found.rule.ref);
    const { otherwise } = this.#context;
    const refused = found !== undefined
      ? netRefusal(found, "connect", endpoint)
      : otherwise.kind === "refuse"
      ? otherwise.refusal
      : EACCES;
    return {
      kind: "refuse",
      refusal: refused.kind === "errno" ? refused : EACCES,
      rule: found?.rule.ref ?? otherwise.rule,
      use: -1,
      quiet: true,
    };
  }

  /**
   * Decides whether a question for a name may leave the jail. Who may talk to
   * the resolver by its address may ask for every name that no rule refuses.
   */
  #question(
    { name, resolver }: Extract<Endpoint, { readonly family: "name" }>,
  ): Decision {
    const found = this.#matcher.names.ask(name);
    if (found?.effect === "allow") return allow(found.rule.ref);
    if (found !== undefined) {
      return {
        kind: "refuse",
        refusal: netRefusal(found, "connect", { family: "name", name }),
        rule: found.rule.ref,
        use: -1,
      };
    }
    const address = resolver && this.#matcher.find("connect", resolver);
    return address?.effect === "allow"
      ? allow(address.rule.ref)
      : this.#unknownName;
  }
}

function allow(rule: RuleRef): Decision {
  return { kind: "allow", rule };
}
