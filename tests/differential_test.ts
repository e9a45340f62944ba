/** Whatever enforces a rule, a call comes to what `decide()` says. */

import { assert, assertEquals } from "@std/assert";
import { landlockAbi } from "../src/sys/landlock.ts";
import { compareHeld, compareWays } from "./differential.ts";
import { hasMachine } from "./needs.ts";
import { compareNumbers } from "./numbers.ts";

/** Alone, beside a thread, and beside a process with the same memory. */
const SEEDS = [1, 2, 3];
const PAIRS = 40;

for (const seed of SEEDS) {
  Deno.test(`the kernel and the stops do what decide() says, seed ${seed}`, async () => {
    const { refused, faults } = await compareWays(seed, PAIRS);
    assertEquals(faults, []);
    assert(refused > PAIRS / 10 && refused < PAIRS);
  });
}

for (const seed of SEEDS) {
  Deno.test(`the filter, the stops and ptrace do what is planned of numbers, seed ${seed}`, async () => {
    const { refused, faults } = await compareNumbers(seed, 2 * PAIRS);
    assertEquals(faults, []);
    assert(refused > PAIRS / 4);
  });
}

const HOLDS = landlockAbi() >= 6;

for (const seed of SEEDS) {
  Deno.test({
    ...hasMachine(
      HOLDS,
      "Landlock of Linux 6.12",
      `the kernel alone lets pass what decide() allows, seed ${seed}`,
    ),
    async fn(): Promise<void> {
      const { pairs, refused, same, faults } = await compareHeld(
        seed,
        2 * PAIRS,
      );
      assertEquals(faults, []);
      assert(pairs > PAIRS / 2 && refused > PAIRS / 10 && same > 0);
    },
  });
}

Deno.test({
  ...hasMachine(
    HOLDS,
    "Landlock of Linux 6.12",
    "a rule that decide() does not know of shows where the kernel alone holds",
  ),
  async fn(): Promise<void> {
    const { faults } = await compareHeld(1, 6 * PAIRS, ["-R", "--allow-run"]);
    assert(faults.length > 0);
  },
});

Deno.test("a rule that decide() does not know of shows in a comparison", async () => {
  const { faults } = await compareWays(1, 20, ["-R", "-W"]);
  assert(faults.length > 0);
});
