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
  const other = asm.label();
  asm.load(0);
  asm.jump(BPF_JMP_JEQ_K, 57, { no: other });
  asm.ret(0x7fff_0000);
  asm.place(other);
  asm.ret(0x8000_0000);
  // deno-fmt-ignore
  assertEquals([...asm.assemble()], [
    0x20, 0, 0, 0, 0, 0, 0, 0,       // ld [0]
    0x15, 0, 0, 1, 57, 0, 0, 0,      // jeq #57, 0, 1
    0x06, 0, 0, 0, 0, 0, 0xff, 0x7f, // ret #0x7fff0000
    0x06, 0, 0, 0, 0, 0, 0, 0x80,    // ret #0x80000000
  ]);
});

for (const count of [1, 254, 255, 256, 257, 300, 600]) {
  Deno.test(`assemble() jumps over ${count} instructions, both ways`, () => {
    const asm = new Assembler();
    const yes = asm.label();
    const no = asm.label();
    asm.load(0);
    asm.jump(BPF_JMP_JEQ_K, 1, { yes, no });
    for (let i = 0; i < count; i++) asm.and(0);
    asm.place(no);
    asm.ret(200);
    asm.place(yes);
    asm.ret(100);
    const filter = asm.assemble();
    assertEquals(interpret(filter, call(1)), 100);
    assertEquals(interpret(filter, call(2)), 200);
  });
}

Deno.test("load() loads a word once on every way to it", () => {
  const asm = new Assembler();
  const both = asm.label();
  const either = asm.label();
  asm.load(0);
  asm.jump(BPF_JMP_JEQ_K, 1, { yes: both });
  asm.place(both);
  asm.load(0); // on both ways A is that word
  asm.jump(BPF_JMP_JEQ_K, 2, { yes: either });
  asm.load(4);
  asm.place(either);
  asm.load(0); // on one way it is not
  asm.ret(0);
  assertEquals(asm.assemble().length / SOCK_FILTER.size, 6);
});

Deno.test("assemble() refuses a jump that goes back or nowhere", () => {
  const back = new Assembler();
  const start = back.label();
  back.place(start);
  back.load(0);
  back.goto(start);
  back.ret(0);
  assertThrows(() => back.assemble(), RangeError, "leads nowhere");
  const nowhere = new Assembler();
  nowhere.goto(nowhere.label());
  assertThrows(() => nowhere.assemble(), RangeError, "leads nowhere");
});

Deno.test("assemble() refuses a program that is too long for the kernel", () => {
  const asm = new Assembler();
  for (let i = 0; i < 4096; i++) asm.and(0);
  asm.ret(0);
  assertThrows(() => asm.assemble(), RangeError, "4097 instructions");
});
