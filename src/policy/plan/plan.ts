/** What happens to every call under a policy, as far as registers tell. */

import { isErrnoResult } from "../../abi/errno.ts";
import { isPathKind } from "../../abi/paths.ts";
import {
  type ArgKind,
  type SyscallName,
  SYSCALLS,
} from "../../abi/syscalls.ts";
import { type CallSetting, callSettings, NEVER_ALLOWED } from "../calls.ts";
import type { Refusal, RuleRef } from "../decision.ts";
import { writesEverything } from "../everything.ts";
import type { Policy } from "../policy.ts";
import { answeredEntry, withChanges } from "./answered.ts";
import {
  ALLOW,
  type CallArguments,
  type FilterAction,
  type Guard,
  holds,
  TRACE,
} from "./guard.ts";
import { type Heard, withHeard } from "./heard.ts";
import {
  memoryGuards,
  outputAction,
  roomAction,
  sharedGuards,
  uncountedGuards,
} from "./limits.ts";
import { interfaceGuards, netGuards } from "./net.ts";
import { othersGuards } from "./others.ts";
import { SURFACE } from "./surface.ts";
import { callRule, unlessAllowed } from "./surface_guards.ts";
import { stampGuards, sysGuards } from "./sys.ts";

/** What happens to one call: the first guard that holds, or else the action. */
export interface CallEntry {
  /** Conditions on its arguments, in order. */
  readonly guards: readonly Guard[];
  /** What happens where none holds. */
  readonly action: FilterAction;
  /** Which rule says that, where it is to refuse. */
  readonly rule?: RuleRef;
}

/** What happens to every call. */
export type CallPlan = ReadonlyMap<SyscallName, CallEntry>;

/** What a plan depends on besides the policy. */
export interface PlanOptions {
  /**
   * Whether somebody wants to know of refusals: the tracer is asked where the
   * filter alone could refuse, and refuses the same.
   */
  readonly observe: boolean;
  /**
   * `streams` where every socket that the program gets from its parent is a
   * stream. Then, without the network, no socket that can choose where a message
   * goes can be in the jail, and sendmsg(2), whose address is in memory, needs no
   * look. Otherwise it is refused. A socket that somebody outside sends in through
   * such a stream is that one's doing.
   */
  readonly sockets?: "streams" | "any";
  /** What others hear by sockets that are handed in. */
  readonly heard?: ReadonlySet<Heard>;
  /** Whether the tracer answers calls that look at files in the kernel's place. */
  readonly answers?: boolean;
}

/** Kinds of arguments that the tracer has to look at, beside paths. */
const LOOKED_AT: ReadonlySet<ArgKind> = new Set<ArgKind>([
  "write-fd",
  "read-fd",
  "pid",
  "tid",
  "pgid",
  "who",
]);

const NO_GUARDS: readonly Guard[] = [];

const NOTHING_HEARD: ReadonlySet<Heard> = new Set();

const EPERM: Refusal = { kind: "errno", errno: "EPERM" };

/**
 * Plans what happens to every call.
 *
 * @param policy the policy
 * @param options what else it depends on
 * @returns the plan
 */
export function planCalls(
  policy: Policy,
  options: PlanOptions,
): CallPlan {
  const settings = callSettings(policy);
  const plan = new Map<SyscallName, CallEntry>();
  for (const name of Object.keys(SYSCALLS) as SyscallName[]) {
    const planned = planCall(name, settings.get(name), policy, options);
    const entry = options.answers === true
      ? withChanges(name, planned)
      : planned;
    plan.set(name, options.observe ? observed(name, entry) : entry);
  }
  return plan;
}

/**
 * What a plan does with one call.
 *
 * @param entry the call's entry
 * @param args its arguments
 * @returns the action, as the filter takes it
 */
export function actionOf(entry: CallEntry, args: CallArguments): FilterAction {
  for (const guard of entry.guards) {
    if (guard.tests.every((test) => holds(test, args))) return guard.action;
  }
  return entry.action;
}

