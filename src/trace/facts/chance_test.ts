import { assertEquals, assertNotEquals } from "@std/assert";
import { Chance } from "./chance.ts";

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

function bytes(seed: number, stream: number, length = 64): string {
  const into = new Uint8Array(length);
  new Chance(seed, stream).fill(into);
  return hex(into);
}

Deno.test("Chance gives the same bytes for the same seed and stream, and others for others", () => {
  assertEquals(bytes(1, 0), bytes(1, 0));
  assertNotEquals(bytes(1, 0), bytes(2, 0));
  assertNotEquals(bytes(1, 0), bytes(1, 1));
  assertNotEquals(bytes(0, 1), bytes(1, 0));
});

Deno.test("Chance fills as many bytes as are wanted, and no more", () => {
  const into = new Uint8Array(8);
  new Chance(1, 0).fill(into, 5);
  assertEquals([...into.subarray(5)], [0, 0, 0]);
  assertEquals(hex(into.subarray(0, 5)), bytes(1, 0, 8).slice(0, 10));
});

Deno.test("Chance gives each bit about as often as not", () => {
  const into = new Uint8Array(1 << 14);
  new Chance(0, 0).fill(into);
  for (let bit = 0; bit < 8; bit++) {
    const set = into.filter((byte) => (byte >> bit & 1) !== 0).length;
    // Five standard deviations: the bytes are the same in each run.
    assertEquals(Math.abs(set - into.length / 2) < 320, true, `${bit}: ${set}`);
  }
});
