/**
 * Makes `dist/bundle`: the command in few files, which start sooner than many.
 *
 *     deno task bundle              dist/bundle
 *     deno run -A dist/bundle/main.js -p minimal -- true
 *
 * What a run does not need, as subcommands and parsers, stays in files of its
 * own, and is loaded when it is used. The files are minified: a third of a start
 * is reading and compiling them. The stack of a bug has short names therefore; the
 * sources show the long ones.
 */

// Here so that the package has been fetched when a file of it is looked for.
import "../src/policy/yaml_nodes.ts";
import metadata from "../deno.json" with { type: "json" };
import { DENO, pass } from "./parts.ts";

/** What `yaml_nodes.ts` imports. */
const YAML = "npm:yaml@2.8.1";

/** The Worker that the command may start, beside it, by the name in the sources. */
export const WORKER = "forwarder_worker.ts";

/**
 * Bundles the command.
 *
 * @param directory where the files go; `main.js` is the command
 * @returns whether that worked
 */
export async function bundle(directory: string): Promise<boolean> {
  const map = await Deno.makeTempFile({ prefix: "jail-", suffix: ".json" });
  await Deno.writeTextFile(map, JSON.stringify({ imports: withoutNode() }));
  const success = await pass(DENO, [
    "bundle",
    "--quiet",
    "--minify",
    "--platform=browser",
    "--code-splitting",
    `--import-map=${map}`,
    `--outdir=${directory}`,
    "main.ts",
    `src/jail/${WORKER}`,
  ], {
    // It may have to fetch its bundler, by certificates that the machine knows.
    DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "mozilla,system",
  });
  await Deno.remove(map);
  await Deno.writeTextFile(
    `${directory}/${WORKER}`,
    `import "./src/jail/${WORKER.replace(/ts$/, "js")}";\n`,
  );
  // Else the one of a directory above would be taken.
  await Deno.writeTextFile(`${directory}/deno.json`, "{}\n");
  return success;
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
