/** What the kernel alone holds of a policy on this machine, and what it does not. */

import { UnsupportedError } from "../errors.ts";
import type { LimitName } from "../outcome.ts";
import type { RuleRef } from "../policy/decision.ts";
import { planCalls } from "../policy/plan/plan.ts";
import { unaskedPlan, type Unheld } from "../policy/plan/unasked.ts";
import type { Policy } from "../policy/policy.ts";
import { givenRefs } from "../policy/sys.ts";
import { treeOf } from "../policy/tree/tree.ts";
import { isBehindOthers, sharesOrphanedGroup } from "../sys/task/groups.ts";
import type { FloorPlace } from "./floor.ts";
import type { Locate } from "./locate.ts";
import { treeFacts } from "./tree_facts.ts";

/** The kernel alone does not hold all of a policy. */
export class UnheldError extends UnsupportedError {
  /** What it does not hold. */
  readonly unheld: readonly Unheld[];

  /**
   * Makes one.
   *
   * @param unheld what it does not hold, what is told first in front
   * @param where says where a rule stands
   */
  constructor(
    unheld: readonly Unheld[],
    where: (rule: RuleRef) => string = ({ source }) => source,
  ) {
    const [first, ...others] = unheld.map(({ rule, why }) =>
      `${where(rule)}: ${rule.text}: ${why}`
    );
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    super(
      `Cannot hold this policy by the kernel alone: ${first}${more}`,
      "--engine=auto asks at each call, and holds all; " +
        "jail plan POLICY tells of each rule",
    );
    this.unheld = unheld;
  }
}

/**
 * Says what a program may not write that the kernel alone holds, and others may,
 * where the policy could say so as well.
 */
export function stricterText(
  stricter: ReturnType<typeof treeOf>["stricter"],
): string | undefined {
  const [first, ...others] = stricter.filter(({ mayBeSaid }) => mayBeSaid);
  if (first === undefined) return undefined;
  const { rule: { source, text }, why } = first;
  const more = others.length === 0 ? "" : `; and ${others.length} more`;
  return `with --engine=kernel ${why} (${source}: ${text}${more}): ` +
    "see jail plan";
}

/**
 * Makes an error say where the rules stand that it is about.
 *
 * @param error what a run ended with
 * @param find finds the place of a rule
 * @returns another error, or the same where it is about none
 */
export async function withPlaces(
  error: unknown,
  find: () => Locate | Promise<Locate>,
): Promise<unknown> {
  if (!(error instanceof UnheldError)) return error;
  const locate = await find();
  return new UnheldError(error.unheld, (rule) => {
    const position = locate(rule);
    return position === undefined
      ? rule.source
      : `${position.file}:${position.line}:${position.column}`;
  });
}

/** Limits that the kernel holds by itself, and the time, which a clock does. */
const HELD_LIMITS: ReadonlySet<LimitName> = new Set<LimitName>([
  "address-space",
  "file-size",
  "open-files",
  "time",
]);

/**
 * What a policy is held by where nobody is asked.
 *
 * @param policy the policy
 * @param at where the program runs
 * @param foundBy the links by which the program is found, and where it works
 * @param written files that it may write by what it is handed
 * @returns the tree, the plan, and what neither holds
 */
export function holdByKernel(
  policy: Policy,
  at: FloorPlace,
  foundBy: readonly string[] = [],
  written: readonly string[] = [],
): ReturnType<typeof unaskedPlan> & {
  readonly tree: ReturnType<typeof treeOf>;
} {
  const tree = treeOf(policy, treeFacts(policy, at, foundBy, written));
  const { plan, unheld } = unaskedPlan(
    // Other sockets are not handed to the program.
    planCalls(policy, { observe: false, sockets: "streams" }),
    policy,
    tree,
    { shareGroup: sharesOrphanedGroup(), haveTerminal: isBehindOthers() },
  );
  return {
    tree,
    plan,
    unheld: worthTelling([
      ...otherUnheld(policy),
      ...unheld,
      ...tree.unheld,
    ]),
  };
}

/** What somebody wrote comes first, and the same is told once. */
function worthTelling(unheld: readonly Unheld[]): Unheld[] {
  const isOwn = ({ rule }: Unheld): boolean => rule.source === "jail";
  const told = new Map(
    unheld.map((one) => {
      const { rule: { source, keys, text }, why } = one;
      // By which calls jail would do it is nothing that a reader could change.
      const at = isOwn(one) ? [] : keys;
      return [JSON.stringify([source, at, text, why]), one];
    }),
  );
  const all = [...told.values()];
  return [...all.filter((one) => !isOwn(one)), ...all.filter(isOwn)];
}

/** What is about neither files nor calls. */
function otherUnheld({ limits, sys }: Policy): Unheld[] {
  const unheld: Unheld[] = [];
  for (const [name, limit] of Object.entries(limits)) {
    if (HELD_LIMITS.has(name as LimitName)) continue;
    const rule = limit.ref ??
      { source: "jail", keys: ["limits", name], text: name };
    unheld.push({ rule, why: "nobody is there to count" });
  }
  for (const rule of givenRefs(sys)) {
    unheld.push({ rule, why: "nobody is there to tell what is not real" });
  }
  return unheld;
}
