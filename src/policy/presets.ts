/** The policies that come with jail. To add one: its file in `policies/`, an import, a line. */

import allowAll from "../../policies/allow-all.yaml" with { type: "text" };
import base from "../../policies/default.yaml" with { type: "text" };
import minimal from "../../policies/minimal.yaml" with { type: "text" };

/** A policy that comes with jail. */
export interface Preset {
  /** Its name: that of its file without `.yaml`. */
  readonly name: string;
  /** One sentence: who it is for, and what it stops. */
  readonly summary: string;
  /** The file. */
  readonly text: string;
}

/** The policies that come with jail. */
export const PRESETS: readonly Preset[] = [
  preset("allow-all", allowAll),
  preset("default", base),
  preset("minimal", minimal),
];

/** The policy of a name, if there is one. */
export function presetNamed(name: string): Preset | undefined {
  return PRESETS.find((preset) => preset.name === name);
}

/** Makes one: the summary is the first comment of its file. */
function preset(name: string, text: string): Preset {
  const comment = /^(?:#.*\n)+/.exec(text)?.[0] ?? "";
  const words = comment.replace(/^# ?/gm, "").replace(/\s+/g, " ").trim();
  return { name, summary: /^.*?\.(?= |$)/.exec(words)?.[0] ?? words, text };
}
