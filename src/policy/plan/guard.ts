/** Conditions on constant arguments, and what they do with a call. */

import type { ErrnoName } from "../../abi/errno.ts";
import type { Refusal, RuleRef } from "../decision.ts";

/** Index of an argument. */
export type ArgIndex = 0 | 1 | 2 | 3 | 4 | 5;

/**
 * A condition on one argument, as the kernel takes it.
 *
 * An `int` is the low 32 bits of its register, whatever the rest holds. An
 * `address` is compared without its top byte: arm64 ignores that byte in calls
 * that manage memory, and x86-64 can be told to.
 */
export type ArgTest =
  /** `int`: it is one of these. */
  | {
    readonly kind: "in";
    readonly arg: ArgIndex;
    readonly values: readonly number[];
  }
  /** `int`: it is none of these. */
  | {
    readonly kind: "not-in";
    readonly arg: ArgIndex;
    readonly values: readonly number[];
  }
  /** `int`: its bits under the mask are one of these. */
  | {
    readonly kind: "masked-in";
    readonly arg: ArgIndex;
    readonly mask: number;
    readonly values: readonly number[];
  }
  /** `int`: it has one of these bits. */
  | { readonly kind: "any-bits"; readonly arg: ArgIndex; readonly mask: number }
  /** All 64 bits: it has a bit besides these, which are below bit 32. */
  | {
    readonly kind: "other-bits";
    readonly arg: ArgIndex;
    readonly mask: number;
  }
  /** All 64 bits: it is 0. */
  | { readonly kind: "zero"; readonly arg: ArgIndex }
  /** All 64 bits: it is not 0. */
  | { readonly kind: "nonzero"; readonly arg: ArgIndex }
  /** Address: it is below this one, which is below 2^32. */
  | { readonly kind: "below"; readonly arg: ArgIndex; readonly end: number };

/** What the tracer has to look at where the filter leaves a call to it. */
export type Look =
  /** The arguments, as the call's row in the table of calls says. */
  | { readonly kind: "call" }
  /** A process id, or minus a group, or a process's clock: it must be of this jail. */
  | { readonly kind: "pid"; readonly arg: ArgIndex }
  /** A process group: it must be of this jail. */
  | { readonly kind: "group"; readonly arg: ArgIndex }
  /** A descriptor of a process, which must be of this jail. */
  | { readonly kind: "pidfd"; readonly arg: ArgIndex }
  /** A pointer to a process group, which must be of this jail. */
  | { readonly kind: "group-at"; readonly arg: ArgIndex }
  /** A descriptor: the policy must let its file be written. */
  | { readonly kind: "write-fd"; readonly arg: ArgIndex }
  /** A descriptor: of a terminal that jail may write to it only seems to be made. */
  | { readonly kind: "flow"; readonly arg: ArgIndex }
  /**
   * A descriptor: one of a socket or a pipe may have its owner signalled, who must be
   * of this jail; and no pipe be read otherwise by all who use it.
   */
  | { readonly kind: "async"; readonly arg: ArgIndex }
  /**
   * A descriptor: the terminal that jail is at stays as a job outside has it in
   * front.
   */
  | { readonly kind: "modes"; readonly arg: ArgIndex }
  /**
   * A descriptor: where it is the program's output, what is written counts. The
   * size is an argument, or that of a vector as writev(2) takes it (-1), or it is
   * not told by what is returned (`refuse`).
   */
  | {
    readonly kind: "output";
    readonly fd: ArgIndex;
    readonly size: ArgIndex | -1 | "refuse";
  }
  /** Two descriptors: one of a pipe must not be kept from others by the other one. */
  | { readonly kind: "copy"; readonly args: readonly [ArgIndex, ArgIndex] }
  /** A descriptor: a socket for datagrams could get by an option what is for others. */
  | { readonly kind: "option"; readonly arg: ArgIndex }
  /** A descriptor: by one that was handed in others hear, what jail says perhaps. */
  | { readonly kind: "hears"; readonly arg: ArgIndex }
  /** Nothing: its process may do less than jail, or more, from then on. */
  | { readonly kind: "rights" }
  /** Nothing: its process works elsewhere from then on. */
  | { readonly kind: "moves" }
  /** Nothing: there must be room for the process or thread that it makes. */
  | { readonly kind: "room" }
  /** A mapping that may be shared: its memory may be no process's, and counts. */
  | { readonly kind: "shared" }
  /** A pair of sockets for datagrams: it gets one that reaches nobody else. */
  | { readonly kind: "pair" }
  /** The address that it gives: that of the resolver where jail answered. */
  | { readonly kind: "peer" }
  /** Nothing: it gives the result that the policy's facts say. */
  | { readonly kind: "answer" }
  /** A time of day that it waits for, the kernel's then; or one that it tells of. */
  | { readonly kind: "retime" }
  /** Where it reads how long it may wait, and would tell how much of that is left. */
  | { readonly kind: "timeout"; readonly arg: ArgIndex }
  /** Nothing: it refuses. */
  | {
    readonly kind: "refuse";
    readonly refusal: Refusal;
    readonly rule: RuleRef;
  };

