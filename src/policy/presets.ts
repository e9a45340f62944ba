/** The policies that come with jail. To add one: its file in `policies/`, an import, a line. */

import agent from "../../policies/agent.yaml" with { type: "text" };
import allowAll from "../../policies/allow-all.yaml" with { type: "text" };
import base from "../../policies/base.yaml" with { type: "text" };
import build from "../../policies/build.yaml" with { type: "text" };
import byDefault from "../../policies/default.yaml" with { type: "text" };
import git from "../../policies/git.yaml" with { type: "text" };
import gs from "../../policies/gs.yaml" with { type: "text" };
import ls from "../../policies/ls.yaml" with { type: "text" };
import minimal from "../../policies/minimal.yaml" with { type: "text" };
import node from "../../policies/node.yaml" with { type: "text" };
import python from "../../policies/python.yaml" with { type: "text" };
import readonly from "../../policies/readonly.yaml" with { type: "text" };
import sealed from "../../policies/sealed.yaml" with { type: "text" };

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
  preset("agent", agent),
  preset("allow-all", allowAll),
  preset("base", base),
  preset("build", build),
  preset("default", byDefault),
  preset("git", git),
  preset("gs", gs),
  preset("ls", ls),
  preset("minimal", minimal),
  preset("node", node),
  preset("python", python),
  preset("readonly", readonly),
  preset("sealed", sealed),
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
