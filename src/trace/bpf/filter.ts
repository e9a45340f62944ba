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
} from "../../policy/plan/guard.ts";
import type { CallEntry, CallPlan } from "../../policy/plan/plan.ts";
import { Assembler, type Label } from "./assembler.ts";

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

/** What the plan does with a run of numbers that starts at `from`. */
interface Run {
  readonly from: number;
  readonly leaf: Leaf;
}

/** What is done with a call; two that are equal have the same key. */
interface Leaf {
  readonly key: string;
  readonly entry: CallEntry;
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
  const native = asm.label();
  asm.load(ARCH);
  asm.jump(BPF_JMP_JEQ_K, arch.audit, { yes: native });
  asm.ret(SECCOMP_RET_KILL_PROCESS);
  asm.place(native);
  asm.load(NR);
  const blocks = new Map<string, { label: Label; entry: CallEntry }>();
  const all = runs(plan, arch);
  emitTree(asm, all, 0, all.length, blocks);
  for (const { label, entry } of blocks.values()) {
    asm.place(label);
    emitEntry(asm, entry);
  }
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
  for (const [name, entry] of plan) {
    const number = SYSCALLS[name][arch.name];
    if (number !== undefined) known[number] = leafOf(entry);
  }
  const unknown = leafOf({
    guards: [],
    action: { kind: "return", value: -ENOSYS },
  });
  const all: Run[] = [];
  // The first that it does not have is one behind the last.
  for (let from = 0; from <= known.length; from++) {
    const leaf = known[from] ?? unknown;
    if (all.at(-1)?.leaf.key !== leaf.key) all.push({ from, leaf });
  }
  // The kernel makes no call of it, and leaves the result as it is: ENOSYS, or
  // what a tracer has put there.
  all.push({
    from: SKIPPED,
    leaf: leafOf({ guards: [], action: { kind: "allow" } }),
  });
  return all;
}

function leafOf(entry: CallEntry): Leaf {
  if (entry.guards.length === 0) {
    return { key: `[[],${returnValue(entry.action)}]`, entry };
  }
  const guards = entry.guards.map((g) => [g.tests, returnValue(g.action)]);
  return { key: JSON.stringify([guards, returnValue(entry.action)]), entry };
}

/** Finds the run of a number among some by halving, with A = the number. */
function emitTree(
  asm: Assembler,
  all: readonly Run[],
  first: number,
  end: number,
  blocks: Map<string, { label: Label; entry: CallEntry }>,
): void {
  if (end - first > 1) {
    const middle = (first + end) >> 1;
    const right = asm.label();
    asm.jump(BPF_JMP_JGE_K, (all[middle] as Run).from, { yes: right });
    emitTree(asm, all, first, middle, blocks);
    asm.place(right);
    emitTree(asm, all, middle, end, blocks);
    return;
  }
  const { key, entry } = (all[first] as Run).leaf;
  if (entry.guards.length === 0) return asm.ret(returnValue(entry.action));
  const block = blocks.get(key) ?? { label: asm.label(), entry };
  blocks.set(key, block);
  asm.goto(block.label);
}

function emitEntry(asm: Assembler, entry: CallEntry): void {
  for (const { tests, action } of entry.guards) {
    const next = asm.label();
    for (const test of tests) emitTest(asm, test, next);
    asm.ret(returnValue(action));
    if (tests.length === 0) return;
    asm.place(next);
  }
  asm.ret(returnValue(entry.action));
}

/** Goes on where the condition holds, and to `fail` where it does not. */
function emitTest(asm: Assembler, test: ArgTest, fail: Label): void {
  const low = ARGS[test.arg];
  const high = low + 4;
  switch (test.kind) {
    case "in":
      asm.load(low);
      return emitIsOneOf(asm, test.values, fail);
    case "not-in":
      asm.load(low);
      for (const k of test.values) asm.jump(BPF_JMP_JEQ_K, k, { yes: fail });
      return;
    case "masked-in":
      asm.load(low);
      asm.and(test.mask);
      return emitIsOneOf(asm, test.values, fail);
    case "any-bits":
      asm.load(low);
      return asm.jump(BPF_JMP_JSET_K, test.mask, { no: fail });
    case "other-bits": {
      const done = asm.label();
      asm.load(high);
      asm.jump(BPF_JMP_JEQ_K, 0, { no: done });
      asm.load(low);
      asm.jump(BPF_JMP_JSET_K, ~test.mask, { no: fail });
      return asm.place(done);
    }
    case "zero":
      asm.load(high);
      asm.jump(BPF_JMP_JEQ_K, 0, { no: fail });
      asm.load(low);
      return asm.jump(BPF_JMP_JEQ_K, 0, { no: fail });
    case "nonzero": {
      const done = asm.label();
      asm.load(high);
      asm.jump(BPF_JMP_JEQ_K, 0, { no: done });
      asm.load(low);
      asm.jump(BPF_JMP_JEQ_K, 0, { yes: fail });
      return asm.place(done);
    }
    case "below":
      asm.load(high);
      asm.and(ADDRESS_HIGH_MASK);
      asm.jump(BPF_JMP_JEQ_K, 0, { no: fail });
      asm.load(low);
      return asm.jump(BPF_JMP_JGE_K, test.end, { yes: fail });
  }
}

function emitIsOneOf(
  asm: Assembler,
  values: readonly number[],
  fail: Label,
): void {
  const done = asm.label();
  for (const k of values) asm.jump(BPF_JMP_JEQ_K, k, { yes: done });
  asm.goto(fail);
  asm.place(done);
}
