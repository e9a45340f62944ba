/**
 * Runs the command as users do, and keeps what V8 made of the functions that were
 * called: `warm FILE`. What a run then compiles by itself it would, without, too.
 */

import { command } from "./script.ts";

/** What most runs need, and little more: to read the rest takes longer. */
const RUNS: readonly (readonly string[])[] = [
  ["-p", "minimal", "--", "true"],
  ["-p", "agent", "--", "sh", "-c", "ls / >/dev/null"],
];

const { script, main } = command();
for (const words of RUNS) await main(words);
Deno.writeFileSync(Deno.args[0]!, script.createCachedData());
