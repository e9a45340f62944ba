import { assertEquals } from "@std/assert";
import { EIO, ENOENT } from "../../abi/errno.ts";
import { SIGKILL } from "../../abi/signal.ts";
import { pokeMemory, readMemory } from "./memory.ts";
import { interrupt, isGone } from "./ptrace.ts";
import { traced } from "./traced_test.ts";
import { kill, reap, waitFor } from "./wait.ts";

/** Starts a process, and stops it before it runs. */
function stopped(): number {
  const pid = traced();
  interrupt(pid);
  waitFor(pid, new Int32Array(1));
  return pid;
}

Deno.test("isGone() knows who is gone, though an errno says something else", () => {
  const pid = stopped();
  const before = isGone(pid, -ENOENT);
  kill(pid, SIGKILL);
  reap(pid);
  assertEquals([before, isGone(pid, -ENOENT)], [false, true]);
});

Deno.test("pokeMemory() writes where a tracee may only read, and no byte more", () => {
  const pid = stopped();
  try {
    const [, start = ""] = /^([0-9a-f]+)-\S+ r--p /m
      .exec(Deno.readTextFileSync(`/proc/${pid}/maps`)) ?? [];
    const address = parseInt(start, 16);
    for (const length of [1, 7, 8, 13, 16]) {
      const wanted = new Uint8Array(24);
      readMemory(pid, address, wanted, 24);
      const bytes = Uint8Array.from({ length }, (_, i) => 200 - length - i);
      assertEquals(pokeMemory(pid, address, bytes, length), length);
      wanted.set(bytes);
      const found = new Uint8Array(24);
      readMemory(pid, address, found, 24);
      assertEquals(found, wanted);
    }
    assertEquals(pokeMemory(pid, 8, new Uint8Array(8), 8), -EIO);
  } finally {
    kill(pid, SIGKILL);
    reap(pid);
  }
});
