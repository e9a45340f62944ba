/**
 * Makes `dist/jail`: one file with jail and a runtime.
 *
 *     deno task compile           dist/jail
 *     deno task compile OUTPUT    another file
 *
 * The command is one script in it, with what V8 made of that in a run: to load some
 * 200 files and compile what they hold, as a run of `main.ts` does, takes longer
 * than all else that happens before the program runs.
 *
 * `deno compile` downloads its runtime, denort. `DENORT_BIN=FILE` gives it one.
 */

import { bundle, bundleScript, HEAP, WORKER } from "./bundle.ts";
import { CODE, SCRIPT } from "./compiled/script.ts";
import { DENO, pass, ROOT, say } from "./parts.ts";

/** What starts a compiled file, beside the script. */
const ENTRIES = ["script.ts", "start.ts", "warm.ts"];

/** Puts all that is compiled into a directory. */
async function fill(directory: string): Promise<boolean> {
  for (const name of ENTRIES) {
    const from = new URL(`scripts/compiled/${name}`, ROOT);
    await Deno.copyFile(from, `${directory}/${name}`);
  }
  // The bundle has the Worker, which the command starts by a file beside it.
  return await bundle(directory) &&
    await bundleScript(`${directory}/${SCRIPT}`);
}

/** The address of what begins a compiled file, and goes on with one of the entries. */
async function begin(entry: string): Promise<string> {
  const file = new URL("scripts/compiled/entry.ts", ROOT);
  const text = (await Deno.readTextFile(file)).replace("ENTRY", entry);
  return `data:application/typescript,${encodeURIComponent(text)}`;
}

/** Compiles one of the entries in a directory, with files beside it. */
async function compile(
  directory: string,
  entry: string,
  files: readonly string[],
  output: string,
): Promise<boolean> {
  return await pass(DENO, [
    "compile",
    "--quiet",
    "-A",
    "--no-check",
    // It would be read from the directory for temporary files, by a name that
    // anybody may have taken, and is code.
    "--no-code-cache",
    `--v8-flags=${HEAP}`,
    ...[entry, ...files].map((name) => `--include=${directory}/${name}`),
    `--output=${output}`,
    await begin(entry),
  ]);
}

if (import.meta.main) {
  const output = Deno.args[0] ?? "dist/jail";
  const directory = await Deno.makeTempDir({ prefix: "jail-bundle-" });
  const warm = `${directory}/warm`;
  let success: boolean;
  try {
    const files = [SCRIPT, WORKER];
    // What V8 made is of its version and its flags: the same runtime makes it.
    success = await fill(directory) &&
      await compile(directory, "warm.ts", files, warm) &&
      await pass(warm, [`${directory}/${CODE}`]) &&
      await compile(directory, "start.ts", [...files, CODE], output);
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
