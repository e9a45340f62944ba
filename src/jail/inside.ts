/** Whether what a policy means in the working directory is there. */

import { printable } from "../abi/bytes.ts";
import { PolicyError } from "../errors.ts";
import { parseGlob } from "../policy/path/glob.ts";
import { literalRoot, realRoot } from "../policy/path/rules.ts";
import { isWithin } from "../policy/path/within.ts";
import { type Layer, PATH_SECTIONS, type Policy } from "../policy/policy.ts";
import { isPreset } from "../policy/presets.ts";
import type { View } from "../sys/view.ts";

/**
 * Refuses a link that leads what a built-in policy allows beneath the working
 * directory out of it: whoever filled that may have put one there, and the policy
 * says where the program writes.
 *
 * @param layers the layers of policies
 * @param cwd the working directory, a real path
 * @param view where paths begin
 * @throws {PolicyError} where there is one
 */
export function mustStayInside(
  layers: readonly Layer[],
  cwd: string,
  view: View,
): void {
  for (const layer of layers) {
    if (!isPreset(layer)) continue;
    for (const section of PATH_SECTIONS) {
      for (const { pattern, ref } of layer[section].allow) {
        if (!ref.text.startsWith("${cwd}/")) continue;
        for (const real of outside(pattern, cwd, view)) {
          throw new PolicyError(
            `Cannot use policy "${ref.source}": "${ref.text}" leads to ${
              printable(real)
            }, out of the working directory`,
            { hint: "make it a directory, or extend another policy" },
          );
        }
      }
    }
  }
}

/**
 * Says which links in the working directory lead what may be written out of it.
 * What somebody has said himself is followed; that a checkout has such a link he
 * may not know.
 *
 * @param policy the merged policy
 * @param cwd the working directory, a real path
 * @param view where paths begin
 * @returns a text for each
 */
export function linksOut(
  { write }: Pick<Policy, "write">,
  cwd: string,
  view: View,
): string[] {
  return write.allow.flatMap(({ pattern, ref }) =>
    isWithin(pattern, cwd)
      ? outside(pattern, cwd, view).map((real) =>
        `${ref.text} is led out of the working directory by a link: ${
          printable(real)
        } may be written`
      )
      : []
  );
}

/** Where what a pattern begins with leads to, where that is not in a directory. */
function outside(pattern: string, directory: string, view: View): string[] {
  return parseGlob(pattern)
    .map((glob) => realRoot(literalRoot(glob), (path) => view.meant(path)))
    .filter((real) => !isWithin(real, directory));
}
