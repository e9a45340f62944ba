import { assertEquals, assertThrows } from "@std/assert";
import * as bpf from "../../abi/bpf.ts";
import { set } from "../../abi/layout.ts";
import { SECCOMP_DATA } from "../../abi/seccomp.ts";
import { interpret } from "./interpret.ts";

type Instruction = readonly [code: number, k: number, jt?: number, jf?: number];

function program(...all: Instruction[]): Uint8Array {
  const bytes = new Uint8Array(all.length * bpf.SOCK_FILTER.size);
  all.forEach(([code, k, jt = 0, jf = 0], i) => {
    const one = bytes.subarray(i * bpf.SOCK_FILTER.size);
    set(bpf.SOCK_FILTER, one, "code", code);
    set(bpf.SOCK_FILTER, one, "jt", jt);
    set(bpf.SOCK_FILTER, one, "jf", jf);
    set(bpf.SOCK_FILTER, one, "k", k >>> 0);
  });
  return bytes;
}

const DATA = new Uint8Array(SECCOMP_DATA.size);
set(SECCOMP_DATA, DATA, "nr", 257);
set(SECCOMP_DATA, DATA, "arg1", 0xfedc_ba98_7654_3210n);

const { arg1 } = SECCOMP_DATA.fields;
const RETURN: Instruction = [bpf.BPF_RET_A, 0];

function imm(a: number, x: number, code: number): Uint8Array {
  return program(
    [bpf.BPF_LDX_IMM, x],
    [bpf.BPF_LD_IMM, a],
    [code, x],
    RETURN,
  );
}

const ARITHMETIC: readonly [string, number, number, number, number][] = [
  ["ADD", bpf.BPF_ALU_ADD_K, 0xffff_ffff, 2, 1],
  ["ADD X", bpf.BPF_ALU_ADD_X, 0xffff_ffff, 2, 1],
  ["SUB", bpf.BPF_ALU_SUB_K, 1, 2, 0xffff_ffff],
  ["SUB X", bpf.BPF_ALU_SUB_X, 1, 2, 0xffff_ffff],
  ["MUL", bpf.BPF_ALU_MUL_K, 0xffff_ffff, 0xffff_ffff, 1],
  ["MUL X", bpf.BPF_ALU_MUL_X, 0x8000_0001, 3, 0x8000_0003],
  ["DIV", bpf.BPF_ALU_DIV_K, 0xffff_ffff, 2, 0x7fff_ffff],
  ["DIV X", bpf.BPF_ALU_DIV_X, 7, 2, 3],
  ["DIV X by 0", bpf.BPF_ALU_DIV_X, 7, 0, 0],
  ["AND", bpf.BPF_ALU_AND_K, 0xff00_ff00, 0xf0f0_f0f0, 0xf000_f000],
  ["AND X", bpf.BPF_ALU_AND_X, 0xff00_ff00, 0xf0f0_f0f0, 0xf000_f000],
  ["OR", bpf.BPF_ALU_OR_K, 0x8000_0000, 1, 0x8000_0001],
  ["OR X", bpf.BPF_ALU_OR_X, 0x8000_0000, 1, 0x8000_0001],
  ["XOR", bpf.BPF_ALU_XOR_K, 0xffff_ffff, 1, 0xffff_fffe],
  ["XOR X", bpf.BPF_ALU_XOR_X, 0xffff_ffff, 1, 0xffff_fffe],
  ["LSH", bpf.BPF_ALU_LSH_K, 3, 31, 0x8000_0000],
  ["LSH X", bpf.BPF_ALU_LSH_X, 1, 33, 2],
  ["RSH", bpf.BPF_ALU_RSH_K, 0x8000_0000, 31, 1],
  ["RSH X", bpf.BPF_ALU_RSH_X, 0x8000_0000, 31, 1],
  ["NEG", bpf.BPF_ALU_NEG, 1, 0, 0xffff_ffff],
  ["TXA", bpf.BPF_MISC_TXA, 1, 9, 9],
];

