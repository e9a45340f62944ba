/** A plan as the BPF program that the kernel runs at every call. */

import type { Arch } from "../../abi/arch.ts";
import { BPF_JMP_JEQ_K, BPF_JMP_JGE_K, BPF_JMP_JSET_K } from "../../abi/bpf.ts";
import { ENOSYS, ERRNO, isErrnoResult } from "../../abi/errno.ts";
import {
  SECCOMP_DATA,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_USER_NOTIF,
} from "../../abi/seccomp.ts";
import { SYSCALLS } from "../../abi/syscalls.ts";
import {
  ADDRESS_HIGH_MASK,
  type ArgTest,
  type FilterAction,
  type Guard,
} from "../../policy/plan/guard.ts";
import type { CallEntry, CallPlan } from "../../policy/plan/plan.ts";
import { Assembler, type Place } from "./assembler.ts";

const NR = SECCOMP_DATA.fields.nr[0];
const ARCH = SECCOMP_DATA.fields.arch[0];
const ARGS = [
  SECCOMP_DATA.fields.arg0[0],
  SECCOMP_DATA.fields.arg1[0],
  SECCOMP_DATA.fields.arg2[0],
  SECCOMP_DATA.fields.arg3[0],
  SECCOMP_DATA.fields.arg4[0],
  SECCOMP_DATA.fields.arg5[0],
] as const;

/** The number that is no call: what a tracer makes of one that is not to be made. */
const SKIPPED = 0xffff_ffff;

/** What is done with a call. */
interface Leaf {
  /** What is asked, in this order. */
  readonly guards: readonly Guard[];
  /** What is returned where none of them holds. */
  readonly value: number;
  /** Two that are equal do the same. */
  readonly key: number | string;
}

/** What the plan does with a run of numbers that starts at `from`. */
interface Run {
  readonly from: number;
  readonly leaf: Leaf;
}

/**
 * Makes the filter of a plan.
 *
 * Another architecture's call (`int 0x80`) kills. A number that the plan does
 * not have fails with ENOSYS, as in a kernel that is older: all of x32, and
 * whatever future kernels add. What the plan allows without a condition is
 * found by comparing numbers alone, so the kernel remembers it and does not run
 * the filter for it again (`seccomp_cache_prepare()`).
 *
 * @param plan what happens to each call
 * @param arch the architecture
 * @returns an array of `struct sock_filter`
 */
export function assemble(plan: CallPlan, arch: Arch): Uint8Array<ArrayBuffer> {
  const asm = new Assembler();
  const all = runs(plan, arch);
  const blocks = new Map<Leaf["key"], Place>();
  for (const { leaf } of all) {
    if (leaf.guards.length === 0 || blocks.has(leaf.key)) continue;
    blocks.set(leaf.key, emitLeaf(asm, leaf));
  }
  const native = asm.load(NR, emitTree(asm, all, 0, all.length, blocks));
  const other = asm.ret(SECCOMP_RET_KILL_PROCESS);
  asm.load(ARCH, asm.jump(BPF_JMP_JEQ_K, arch.audit, native, other));
  return asm.assemble();
}

/**
 * What a filter returns for an action.
 *
 * @param action the action
 * @returns `SECCOMP_RET_*`, with its data
 * @throws {RangeError} if it returns what a filter cannot
 */
export function returnValue(action: FilterAction): number {
  switch (action.kind) {
    case "allow":
      return SECCOMP_RET_ALLOW;
    case "errno":
      return SECCOMP_RET_ERRNO | ERRNO[action.errno];
    case "kill":
      return SECCOMP_RET_KILL_PROCESS;
    case "return":
      if (!isErrnoResult(action.value)) {
        throw new RangeError(
          `Cannot assemble filter: it cannot return ${action.value}`,
        );
      }
      return SECCOMP_RET_ERRNO | -action.value;
    case "trace":
      return action.waits === true ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_TRACE;
  }
}

/** All numbers of 32 bits, as runs of which neighbours differ. */
function runs(plan: CallPlan, arch: Arch): Run[] {
  const known: Leaf[] = [];
  plan.forEach((entry, name) => {
    const number = SYSCALLS[name][arch.name];
    if (number !== undefined) known[number] = leafOf(entry);
  });
  const unknown = constant(SECCOMP_RET_ERRNO | ENOSYS);
  const all: Run[] = [];
  let last: Leaf | undefined;
  // The first that it does not have is one behind the last.
  for (let from = 0; from <= known.length; from++) {
    const leaf = known[from] ?? unknown;
    if (leaf.key !== last?.key) all.push({ from, leaf });
    last = leaf;
  }
  // The kernel makes no call of it, and leaves the result as it is: ENOSYS, or
  // what a tracer has put there.
  all.push({ from: SKIPPED, leaf: constant(SECCOMP_RET_ALLOW) });
  return all;
}