/** What the filter does with a call. */
export type FilterAction =
  /** It is made. */
  | { readonly kind: "allow" }
  /** It fails. */
  | { readonly kind: "errno"; readonly errno: ErrnoName }
  /** SIGSYS to the process. */
  | { readonly kind: "kill" }
  /** It is not made, and seems to return this: 0, or a negated errno. */
  | { readonly kind: "return"; readonly value: number }
  /** The tracer is asked: the call stops, or waits for the tracer's answer. */
  | {
    readonly kind: "trace";
    readonly look: Look;
    readonly waits?: boolean;
  };

/** What happens to a call where its arguments meet conditions. */
export interface Guard {
  /** All of them must hold; none is always. */
  readonly tests: readonly ArgTest[];
  /** What happens then. */
  readonly action: FilterAction;
  /** Why, for a person. */
  readonly why: string;
  /** Where a policy says so; without it, it always holds. */
  readonly rule?: RuleRef;
  /** Whether `calls: {allow}` that names the call makes it allow. */
  readonly lifted?: boolean;
  /** Whether it is so common that a report of it would only be noise. */
  readonly quiet?: boolean;
}

/** It is made. */
export const ALLOW: FilterAction = { kind: "allow" };
/** The tracer looks at all of it. */
export const TRACE: FilterAction = { kind: "trace", look: { kind: "call" } };

/** Lets a call go. */
export function allow(why: string, ...tests: ArgTest[]): Guard {
  return { tests, action: ALLOW, why };
}

/** Lets a call fail. */
export function refuse(
  errno: ErrnoName,
  why: string,
  ...tests: ArgTest[]
): Guard {
  return { tests, action: { kind: "errno", errno }, why };
}

/** The arguments of one call. */
export interface CallArguments {
  /** The low 32 bits of an argument, unsigned. */
  uint(index: number): number;
  /**
   * All 64 bits of an argument, unsigned. Above 2^53 the last bits may be
   * rounded, which changes no answer of {@linkcode holds}.
   */
  address(index: number): number;
}

const HIGH = 2 ** 32;

/** What of the high word of an address counts. */
export const ADDRESS_HIGH_MASK = 0x00ff_ffff;

/**
 * Tells whether a condition holds.
 *
 * @param test the condition
 * @param args the arguments
 * @returns whether it does
 */
export function holds(test: ArgTest, args: CallArguments): boolean {
  const low = args.uint(test.arg);
  switch (test.kind) {
    case "in":
      return has(test.values, low);
    case "not-in":
      return !has(test.values, low);
    case "masked-in":
      return has(test.values, (low & test.mask) >>> 0);
    case "any-bits":
      return (low & test.mask) !== 0;
    case "other-bits":
      return args.address(test.arg) >= HIGH || (low & ~test.mask) !== 0;
    case "zero":
      return args.address(test.arg) === 0;
    case "nonzero":
      return args.address(test.arg) !== 0;
    case "below": {
      const high = Math.floor(args.address(test.arg) / HIGH);
      return (high & ADDRESS_HIGH_MASK) === 0 && low < test.end;
    }
  }
}

function has(values: readonly number[], low: number): boolean {
  return values.some((value) => value >>> 0 === low);
}

/** `int`: the argument is one of `values`. */
export function is(arg: ArgIndex, ...values: number[]): ArgTest {
  return { kind: "in", arg, values };
}

/** `int`: the argument is none of `values`. */
export function isNot(arg: ArgIndex, ...values: number[]): ArgTest {
  return { kind: "not-in", arg, values };
}

/** `int`: the argument's bits under `mask` are one of `values`. */
export function masked(
  arg: ArgIndex,
  mask: number,
  ...values: number[]
): ArgTest {
  return { kind: "masked-in", arg, mask, values };
}

/** `int`: the argument has one of the bits of `mask`. */
export function bits(arg: ArgIndex, mask: number): ArgTest {
  return { kind: "any-bits", arg, mask };
}

/** All 64 bits: the argument has a bit besides those of `mask`. */
export function otherBits(arg: ArgIndex, mask: number): ArgTest {
  return { kind: "other-bits", arg, mask };
}

/** All 64 bits: the argument is 0. */
export function isZero(arg: ArgIndex): ArgTest {
  return { kind: "zero", arg };
}

/** All 64 bits: the argument is not 0. */
export function isSet(arg: ArgIndex): ArgTest {
  return { kind: "nonzero", arg };
}

/** Address: the argument is below `end`. */
export function below(arg: ArgIndex, end: number): ArgTest {
  return { kind: "below", arg, end };
}
