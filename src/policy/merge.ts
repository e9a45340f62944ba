/**
 * Layers made one policy.
 *
 * The order is: what a policy extends, before the policy itself; the policies
 * of the command line in their order; its flags last. Lists append. Of
 * `description`, `default`, `unseen`, `root` and each fact of `sys` the last one
 * that is said holds, or the last one that a flag or a permission set denies; of each
 * limit the smallest; of `net`, `false` takes back what the layers before it allow.
 * Order does not matter for what is allowed: deny beats ignore, and ignore
 * beats allow, whichever layer they are in.
 */

import { PolicyError } from "../errors.ts";
import type { RuleRef } from "./decision.ts";
import { mergeLimits } from "./limits.ts";
import { mergeNet, mergeNetRules } from "./net/net.ts";
import type {
  Effect,
  Layer,
  PathSection,
  Policy,
  SaidNothing,
} from "./policy.ts";
import { closedFiles, closedVariables, mergeSys } from "./sys.ts";

/**
 * Merges layers, the most basic one first.
 *
 * @param layers the layers
 * @returns the policy; without any layer it allows nothing
 * @throws {PolicyError} where one extends a policy that was not loaded
 */
export function mergeLayers(layers: readonly Layer[]): Policy {
  layers.forEach(mustBeLoaded);
  const sys = mergeSys(layers.map((layer) => layer.sys));
  const nets = layers.map((layer) => layer.net);
  const read = mergeRules(layers.map((layer) => layer.read));
  const write = mergeRules(layers.map((layer) => layer.write));
  const closed = closedFiles(sys);
  const env = mergeRules(layers.map((layer) => layer.env));
  // What a device tells, it tells also whoever opens it to write alone.
  const devices = closed.filter(({ pattern }) => pattern.startsWith("/dev/"));
  return {
    description: last(layers, (layer) => layer.description),
    read: { ...read, deny: [...read.deny, ...closed] },
    write: { ...write, deny: [...write.deny, ...devices] },
    run: mergeRules(layers.map((layer) => layer.run)),
    env: {
      ...env,
      deny: [...env.deny, ...closedVariables(sys)],
      set: layers.flatMap((layer) => layer.env.set),
    },
    net: mergeNet(nets),
    netRules: mergeNetRules(nets),
    sys,
    limits: mergeLimits(layers.map((layer) => layer.limits)),
    calls: {
      allow: layers.flatMap((layer) => layer.calls.allow),
      refuse: layers.flatMap((layer) => layer.calls.refuse),
    },
    default: last(layers, (layer) => layer.default),
    unseen: last(layers, (layer) => layer.unseen),
    require: layers.flatMap((layer) => layer.require),
    // No layer takes it back: the rules of all of them are meant.
    strict: last(layers, (layer) => layer.strict),
    root: last(layers, (layer) => layer.root),
    sources: layers.flatMap((layer) => layer.sources),
  };
}

/** What a layer extends may refuse what it allows: that must not be skipped. */
function mustBeLoaded({ extends: [missing], sources }: Layer): void {
  if (missing === undefined) return;
  throw new PolicyError(
    `Cannot merge policy "${sources[0]?.name ?? missing.ref.source}": ` +
      `"${missing.name}", which it extends, was not loaded`,
    { hint: "loadPolicy() loads a policy with all that it extends" },
  );
}

/** A `false` of a layer that seems to take something back, and does not. */
export interface TakenBack {
  /** The layer. */
  readonly layer: Layer;
  /** Where it stands. */
  readonly ref: RuleRef;
}

/**
 * Finds a layer that says `false` of what layers before it allow: rules add up.
 *
 * @param layers the layers, the most basic one first
 * @returns the first one, if there is one
 */
export function takesNothingBack(
  layers: readonly Layer[],
): TakenBack | undefined {
  return layers.flatMap((layer, index) =>
    (layer.nothing ?? []).filter(({ keys }) =>
      allowsSome(layers.slice(0, index), keys)
    ).map(({ ref }) => ({ layer, ref }))
  )[0];
}

/** Whether layers allow something of what keys of a policy are about. */
function allowsSome(
  layers: readonly Layer[],
  [section, end]: SaidNothing["keys"],
): boolean {
  if (section !== "net") {
    const key = section as PathSection | "env";
    return layers.some((layer) => layer[key].allow.length > 0);
  }
  const { connect, listen } = mergeNetRules(layers.map(({ net }) => net));
  return end !== "listen" && connect.allow.length > 0 ||
    end !== "connect" && listen.allow.length > 0;
}

/** The last value that a layer says. */
function last<Value>(
  layers: readonly Layer[],
  value: (layer: Layer) => Value | undefined,
): Value | undefined {
  return layers.map(value).findLast((one) => one !== undefined);
}

/** Appends lists of rules. */
function mergeRules<Rule>(
  all: readonly Readonly<Record<Effect, readonly Rule[]>>[],
): Record<Effect, readonly Rule[]> {
  return {
    allow: all.flatMap((rules) => rules.allow),
    deny: all.flatMap((rules) => rules.deny),
    ignore: all.flatMap((rules) => rules.ignore),
  };
}
