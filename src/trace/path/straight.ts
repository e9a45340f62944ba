/**
 * How far a path leads without a link.
 *
 * A path may have 2,000 names, and lead through 40 links of which each has as
 * many. To look each up from the root costs their square: seconds, in which
 * nobody else is served and no limit is looked at. So the kernel is asked how far
 * the next ones lead, by halves, which takes about ten looks for each link.
 */

import { EACCES, ENAMETOOLONG } from "../../abi/errno.ts";
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH } from "../../abi/fcntl.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import { RESOLVE_NO_SYMLINKS } from "../../abi/openat2.ts";
import { close } from "../../sys/files.ts";
import type { View } from "../../sys/view.ts";
import { isGuarded } from "./automount.ts";
import { cString } from "./place.ts";

const DIRECTORY = O_PATH | O_NOFOLLOW | O_CLOEXEC | O_DIRECTORY;

/** Up to so many names are looked up one by one, which is as cheap. */
const FEW = 16;

/**
 * Opens a directory by a path that has no link in it.
 *
 * @param view where the path begins
 * @param path an absolute path, a byte string
 * @returns a reference to it (`O_PATH`), or a negated errno
 */
export function openStraight(view: View, path: string): number {
  if (path.length >= PATH_MAX) return -ENAMETOOLONG;
  if (isGuarded(view, path)) return -EACCES;
  return view.open(cString(path), DIRECTORY, RESOLVE_NO_SYMLINKS);
}

/** Whether a path is that of a directory, and has no link in it. */
function isStraight(view: View, path: string): boolean {
  const fd = openStraight(view, path);
  if (fd < 0) return false;
  close(fd);
  return true;
}

/**
 * Finds which of the next names of a path are directories, and no links.
 *
 * @param view where paths begin
 * @param real where they are looked for: a directory's real path
 * @param root what `..` does not lead out of: the same, or one above
 * @param todo the names, the next one last; the last one of the path is not asked
 *   about
 * @returns these names, or fewer of them; none where there are few
 */
export function straightNames(
  view: View,
  real: string,
  root: string,
  todo: readonly string[],
): readonly string[] {
  if (todo.length <= FEW) return [];
  const names = beneath(real, root, todo.slice(1).reverse());
  let least = 0;
  let most = names.length;
  let tried = most;
  while (least < most) {
    if (isStraight(view, `${real}/${names.slice(0, tried).join("/")}`)) {
      least = tried;
    } else {
      most = tried - 1;
    }
    tried = Math.ceil((least + most) / 2);
  }
  return names.slice(0, least);
}

/** Names of directories, where each `..` that would lead above a root stays there. */
function beneath(
  real: string,
  root: string,
  names: readonly string[],
): readonly string[] {
  if (root === "/") return names;
  let depth = real.slice(root.length).split("/").length - 1;
  return names.map((name) => {
    if (name === "..") {
      if (depth === 0) return ".";
      depth--;
    } else if (name !== "" && name !== ".") depth++;
    return name;
  });
}
