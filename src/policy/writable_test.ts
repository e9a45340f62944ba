import { assertEquals } from "@std/assert";
import { compile } from "./decide.ts";
import { mergeLayers } from "./merge.ts";
import { parsePolicy } from "./parse.ts";
import { type MayWrite, writableBy } from "./writable.ts";

async function writable(text: string, asks = false): Promise<MayWrite> {
  const layer = await parsePolicy(text, { source: "p.yaml", variables: {} });
  const policy = mergeLayers([layer]);
  const engine = compile(policy);
  return writableBy(policy, (call) => engine.decide(call), asks);
}

Deno.test("writableBy() says what a rule lets be written", async () => {
  const mayWrite = await writable("write: {allow: [/w], deny: [/w/no]}");
  assertEquals(
    ["/w", "/w/a", "/w/no", "/lib/a", "/"].map((path) => mayWrite(path, 1)),
    [true, true, false, false, false],
  );
});

Deno.test("writableBy() fears the other names of a file where any may be written", async () => {
  assertEquals((await writable("write: [/w]"))("/lib/a", 2), true);
  const devices = await writable("write: [/dev/null, /dev/pts]");
  assertEquals([1, 2].map((links) => devices("/lib/a", links)), [false, false]);
});

Deno.test("writableBy() heeds no refusal of one call, nor one that somebody is asked about", async () => {
  const text = "read: [/r]\ncalls: {deny: {openat: EPERM}}";
  assertEquals((await writable(text))("/r/a", 1), true);
  assertEquals((await writable("read: [/r]", true))("/r/a", 1), true);
});
