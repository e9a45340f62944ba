/**
 * Makes `dist/jail`: one file with jail, its Worker and a runtime.
 *
 *     deno task compile           dist/jail
 *     deno task compile OUTPUT    another file
 *
 * `deno compile` downloads its runtime, denort. `DENORT_BIN=FILE` gives it one.
 */

import { DENO, pass, say } from "./parts.ts";

/** Files that are not imported by name, and must be put in. */
const INCLUDED: readonly string[] = ["src/jail/worker.ts"];

if (import.meta.main) {
  const output = Deno.args[0] ?? "dist/jail";
  const success = await pass(DENO, [
    "compile",
    "-A",
    "--no-check",
    ...INCLUDED.map((path) => `--include=${path}`),
    `--output=${output}`,
    "main.ts",
  ]);
  if (!success) {
    say(`Cannot make ${output}: deno compile failed`);
    if (Deno.env.get("DENORT_BIN") === undefined) {
      say("");
      say(
        "hint: where its runtime cannot be downloaded, set DENORT_BIN to a " +
          "denort of this version of Deno",
      );
    }
    Deno.exit(1);
  }
  const { size } = await Deno.stat(output);
  say(`${output}: ${(size / 1e6).toFixed(1)} MB`);
}
