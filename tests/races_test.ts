/** No program wins a race against a check; without pinning and lock it does. */

import { assert, assertEquals } from "@std/assert";
import { isWon, RACES, runRace } from "./races.ts";

/** How long each runs here; `deno task soak` takes longer. */
const SECONDS = 2;

/** As long again, for a control run that has not won yet. */
const MOST_CONTROLS = 5;

for (const race of RACES) {
  Deno.test(`jail (seccomp) holds while ${race.name}`, async () => {
    const raced = await runRace(race, "seccomp", SECONDS);
    assert(raced.attempts > 0);
    assertEquals({ ...raced, attempts: 0 }, {
      attempts: 0,
      wins: 0,
      changed: [],
    });
  });

  if (race.both === true) {
    Deno.test(`jail (ptrace) holds while ${race.name}`, async () => {
      const raced = await runRace(race, "ptrace", SECONDS / 2);
      assert(raced.attempts > 0);
      assertEquals({ ...raced, attempts: 0 }, {
        attempts: 0,
        wins: 0,
        changed: [],
      });
    });
  }

  if (race.control !== "wins") continue;
  Deno.test(`without pinning and lock jail falls while ${race.name}`, async () => {
    for (let round = 0; round < MOST_CONTROLS; round++) {
      if (isWon(await runRace(race, "seccomp", 1 + round, true))) return;
    }
    throw new Error("the attack does not even win where it should");
  });
}
