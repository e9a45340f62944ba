/** What happens to every call under a policy, as far as registers tell. */

import type { ErrnoName } from "../abi/errno.ts";
import { type ArgKind, type SyscallName, SYSCALLS } from "../abi/syscalls.ts";
import * as mman from "../abi/mman.ts";
import * as net from "../abi/socket.ts";
import { type CallSetting, callSettings } from "./calls.ts";
import type { Refusal, RuleRef } from "./decision.ts";
import { writesEverything } from "./everything.ts";
import {
  type ArgIndex,
  type CallArguments,
  type FilterAction,
  type Guard,
  holds,
  is,
  isZero,
  masked,
} from "./guard.ts";
import type { Policy } from "./policy.ts";
import { netRuleGuards } from "./net_guards.ts";
import { othersGuards } from "./others.ts";
import { sysGuards } from "./plan_sys.ts";
import { jailRule, SURFACE } from "./surface.ts";

/** What happens to one call: the first guard that holds, or else the action. */
export interface CallEntry {
  /** Conditions on its arguments, in order. */
  readonly guards: readonly Guard[];
  /** What happens where none holds. */
  readonly action: FilterAction;
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
   * connected stream. Then, without the network, no socket that can choose
   * where a message goes can be in the jail, and sendmsg(2), whose address is
   * in memory, needs no look. Otherwise it is refused. A socket that somebody
   * outside sends in through such a stream is that one's doing.
   */
  readonly sockets?: "streams" | "any";
}

/** Kinds of arguments that the tracer has to look at. */
const LOOKED_AT: ReadonlySet<ArgKind> = new Set<ArgKind>([
  "stat-path",
  "stat-link",
  "read-path",
  "read-link",
  "write-path",
  "write-link",
  "chdir-path",
  "run-path",
  "open-path",
  "write-fd",
  "read-fd",
  "pid",
  "tid",
  "pgid",
  "who",
]);

const EPERM: Refusal = { kind: "errno", errno: "EPERM" };
const ALLOW: FilterAction = { kind: "allow" };
const TRACE: FilterAction = { kind: "trace", look: { kind: "call" } };
const ROOM: FilterAction = { kind: "trace", look: { kind: "room" } };

function uncounted(errno: ErrnoName): readonly Guard[] {
  const why = "the kernel does not count what it writes";
  return [{ tests: [], action: { kind: "errno", errno }, why }];
}

/**
 * Calls that write what the kernel counts for nobody. Where they do not work, as
 * on some file systems, programs write as usual.
 */
const UNCOUNTED: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  ["fallocate", uncounted("EOPNOTSUPP")],
  ["io_setup", uncounted("ENOSYS")],
  ["splice", uncounted("EINVAL")],
  ["tee", uncounted("EINVAL")],
  ["vmsplice", uncounted("EINVAL")],
]);

// A kernel without it, before 3.17, said so; programs that can do without it do.
const NO_MEMFD: readonly Guard[] = [{
  tests: [],
  action: { kind: "errno", errno: "ENOSYS" },
  why: "memory is limited, and what is in the file is no process's",
  lifted: true,
}];

const MAPS = mman.MAP_TYPE | mman.MAP_FIXED | mman.MAP_FIXED_NOREPLACE |
  mman.MAP_GROWSDOWN;
const SHARES = [mman.MAP_SHARED, mman.MAP_SHARED_VALIDATE];

function shares(mask: number): readonly Guard[] {
  return [{
    tests: [{ kind: "masked-in", arg: 3, mask, values: SHARES }],
    action: { kind: "trace", look: { kind: "shared" } },
    why: "memory is limited, and what is shared may be no process's",
  }];
}

/** Before and after it is seen where a mapping is placed. */
const SHARED_ANYWHERE = shares(MAPS);
const SHARED_THERE = shares(mman.MAP_TYPE);

function output(fd: ArgIndex, size: ArgIndex | -1 | "refuse"): FilterAction {
  return { kind: "trace", look: { kind: "output", fd, size } };
}

