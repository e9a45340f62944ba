/**
 * What a root of chroot(2) lies in, where that is no mount: the kernel says of the
 * mounts beneath alone what they are.
 */

import { toCString } from "../../abi/bytes.ts";
import { getBig } from "../../abi/layout.ts";
import { STAT } from "../../abi/stat.ts";
import type { Mount } from "../../sys/mount_info.ts";
import { OWN_VIEW, type View } from "../../sys/view.ts";
import { insideOf, topOf } from "./inside.ts";

/**
 * Adds what lies at the root of a view, as if it were mounted there, if nothing is.
 *
 * @param mounts what is mounted in there
 * @param view where paths begin
 */
export function withRoot(
  mounts: readonly Mount[],
  { directory }: View,
): readonly Mount[] {
  if (mounts.some(({ point }) => point === "/")) return mounts;
  const root = directory === undefined
    ? ownRoot(mounts)
    : rootIn(withRoot(OWN_VIEW.mounts(), OWN_VIEW), directory);
  return root === undefined ? mounts : [root, ...mounts];
}

/** A directory as a mount at the root. */
function rootIn(
  mounts: readonly Mount[],
  directory: string,
): Mount | undefined {
  const top = topOf(mounts, directory);
  if (top === undefined) return undefined;
  return { ...top, root: insideOf(top, directory).name, point: "/" };
}

/**
 * The root of this process: nobody says where it is in its file system, but by a
 * directory in it that is mounted elsewhere as well, whose name there ends so.
 */
function ownRoot(mounts: readonly Mount[]): Mount | undefined {
  const ids = new Set(mounts.map(({ id }) => id));
  const id = mounts.find(({ on }) => !ids.has(on))?.on;
  if (id === undefined) return undefined;
  for (const mount of mounts) {
    const { root, point } = mount;
    // All of a file system, as from another machine, is no part of a root.
    if (root === "/" || topOf(mounts, point) !== mount) continue;
    for (let at = 0; at >= 0; at = root.indexOf("/", at + 1)) {
      const path = root.slice(at);
      if (topOf(mounts, path) === undefined && isSame(path, point)) {
        return {
          ...mount,
          id,
          on: id,
          root: root.slice(0, at) || "/",
          point: "/",
        };
      }
    }
    if (isSame("/", point)) return { ...mount, id, on: id, point: "/" };
  }
  return undefined;
}

/** Whether a path without links leads to the same directory as another one. */
function isSame(path: string, other: string): boolean {
  const one = identityOf(path);
  return one !== undefined && one === identityOf(other) &&
    OWN_VIEW.realpath(path) === path;
}

/** What tells a directory from all others. */
function identityOf(path: string): string | undefined {
  const stat = new Uint8Array(STAT.size);
  // A file could have several names.
  if (OWN_VIEW.stat(toCString(`${path}/.`), stat) < 0) return undefined;
  return `${getBig(STAT, stat, "st_dev")} ${getBig(STAT, stat, "st_ino")}`;
}
