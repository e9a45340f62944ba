/** The policies that come with jail, read ahead: `deno task presets` makes the list. */

import type { Layer } from "./policy.ts";
import presets from "./presets.json" with { type: "json" };

/** A policy that comes with jail. */
export interface Preset {
  /** Its name: that of its file without `.yaml`. */
  readonly name: string;
  /** One sentence: who it is for, and what it stops. */
  readonly summary: string;
  /** The file. */
  readonly text: string;
  /** What the file says, as the YAML parser reads it, so that no run has to. */
  readonly value: unknown;
}

/** The policies that come with jail. */
export const PRESETS: readonly Preset[] = presets;

/** The policy of a name, if there is one. */
export function presetNamed(name: string): Preset | undefined {
  return PRESETS.find((preset) => preset.name === name);
}

/** Whether a layer is one of these, and no file of somebody's by the same name. */
export function isPreset({ sources: [source] }: Layer): boolean {
  return source !== undefined &&
    presetNamed(source.name)?.text === source.text;
}
