/** Which mechanism enforces each rule of a policy, and how well it stands a race. */

import {
  LANDLOCK_ACCESS_NET_BIND_TCP,
  LANDLOCK_ACCESS_NET_CONNECT_TCP,
} from "../abi/landlock.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import type { LimitName } from "../outcome.ts";
import { callSettings } from "./calls.ts";
import type { RuleRef } from "./decision.ts";
import type { Floor } from "./floor/floor.ts";
import type { Held } from "./floor/held.ts";
import { amountText, LIMIT_NAMES, type Limits } from "./limits.ts";
import { isName } from "./net/names.ts";
import type { NetRule, NetRules } from "./net/net.ts";
import type { FilterAction } from "./plan/guard.ts";
import type { CallEntry, CallPlan } from "./plan/plan.ts";
import { hidesVdso } from "./plan/sys.ts";
import {
  type Effect,
  EFFECTS,
  PATH_SECTIONS,
  type PathRule,
  type PathSection,
  type Policy,
} from "./policy.ts";
import { type Fact, given, type SysRules, UNAME_FIELDS } from "./sys.ts";

/**
 * How well a rule stands a race with the program's own threads:
 *
 * - `R0`: registers alone decide, or what happens before the program starts;
 * - `R1`: what is decided on is pinned, or the kernel itself decides, or jail
 *   answers about the very file that it has judged;
 * - `R2`: it is looked at again before it can do anything;
 * - `R3`: best effort.
 */
export type Grade = "R0" | "R1" | "R2" | "R3";

/**
 * What enforces a rule:
 *
 * - `filter`: the filter in the kernel;
 * - `landlock`: Landlock;
 * - `stop`: the tracer, at a stop;
 * - `answer`: the tracer, which answers in the kernel's place;
 * - `start`: jail, as it makes what the program gets at its start;
 * - `dns`: jail, as it answers in place of the system's resolvers;
 * - `cgroup`: a control group of the kernel;
 * - `watch`: jail, as it looks at the clock and at what was used, many times a
 *   second.
 */
export type Mechanism =
  | "filter"
  | "landlock"
  | "stop"
  | "answer"
  | "start"
  | "dns"
  | "cgroup"
  | "watch";

/** One rule, and what enforces it. */
export interface GradedRule {
  /** The section that it is in. */
  readonly section:
    | PathSection
    | "env"
    | "sys"
    | "calls"
    | "net"
    | "limits"
    | "default"
    | "unseen";
  /** What it does. */
  readonly effect: Effect;
  /** Where it stands; nowhere for what a policy does not say. */
  readonly ref: RuleRef | undefined;
  /** What it is about. */
  readonly text: string;
  /** What enforces it. */
  readonly mechanisms: readonly Mechanism[];
  /** How well it stands a race. */
  readonly grade: Grade;
  /** How much of it Landlock holds, for a rule about files or the network. */
  readonly held: Held | undefined;
}

/** What rules are enforced with. */
export interface Means {
  /** What happens to each call. */
  readonly plan: CallPlan;
  /** What Landlock holds. */
  readonly floor: Floor;
  /** How much of each rule about files that is. */
  readonly held: ReadonlyMap<PathRule, Held>;
  /** Whether the kernel has the filter, or every call stops. */
  readonly filtered: boolean;
  /** Whether the kernel holds the memory that is limited. */
  readonly grouped?: boolean;
}

/**
 * Finds what enforces each rule of a policy.
 *
 * @param policy the policy
 * @param means what it is enforced with
 * @returns its rules in their order
 */
export function gradeRules(policy: Policy, means: Means): GradedRule[] {
  const filter: Mechanism = means.filtered ? "filter" : "stop";
  return [
    ...gradeFiles(policy, means),
    ...gradeEnv(policy.env),
    ...gradeCalls(policy, means.plan, filter),
    ...gradeSys(policy.sys, means.filtered),
    ...gradeLimits(policy.limits, means.grouped === true),
    ...gradeNet(policy, means.floor, filter),
    ...gradeDefaults(policy, filter),
  ];
}

function gradeFiles(policy: Policy, { plan, held }: Means): GradedRule[] {
  const answers = [...plan.values()].some(isAnswered);
  return PATH_SECTIONS.flatMap((section) =>
    EFFECTS.flatMap((effect) =>
      policy[section][effect].map((rule) =>
        gradeFile(
          section,
          effect,
          rule,
          held.get(rule),
          answers && section === "read",
        )
      )
    )
  );
}

function gradeEnv(env: Policy["env"]): GradedRule[] {
  const at = { section: "env", mechanisms: ["start"], grade: "R0" } as const;
  return [
    ...EFFECTS.flatMap((effect) =>
      env[effect].map(({ ref }) => ({
        ...at,
        effect,
        ref,
        text: ref.text,
        held: undefined,
      }))
    ),
    ...env.set.map(({ ref, name }) => ({
      ...at,
      effect: "allow" as const,
      ref,
      text: `${name}=…`,
      held: undefined,
    })),
  ];
}

