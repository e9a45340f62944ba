/** Tests of errno.ts. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  EACCES,
  ERRNO,
  type ErrnoName,
  errnoName,
  isErrnoName,
  isErrnoResult,
} from "./errno.ts";

Deno.test("errnoName() names every number of ERRNO", () => {
  for (const [name, number] of Object.entries(ERRNO)) {
    assertEquals(errnoName(number), name as ErrnoName);
    assertEquals(errnoName(-number), name as ErrnoName);
  }
});

Deno.test("ERRNO counts to 133 with the two gaps of the kernel", () => {
  const numbers = new Set(Object.values(ERRNO));
  const gaps = [];
  for (let n = 1; n <= 133; n++) if (!numbers.has(n)) gaps.push(n);
  assertEquals(gaps, [41, 58]);
  assertEquals(numbers.size, 131);
  assertEquals(ERRNO.EACCES, EACCES);
  assertEquals(EACCES, 13);
});

for (const number of [0, 41, 58, 134, 512, 4095, 0.5, NaN]) {
  Deno.test(`errnoName() throws for ${number}`, () => {
    assertThrows(() => errnoName(number), RangeError);
  });
}

Deno.test("isErrnoName() knows the kernel's spelling only", () => {
  assert(isErrnoName("ENOENT"));
  for (const text of ["", "enoent", "EUNKNOWN", "toString", "ERESTARTSYS"]) {
    assertEquals(isErrnoName(text), false, text);
  }
});

Deno.test("isErrnoResult() knows what a filter can have a call return", () => {
  for (const value of [0, -1, -4095]) assert(isErrnoResult(value));
  for (const value of [1, -4096]) assert(!isErrnoResult(value));
});