function planCall(
  name: SyscallName,
  setting: CallSetting | undefined,
  policy: Policy,
  options: PlanOptions,
): CallEntry {
  if (setting?.kind === "refuse") {
    const { refusal, ref } = setting;
    return { guards: [], action: refusing(name, refusal, ref), rule: ref };
  }
  const { kind, args } = SYSCALLS[name];
  const { limits } = policy;
  const output = outputAction(name, limits);
  const allowed = setting?.kind === "allow";
  // A policy that says how to refuse means calls that are forbidden, too.
  const replaced = kind === "forbidden" && policy.default !== undefined;
  const lifted = guardsOf(name, policy, options).flatMap((guard) => {
    if (guard.lifted !== true) return guard;
    if (allowed) return { ...guard, action: ALLOW };
    return replaced ? [] : guard;
  });
  const guards = withHeard(name, lifted, options.heard ?? NOTHING_HEARD)
    .map((guard) =>
      output !== undefined && guard.action.kind === "allow"
        ? { ...guard, action: output }
        : guard
    );
  switch (kind) {
    case "unrestricted":
    case "virtual":
      return { guards, action: roomAction(name, limits) ?? output ?? ALLOW };
    case "checked": {
      const answered = options.answers === true
        ? answeredEntry(name)
        : undefined;
      return answered === undefined ? { guards, action: TRACE } : {
        guards: [...guards, ...answered.guards],
        action: answered.action,
      };
    }
    case "forbidden": {
      if (allowed) {
        const looked = args.some((arg) =>
          isPathKind(arg) || LOOKED_AT.has(arg)
        );
        return { guards, action: looked ? TRACE : ALLOW };
      }
      const refusal = policy.default?.refusal ?? EPERM;
      const rule = policy.default?.ref ?? unlessSaid(name, "it is forbidden");
      return { guards, action: refusing(name, refusal, rule), rule };
    }
  }
}

/** The guards of a call, in the order in which they are asked. */
function guardsOf(
  name: SyscallName,
  policy: Policy,
  { sockets }: PlanOptions,
): readonly Guard[] {
  const { limits } = policy;
  const [mapsAnywhere, mapsThere] = sharedGuards(name, limits);
  return NO_GUARDS.concat(
    // They refuse alone, so they may come before what always holds.
    othersGuards(name, policy),
    stampGuards(name, policy.sys),
    uncountedGuards(name, limits),
    memoryGuards(name, limits),
    interfaceGuards(name, policy),
    mapsAnywhere,
    // A clock that the policy closes is closed, whosever it is.
    sysGuards(name, policy.sys),
    SURFACE[name] ?? NO_GUARDS,
    nodeGuards(name, policy),
    mapsThere,
    netGuards(name, policy, sockets === "streams"),
  );
}

/**
 * Of a file in memory it is kept for all who use that on which node it lies, by
 * whoever may read it: what others write would go where there is no room.
 */
function nodeGuards(name: SyscallName, policy: Policy): readonly Guard[] {
  return name === "mbind" && !writesEverything(policy)
    ? OTHERS_MEMORY
    : NO_GUARDS;
}

const OTHERS_MEMORY = [
  unlessAllowed("EPERM", "others may use what is mapped there"),
];

/**
 * Refuses in the filter where it can: not a signal or the end of the jail,
 * which are the tracer's to bring about, and not a call that the tracer may
 * make itself, to which the filter is applied again.
 */
function refusing(
  name: SyscallName,
  refusal: Refusal,
  rule: RuleRef,
): FilterAction {
  const asked: FilterAction = {
    kind: "trace",
    look: { kind: "refuse", refusal, rule },
  };
  if (SYSCALLS[name].kind === "checked" || name === "mmap") return asked;
  switch (refusal.kind) {
    case "errno":
      return refusal;
    case "return":
      return isErrnoResult(refusal.value) ? refusal : asked;
    case "kill":
    case "signal":
      return asked;
  }
}

/** The rule that stands for what holds unless a policy allows the call. */
function unlessSaid(name: SyscallName, why: string): RuleRef {
  return callRule(
    name,
    NEVER_ALLOWED.has(name) ? why : `${why}, unless calls: {allow: [${name}]}`,
  );
}

/** The same entry, with refusals left to the tracer so that it sees them. */
function observed(name: SyscallName, entry: CallEntry): CallEntry {
  return {
    guards: entry.guards.map((guard) =>
      guard.quiet === true ? guard : {
        ...guard,
        action: asking(
          guard.action,
          guard.rule ??
            (guard.lifted === true ? unlessSaid : callRule)(name, guard.why),
        ),
      }
    ),
    action: asking(
      entry.action,
      entry.rule ?? callRule(name, "it is forbidden"),
    ),
  };
}

function asking(
  action: FilterAction,
  rule: RuleRef,
): FilterAction {
  switch (action.kind) {
    case "allow":
    case "trace":
      return action;
    case "errno":
    case "kill":
    case "return":
      return {
        kind: "trace",
        look: { kind: "refuse", refusal: action, rule },
      };
  }
}
