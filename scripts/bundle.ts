/**
 * Makes `dist/bundle`: the command in few files, which start sooner than many.
 *
 *     deno task bundle              dist/bundle
 *     deno run -A --v8-flags=--no-lazy dist/bundle/main.js -p minimal -- true
 *
 * What a run does not need, as subcommands and parsers, stays in files of its
 * own, and is loaded when it is used. The files are minified: a third of a start
 * is reading and compiling them. The stack of a bug has short names therefore; the
 * sources show the long ones. With that flag V8 compiles all of a file once, and Deno
 * keeps it: else each run compiles the functions that it calls.
 */

import metadata from "../deno.json" with { type: "json" };
// Here so that the package has been fetched when a file of it is looked for.
import "../src/policy/file/yaml_nodes.ts";
import { DENO, pass, say } from "./parts.ts";

/** What `yaml_nodes.ts` imports. */
const YAML = "npm:yaml@2.8.1";

/** The Worker that the command may start, beside it, by the name in the sources. */
export const WORKER = "forwarder_worker.ts";

/**
 * Bundles the command, or other scripts that hold programs in jails.
 *
 * @param directory where the files go; `main.js` is the command
 * @param scripts their paths in this repository; each has the same path there
 * @returns whether that worked
 */
export async function bundle(
  directory: string,
  scripts: readonly string[] = ["main.ts"],
): Promise<boolean> {
  await removeParts(directory);
  const success = await runBundler([
    "--code-splitting",
    `--outdir=${directory}`,
    ...scripts,
    `src/jail/names/${WORKER}`,
  ]);
  await Deno.writeTextFile(
    `${directory}/${WORKER}`,
    `import "./src/jail/names/${WORKER.replace(/ts$/, "js")}";\n`,
  );
  // Else the one of a directory above would be taken, which may say where code comes
  // from; also beside this one, unless it is the root of a workspace.
  await Deno.writeTextFile(`${directory}/deno.json`, '{ "workspace": [] }\n');
  return success;
}

/** Removes the parts of an earlier bundle, whose names tell what is in them. */
async function removeParts(directory: string): Promise<void> {
  try {
    for await (const { name } of Deno.readDir(directory)) {
      if (/^(chunk|[a-z_]+)-[0-9A-Z]{8}\.js$/.test(name)) {
        await Deno.remove(`${directory}/${name}`);
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Bundles the command as one script, which gives a function: from the address
 * that the script has to the command's `main()`.
 *
 * @param file where it goes
 * @returns whether that worked
 */
export async function bundleScript(file: string): Promise<boolean> {
  if (!await runBundler([`--output=${file}`, "src/cli/main.ts"])) return false;
  const module = await Deno.readTextFile(file);
  const body = module
    .replace(/export\s*\{\s*([\w$]+) as main\s*\};?\s*$/, "return $1;")
    .replaceAll("import.meta.url", "address");
  if (!/return [\w$]+;$/.test(body) || body.includes("import.meta")) {
    say(`Cannot make a script of ${file}: it has other exports than main()`);
    return false;
  }
  await Deno.writeTextFile(file, `"use strict";(address)=>{${body}}`);
  return true;
}

/**
 * How V8 keeps what is new. A start fills some megabytes, which are not worth
 * collecting; nor should what comes later take the place that a small heap grows
 * into: of a policy with ten thousand rules most is read once, and then garbage.
 */
export const HEAP = "--min-semi-space-size=4,--max-semi-space-size=4";

/** The words that run the command from a directory with its bundle. */
export function bundleCommand(directory: string): readonly string[] {
  const flags = `--v8-flags=--no-lazy,${HEAP}`;
  return [DENO, "run", "-A", "--no-check", flags, `${directory}/main.js`];
}

/** Runs the bundler of Deno. */
async function runBundler(args: readonly string[]): Promise<boolean> {
  const map = await Deno.makeTempFile({ prefix: "jail-", suffix: ".json" });
  try {
    await Deno.writeTextFile(map, JSON.stringify({ imports: withoutNode() }));
    return await pass(DENO, [
      "bundle",
      "--quiet",
      "--minify",
      "--platform=browser",
      `--import-map=${map}`,
      ...args,
    ], {
      // It may have to fetch its bundler, by certificates that the machine knows.
      DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "mozilla,system",
    });
  } finally {
    await Deno.remove(map);
  }
}

/**
 * The import map, but for the `yaml` package: Deno takes what was built for Node,
 * which would bring a part of Node with it. The package has modules as well.
 */
function withoutNode(): Readonly<Record<string, string>> {
  const built = import.meta.resolve(YAML);
  return {
    ...metadata.imports,
    [YAML]: new URL("../browser/index.js", built).href,
  };
}

if (import.meta.main) {
  if (!await bundle(Deno.args[0] ?? "dist/bundle")) Deno.exit(1);
}
