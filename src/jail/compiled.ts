/** A policy, ready to decide what is done on this machine. */

import { printable } from "../abi/bytes.ts";
import { ENOENT } from "../abi/errno.ts";
import { PROC_SUPER_MAGIC, SYSFS_MAGIC } from "../abi/stat.ts";
import { UsageError } from "../errors.ts";
import { compile } from "../policy/compile.ts";
import type { Engine } from "../policy/decide.ts";
import { SETTINGS } from "../policy/fixed.ts";
import { remembered } from "../policy/path/remembered.ts";
import { type Realpath, ruleRoots } from "../policy/path/rules.ts";
import { isWithin } from "../policy/path/within.ts";
import type { Policy } from "../policy/policy.ts";
import { interfaceIndex } from "../sys/interfaces.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";
import { settingsElsewhere } from "../trace/path/mounts.ts";
import { foldingIn } from "./folding.ts";

/**
 * Finds the real paths that the rules of a run mean. What is one by itself is not
 * looked up: another jail that may write beside it could have put a link in its place
 * by now, and a rule would mean what that leads to.
 *
 * @param view where the program's paths begin
 * @param cwd the working directory, a real path
 * @param made the directories that jail has made for the run, real paths: what others
 *   have put in there since leads no rule on either
 */
export function realPathsIn(
  view: View,
  cwd: string,
  made: readonly (string | undefined)[],
): Realpath {
  const own = made.filter((path) => path !== undefined);
  const real = [cwd, ...own];
  return remembered((path) =>
    real.some((known) => isWithin(known, path)) ||
      own.some((known) => isWithin(path, known))
      ? path
      : view.meant(path)
  );
}

/**
 * Makes an engine of a policy, with the links that its rules lead through.
 *
 * @param policy the merged policy
 * @param view where the program's paths begin
 * @param realpath finds real paths there
 * @returns the engine
 * @throws {UsageError} where a flag refuses something by its name outside of the root
 * @throws {PolicyError} where a rule names an interface that is not there, or it
 *   cannot be told what a rule refuses
 */
export function compileHere(
  policy: Policy,
  view: View,
  realpath: Realpath,
): Engine {
  if (!view.isOwn) mustBeInRoot(policy, view);
  return compile(policy, {
    realpath,
    links: (path) => view.links(path),
    closedOnTheWay: (path, known) => view.closedOnTheWay(path, known),
    interfaceIndex,
    settings: settingsIn(view),
    folding: (paths, realpath) => foldingIn(paths, view, realpath),
  });
}

/**
 * Refuses a flag that refuses what is in the root by its name outside, as a shell
 * completes it: in there nothing has that name, and nothing would be refused.
 */
function mustBeInRoot(policy: Policy, view: View): void {
  for (const { path, effect, ref } of ruleRoots(policy)) {
    if (effect === "allow" || !ref.source.startsWith("--")) continue;
    const name = `/${path.join("/")}`;
    const inside = view.fromOutside(OWN_VIEW.realpath(name) ?? name);
    if (inside === undefined || view.realpath(name) !== undefined) continue;
    throw new UsageError(
      `Cannot use ${ref.text}: the program has that as ${printable(inside)}`,
      "write the path as it is in the root",
    );
  }
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
