/**
 * Attacks jail for longer than the tests do, and prints what came of it.
 *
 *     deno task soak                          each race for 60 s, and on until there
 *                                             were 100,000 attempts; then 500 kills
 *     deno task soak --seconds=5 --attempts=0 shorter
 *     deno task soak --part=1/2               every second race, and no kills
 *     deno task soak --only=link              the races with "link" in their name
 *     deno task soak --only=kill --kills=100  the kills alone
 *     deno task soak --only=rules --seconds=7200
 *                                             random rules and calls, for 2 hours
 *     deno task soak --engine=ptrace          by the other engine
 */

// @ts-types="../src/cli/parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import type { Engine, EngineChoice } from "../src/trace/options.ts";
import { compareHeld, compareWays } from "../tests/differential.ts";
import { ENGINES } from "../tests/harness.ts";
import { HOLDERS, killJail, PHASES } from "../tests/kill.ts";
import { compareNumbers } from "../tests/numbers.ts";
import {
  isWon,
  type Race,
  type Raced,
  RACES,
  runRace,
} from "../tests/races.ts";
import { countsLine, say } from "./parts.ts";

/** Fewer attempts than these are too few to tell. */
const ENOUGH = 100_000;

/** What `--only=` calls the kills. */
const KILL = "kill";

/** What it calls random rules and calls. */
const RULES = "rules";

/** How many of them each seed makes. */
const PAIRS = 200;

/**
 * Runs one race until there were enough attempts, or one was won, and writes its
 * row; whether jail held.
 */
async function soak(
  race: Race,
  engine: Engine,
  seconds: number,
  enough: number,
): Promise<boolean> {
  let [attempts, rounds] = [0, 0];
  let raced: Raced;
  do {
    raced = await runRace(race, engine, seconds);
    attempts += raced.attempts;
    rounds++;
  } while (attempts < enough && raced.attempts > 0 && !isWon(raced));
  say(
    `| ${race.name} | ${engine} | ${rounds * seconds} s | ` +
      `${attempts.toLocaleString("en")} | ${raced.wins} | ` +
      `${raced.changed.length} |`,
  );
  for (const change of raced.changed) say(`    ${change}`);
  return !isWon(raced) && raced.attempts > 0;
}

/** Of `2/3`: the second, the fifth, and so on. */
function part<Each>(all: readonly Each[], which: string): readonly Each[] {
  const [first = 1, step = 1] = which.split("/").map(Number);
  return all.filter((_, at) => at % step === first - 1);
}

/** Kills jail many times, and writes a row for each phase; in how many it held. */
async function soakKills(
  engines: readonly EngineChoice[],
  kills: number,
): Promise<{ passed: number; failed: number }> {
  let passed = 0;
  let failed = 0;
  say("| killed during | engine | kills | survivors |");
  say("| --- | --- | --- | --- |");
  const each = Math.ceil(kills / (PHASES.length * engines.length));
  for (const engine of engines) {
    for (const phase of PHASES) {
      let survivors = 0;
      for (let i = 0; i < each; i++) {
        // One in ten before the program is up.
        const moment = i % 10 === 9 ? -3 * Math.random() : Math.random();
        survivors += (await killJail(phase, engine, moment)).length;
      }
      say(`| ${phase} | ${engine} | ${each} | ${survivors} |`);
      if (survivors === 0) passed++;
      else failed++;
    }
  }
  return { passed, failed };
}

/** Compares mechanisms until the time is over; how many seeds held. */
async function soakRules(
  seconds: number,
): Promise<{ passed: number; failed: number }> {
  const first = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const end = performance.now() + 1000 * seconds;
  let [passed, failed, pairs, refused] = [0, 0, 0, 0];
  for (let seed = first; performance.now() < end; seed++) {
    for (const compareOnce of [compareWays, compareHeld, compareNumbers]) {
      const compared = await compareOnce(seed, PAIRS);
      pairs += compared.pairs;
      refused += compared.refused;
      for (const fault of compared.faults) say(`    ${fault}`);
      if (compared.faults.length === 0) passed++;
      else failed++;
    }
  }
  say(`Rules and calls from seed ${first} on: ${pairs}, ${refused} refused`);
  return { passed, failed };
}

if (import.meta.main) {
  const options = parseArgs(Deno.args, {
    string: ["seconds", "attempts", "only", "part", "engine", "kills"],
  });
  const seconds = Number(options["seconds"] ?? 60);
  const only = String(options["only"] ?? "");
  const engine = ENGINES.find((name) => name === options["engine"]);
  const enough = Number(options["attempts"] ?? ENOUGH);
  const found = RACES.filter(({ name, words }) =>
    name.includes(only) || words.join(" ").includes(only)
  );
  const races = part(found, String(options["part"] ?? "1/1"));
  const all = only === "" && options["part"] === undefined;
  let passed = 0;
  let failed = 0;
  if (races.length > 0) {
    say("| race | engine | time | attempts | won | changed outside |");
    say("| --- | --- | --- | --- | --- | --- |");
    for (const race of races) {
      if (await soak(race, engine ?? "seccomp", seconds, enough)) passed++;
      else failed++;
    }
    say("");
  }
  if (all || only === KILL) {
    const engines = engine === undefined ? HOLDERS : [engine];
    const kills = await soakKills(engines, Number(options["kills"] ?? 500));
    passed += kills.passed;
    failed += kills.failed;
    say("");
  }
  if (all || only === RULES) {
    const rules = await soakRules(seconds);
    passed += rules.passed;
    failed += rules.failed;
  }
  say(countsLine({ passed, failed, skipped: 0 }));
  Deno.exit(failed > 0 ? 1 : 0);
}
