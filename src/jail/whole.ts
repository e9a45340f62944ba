/** Rules that seem to close a directory, and leave open what is in it. */

import { printable } from "../abi/bytes.ts";
import { Fault } from "../policy/file/fault.ts";
import { asPolicyError } from "../policy/file/parse.ts";
import { isAlone, parseGlob } from "../policy/path/glob.ts";
import {
  type Layer,
  PATH_SECTIONS,
  type PathRule,
  type PathSection,
} from "../policy/policy.ts";
import { isPreset } from "../policy/presets.ts";
import type { View } from "../sys/view.ts";
import { isDirectory } from "../sys/which.ts";

/**
 * Refuses a rule such as `deny: ["~/.{ssh,aws}"]` where one of the paths is a
 * directory. Each looks like a plain path, which means all beneath as well, and is
 * none: a glob means what it matches.
 *
 * @param layers the layers of policies that are files
 * @param view where their paths begin
 * @throws {PolicyError} where there is such a rule, with its place
 */
export async function mustCloseWhole(
  layers: readonly Layer[],
  view: View,
): Promise<void> {
  for (const layer of layers) {
    if (isPreset(layer)) continue;
    const [source] = layer.sources;
    for (const { pattern, ref } of PATH_SECTIONS.flatMap(refusing(layer))) {
      const left = leftOpen(pattern, view);
      if (left === undefined) continue;
      const fault = new Fault(
        ref.keys,
        `it means the directory ${printable(left)} alone, ` +
          "and would leave open what is beneath",
        { hint: `write "${ref.text}/**"` },
      );
      throw await asPolicyError(fault, ref.source, source?.text ?? "");
    }
  }
}

/** The rules of a section that refuse. */
function refusing(layer: Layer): (section: PathSection) => PathRule[] {
  return (section) => [...layer[section].deny, ...layer[section].ignore];
}

/** A directory that a pattern means by its choices alone, if there is one. */
function leftOpen(
  pattern: PathRule["pattern"],
  view: View,
): string | undefined {
  if (!pattern.includes("{") || isAlone(pattern)) return undefined;
  for (const { segments, beneath } of parseGlob(pattern)) {
    const names = segments.flatMap((one) =>
      one.kind === "name" ? [one.name] : []
    );
    if (beneath || names.length < segments.length) continue;
    const path = `/${names.join("/")}`;
    if (isDirectory(path, view)) return path;
  }
  return undefined;
}
