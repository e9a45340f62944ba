import { assertEquals } from "@std/assert";
import type { Call } from "../policy/call.ts";
import { compile, type Engine } from "../policy/decide.ts";
import { parsePolicy } from "../policy/file/parse.ts";
import { mergeLayers } from "../policy/merge.ts";
import type { Caller } from "../trace/options.ts";
import { asking } from "./ask.ts";

Deno.test("asking() moves nothing that a rule refuses, whatever a person allows later", async () => {
  const text = "read: {deny: [/no]}\nwrite: [/no, /w]";
  const layer = await parsePolicy(text, { source: "p", variables: {} });
  const engine = (): Engine => compile(mergeLayers([layer]));
  const caller = { asker: {} } as Caller;
  const { decide } = asking(engine(), engine(), () => "all");
  const move = (from: string): Call => ({
    name: "rename",
    uses: [
      { access: "write", path: from, kind: "file" },
      { access: "write", path: "/w/b", kind: "missing" },
    ],
    moves: [{ from, to: "/w/b", tree: false }],
  });
  const kindOf = (call: Call): string => {
    const decision = decide(call, caller);
    return typeof decision === "object" ? decision.kind : decision;
  };
  assertEquals(kindOf(move("/no/a")), "refuse");
  assertEquals(kindOf(move("/w/a")), "allow");
});