for (const [name, code, a, x, wanted] of ARITHMETIC) {
  Deno.test(`interpret() does ${name} in 32 bits`, () => {
    assertEquals(interpret(imm(a, x, code), DATA), wanted);
  });
}

const JUMPS: readonly [string, number, number, number, boolean][] = [
  ["JEQ", bpf.BPF_JMP_JEQ_K, 0x8000_0000, 0x8000_0000, true],
  ["JEQ", bpf.BPF_JMP_JEQ_K, 1, 2, false],
  ["JEQ X", bpf.BPF_JMP_JEQ_X, 2, 2, true],
  ["JGT", bpf.BPF_JMP_JGT_K, 0xffff_ffff, 1, true],
  ["JGT", bpf.BPF_JMP_JGT_K, 1, 1, false],
  ["JGT X", bpf.BPF_JMP_JGT_X, 0xffff_ffff, 1, true],
  ["JGE", bpf.BPF_JMP_JGE_K, 1, 1, true],
  ["JGE X", bpf.BPF_JMP_JGE_X, 0, 0xffff_ffff, false],
  ["JSET", bpf.BPF_JMP_JSET_K, 0x8000_0000, 0xffff_ffff, true],
  ["JSET", bpf.BPF_JMP_JSET_K, 1, 2, false],
  ["JSET X", bpf.BPF_JMP_JSET_X, 3, 2, true],
];

for (const [name, code, a, x, taken] of JUMPS) {
  Deno.test(`interpret() ${taken ? "takes" : "does not take"} ${name} ${a} ${x}`, () => {
    const filter = program(
      [bpf.BPF_LDX_IMM, x],
      [bpf.BPF_LD_IMM, a],
      [code, x, 1, 0],
      [bpf.BPF_RET_K, 100],
      [bpf.BPF_RET_K, 200],
    );
    assertEquals(interpret(filter, DATA), taken ? 200 : 100);
  });
}

Deno.test("interpret() loads both words of an argument", () => {
  const low = program([bpf.BPF_LD_W_ABS, arg1[0]], RETURN);
  const high = program([bpf.BPF_LD_W_ABS, arg1[0] + 4], RETURN);
  assertEquals(interpret(low, DATA), 0x7654_3210);
  assertEquals(interpret(high, DATA), 0xfedc_ba98);
});

Deno.test("interpret() keeps words in scratch memory and moves A and X", () => {
  const filter = program(
    [bpf.BPF_LD_IMM, 7],
    [bpf.BPF_ST, 15],
    [bpf.BPF_LDX_W_LEN, 0],
    [bpf.BPF_STX, 0],
    [bpf.BPF_LDX_MEM, 15],
    [bpf.BPF_LD_MEM, 0],
    [bpf.BPF_ALU_ADD_X, 0],
    [bpf.BPF_MISC_TAX, 0],
    [bpf.BPF_LD_W_LEN, 0],
    [bpf.BPF_ALU_ADD_X, 0],
    [bpf.BPF_JMP_JA, 1],
    [bpf.BPF_RET_K, 0],
    RETURN,
  );
  assertEquals(interpret(filter, DATA), 64 + 64 + 7);
});

const REFUSED: readonly [string, Uint8Array][] = [
  ["a load beside a word", program([bpf.BPF_LD_W_ABS, 2], RETURN)],
  ["a load behind the data", program([bpf.BPF_LD_W_ABS, 64], RETURN)],
  ["a load of a byte", program([0x30, 0], RETURN)],
  ["a division by the constant 0", imm(1, 0, bpf.BPF_ALU_DIV_K)],
  ["a shift by 32", imm(1, 32, bpf.BPF_ALU_LSH_K)],
  ["a word behind the scratch memory", program([bpf.BPF_ST, 16], RETURN)],
  ["the lack of a return", program([bpf.BPF_LD_IMM, 0])],
];

for (const [name, filter] of REFUSED) {
  Deno.test(`interpret() refuses ${name}`, () => {
    assertThrows(
      () => interpret(filter, DATA),
      RangeError,
      "Cannot run filter",
    );
  });
}
