import { assertEquals } from "@std/assert";
import { Waits } from "./waits.ts";

const NOBODY = { ended: new Set<number>(), ends: (): void => {} };

Deno.test("Waits looks at limits now and then while thousands stop at once", () => {
  let left = 5000;
  class Crowd extends Waits {
    override wait(): number {
      return left === 0 ? 0 : left--;
    }
  }
  const seen: number[] = [];
  new Crowd(undefined, NOBODY).takeOthers(() => seen.push(left));
  const gaps = seen.map((now, at) => (seen[at - 1] ?? 5000) - now);
  assertEquals(
    seen.length > 0 && Math.max(...gaps, ...seen.slice(-1)) <= 64,
    true,
  );
});

Deno.test("Waits has nobody killed any more, in place of a process, once it was waited for", () => {
  class Ends extends Waits {
    override get status(): number {
      return 0;
    }
  }
  const told: number[] = [];
  const waits = new Ends(undefined, {
    ...NOBODY,
    ends: (pid) => told.push(pid),
  });
  waits.take(7);
  waits.take(8);
  // The first of these ends may take long to handle.
  let atFirst: readonly number[] = [];
  waits.handOver(
    () => atFirst = atFirst.length === 0 ? [...told] : atFirst,
    () => {},
  );
  assertEquals(atFirst, [7, 8]);
});
