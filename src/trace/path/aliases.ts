/**
 * Other names of a file, where the same part of a disk is mounted more than once.
 *
 * A file that is moved gets a new name in each of these mounts, and rules may say
 * more of one than of another.
 */

import { isWithin } from "../../policy/path/within.ts";
import { heedMounts } from "../../sys/mounted.ts";
import type { Mount } from "../../sys/mount_info.ts";
import type { View } from "../../sys/view.ts";
import { mountsOf } from "./mounts.ts";

/** The names of what is moved: before, and after that. */
export type Names = readonly [from: string, to: string];

/**
 * The names that a file loses and gets besides, where it is moved.
 *
 * @param view where paths begin
 * @param from its real path
 * @param to its new one
 * @returns its names in other mounts, with `from` where it had none in there before;
 *   `undefined` where it cannot be told what is mounted
 */
export function aliasesOf(
  view: View,
  from: string,
  to: string,
): readonly Names[] | undefined {
  const mounts = mountsOf(view, heedMounts());
  if (mounts === undefined) return undefined;
  const here = topOf(mounts, to);
  // The kernel moves nothing from one mount to another.
  if (here === undefined || topOf(mounts, from) !== here) return [];
  const inside = within(here, to);
  const before = within(here, from);
  const found: Names[] = [];
  for (const other of mounts) {
    if (other === here || other.device !== here.device) continue;
    const name = outside(other, inside);
    if (name === undefined) continue;
    found.push([outside(other, before) ?? from, name]);
  }
  return found;
}

/** The mount that a path leads into: of those at one place the last one is on top. */
function topOf(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts.filter(({ point }) => isWithin(path, point))
    .reduce<Mount | undefined>(
      (top, one) =>
        top === undefined || one.point.length >= top.point.length ? one : top,
      undefined,
    );
}

/** What the file system itself calls what has a path in a mount. */
function within({ point, root }: Mount, path: string): string {
  return joined(root, path.slice(point === "/" ? 0 : point.length));
}

/** The path in a mount of what the file system calls so, if it is there. */
function outside({ point, root }: Mount, name: string): string | undefined {
  if (!isWithin(name, root)) return undefined;
  return joined(point, name.slice(root === "/" ? 0 : root.length));
}

/** A path, and what follows it with a slash in front, or nothing. */
function joined(top: string, rest: string): string {
  return top === "/" ? rest || "/" : `${top}${rest === "/" ? "" : rest}`;
}
