/**
 * What happens to every call where nobody is asked: no tracer, the kernel alone.
 *
 * The mounts that a program sees hold its files, its PID namespace the processes
 * that it can name, Landlock what it executes and changes; so calls that name such
 * things are made. What somebody would have to look at for another reason is not
 * held, and whoever asked for this is told why.
 */

import { isErrnoResult } from "../../abi/errno.ts";
import {
  F_SET_FILE_RW_HINT,
  F_SET_RW_HINT,
  F_SETFL,
  O_ACCMODE,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_PATH,
  O_TMPFILE,
} from "../../abi/fcntl.ts";
import {
  TCFLSH,
  TCIFLUSH,
  TIOCEXCL,
  TIOCNXCL,
  TIOCSPGRP,
  TIOCSWINSZ,
} from "../../abi/ioctls.ts";
import { IOPRIO_WHO_PGRP } from "../../abi/ioprio.ts";
import { PRIO_PGRP, RLIMIT_CORE } from "../../abi/resource.ts";
import * as net from "../../abi/socket.ts";
import { S_ISGID, S_ISUID } from "../../abi/stat.ts";
import {
  type ArgKind,
  type SyscallName,
  SYSCALLS,
} from "../../abi/syscalls.ts";
import { callSettings } from "../calls.ts";
import type { RuleRef } from "../decision.ts";
import { writesEverything } from "../everything.ts";
import { jailRule } from "../fixed.ts";
import { EFFECTS, type Policy } from "../policy.ts";
import {
  ALLOW,
  type ArgIndex,
  bits,
  type FilterAction,
  type Guard,
  is,
  isSet,
  masked,
  refuse,
} from "./guard.ts";
import type { CallEntry, CallPlan } from "./plan.ts";
import { IOCTL_WRITES, TERMINAL_MODES } from "./surface_commands.ts";
import { callRule, MEANS_OTHERS } from "./surface_guards.ts";

/** Something that the kernel alone does not hold. */
export interface Unheld {
  /** What it is. */
  readonly rule: RuleRef;
  /** Why it is not held. */
  readonly why: string;
}

/** What the tree of a policy lets be done. */
export interface TreeRights {
  /** Whether every file may be executed. */
  readonly runsEverything: boolean;
  /** Whether there is a file in it that may be changed, and is no device. */
  readonly changes: boolean;
  /** Whether terminals can be made in it. */
  readonly makesTerminals: boolean;
}

/** Who else there is where jail was started, whom nobody can look out for later. */
export interface Others {
  /** Others are in its process group, which nobody has as a job. */
  readonly shareGroup: boolean;
  /** Others are in front of its terminal. */
  readonly haveTerminal: boolean;
}

const NOBODY: Others = { shareGroup: false, haveTerminal: false };

/**
 * Takes all questions out of a plan.
 *
 * @param plan what happens to each call, where calls are looked at
 * @param policy the policy that it is of
 * @param tree whether every file may be executed, and any be changed
 * @param others who else there is where jail was started
 * @returns the plan, and what it does not hold
 */
export function unaskedPlan(
  plan: CallPlan,
  policy: Policy,
  tree: TreeRights,
  others: Others = NOBODY,
): { readonly plan: CallPlan; readonly unheld: readonly Unheld[] } {
  const unheld: Unheld[] = [...hostRules(policy)];
  const unasked = new Map<SyscallName, CallEntry>();
  const said = callSettings(policy);
  for (const [name, { guards, action }] of plan) {
    const replace = (action: FilterAction, rule: RuleRef): FilterAction => {
      const why = whyAsked(name, action);
      if (why !== undefined) unheld.push({ rule: saidBy(action) ?? rule, why });
      return withoutQuestion(action);
    };
    unasked.set(name, {
      guards: [
        // What a rule refuses by name is refused as it says.
        ...said.get(name)?.kind === "refuse" ? [] : own(name, policy, tree),
        ...others.shareGroup && name === "setpgid" ? NO_GROUPS : [],
        ...others.haveTerminal && name === "ioctl" ? NO_TERMINAL : [],
        ...guards.map((guard) => ({
          ...guard,
          action: replace(
            guard.action,
            guard.rule ?? callRule(name, guard.why),
          ),
        })),
      ],
      action: replace(action, callRule(name, "it may be made")),
    });
  }
  return { plan: unasked, unheld };
}

/** The rule of a policy by which something is refused. */
function saidBy(action: FilterAction): RuleRef | undefined {
  return action.kind === "trace" && action.look.kind === "refuse"
    ? action.look.rule
    : undefined;
}

/**
 * The rules about hosts. A policy that gives sockets alone has none, and means
 * that they reach nobody.
 */
function hostRules({ net }: Policy): Unheld[] {
  if (typeof net === "string") return [];
  const rules = EFFECTS.flatMap((effect) => [
    ...net.connect[effect],
    ...net.listen[effect],
  ]).map(({ ref }) => ref);
  const why = "it is about hosts, and addresses are in memory";
  return (rules.length > 0 ? rules : [jailRule(["net"], "sockets")])
    .map((rule) => ({ rule, why }));
}