function leafOf({ guards, action }: CallEntry): Leaf {
  if (guards.length === 0) return constant(returnValue(action));
  // What comes behind a guard without a condition is never reached.
  const always = guards.findIndex(({ tests }) => tests.length === 0);
  const value = returnValue(guards[always]?.action ?? action);
  const reached = always < 0 ? guards : guards.slice(0, always);
  // Nor need be asked what changes nothing.
  const last = reached.findLastIndex(({ action }) =>
    returnValue(action) !== value
  );
  if (last < 0) return constant(value);
  const asked = reached.slice(0, last + 1);
  const what = asked.map(({ tests, action }) => [tests, returnValue(action)]);
  return { guards: asked, value, key: JSON.stringify([what, value]) };
}

function constant(value: number): Leaf {
  return { guards: [], value, key: value };
}

/** Finds the run of a number among some by halving, with A = the number. */
function emitTree(
  asm: Assembler,
  all: readonly Run[],
  first: number,
  end: number,
  blocks: ReadonlyMap<Leaf["key"], Place>,
): Place {
  if (end - first > 1) {
    const middle = (first + end) >> 1;
    const right = emitTree(asm, all, middle, end, blocks);
    const left = emitTree(asm, all, first, middle, blocks);
    return asm.jump(BPF_JMP_JGE_K, (all[middle] as Run).from, right, left);
  }
  const { key, value } = (all[first] as Run).leaf;
  return blocks.get(key) ?? asm.ret(value);
}

function emitLeaf(asm: Assembler, { guards, value }: Leaf): Place {
  let place = asm.ret(value);
  for (let i = guards.length; i-- > 0;) {
    const { tests, action } = guards[i] as Guard;
    const no = place;
    place = asm.ret(returnValue(action));
    for (let j = tests.length; j-- > 0;) {
      place = emitTest(asm, tests[j] as ArgTest, place, no);
    }
  }
  return place;
}

/** Goes on at `yes` where the condition holds, and at `no` where it does not. */
function emitTest(asm: Assembler, test: ArgTest, yes: Place, no: Place): Place {
  const low = ARGS[test.arg];
  switch (test.kind) {
    case "in":
      return asm.load(low, emitIsOneOf(asm, low, test.values, yes, no));
    case "not-in":
      return asm.load(low, emitIsOneOf(asm, low, test.values, no, yes));
    case "masked-in": {
      const is = emitIsOneOf(asm, undefined, test.values, yes, no);
      return asm.load(low, asm.and(test.mask, is));
    }
    case "any-bits":
      return asm.load(low, asm.jump(BPF_JMP_JSET_K, test.mask, yes, no));
    case "other-bits": {
      const has = asm.jump(BPF_JMP_JSET_K, ~test.mask, yes, no);
      return emitIsZero(asm, low + 4, asm.load(low, has), yes);
    }
    case "zero":
      return emitIsZero(asm, low + 4, emitIsZero(asm, low, yes, no), no);
    case "nonzero":
      return emitIsZero(asm, low + 4, emitIsZero(asm, low, no, yes), yes);
    case "below": {
      const is = asm.load(low, asm.jump(BPF_JMP_JGE_K, test.end, no, yes));
      const high = asm.jump(BPF_JMP_JEQ_K, 0, is, no);
      return asm.load(low + 4, asm.and(ADDRESS_HIGH_MASK, high));
    }
  }
}

function emitIsZero(
  asm: Assembler,
  word: number,
  yes: Place,
  no: Place,
): Place {
  return asm.load(word, asm.jump(BPF_JMP_JEQ_K, 0, yes, no));
}

/** With A = the word, or what is left of it where that is none. */
function emitIsOneOf(
  asm: Assembler,
  word: number | undefined,
  values: readonly number[],
  yes: Place,
  no: Place,
): Place {
  const is = word === undefined ? yes : asm.past(yes, word);
  let place = word === undefined ? no : asm.past(no, word);
  for (let i = values.length; i-- > 0;) {
    place = asm.jump(BPF_JMP_JEQ_K, values[i] as number, is, place);
  }
  return place;
}
