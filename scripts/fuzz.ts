/**
 * Makes random and malformed calls in a jail, for as long as asked.
 *
 *     deno task fuzz                           for a minute, both engines in turn
 *     deno task fuzz --seconds=600             for ten
 *     deno task fuzz --seed=7 --engine=ptrace  this seed alone
 *
 * A line tells what each seed came to; what is wrong stands beneath it.
 */

// @ts-types="../src/cli/parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { fuzz } from "../tests/fuzz.ts";
import { ENGINES } from "../tests/harness.ts";
import { countsLine, say } from "./parts.ts";

/** How long one seed runs, unless it is the only one. */
const SECONDS_EACH = 5;

if (import.meta.main) {
  const options = parseArgs(Deno.args, {
    string: ["seconds", "seed", "engine"],
  });
  const seconds = Number(options["seconds"] ?? 60);
  const only = options["seed"] === undefined
    ? undefined
    : Number(options["seed"]);
  const engines = ENGINES.filter((engine) =>
    options["engine"] === undefined || options["engine"] === engine
  );
  const end = performance.now() + 1000 * seconds;
  const each = only === undefined
    ? Math.min(seconds, SECONDS_EACH)
    : seconds / engines.length;
  let seed = only ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  let calls = 0;
  let passed = 0;
  let failed = 0;
  do {
    for (const engine of engines) {
      const ran = await fuzz(seed, each, engine);
      calls += ran.calls;
      if (ran.faults.length === 0) passed++;
      else failed++;
      say(
        `seed ${seed} (${engine}): ${ran.calls} calls, ${ran.deaths} deaths, ` +
          `${ran.descriptors} descriptors and ${ran.kilobytes} kB more`,
      );
      for (const fault of ran.faults) say(`    ${fault}`);
    }
    seed++;
  } while (only === undefined && performance.now() < end);
  say(`${calls} calls`);
  say(countsLine({ passed, failed, skipped: 0 }));
  Deno.exit(failed > 0 ? 1 : 0);
}
