import { assert, assertEquals } from "@std/assert";
import { FLAGS } from "./flags.ts";
import { help } from "./help.ts";

Deno.test("help() names every flag that works, and no other", () => {
  for (const long of [false, true]) {
    const text = help(long);
    for (const flag of FLAGS) {
      assertEquals(text.includes(`--${flag.name}`), true, flag.name);
    }
  }
});

Deno.test("help() fits a terminal of 80 columns", () => {
  for (const line of [...help(false).split("\n"), ...help(true).split("\n")]) {
    assert(line.length <= 80, line);
  }
});

Deno.test("FLAGS has each name and each letter once", () => {
  const names = FLAGS.map((flag) => flag.name);
  const letters = FLAGS.flatMap((flag) => flag.short ?? []);
  assertEquals(new Set(names).size, names.length);
  assertEquals(new Set(letters).size, letters.length);
});
