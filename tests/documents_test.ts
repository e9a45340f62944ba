/** Holds documents to what the code says. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { optionsTable } from "../src/cli/help.ts";
import { sourcesIn } from "./sources.ts";

const ROOT = new URL("../", import.meta.url);

function read(name: string): Promise<string> {
  return Deno.readTextFile(new URL(name, ROOT));
}

Deno.test("the README has the table of options that the flags make", async () => {
  // The formatter aligns columns.
  const plain = (text: string): string =>
    text.replace(/ +/g, " ").replace(/-{3,}/g, "---");
  assertStringIncludes(plain(await read("README.md")), plain(optionsTable()));
});

Deno.test("the README is a page, not a book", async () => {
  assert((await read("README.md")).split("\n").length <= 150);
});

Deno.test("the changelog has the version of deno.json or is unreleased", async () => {
  const { version } = JSON.parse(await read("deno.json"));
  const changes = await read("CHANGELOG.md");
  assert(changes.includes("## Unreleased") || changes.includes(version));
});

Deno.test("every hole in SECURITY.md has a test of its name", async () => {
  const text = await read("SECURITY.md");
  const table = text.slice(text.indexOf("| hole"), text.indexOf("Races by "));
  const names = [...table.matchAll(/^\|[^|]+\| +([^|]+?) +\|$/gm)]
    .map(([, name = ""]) => name).filter((name) => !/^(test|-+)$/.test(name));
  assert(names.length > 10);
  let sources = "";
  for (const folder of ["src/", "tests/"]) {
    for await (const { name, text } of sourcesIn(new URL(folder, ROOT))) {
      if (/_test\.ts$|^races\.ts$/.test(name)) sources += text;
    }
  }
  assertEquals(names.filter((name) => !sources.includes(name)), []);
});

Deno.test("every test that SECURITY.md has in its families is there", async () => {
  const text = await read("SECURITY.md");
  const families = text.slice(0, text.indexOf("| hole"));
  const named = [...families.matchAll(/`([\w/]+_test)`/g)]
    .map(([, name = ""]) => name);
  assert(named.length > 20);
  const files: string[] = [];
  for (const folder of ["src/", "tests/"]) {
    for await (const { name } of sourcesIn(new URL(folder, ROOT))) {
      files.push(`${folder}${name}`);
    }
  }
  const isThere = (name: string): boolean =>
    files.some((file) => file.endsWith(`/${name}.ts`));
  assertEquals(named.filter((name) => !isThere(name)), []);
});