/** Calls that write to a descriptor. */
const OUTPUT: ReadonlyMap<SyscallName, FilterAction> = new Map<
  SyscallName,
  FilterAction
>([
  ["copy_file_range", output(2, 4)],
  ["pwrite64", output(0, 2)],
  ["pwritev", output(0, -1)],
  ["pwritev2", output(0, -1)],
  ["sendfile", output(0, 3)],
  ["sendmmsg", output(0, "refuse")],
  ["sendmsg", output(0, "refuse")],
  ["sendto", output(0, 2)],
  ["write", output(0, 2)],
  ["writev", output(0, -1)],
]);

/** Calls that make processes and threads. clone3 is refused. */
const MAKES: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "clone",
  "fork",
  "vfork",
]);

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
    const entry = planCall(name, settings.get(name), policy, options);
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
    return {
      guards: [],
      action: refusing(name, setting.refusal, setting.ref),
    };
  }
  const { kind, args } = SYSCALLS[name];
  const { limits } = policy;
  const output = limits.output === undefined ? undefined : OUTPUT.get(name);
  const allowed = setting?.kind === "allow";
  const maps = limits.memory !== undefined && name === "mmap";
  const guards = [
    // They refuse alone, so they may come before what always holds.
    ...othersGuards(name, policy.sys),
    ...maps ? SHARED_ANYWHERE : [],
    ...(SURFACE[name] ?? []),
    ...maps ? SHARED_THERE : [],
    ...sysGuards(name, policy.sys),
    ...netGuards(name, policy, options),
    ...limits.memory !== undefined && name === "memfd_create" ? NO_MEMFD : [],
    ...(limits.written ?? limits.output) !== undefined
      ? UNCOUNTED.get(name) ?? []
      : [],
  ]
    .flatMap((guard) => {
      if (guard.lifted !== true) return guard;
      if (allowed) return { ...guard, action: ALLOW };
      // A policy that says how to refuse means calls that are forbidden, too.
      const replaced = kind === "forbidden" && policy.default !== undefined;
      return replaced ? [] : guard;
    })
    .map((guard) =>
      output !== undefined && guard.action.kind === "allow"
        ? { ...guard, action: output }
        : guard
    );
  switch (kind) {
    case "unrestricted":
    case "virtual": {
      const counted = limits.processes !== undefined && MAKES.has(name);
      return { guards, action: counted ? ROOM : output ?? ALLOW };
    }
    case "checked":
      return { guards, action: TRACE };
    case "forbidden": {
      if (allowed) {
        const looked = args.some((arg) => LOOKED_AT.has(arg));
        return { guards, action: looked ? TRACE : ALLOW };
      }
      const refusal = policy.default?.refusal ?? EPERM;
      const rule = policy.default?.ref ?? jailRule(name, "it is forbidden");
      return { guards, action: refusing(name, refusal, rule) };
    }
  }
}

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
      return refusal.value <= 0 && refusal.value >= -4095 ? refusal : asked;
    case "kill":
    case "signal":
      return asked;
  }
}

