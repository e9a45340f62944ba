/** Tests of layout.ts. */

import { assertEquals } from "@std/assert";
import { type FieldType, get, getBig, type Layout, set } from "./layout.ts";

const SAMPLE: Layout<FieldType> = {
  size: 32,
  // deno-fmt-ignore
  fields: {
    u8:   [ 0, "u8"],
    u16:  [ 2, "u16"],
    i32:  [ 4, "i32"],
    u32:  [ 8, "u32"],
    be16: [12, "be16"],
    i64:  [16, "i64"],
    u64:  [24, "u64"],
  },
};

const CASES: readonly [FieldType, number | bigint, bigint][] = [
  ["u8", 255, 255n],
  ["u8", 256, 0n],
  ["u16", 0xfffe, 0xfffen],
  ["be16", 0x1234, 0x3412n],
  ["be16", 0x1_00ff, 0xff00n],
  ["i32", -1, 0xffff_ffffn],
  ["i32", 0x7fff_ffff, 0x7fff_ffffn],
  ["u32", 0xffff_ffff, 0xffff_ffffn],
  ["u32", -1, 0xffff_ffffn],
  ["u32", 0x1_0000_0002n, 2n],
  ["i64", -1, 0xffff_ffff_ffff_ffffn],
  ["i64", -(2 ** 40), 0xffff_ff00_0000_0000n],
  ["u64", 2 ** 52 + 1, 0x10_0000_0000_0001n],
  ["u64", 0xffff_ffff_ffff_fffen, 0xffff_ffff_ffff_fffen],
  ["u64", -100n, 0xffff_ffff_ffff_ff9cn],
];
for (const [name, value, stored] of CASES) {
  Deno.test(`set() stores ${value} as ${name}, and nothing else`, () => {
    const bytes = new Uint8Array(SAMPLE.size);
    set(SAMPLE, bytes, name, value);
    const [offset, type] = SAMPLE.fields[name];
    const width = Number(type.replace(/\D+/, "")) / 8;
    let found = 0n;
    bytes.forEach((byte, i) => {
      if (i >= offset && i < offset + width) {
        found |= BigInt(byte) << BigInt(8 * (i - offset));
      } else assertEquals(byte, 0);
    });
    assertEquals(found, stored);
  });
}

Deno.test("get() returns what set() stored", () => {
  const bytes = new Uint8Array(SAMPLE.size);
  const values: Record<FieldType, number> = {
    u8: 200,
    u16: 40_000,
    be16: 53,
    i32: -5,
    u32: 4_000_000_000,
    i64: -(2 ** 45) - 3,
    u64: 2 ** 52 + 7,
  };
  const names = Object.keys(values) as FieldType[];
  for (const name of names) set(SAMPLE, bytes, name, values[name]);
  for (const name of names) {
    assertEquals(get(SAMPLE, bytes, name), values[name]);
  }
});

Deno.test("getBig() returns all 64 bits, with the sign of i64", () => {
  const bytes = new Uint8Array(SAMPLE.size).fill(0xff);
  assertEquals(getBig(SAMPLE, bytes, "u64"), 0xffff_ffff_ffff_ffffn);
  assertEquals(getBig(SAMPLE, bytes, "i64"), -1n);
});

Deno.test("get() and set() work in the middle of a buffer", () => {
  const buffer = new Uint8Array(SAMPLE.size + 8);
  const bytes = buffer.subarray(8);
  set(SAMPLE, bytes, "u32", 0x0403_0201);
  assertEquals([...buffer.subarray(16, 20)], [1, 2, 3, 4]);
  assertEquals(get(SAMPLE, bytes, "u32"), 0x0403_0201);
});