/** What only a plan without questions needs. It refuses alone, and so comes first. */
function own(
  name: SyscallName,
  policy: Policy,
  { runsEverything, changes, makesTerminals }: TreeRights,
): readonly Guard[] {
  if (!changes && CHANGES.has(name)) return NO_CHANGES;
  const everything = writesEverything(policy);
  const reachesSockets = policy.net === "all" && !everything;
  const mode = MODES[name];
  if (mode !== undefined) {
    return [...opensForNothing(mode), ...everything ? [] : setsId(mode)];
  }
  switch (name) {
    case "fcntl":
      return [...NO_HINTS, ...NO_PACKETS];
    case "ioctl":
      return [
        ...changes ? [] : NO_FLAGS,
        ...makesTerminals ? [] : ONE_SIZE,
        ...FOR_ALL,
      ];
    case "openat2":
      return FLAGS_IN_MEMORY;
    case "memfd_create":
      return runsEverything ? [] : EXECUTES_MEMORY;
    case "socket":
      return reachesSockets ? UNIX_PATHS : [];
    case "prlimit64":
      return [...SETS_AND_ASKS, ...notFirst(name)];
    case "getpriority":
    case "setpriority":
      return notGroups(PRIO_PGRP, name);
    case "ioprio_get":
    case "ioprio_set":
      return notGroups(IOPRIO_WHO_PGRP, name);
    default:
      return notFirst(name);
  }
}

/** Kinds of arguments that mean a process, or a thread of one, by its number. */
const BY_NUMBER: readonly ArgKind[] = ["pid", "tid", "who"];

/**
 * The first process of the namespace is jail's: with it the kernel ends all others,
 * once it runs. Who takes its turns from it, beside many that compute, lives on.
 */
function notFirst(name: SyscallName): readonly Guard[] {
  const { kind, args } = SYSCALLS[name];
  // Others mean children alone, or the caller.
  if (kind !== "checked") return [];
  return args.flatMap((kind, arg) =>
    BY_NUMBER.includes(kind)
      ? refuse("ESRCH", "it means a process of jail's", is(arg as ArgIndex, 1))
      : []
  );
}

/** The caller's group may be the one that jail was started in: others are in it. */
function notGroups(which: number, name: SyscallName): readonly Guard[] {
  return [refuse("EPERM", MEANS_OTHERS, is(0, which)), ...notFirst(name)];
}

/** Calls that change what a file is, and not what is in it. */
const CHANGES: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "chmod",
  "chown",
  "fchmod",
  "fchmodat",
  "fchmodat2",
  "fchown",
  "fchownat",
  "file_setattr",
  "fremovexattr",
  "fsetxattr",
  "futimesat",
  "lchown",
  "lremovexattr",
  "lsetxattr",
  "removexattr",
  "removexattrat",
  "setxattr",
  "setxattrat",
  "utime",
  "utimensat",
  "utimes",
]);

/**
 * Who leaves a child behind can have the kernel send signals to others in the
 * group.
 */
const NO_GROUPS: readonly Guard[] = [
  refuse("EPERM", "others may be in the group that it leaves"),
];

const BEHIND = "others are in front of the terminal";

/**
 * Who ignores SIGTTOU sets the terminal from behind, and takes it, and what is typed
 * there.
 */
const NO_TERMINAL: readonly Guard[] = [
  refuse("EIO", BEHIND, is(1, ...TERMINAL_MODES, TIOCSPGRP)),
  refuse("EIO", BEHIND, is(1, TCFLSH), is(2, TCIFLUSH)),
];

const READ_ONLY: FilterAction = { kind: "errno", errno: "EROFS" };
/** Of a file that is handed in, which lies on no mount of the tree. */
const HANDED = "it changes a file that may only be used";

const NO_CHANGES: readonly Guard[] = [
  { tests: [], action: READ_ONLY, why: HANDED },
];

const NO_FLAGS: readonly Guard[] = [
  { tests: [is(1, ...IOCTL_WRITES)], action: READ_ONLY, why: HANDED },
];

/** Which terminal is its own, where it can make some, nobody is there to tell. */
const ONE_SIZE: readonly Guard[] = [{
  tests: [is(1, TIOCSWINSZ)],
  action: { kind: "errno", errno: "EPERM" },
  why: "others may use the same terminal",
}];

/** Others may be kept from the terminal that it is at. */
const FOR_ALL: readonly Guard[] = [{
  tests: [is(1, TIOCEXCL, TIOCNXCL)],
  action: { kind: "errno", errno: "EPERM" },
  why: "others may use the same terminal",
}];

/** It is heeded for all who use the file, on a mount that is not written as well. */
const NO_HINTS: readonly Guard[] = [{
  tests: [is(1, F_SET_RW_HINT, F_SET_FILE_RW_HINT)],
  action: { kind: "errno", errno: "EACCES" },
  why: "it changes a file that may be open for reading only",
}];