function gradeCalls(
  policy: Policy,
  plan: CallPlan,
  filter: Mechanism,
): GradedRule[] {
  const graded: GradedRule[] = [];
  for (const [name, { kind, ref }] of callSettings(policy)) {
    const entry = plan.get(name);
    if (entry === undefined) continue;
    graded.push({
      section: "calls",
      effect: kind === "allow" ? "allow" : "deny",
      ref,
      text: name,
      mechanisms: [isAsked(entry) ? "stop" : filter],
      grade: kind === "refuse" && !hidesVdso(policy.sys) && BY_VDSO.has(name)
        ? "R3"
        : readsMemory(entry)
        ? "R1"
        : "R0",
      held: undefined,
    });
  }
  return graded;
}

function gradeLimits(limits: Limits, grouped: boolean): GradedRule[] {
  const graded: GradedRule[] = [];
  for (const name of LIMIT_NAMES) {
    const limit = limits[name];
    if (limit === undefined) continue;
    graded.push({
      ...{ section: "limits", effect: "allow", ref: limit.ref },
      text: `${name} ${amountText(name, limit.most)}`,
      ...name === "memory" && grouped ? GROUPED : LIMITED[name],
      held: undefined,
    });
  }
  return graded;
}

function gradeDefaults(policy: Policy, filter: Mechanism): GradedRule[] {
  const graded: GradedRule[] = [];
  for (const section of ["default", "unseen"] as const) {
    const ref = policy[section]?.ref;
    if (ref?.keys[0] !== section) continue;
    graded.push({
      ...{ section, effect: "deny", ref, text: ref.text },
      ...{ mechanisms: [filter, "stop"], grade: "R1", held: undefined },
    });
  }
  return graded;
}

/** What the vDSO answers in the program itself, without the call: vdso(7). */
const BY_VDSO: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "clock_getres",
  "clock_gettime",
  "getcpu",
  "gettimeofday",
  "time",
]);

/** What enforces each limit. */
const LIMITED: Readonly<
  Record<LimitName, Pick<GradedRule, "mechanisms" | "grade">>
> = {
  "time": { mechanisms: ["watch"], grade: "R0" },
  "cpu": { mechanisms: ["watch", "start"], grade: "R0" },
  "memory": { mechanisms: ["watch", "start"], grade: "R2" },
  "processes": { mechanisms: ["stop"], grade: "R0" },
  "address-space": { mechanisms: ["start"], grade: "R0" },
  "open-files": { mechanisms: ["start"], grade: "R0" },
  "file-size": { mechanisms: ["start"], grade: "R0" },
  "written": { mechanisms: ["watch"], grade: "R2" },
  "output": { mechanisms: ["stop"], grade: "R3" },
};

/** What enforces a limit of memory where the kernel holds it. */
const GROUPED: Pick<GradedRule, "mechanisms" | "grade"> = {
  mechanisms: ["cgroup", "watch", "start"],
  grade: "R1",
};

/** A memfd has the name that whoever made it chose. */
const ANY_NAME = "/memfd:";

function gradeFile(
  section: PathSection,
  effect: Effect,
  rule: PathRule,
  held: Held | undefined,
  answered: boolean,
): GradedRule {
  const { ref, pattern } = rule;
  const kernel = held !== undefined && held.extent !== "no";
  const mechanisms: Mechanism[] = [];
  if (answered) mechanisms.push("answer");
  mechanisms.push("stop");
  if (kernel) mechanisms.push("landlock");
  const grade = section !== "run"
    ? "R1"
    : pattern.startsWith(ANY_NAME)
    ? "R3"
    : held?.extent === "exactly"
    ? "R1"
    : "R2";
  return { section, effect, ref, text: ref.text, mechanisms, grade, held };
}

/**
 * The processor tells some of it without a call: `cpuid` how many there are,
 * `rdrand` what is random, a clock since when. /proc has real ids. The ptrace
 * engine does not see a call by the page of old (vsyscall), which tells the time.
 */
function gradeSys(sys: SysRules, filtered: boolean): GradedRule[] {
  const graded: GradedRule[] = [];
  const add = (
    fact: Fact<unknown> | undefined,
    mechanisms: readonly Mechanism[],
    grade: Grade,
  ): void => {
    const value = given(fact);
    if (fact === undefined || value === undefined) return;
    const denied = value === "deny" ||
      typeof value === "object" && value !== null &&
        "kind" in value && value.kind === "deny";
    const effect = denied ? "deny" : "allow";
    const { ref } = fact;
    graded.push({
      ...{ section: "sys", effect, ref, text: ref.text, mechanisms, grade },
      held: undefined,
    });
  };
  for (const field of UNAME_FIELDS) add(sys.uname?.[field], ["stop"], "R1");
  add(sys.time, ["start", "stop"], filtered ? "R1" : "R3");
  add(sys.cpus, ["start", "stop"], "R3");
  add(sys.uid, ["start", "stop"], "R3");
  add(sys.gid, ["start", "stop"], "R3");
  add(sys.sysinfo, [filtered ? "filter" : "stop"], "R3");
  add(sys.others, [filtered ? "filter" : "stop", "stop"], "R1");
  add(sys.random, ["start", "stop"], "R3");
  return graded;
}

