/** Policies without a program: the built-in ones, and whether one is right. */

import { compile } from "../policy/compile.ts";
import { mergeLayers } from "../policy/merge.ts";
import { planCalls } from "../policy/plan/plan.ts";
import type { Policy } from "../policy/policy.ts";
import { PRESETS } from "../policy/presets.ts";
import { interfaceIndex } from "../sys/interfaces.ts";
import { hasSeccompTrace } from "../sys/probe.ts";
import { ownEnvironment } from "../sys/proc.ts";
import { OWN_VIEW } from "../sys/view.ts";
import { currentDirectory } from "./directory.ts";
import { fileDecider } from "./doubted.ts";
import { callDoubts, doubts, netDoubts } from "./doubts.ts";
import { floorFor, type FloorPlace } from "./floor.ts";
import { loadLayers } from "./layers.ts";
import { mustTakeNothingBack } from "./load.ts";
import { checkZones, netOptions } from "./net.ts";
import { variable } from "./program.ts";
import { holdToStrict } from "./strict.ts";
import { mustCloseWhole } from "./whole.ts";

/** A built-in policy. */
export interface BuiltInPolicy {
  /** Its name. */
  readonly name: string;
  /** One sentence: who it is for, and what it stops. */
  readonly summary: string;
  /** Its file. */
  readonly text: string;
}

/** The built-in policies, by name. */
export function builtInPolicies(): readonly BuiltInPolicy[] {
  return PRESETS.map(({ name, summary, text }) => ({ name, summary, text }));
}

/**
 * Reads a policy and all that it extends, as for a run.
 *
 * @param policy its name or file, a byte string
 * @returns what of it refuses less than a reader may think
 * @throws {PolicyError} where it cannot be used
 */
export async function checkPolicy(policy: string): Promise<readonly string[]> {
  const here = currentDirectory();
  const home = variable(ownEnvironment(), "HOME");
  // Any path will do: what they stand for is known when a program runs.
  const variables = {
    cwd: here,
    home: home?.startsWith("/") === true ? home : "/home/user",
    tmp: "/tmp",
    program: "/usr/bin/true",
  };
  const layers = await loadLayers(policy, variables, here);
  await mustCloseWhole(layers, OWN_VIEW);
  await mustTakeNothingBack(layers);
  const merged = await checkZones(mergeLayers(layers));
  compile(merged, { interfaceIndex });
  netOptions(merged);
  mustBeStrict(merged, variables);
  const near = [variables.cwd, variables.home];
  const decide = fileDecider(merged, OWN_VIEW);
  return [
    ...doubts(layers, { view: OWN_VIEW, near, decide }),
    ...netDoubts(merged),
    ...callDoubts(merged),
  ];
}

/** Holds a policy to its `strict`, as a run on this machine would. */
function mustBeStrict(
  policy: Policy,
  { cwd, program }: { readonly cwd: string; readonly program: string },
): void {
  if (policy.strict === undefined) return;
  const at: FloorPlace = {
    ...{ env: ownEnvironment(), cwd, program, view: OWN_VIEW },
  };
  // What it requires of a machine is that of a run.
  const floor = floorFor({ ...policy, require: [] }, at, true);
  const plan = planCalls(policy, { observe: false, sockets: "streams" });
  holdToStrict(policy, plan, floor, at, hasSeccompTrace());
}
