import { assertEquals } from "@std/assert";
import { Trial } from "./trial.ts";

/** Rounds: how long each took, and whether it is kept after it. */
type Rounds = readonly (readonly [took: number, goesOn: boolean])[];

const TABLE: Readonly<Record<string, Rounds>> = {
  "tries where rounds are short": [[3, true], [2, true], [2, true]],
  "does not try where rounds are long": [[40, false], [20, false]],
  "goes on where it takes as long as without": [[3, true], [3.2, true]],
  "forgives one round that takes longer": [[3, true], [9, true], [2, true]],
  "gives up where two in a row take longer, and tries again later": [
    ...[[3, true], [4, true], [4, false]] as const,
    ...[[3, false], [3, false], [3, true]] as const,
  ],
  "tries again later and later": [
    ...[[3, true], [4, true], [4, false]] as const,
    ...[[3, false], [3, false], [3, true], [4, true], [4, false]] as const,
    ...[[3, false], [3, false], [3, false], [3, false], [3, true]] as const,
  ],
  "forgets what failed once it pays": [
    ...[[3, true], [4, true], [4, false]] as const,
    ...[[3, false], [3, false], [3, true], [2, true], [4, true]] as const,
    ...[[4, false], [3, false], [3, false], [3, true]] as const,
  ],
};

for (const [name, rounds] of Object.entries(TABLE)) {
  Deno.test(`Trial ${name}`, () => {
    const trial = new Trial();
    let kept = false;
    for (const [took, goesOn] of rounds) {
      kept = trial.goesOn(took, kept);
      assertEquals(kept, goesOn);
    }
  });
}

Deno.test("Trial tries again in the end, however often it failed", () => {
  const trial = new Trial();
  for (let i = 0; i < 50; i++) trial.fail();
  const tried = Array.from({ length: 400 }, () => trial.goesOn(3, false));
  assertEquals(tried.indexOf(true), 256);
});
