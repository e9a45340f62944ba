import { assertEquals } from "@std/assert";
import { isAboveAny } from "./groups.ts";

/** Processes of the jail are those of four digits, each the child of the one before. */
const isOwn = (pid: number): boolean => pid >= 1000;
const before = (pid: number): number => pid > 1000 ? pid - 1 : 1;

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

Deno.test("isAboveAny() asks once about each process, however deep they stand", () => {
  let asked = 0;
  const parent = (pid: number): number => {
    asked++;
    return before(pid);
  };
  const members = range(1000, 1999).reverse();
  assertEquals(isAboveAny(1999, members, isOwn, parent), false);
  assertEquals(asked, 999);
});

Deno.test("isAboveAny() finds who stands beneath a process, with those of the jail between", () => {
  assertEquals(isAboveAny(1005, [1005, 1009], isOwn, before), true);
  assertEquals(isAboveAny(1005, [1000, 1004, 1005], isOwn, before), false);
  // One outside that the jail's own is not above.
  assertEquals(isAboveAny(1005, [77], isOwn, () => 76), false);
  assertEquals(isAboveAny(1005, [77], isOwn, () => 1005), true);
});

Deno.test("isAboveAny() takes what cannot be told for beneath", () => {
  assertEquals(isAboveAny(1005, [1009], isOwn, () => -1), true);
});
