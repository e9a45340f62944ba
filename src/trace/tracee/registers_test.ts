import { assertEquals } from "@std/assert";
import { X86_64 } from "../../abi/x86_64.ts";
import { Registers } from "./registers.ts";

function filled(register: string, value: bigint): Registers {
  const registers = new Registers(X86_64);
  const [offset] = X86_64.regs.fields[register] as readonly [number, string];
  new DataView(registers.bytes.buffer).setBigUint64(offset, value, true);
  return registers;
}

Deno.test("Registers take the call's number from the low 32 bits", () => {
  assertEquals(filled("orig_rax", 0xdead_beef_0000_0002n).nr, 2);
  assertEquals(filled("orig_rax", 0xffff_ffffn).nr, -1);
});

Deno.test("Registers read an int with its sign, and an unsigned one without", () => {
  const registers = filled("rdi", 0x1_ffff_ff9cn);
  assertEquals(registers.int(0), -100);
  assertEquals(registers.uint(0), 0xffff_ff9c);
});

Deno.test("Registers read an address up to the end of user memory", () => {
  assertEquals(filled("rsi", 0x7fff_ffff_f123n).address(1), 0x7fff_ffff_f123);
});

Deno.test("Registers never make a user address of a kernel one", () => {
  const address = filled("rsi", 0xffff_8880_0000_0000n).address(1);
  assertEquals(address > Number.MAX_SAFE_INTEGER, true);
});

Deno.test("Registers write a negated errno as 64 bits", () => {
  const registers = new Registers(X86_64);
  registers.result = -13;
  const [offset] = X86_64.regs.fields["rax"] as readonly [number, string];
  const value = new DataView(registers.bytes.buffer).getBigInt64(offset, true);
  assertEquals(value, -13n);
  assertEquals(registers.result, -13);
});

Deno.test("Registers write an address that needs more than 32 bits", () => {
  const registers = new Registers(X86_64);
  registers.setArgument(3, 0x7fff_1234_5678);
  assertEquals(registers.address(3), 0x7fff_1234_5678);
});
