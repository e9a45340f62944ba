/** Whenever jail is killed, nothing that it ran is left. */

import { assertEquals } from "@std/assert";
import { HOLDERS, killJail, PHASES } from "./kill.ts";

/** How often in each phase and with each engine; `deno task soak` goes on. */
const ROUNDS = 3;

for (const engine of HOLDERS) {
  for (const phase of PHASES) {
    Deno.test(`jail (${engine}) leaves nothing when it is killed during ${phase}`, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        assertEquals(await killJail(phase, engine, Math.random()), []);
      }
    });
  }

  Deno.test(`jail (${engine}) leaves nothing when it is killed before the program is up`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      // Deno takes some time to start, and so has the launcher.
      assertEquals(await killJail("mixed", engine, -3 * Math.random()), []);
    }
  });
}
