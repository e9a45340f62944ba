/** A policy, ready to decide what is done on this machine. */

import { ENOENT } from "../abi/errno.ts";
import { PROC_SUPER_MAGIC, SYSFS_MAGIC } from "../abi/stat.ts";
import { compile, type Engine } from "../policy/decide.ts";
import { SETTINGS } from "../policy/fixed.ts";
import type { Realpath } from "../policy/path/rules.ts";
import type { Policy } from "../policy/policy.ts";
import { interfaceIndex } from "../sys/interfaces.ts";
import type { View } from "../sys/view.ts";
import { settingsElsewhere } from "../trace/path/mounts.ts";

/**
 * Makes an engine of a policy, with the links that its rules lead through.
 *
 * @param policy the merged policy
 * @param view where the program's paths begin
 * @param realpath finds real paths there
 * @returns the engine
 * @throws {PolicyError} where a rule names an interface that is not there, or it
 *   cannot be told what a rule refuses
 */
export function compileHere(
  policy: Policy,
  view: View,
  realpath: Realpath,
): Engine {
  return compile(policy, {
    realpath,
    links: (path) => view.links(path),
    closedOnTheWay: (path, known) => view.closedOnTheWay(path, known),
    interfaceIndex,
    settings: settingsIn(view),
  });
}

const KERNELS: readonly number[] = [PROC_SUPER_MAGIC, SYSFS_MAGIC];

/** Where files are settings of the kernel: a root may have others of these names. */
function settingsIn(view: View): readonly string[] {
  const usual = SETTINGS.filter((path) => {
    const type = view.fileSystemOf(path);
    // What cannot be asked is as careful as can be.
    return type < 0 ? type !== -ENOENT : KERNELS.includes(type);
  });
  return [...usual, ...settingsElsewhere(view.mounts())];
}
