/** Random and malformed calls neither harm jail nor get past it. */

import { assert, assertEquals } from "@std/assert";
import { fuzz } from "./fuzz.ts";
import { ENGINES } from "./harness.ts";

const SECONDS = 2;

for (const engine of ENGINES) {
  for (const seed of [1, 2, 3, 4, 5]) {
    Deno.test(`jail (${engine}) holds against random calls, seed ${seed}`, async () => {
      const { calls, faults } = await fuzz(seed, SECONDS, engine);
      assertEquals(faults, []);
      assert(calls > 0);
    });
  }
}
