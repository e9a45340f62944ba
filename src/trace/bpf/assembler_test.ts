import { assertEquals, assertThrows } from "@std/assert";
import { BPF_JMP_JEQ_K, SOCK_FILTER } from "../../abi/bpf.ts";
import { set } from "../../abi/layout.ts";
import { SECCOMP_DATA } from "../../abi/seccomp.ts";
import { Assembler } from "./assembler.ts";
import { interpret } from "./interpret.ts";

function call(nr: number): Uint8Array {
  const data = new Uint8Array(SECCOMP_DATA.size);
  set(SECCOMP_DATA, data, "nr", nr);
  return data;
}

Deno.test("assemble() makes the bytes that the kernel takes", () => {
  const asm = new Assembler();
  const no = asm.ret(0x8000_0000);
  const yes = asm.ret(0x7fff_0000);
  asm.load(0, asm.jump(BPF_JMP_JEQ_K, 57, yes, no));
  // deno-fmt-ignore
  assertEquals([...asm.assemble()], [
    0x20, 0, 0, 0, 0, 0, 0, 0,       // ld [0]
    0x15, 0, 0, 1, 57, 0, 0, 0,      // jeq #57, 0, 1
    0x06, 0, 0, 0, 0, 0, 0xff, 0x7f, // ret #0x7fff0000
    0x06, 0, 0, 0, 0, 0, 0, 0x80,    // ret #0x80000000
  ]);
});

for (const count of [1, 252, 253, 254, 255, 256, 257, 300, 600]) {
  for (const apart of [0, 1, 2, 600]) {
    Deno.test(`jump() gets over ${count} instructions, and over ${count + apart}`, () => {
      const asm = new Assembler();
      /** So many instructions that lead to a place. */
      const before = (many: number, place: number): number => {
        for (let i = 0; i < many; i++) place = asm.and(0xff, place);
        return place;
      };
      // What is returned here is no constant that could be returned elsewhere.
      const far = asm.load(4, asm.ret(1));
      const yes = before(apart, far);
      const no = asm.load(8, asm.ret(2));
      const between = before(count, no);
      asm.load(0, asm.jump(BPF_JMP_JEQ_K, 1, yes, no));
      assertEquals(interpret(asm.assemble(), call(1)), 1);
      assertEquals(interpret(asm.assemble(), call(2)), 2);
      asm.load(0, asm.jump(BPF_JMP_JEQ_K, 1, between, yes));
      assertEquals(interpret(asm.assemble(), call(1)), 2);
      assertEquals(interpret(asm.assemble(), call(2)), 1);
    });
  }
}

Deno.test("load() and and() go on at any place", () => {
  const asm = new Assembler();
  const one = asm.ret(1);
  asm.ret(2);
  asm.load(0, one);
  assertEquals(interpret(asm.assemble(), call(0)), 1);
  asm.and(0, one);
  assertEquals(interpret(asm.assemble(), call(0)), 1);
});

Deno.test("ret() returns a value once for all that are near, and again where they are not", () => {
  const asm = new Assembler();
  const last = asm.ret(7);
  assertEquals(asm.ret(7), last);
  let place = asm.ret(8);
  for (let i = 0; i < 300; i++) place = asm.and(0, place);
  const again = asm.ret(7);
  assertEquals(again, place + 1);
  // A jump to what is far and only returns returns so at once.
  asm.load(0, asm.jump(BPF_JMP_JEQ_K, 1, last, place));
  assertEquals(interpret(asm.assemble(), call(1)), 7);
  assertEquals(interpret(asm.assemble(), call(2)), 8);
  assertEquals(asm.assemble().length / SOCK_FILTER.size, again + 2);
});

Deno.test("past() is behind what loads the word that A is already", () => {
  const asm = new Assembler();
  const end = asm.ret(0);
  const loads = asm.load(16, end);
  assertEquals(asm.past(loads, 16), end);
  assertEquals(asm.past(loads, 20), loads);
  assertEquals(asm.past(end, 16), end);
});

Deno.test("a program that is too long for the kernel is refused", () => {
  const asm = new Assembler();
  let place = asm.ret(0);
  for (let i = 1; i < 4096; i++) place = asm.and(0, place);
  assertEquals(asm.assemble().length / SOCK_FILTER.size, 4096);
  assertThrows(() => asm.and(0, place), RangeError, "takes 4096 instructions");
});
