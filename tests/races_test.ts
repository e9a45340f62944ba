/** No program wins a race against a check; without what holds it, it does. */

import { assert, assertEquals } from "@std/assert";
import type { Engine } from "../src/trace/options.ts";
import { isWon, type Race, type Raced, RACES, runRace } from "./races.ts";
import type { Part } from "./without.ts";

/** How long each runs here; `deno task soak` takes longer. */
const SECONDS = 5;

/** How many are under way while a test waits for the first of them. */
const RUNS_AT_ONCE = 12;
const CONTROLS_AT_ONCE = 3;

/** How long a control runs, in seconds; longer where it has not won yet. */
const CONTROL_SECONDS = [0.3, 0.6, 1.2, 2.4, 4.8];

/** What a control is without. */
const NAMES: Readonly<Record<Part, string>> = {
  pinning: "pinning and lock",
  waiting: "waiting for an exec",
  decisions: "decisions",
};

/** One test: its name, what runs for it, and what must have come of that. */
interface Run<T> {
  readonly name: string;
  readonly run: () => Promise<T>;
  readonly expect: (value: T) => void;
}

/** Tests that begin before their turn, so that some are under way at once. */
function testAhead<T>(atOnce: number, runs: readonly Run<T>[]): void {
  const begun: Promise<PromiseSettledResult<T>>[] = [];
  const begin = (i: number): Promise<PromiseSettledResult<T>> =>
    begun[i] ??= Promise.allSettled([runs[i]!.run()]).then(([it]) => it);
  for (const [i, { name, expect }] of runs.entries()) {
    Deno.test({
      name,
      // The run of the next test goes on when this one ends.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        for (const next of runs.slice(i, i + atOnce).keys()) begin(i + next);
        const ended = await begin(i);
        if (ended.status === "rejected") throw ended.reason;
        expect(ended.value);
      },
    });
  }
  Deno.test.afterAll(async () => {
    await Promise.all(begun);
  });
}

function held(race: Race, engine: Engine, seconds: number): Run<Raced> {
  return {
    name: `jail (${engine}) holds while ${race.name}`,
    run: () => runRace(race, engine, seconds),
    expect: (raced) => {
      assert(raced.attempts > 0);
      assertEquals({ ...raced, attempts: 0 }, {
        attempts: 0,
        wins: 0,
        changed: [],
      });
    },
  };
}

function control(race: Race, without: Part): Run<boolean> {
  return {
    name: `without ${NAMES[without]} jail falls while ${race.name}`,
    run: async () => {
      for (const seconds of CONTROL_SECONDS) {
        if (isWon(await runRace(race, "seccomp", seconds, without))) {
          return true;
        }
      }
      return false;
    },
    expect: (won) =>
      assert(won, "the attack does not even win where it should"),
  };
}

testAhead(
  RUNS_AT_ONCE,
  RACES.flatMap((race) => [
    held(race, "seccomp", SECONDS),
    ...race.both === true ? [held(race, "ptrace", SECONDS / 2)] : [],
  ]),
);
testAhead(
  CONTROLS_AT_ONCE,
  RACES.flatMap((race) =>
    typeof race.control === "string" ? [control(race, race.control)] : []
  ),
);
