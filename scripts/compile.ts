/**
 * Makes `dist/jail`: one file with jail and a runtime.
 *
 *     deno task compile           dist/jail
 *     deno task compile OUTPUT    another file
 *
 * The sources are bundled first: to load some 200 files, as a run of `main.ts`
 * does, takes longer than all else that happens before the program runs.
 *
 * `deno compile` downloads its runtime, denort. `DENORT_BIN=FILE` gives it one.
 */

import { bundle, WORKER } from "./bundle.ts";
import { DENO, pass, say } from "./parts.ts";

if (import.meta.main) {
  const output = Deno.args[0] ?? "dist/jail";
  const directory = await Deno.makeTempDir({ prefix: "jail-bundle-" });
  let success: boolean;
  try {
    success = await bundle(directory) &&
      await pass(DENO, [
        "compile",
        "-A",
        "--no-check",
        // It would be read from the directory for temporary files, by a name that
        // anybody may have taken, and is code.
        "--no-code-cache",
        // A start fills some megabytes, which are not worth collecting; nor should
        // what comes later take the place that a small heap grows into.
        "--v8-flags=--min-semi-space-size=4,--max-semi-space-size=4",
        `--include=${directory}/${WORKER}`,
        `--output=${output}`,
        `${directory}/main.js`,
      ]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  if (!success) fail(output);
  const { size } = await Deno.stat(output);
  say(`${output}: ${(size / 1e6).toFixed(1)} MB`);
}

function fail(output: string): never {
  say(`Cannot make ${output}: deno bundle or deno compile failed`);
  if (Deno.env.get("DENORT_BIN") === undefined) {
    say("");
    say(
      "hint: where its runtime cannot be downloaded, set DENORT_BIN to a " +
        "denort of this version of Deno",
    );
  }
  Deno.exit(1);
}
