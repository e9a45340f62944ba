import { assert, assertEquals } from "@std/assert";
import { FLAGS, SUBCOMMANDS } from "./flags.ts";
import { help, helpOf } from "./help.ts";

Deno.test("help() names every flag that works, and no other", () => {
  const flags = FLAGS.map(({ name }) => name).sort();
  for (const long of [false, true]) {
    // A flag of its own line, and not one that a text is about.
    const named = help(long).matchAll(/^ +(?:-\w, )?--([\w-]+)/gm);
    assertEquals([...named].map(([, name]) => name).sort(), flags);
  }
});

Deno.test("help() says more of a flag and of a subcommand only where it is asked to", () => {
  const [{ more = "" } = {}] = FLAGS;
  const [start = ""] = more.split(" in it");
  assertEquals([help(false), help(true)].map((text) => text.includes(start)), [
    false,
    true,
  ]);
  for (const subcommand of SUBCOMMANDS) {
    const own = helpOf(subcommand);
    assert(own.startsWith(`jail ${subcommand.name}`));
    assertEquals(
      own.replace(/\s+/g, " ").includes(subcommand.more),
      true,
      own,
    );
  }
});

Deno.test("help() fits a terminal of 80 columns", () => {
  const texts = [help(false), help(true), ...SUBCOMMANDS.map(helpOf)];
  for (const line of texts.flatMap((text) => text.split("\n"))) {
    assert(line.length <= 80, line);
  }
});

Deno.test("FLAGS has each name and each letter once", () => {
  const names = FLAGS.map((flag) => flag.name);
  const letters = FLAGS.flatMap((flag) => flag.short ?? []);
  assertEquals(new Set(names).size, names.length);
  assertEquals(new Set(letters).size, letters.length);
});
