/**
 * Reads the policies that come with jail ahead, so that no run has to.
 *
 *     deno task presets
 *
 * It writes `src/policy/presets.json`; a test fails where that is not what
 * `policies/` says.
 */

import { parseYaml } from "../src/policy/file/yaml.ts";
import type { Preset } from "../src/policy/presets.ts";
import { capture, DENO, ROOT } from "./parts.ts";

const OUTPUT = new URL("src/policy/presets.json", ROOT);

/** The policies in `policies/`, by name. */
export function readPresets(): Preset[] {
  const directory = new URL("policies/", ROOT);
  return [...Deno.readDirSync(directory)]
    .map((entry) => entry.name)
    .filter((file) => file.endsWith(".yaml"))
    .sort()
    .map((file) =>
      preset(
        file.slice(0, -".yaml".length),
        Deno.readTextFileSync(new URL(file, directory)),
      )
    );
}

/** Makes one: the summary is the first sentence of the first comment of its file. */
function preset(name: string, text: string): Preset {
  const comment = /^(?:#.*\n)+/.exec(text)?.[0] ?? "";
  const words = comment.replace(/^# ?/gm, "").replace(/\s+/g, " ").trim();
  return {
    name,
    summary: /^.*?\.(?= |$)/.exec(words)?.[0] ?? words,
    text,
    value: parseYaml(text),
  };
}

if (import.meta.main) {
  await Deno.writeTextFile(OUTPUT, JSON.stringify(readPresets()));
  await capture(DENO, ["fmt", OUTPUT.pathname]);
}
