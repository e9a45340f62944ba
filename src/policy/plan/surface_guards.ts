/** What the guards of the closed surface are made of: conditions, and what they do. */

import type { ErrnoName } from "../../abi/errno.ts";
import { AT_FDCWD } from "../../abi/fcntl.ts";
import { PROT_GROWSDOWN } from "../../abi/mman.ts";
import { PIN_END } from "../../abi/pin.ts";
import * as clone from "../../abi/sched.ts";
import { STOP_SIGNALS } from "../../abi/signal.ts";
import { S_IFBLK, S_IFCHR, S_IFMT } from "../../abi/stat.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import * as time from "../../abi/time.ts";
import type { RuleRef } from "../decision.ts";
import { jailRule } from "../fixed.ts";
import {
  allow,
  type ArgIndex,
  type ArgTest,
  below,
  bits,
  type FilterAction,
  type Guard,
  is,
  isNot,
  isZero,
  masked,
  refuse,
  TRACE,
} from "./guard.ts";

const DONE: FilterAction = { kind: "return", value: 0 };

/** As {@linkcode refuse}, until a policy allows the call by name. */
export function unlessAllowed(
  errno: ErrnoName,
  why: string,
  ...tests: ArgTest[]
): Guard {
  return { ...refuse(errno, why, ...tests), lifted: true };
}

/** Refused by the tracer, since it makes such calls itself. */
export function tracerRefuses(
  name: SyscallName,
  errno: ErrnoName,
  why: string,
  ...tests: ArgTest[]
): Guard {
  return {
    tests,
    why,
    action: {
      kind: "trace",
      look: {
        kind: "refuse",
        refusal: { kind: "errno", errno },
        rule: callRule(name, why),
      },
    },
  };
}

/** Seems to be done, and is not. */
export function pretend(why: string, ...tests: ArgTest[]): Guard {
  return { tests, action: DONE, why, quiet: true };
}

/** Stops or drops the output of a terminal, jail's perhaps. */
export function flows(...tests: ArgTest[]): Guard {
  return {
    tests,
    action: { kind: "trace", look: { kind: "flow", arg: 0 } },
    why: "it would stop or drop what jail writes",
  };
}

/** Why a copy between two descriptors is refused. */
export const KEEPS_PIPE = "it could keep a pipe to itself that jail writes to";

/**
 * Copies from where a descriptor is at to where another one is. A socket or a terminal
 * can be neither where an offset is given.
 */
export function copies(
  args: readonly [ArgIndex, ArgIndex],
  ...tests: ArgTest[]
): Guard {
  return {
    tests,
    action: { kind: "trace", look: { kind: "copy", args } },
    why: KEEPS_PIPE,
  };
}

/** The rule that stands for what always holds of a call. */
export function callRule(name: SyscallName, why: string): RuleRef {
  return jailRule(["calls", name], why);
}

/** It can only take away, but the tracer must not make other calls of its calls. */
export function filters(...tests: ArgTest[]): Guard {
  return { tests, action: TRACE, why: "it makes a filter of its own" };
}

/** What is asked of a descriptor, without a path, needs no look. */
export function ofDescriptor(): Guard[] {
  return [
    allow("it means a descriptor, or nothing", isZero(1), isNot(0, AT_FDCWD)),
  ];
}

/** What is asked about the caller itself needs no look. */
export function own(arg: ArgIndex): Guard[] {
  return [
    allow("it means the caller", is(arg, 0)),
    { tests: [], action: TRACE, why: "it may mean a process outside the jail" },
  ];
}

/** Why a call may not mean a user, nor every group. */
export const MEANS_OTHERS = "it means processes outside the jail";

/** As {@linkcode own}, for the calls that can also mean a group or a user. */
export function ownOf(thread: number, group: number): Guard[] {
  return [
    refuse("EPERM", MEANS_OTHERS, isNot(0, thread, group)),
    allow("it means the caller", is(0, thread), is(1, 0)),
    {
      tests: [],
      action: { kind: "trace", look: { kind: "pid", arg: 1 } },
      why: "it may mean a process outside the jail",
    },
  ];
}

/** Why a call may not reach the lowest pages. */
export const PINS = "the lowest pages hold what jail has checked";

/** Nothing may change the pages of `src/abi/pin.ts`, nor take their place. */
export function notPins(arg: ArgIndex): Guard[] {
  return [refuse("EPERM", PINS, below(arg, PIN_END))];
}

/** Protection that reaches down to wherever memory has grown. */
export function notDownwards(arg: ArgIndex): Guard[] {
  return [refuse("EINVAL", PINS, bits(arg, PROT_GROWSDOWN))];
}

/** The highest bit of an `int`. */
const NEGATIVE = 2 ** 31;

/** A clock of processor time names a process in its bits. */
export function ownClock(): Guard[] {
  return [
    {
      tests: [
        masked(
          0,
          NEGATIVE + time.CPUCLOCK_PERTHREAD + time.CPUCLOCK_MASK,
          NEGATIVE + time.CPUCLOCK_PROF,
          NEGATIVE + time.CPUCLOCK_VIRT,
          NEGATIVE + time.CPUCLOCK_SCHED,
        ),
        isNot(
          0,
          time.CPUCLOCK_SELF_PROF,
          time.CPUCLOCK_SELF_VIRT,
          time.CPUCLOCK_SELF_SCHED,
        ),
      ],
      action: { kind: "trace", look: { kind: "pid", arg: 0 } },
      why: "it may be the clock of a process outside the jail",
    },
  ];
}

/** The flags of clone(2) that make namespaces. */
export const NEW_NAMESPACE = clone.CLONE_NEWNS | clone.CLONE_NEWCGROUP |
  clone.CLONE_NEWUTS | clone.CLONE_NEWIPC | clone.CLONE_NEWUSER |
  clone.CLONE_NEWPID | clone.CLONE_NEWNET;

const NOT_HERE = "it reaches what the whole machine shares";

/**
 * A signal that stops a process, with a sender that the program makes up: by
 * whom it is stopped decides whether jail stops as well.
 */
export function noForgedStop(signal: ArgIndex, ...tests: ArgTest[]): Guard[] {
  return [
    refuse(
      "EPERM",
      "it makes up who stops a process",
      is(signal, ...STOP_SIGNALS),
      ...tests,
    ),
  ];
}

/** Objects of the whole machine; a kernel without them says ENOSYS. */
export const SHARED: readonly Guard[] = [unlessAllowed("ENOSYS", NOT_HERE)];

/** A device reaches what no rule speaks of. */
export function noDevices(mode: ArgIndex): Guard[] {
  return [
    refuse(
      "EPERM",
      "no device may be made",
      masked(mode, S_IFMT, S_IFCHR, S_IFBLK),
    ),
  ];
}
