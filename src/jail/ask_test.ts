import { assertEquals } from "@std/assert";
import type { Call, Use } from "../policy/call.ts";
import { compile } from "../policy/compile.ts";
import type { Engine } from "../policy/decide.ts";
import type { Decision } from "../policy/decision.ts";
import { parsePolicy } from "../policy/file/parse.ts";
import { mergeLayers } from "../policy/merge.ts";
import type { Caller } from "../trace/options.ts";
import { asking } from "./ask.ts";

function use(access: Use["access"], path: string): Use {
  return { access, path, kind: "file" };
}

function move(from: string): Call {
  return {
    name: "rename",
    uses: [use("write", from), use("write", "/w/b")],
    moves: [{ from, to: "/w/b", tree: false }],
  };
}

function kindOf(decision: Decision | "again"): string {
  return typeof decision === "object" ? decision.kind : decision;
}

Deno.test("asking() moves nothing that a rule refuses, whatever a person allows later", async () => {
  const text = "read: {deny: [/no]}\nwrite: [/no, /w]";
  const layer = await parsePolicy(text, { source: "p", variables: {} });
  const engine = (): Engine => compile(mergeLayers([layer]));
  const caller = { asker: {} } as Caller;
  const { decide } = asking(engine(), engine(), () => "all");
  assertEquals(kindOf(decide(move("/no/a"), caller)), "refuse");
  assertEquals(kindOf(decide(move("/w/a"), caller)), "allow");
});

Deno.test("asking() moves nothing that a person refused to where it would be asked about anew", async () => {
  const layer = await parsePolicy("write: [/w]", {
    source: "p",
    variables: {},
  });
  const engine = (): Engine => compile(mergeLayers([layer]));
  const caller = { asker: {} } as Caller;
  const { decide } = asking(engine(), engine(), () => "no");
  const kinds = [
    { name: "openat", uses: [use("read", "/w/a")] },
    move("/w/a"),
    move("/w/c"),
  ].map((call) => kindOf(decide(call as Call, caller)));
  assertEquals(kinds, ["refuse", "refuse", "allow"]);
});
