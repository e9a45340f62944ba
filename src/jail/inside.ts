/** Whether what a built-in policy means in the working directory is there. */

import { printable } from "../abi/bytes.ts";
import { PolicyError } from "../errors.ts";
import { isWithin } from "../policy/floor/grants.ts";
import { parseGlob } from "../policy/path/glob.ts";
import { literalRoot } from "../policy/path/rules.ts";
import { type Layer, PATH_SECTIONS } from "../policy/policy.ts";
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
        for (const glob of parseGlob(pattern)) {
          const real = view.meant(`/${literalRoot(glob).join("/")}`);
          if (real === undefined || isWithin(real, cwd)) continue;
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
