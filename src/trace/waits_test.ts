import { assertEquals } from "@std/assert";
import { Waits } from "./waits.ts";

Deno.test("Waits looks at limits now and then while thousands stop at once", () => {
  let left = 5000;
  class Crowd extends Waits {
    override wait(): number {
      return left === 0 ? 0 : left--;
    }
  }
  const seen: number[] = [];
  new Crowd(undefined, new Set()).takeOthers(() => seen.push(left));
  const gaps = seen.map((now, at) => (seen[at - 1] ?? 5000) - now);
  assertEquals(
    seen.length > 0 && Math.max(...gaps, ...seen.slice(-1)) <= 64,
    true,
  );
});