/** The same entry, with refusals left to the tracer so that it sees them. */
function observed(name: SyscallName, entry: CallEntry): CallEntry {
  return {
    guards: entry.guards.map((guard) =>
      guard.quiet === true ? guard : {
        ...guard,
        action: asking(
          guard.action,
          guard.rule ?? jailRule(name, guard.why),
        ),
      }
    ),
    action: asking(entry.action, jailRule(name, "it is forbidden")),
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

function netGuards(
  name: SyscallName,
  policy: Policy,
  options: PlanOptions,
): readonly Guard[] {
  const { net } = policy;
  if (typeof net !== "string") return netRuleGuards(name, net);
  switch (net) {
    case "all": {
      const guards = NET_ALL.get(name) ?? [];
      const pathless = name === "socket" || name === "socketpair";
      return pathless && !writesEverything(policy)
        ? [...NO_UNIX_DATAGRAMS, ...guards]
        : guards;
    }
    case "none":
      if (name === "sendmsg" || name === "sendmmsg") {
        return options.sockets === "streams" ? STREAMS_ONLY : NO_NET;
      }
      return NET_NONE.get(name) ?? [];
  }
}

const NO_NET: readonly Guard[] = [{
  tests: [],
  action: { kind: "errno", errno: "EACCES" },
  why: "the network may not be used",
}];

const NET: readonly Guard[] = [{
  tests: [],
  action: ALLOW,
  why: "the network may be used",
}];

// sendmsg(2) has the address in a structure in memory, which is not looked at.
// Of unix sockets only those of datagrams take one there.
const NO_UNIX_DATAGRAMS: readonly Guard[] = [{
  tests: [
    is(0, net.AF_UNIX),
    masked(1, net.SOCK_TYPE_MASK, net.SOCK_DGRAM),
  ],
  action: { kind: "errno", errno: "EACCES" },
  why: "a unix datagram goes to any path, and not every file may be written",
}];

const STREAMS_ONLY: readonly Guard[] = [{
  tests: [],
  action: ALLOW,
  why: "every socket is a connected stream",
}];

// A pair of datagram sockets may send anywhere, a pair of streams only to
// itself.
const NET_NONE: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  ["accept", NO_NET],
  ["accept4", NO_NET],
  ["bind", NO_NET],
  ["connect", NO_NET],
  ["listen", NO_NET],
  ["sendto", [
    { tests: [isZero(4)], action: ALLOW, why: "it names nobody" },
    ...NO_NET,
  ]],
  ["socket", NO_NET],
  ["socketpair", [
    {
      tests: [
        is(0, net.AF_UNIX),
        masked(
          1,
          net.SOCK_TYPE_MASK,
          net.SOCK_STREAM,
          net.SOCK_SEQPACKET,
        ),
      ],
      action: ALLOW,
      why: "a pair of streams reaches nobody else",
    },
    ...NO_NET,
  ]],
]);

const FAMILIES = [net.AF_UNIX, net.AF_INET, net.AF_INET6];
const TYPES = [net.SOCK_STREAM, net.SOCK_DGRAM, net.SOCK_SEQPACKET];
const PROTOCOLS = [
  net.IPPROTO_IP,
  net.IPPROTO_ICMP, // PF_UNIX too
  net.IPPROTO_TCP,
  net.IPPROTO_UDP,
  net.IPPROTO_ICMPV6,
  net.IPPROTO_UDPLITE,
  net.IPPROTO_MPTCP,
];

// bind, connect, and sendto with an address are not here: that of a unix socket
// is a file.
const NET_ALL: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  ["accept", NET],
  ["accept4", NET],
  ["listen", NET],
  ["sendmmsg", NET],
  ["sendmsg", NET],
  ["sendto", [{
    tests: [isZero(4)],
    action: ALLOW,
    why: "it goes where the socket is connected to",
  }]],
  ["socket", [
    {
      tests: [
        is(0, ...FAMILIES),
        masked(1, net.SOCK_TYPE_MASK, ...TYPES),
        is(2, ...PROTOCOLS),
      ],
      action: ALLOW,
      why: "the network may be used",
    },
    {
      tests: [is(0, net.AF_NETLINK), is(2, net.NETLINK_ROUTE)],
      action: ALLOW,
      why: "it tells of interfaces",
    },
    {
      tests: [is(0, ...FAMILIES), masked(1, net.SOCK_TYPE_MASK, net.SOCK_RAW)],
      action: { kind: "errno", errno: "EPERM" },
      why: "packets may not be made by hand",
    },
    {
      tests: [is(0, ...FAMILIES)],
      action: { kind: "errno", errno: "EPROTONOSUPPORT" },
      why: "the protocol is not known",
    },
    {
      tests: [],
      action: { kind: "errno", errno: "EACCES" },
      why: "the address family is not known",
    },
  ]],
  ["socketpair", [
    {
      tests: [
        is(0, net.AF_UNIX),
        masked(1, net.SOCK_TYPE_MASK, ...TYPES),
      ],
      action: ALLOW,
      why: "the network may be used",
    },
    ...NO_NET,
  ]],
]);
