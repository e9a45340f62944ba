import { assertEquals } from "@std/assert";
import { childrenOf } from "./task.ts";

Deno.test("childrenOf() looks no further when its time is over", async () => {
  await using sleeper = new Deno.Command("sleep", { args: ["60"] }).spawn();
  assertEquals(childrenOf(Deno.pid).includes(sleeper.pid), true);
  // Of a process with thousands of threads each look may take long.
  assertEquals(childrenOf(Deno.pid, performance.now() - 1), []);
});