function gradeNet(
  policy: Policy,
  floor: Floor,
  filter: Mechanism,
): GradedRule[] {
  const { net } = policy;
  if (typeof net !== "string") return gradeNetRules(net, floor);
  const none = net === "none";
  const tcp = floor.handledNet !== 0;
  return [{
    section: "net",
    effect: none ? "deny" : "allow",
    ref: undefined,
    text: none ? "all of it" : "all that is known",
    mechanisms: tcp ? [filter, "landlock"] : [filter],
    grade: "R0",
    held: {
      extent: tcp ? "partly" : "no",
      why: tcp
        ? floor.scoped === 0 ? "TCP alone" : "TCP and abstract sockets alone"
        : none
        ? "Landlock is too old, or not there"
        : "it is allowed",
    },
  }];
}

/** Rules about addresses, which are pinned; what TCP ports Landlock holds too. */
function gradeNetRules(net: NetRules, floor: Floor): GradedRule[] {
  return (["connect", "listen"] as const).flatMap((access) => {
    const bit = access === "connect"
      ? LANDLOCK_ACCESS_NET_CONNECT_TCP
      : LANDLOCK_ACCESS_NET_BIND_TCP;
    const tcp = (floor.handledNet & bit) !== 0;
    return EFFECTS.flatMap((effect) =>
      net[access][effect].map((rule): GradedRule => {
        const { ref, patterns } = rule;
        const ports = tcp && effect === "allow" &&
          patterns.some(({ kind }) =>
            kind === "address" || kind === "any" || kind === "name"
          );
        const names = patterns.some(isName);
        return {
          ...{ section: "net", effect, ref, text: `${access} ${ref.text}` },
          mechanisms: [
            "stop",
            ...names ? ["dns" as const] : [],
            ...ports ? ["landlock" as const] : [],
          ],
          grade: names && effect !== "allow" && allowsAddresses(net)
            ? "R3"
            : "R1",
          held: ports
            ? { extent: "partly", why: "the ports of TCP, for every address" }
            : { extent: "no", why: "Landlock knows ports of TCP alone" },
        };
      })
    );
  });
}

/**
 * Whether some rule allows addresses whatever their names: a host that is refused
 * by its name may be reached by them.
 */
function allowsAddresses({ connect }: NetRules): boolean {
  return connect.allow.some(({ patterns }: NetRule) =>
    patterns.some(({ kind }) =>
      kind === "all" || kind === "any" || kind === "address"
    )
  );
}

/** How many calls are treated in which way. */
export interface CallCounts {
  /** The filter lets them pass, whatever their arguments. */
  readonly allowed: number;
  /** The filter decides by their arguments. */
  readonly sifted: number;
  /** They stop, at least with some arguments, and the tracer decides. */
  readonly stopped: number;
  /** So do these with some arguments; most the tracer answers without a stop. */
  readonly answered: number;
  /** They are refused, whatever their arguments. */
  readonly refused: number;
}

/** Counts the calls that are treated in each way. */
export function countCalls(plan: CallPlan): CallCounts {
  const counts = {
    ...{ allowed: 0, sifted: 0, stopped: 0, answered: 0, refused: 0 },
  };
  for (const entry of plan.values()) {
    const actions = actionsOf(entry);
    if (actions.every(isRefusal)) counts.refused++;
    else if (isAnswered(entry)) counts.answered++;
    else if (isAsked(entry)) counts.stopped++;
    else if (actions.some(isRefusal)) counts.sifted++;
    else counts.allowed++;
  }
  return counts;
}

/** The first rule that is a best effort, under a policy that has none of that. */
export function notStrict(
  policy: Policy,
  graded: readonly GradedRule[],
): GradedRule | undefined {
  return policy.strict === undefined
    ? undefined
    : graded.find(({ grade }) => grade === "R3");
}

/** All that can happen to a call. */
function actionsOf(entry: CallEntry): readonly FilterAction[] {
  const always = entry.guards.find(({ tests }) => tests.length === 0);
  const guards = entry.guards.map(({ action }) => action);
  return always === undefined ? [...guards, entry.action] : guards;
}

function isRefusal(action: FilterAction): boolean {
  switch (action.kind) {
    case "allow":
      return false;
    case "errno":
    case "kill":
      return true;
    case "return":
      return action.value < 0;
    case "trace":
      return action.look.kind === "refuse";
  }
}

function isAnswered(entry: CallEntry): boolean {
  return actionsOf(entry).some((action) =>
    action.kind === "trace" && action.waits === true
  );
}

function isAsked(entry: CallEntry): boolean {
  return actionsOf(entry).some(({ kind }) => kind === "trace");
}

/** Whether the tracer looks into the program's memory for it. */
function readsMemory(entry: CallEntry): boolean {
  return actionsOf(entry).some((action) =>
    action.kind === "trace" && action.look.kind === "call"
  );
}
