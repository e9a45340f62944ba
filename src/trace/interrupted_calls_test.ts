import { assertEquals } from "@std/assert";
import { EINTR, ERESTARTNOHAND } from "../abi/errno.ts";
import { X86_64 } from "../abi/x86_64.ts";
import { OWN_VIEW } from "../sys/view.ts";
import { Family } from "./family.ts";
import { InterruptedCalls } from "./interrupted_calls.ts";
import type { Tools } from "./tools.ts";
import { Registers } from "./tracee/registers.ts";

Deno.test("InterruptedCalls ends what is about to be made again where a handler comes before it", () => {
  const registers = new Registers(X86_64);
  const answers = { registers, read: () => true, write: () => true };
  const tools: unknown = { answers, arch: X86_64 };
  const calls = new InterruptedCalls(tools as Tools);
  const tracee = new Family(X86_64, OWN_VIEW).addProgram(1);
  tracee.saved.ip = 0x1002;
  const ended = (ip: number, result: number, done: number): number[] => {
    registers.ip = ip;
    registers.result = result;
    tracee.done = done;
    calls.end(tracee);
    return [registers.ip, registers.result];
  };
  // The kernel has not come to it, or has already; or a handler has run since.
  assertEquals(ended(0x1002, -ERESTARTNOHAND, 9), [0x1002, 9]);
  assertEquals(ended(0x1000, 1, 9), [0x1002, 9]);
  assertEquals(ended(0x1000, 232, 0), [0x1002, -EINTR]);
  assertEquals(ended(0x2000, 1, 9), [0x2000, 1]);
});
