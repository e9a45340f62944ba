/** No program wins a race against a check; without what holds it, it does. */

import { assert, assertEquals } from "@std/assert";
import type { Engine } from "../src/trace/options.ts";
import { isWon, type Race, type Raced, RACES, runRace } from "./races.ts";
import type { Part } from "./without.ts";

/** How long each runs here; `deno task soak` takes longer. */
const SECONDS = 5;

/** How many runs are under way while a test waits for the first of them. */
const AT_ONCE = 4;

/** How long a control runs, in seconds; longer where it has not won yet. */
const CONTROL_SECONDS = [0.3, 0.6, 1.2, 2.4, 4.8];

/** What a control is without. */
const NAMES: Readonly<Record<Part, string>> = {
  pinning: "pinning and lock",
  waiting: "waiting for an exec",
  decisions: "decisions",
};

interface Run {
  readonly race: Race;
  readonly engine: Engine;
}

const RUNS: readonly Run[] = RACES.flatMap((race): Run[] =>
  race.both === true
    ? [{ race, engine: "seccomp" }, { race, engine: "ptrace" }]
    : [{ race, engine: "seccomp" }]
);

const begun = new Map<Run, Promise<() => Raced>>();

/** Begins a run; what comes of it is told when its own test asks. */
function begin(run: Run): Promise<() => Raced> {
  const known = begun.get(run);
  if (known !== undefined) return known;
  const { race, engine } = run;
  const seconds = engine === "seccomp" ? SECONDS : SECONDS / 2;
  const raced = runRace(race, engine, seconds).then(
    (value) => () => value,
    (error) => () => {
      throw error;
    },
  );
  begun.set(run, raced);
  return raced;
}

for (const [i, run] of RUNS.entries()) {
  const { race, engine } = run;
  Deno.test({
    name: `jail (${engine}) holds while ${race.name}`,
    // The run of the next test goes on when this one ends.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      for (const next of RUNS.slice(i, i + AT_ONCE)) begin(next);
      const raced = (await begin(run))();
      assert(raced.attempts > 0);
      assertEquals({ ...raced, attempts: 0 }, {
        attempts: 0,
        wins: 0,
        changed: [],
      });
    },
  });
}

Deno.test.afterAll(async () => {
  await Promise.all(begun.values());
});

for (const race of RACES) {
  const { control } = race;
  if (typeof control !== "string") continue;
  Deno.test(`without ${NAMES[control]} jail falls while ${race.name}`, async () => {
    for (const seconds of CONTROL_SECONDS) {
      if (isWon(await runRace(race, "seccomp", seconds, control))) return;
    }
    throw new Error("the attack does not even win where it should");
  });
}
