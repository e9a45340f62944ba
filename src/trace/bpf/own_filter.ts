/**
 * What is put before a filter of a program's own: it lets the opens pass that jail
 * makes of the program's, which the filter has let pass as the program made them.
 *
 * Jail makes each an openat2(2), since that alone follows no link. Many filters do
 * not know that call, and some kill for it. It is known by its path, which is in the
 * pages that jail alone writes: what the program itself makes by a path there is
 * refused before (`src/policy/plan/surface.ts`).
 */

import type { ArchName } from "../../abi/arch.ts";
import {
  BPF_JMP_JEQ_K,
  BPF_JMP_JGE_K,
  BPF_MAXINSNS,
  SOCK_FILTER,
} from "../../abi/bpf.ts";
import { PIN_END, PIN_START } from "../../abi/pin.ts";
import { SECCOMP_DATA, SECCOMP_RET_ALLOW } from "../../abi/seccomp.ts";
import { SYSCALLS } from "../../abi/syscalls.ts";
import { Assembler, type Place } from "./assembler.ts";

const { nr: [NR], arg1: [PATH] } = SECCOMP_DATA.fields;
/** The higher word of an argument comes behind the lower one. */
const HIGHER = 4;

/**
 * Puts what lets jail's opens pass before a filter.
 *
 * @param arch whose numbers calls have
 * @param filter an array of `struct sock_filter`
 * @returns the longer one; `undefined` where it is longer than the kernel takes
 */
export function passingOpens(
  arch: ArchName,
  filter: Uint8Array,
): Uint8Array | undefined {
  const before = beforeFilter(arch);
  const all = new Uint8Array(before.length + filter.length);
  if (all.length > BPF_MAXINSNS * SOCK_FILTER.size) return undefined;
  all.set(before);
  all.set(filter, before.length);
  return all;
}

function beforeFilter(arch: ArchName): Uint8Array {
  const asm = new Assembler();
  const end: Place = 0;
  // The filter begins as it would without this.
  const own = asm.set(0, end);
  const pass = asm.ret(SECCOMP_RET_ALLOW);
  const low = asm.load(
    PATH,
    asm.jump(
      BPF_JMP_JGE_K,
      PIN_END,
      own,
      asm.jump(BPF_JMP_JGE_K, PIN_START, pass, own),
    ),
  );
  const high = asm.load(PATH + HIGHER, asm.jump(BPF_JMP_JEQ_K, 0, low, own));
  const openat2 = SYSCALLS.openat2[arch] as number;
  asm.load(NR, asm.jump(BPF_JMP_JEQ_K, openat2, high, own));
  return asm.assemble();
}