/** As a file system says that has no such thing: a pipe is not told from a file. */
const NO_PACKETS: readonly Guard[] = [{
  tests: [is(1, F_SETFL), bits(2, O_DIRECT)],
  action: { kind: "errno", errno: "EINVAL" },
  why: "others who use a pipe would lose what is written",
}];

/** Which argument is the mode of a file, and which has the flags of an open. */
const MODES: Readonly<Partial<Record<SyscallName, ModeArgs>>> = {
  chmod: { mode: 1 },
  creat: { mode: 1 },
  fchmod: { mode: 1 },
  fchmodat: { mode: 2 },
  fchmodat2: { mode: 2 },
  mknod: { mode: 1 },
  mknodat: { mode: 2 },
  open: { mode: 2, flags: 1 },
  openat: { mode: 3, flags: 2 },
};

/** The flags of an open that makes a file. */
const MAKES = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);

/** Which argument is the mode of a file that a call makes or changes. */
interface ModeArgs {
  readonly mode: ArgIndex;
  /** Which one has the flags, of an open. */
  readonly flags?: ArgIndex;
}

/**
 * Who opens for neither reading nor writing, with all bits of the access mode, Landlock
 * lets open what it lets nobody read: a disk that was handed in, which nobody else
 * could use then (O_EXCL). The other engines take it for both.
 */
function opensForNothing({ flags }: ModeArgs): readonly Guard[] {
  return flags === undefined ? [] : [
    refuse(
      "EACCES",
      "what may not be read could be kept from others",
      masked(flags, O_ACCMODE | O_PATH, O_ACCMODE),
    ),
  ];
}

/**
 * No file gets such a mode. Nor does a directory, which is not told from a file
 * here: setfacl(1) could make a program of what has S_ISGID without S_IXGRP.
 */
function setsId({ mode, flags }: ModeArgs): readonly Guard[] {
  return [
    refuse(
      "EPERM",
      "it would run as its owner or group, outside as well",
      bits(mode, S_ISUID | S_ISGID),
      // Where nothing is made, nobody has set the mode.
      ...(flags === undefined ? [] : [bits(flags, MAKES)]),
    ),
  ];
}

/** To set the limit alone only seems to be done. */
const SETS_AND_ASKS: readonly Guard[] = [
  refuse("EPERM", "no core is dumped", is(1, RLIMIT_CORE), isSet(2), isSet(3)),
];

/** What programs do without before Linux 5.6. */
const FLAGS_IN_MEMORY: readonly Guard[] = [{
  tests: [],
  action: { kind: "errno", errno: "ENOSYS" },
  why: "its flags, and the mode of what it makes, are in memory",
}];

/**
 * A kernel without it, before 3.17, said so; programs that can do without it do. One
 * that is never executed (MFD_NOEXEC_SEAL) is mapped by a dynamic loader all the same.
 */
const EXECUTES_MEMORY: readonly Guard[] = [{
  tests: [],
  action: { kind: "errno", errno: "ENOSYS" },
  why: "a file in memory could be executed",
}];

const NO_UNIX: FilterAction = { kind: "errno", errno: "EACCES" };

/** A mount that is not written lets its sockets be connected to. */
const UNIX_PATHS: readonly Guard[] = [{
  tests: [is(0, net.AF_UNIX)],
  action: NO_UNIX,
  why: "it goes to any socket that can be seen",
}];

/** What is done in place of a question. */
function withoutQuestion(action: FilterAction): FilterAction {
  if (action.kind !== "trace") return action;
  const { look } = action;
  if (look.kind === "pair") return NO_UNIX;
  if (look.kind === "async") return { kind: "errno", errno: "EPERM" };
  if (look.kind === "copy") return { kind: "errno", errno: "EINVAL" };
  if (look.kind === "flow") return { kind: "return", value: 0 };
  if (look.kind !== "refuse") return ALLOW;
  const { refusal } = look;
  switch (refusal.kind) {
    case "errno":
      return refusal;
    case "return":
      return isErrnoResult(refusal.value) ? refusal : { kind: "kill" };
    case "kill":
    case "signal":
      return { kind: "kill" };
  }
}

/** Why a question cannot be left out; `undefined` where it can. */
function whyAsked(
  name: SyscallName,
  action: FilterAction,
): string | undefined {
  if (action.kind !== "trace") return undefined;
  const { look } = action;
  switch (look.kind) {
    case "call":
      return SYSCALLS[name].kind === "forbidden"
        ? `${name} has to be looked at`
        : undefined;
    // Namespaces hold processes and groups, and mounts hold files.
    case "pid":
    case "pidfd":
    case "group":
    case "group-at":
    case "write-fd":
    case "async":
    case "copy":
    case "flow":
    case "modes":
    case "rights":
    case "moves":
    case "pair":
    case "hears":
      return undefined;
    case "refuse":
      return look.refusal.kind === "errno" ||
          withoutQuestion(action).kind === "return"
        ? undefined
        : "nobody is there to end the jail";
    case "room":
    case "shared":
    case "output":
      return "nobody is there to count";
    case "answer":
    case "peer":
    case "retime":
    case "option":
    case "timeout":
      return `nobody is there to answer ${name}`;
  }
}
