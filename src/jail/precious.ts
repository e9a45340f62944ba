/** What should not lie where a program may write: what the next jail is made of. */

import { fromText } from "../abi/bytes.ts";
import { joinPath } from "../policy/file/extend.ts";
import { parentOf, pathIn } from "../policy/path/within.ts";
import type { Layer } from "../policy/policy.ts";
import { isPreset } from "../policy/presets.ts";
import { ownEnvironment } from "../sys/proc.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";
import { fromDirectory, variable } from "./program.ts";

/**
 * What jail is started from, as the program sees it: Deno, where that keeps code, and
 * this very code, where it is a file.
 *
 * @param here the working directory of who asks, a byte string
 * @param view where the program's paths begin
 * @returns real paths in there
 */
export function ownCode(here: string, view: View): string[] {
  const named = variable(ownEnvironment(), "DENO_DIR") ?? "";
  // One file has all of it.
  const isAlone = named === "" || Deno.build.standalone;
  const kept = isAlone ? [] : [fromDirectory(here, named)];
  const { protocol, pathname } = new URL(import.meta.url);
  const source = protocol === "file:" && !Deno.build.standalone
    ? [fromPercent(pathname)]
    : [];
  return ["/proc/self/exe", ...kept, ...source].flatMap((path) => {
    const real = OWN_VIEW.realpath(path);
    return real === undefined ? [] : view.fromOutside(real) ?? [];
  });
}

/**
 * The files that say what this run may do, as the program sees them: where they are,
 * and where they are named, by a link that leads there, or through one to where they
 * are in.
 *
 * @param layers all that a policy is made of
 * @param hasSet whether a permission set of the nearest `deno.json` is one of them
 * @param here the working directory of who asks, a byte string
 * @param view where the program's paths begin
 * @returns paths in there
 */
export function policyFiles(
  layers: readonly Layer[],
  hasSet: boolean,
  here: string,
  view: View,
): string[] {
  const names = layers.filter((layer) => !isPreset(layer))
    .flatMap(({ sources }) => sources.map(({ name }) => fromText(name)));
  // One that is made here is the nearest.
  if (hasSet) names.push("deno.json");
  const paths = names.flatMap((name) => {
    // As it is read: without the `..` in it.
    const path = joinPath(here, name);
    const directory = OWN_VIEW.realpath(parentOf(path));
    return [
      OWN_VIEW.realpath(path),
      directory && pathIn(directory, path.slice(path.lastIndexOf("/") + 1)),
      path,
    ];
  });
  return [...new Set(paths)].flatMap((path) =>
    path === undefined ? [] : view.fromOutside(path) ?? []
  );
}

/** A path of a URL as a byte string. */
function fromPercent(path: string): string {
  return path.replace(
    /%([0-9A-Fa-f]{2})/g,
    (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
