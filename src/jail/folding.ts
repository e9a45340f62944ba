/** Where names mean the same in capital letters, or may. */

import { toCString } from "../abi/bytes.ts";
import { O_CLOEXEC, O_NOFOLLOW, O_PATH } from "../abi/fcntl.ts";
import { FUSE_SUPER_MAGIC, PLAIN_FILE_SYSTEMS } from "../abi/stat.ts";
import type { Realpath } from "../policy/path/rules.ts";
import { isWithin, parentOf, pathIn } from "../policy/path/within.ts";
import { close, isSameFile } from "../sys/files.ts";
import type { View } from "../sys/view.ts";
import { foldingPlaces } from "../trace/path/mounts.ts";

/** In how many directories it is tried: nobody has rules about more. */
const MOST_TRIED = 1024;

/**
 * Finds where names may mean the same in capital letters: by what is mounted, and by
 * a try of what rules name, since a disk may be so, or some of its directories alone
 * (ZFS, `chattr +F` of ext4).
 *
 * @param paths what the rules of a policy name
 * @param view where paths begin
 * @param realpath finds real paths there
 */
export function foldingIn(
  paths: readonly string[],
  view: View,
  realpath: Realpath,
): readonly string[] {
  const found = [...foldingPlaces(view.mounts())];
  const tried = new Set<string>();
  for (const named of paths) {
    const path = realpath(named);
    if (path === undefined) continue;
    const directory = parentOf(path);
    const name = path.slice(path.lastIndexOf("/") + 1);
    const other = swapped(name);
    if (other === name || tried.has(directory)) continue;
    if (tried.size === MOST_TRIED) break;
    tried.add(directory);
    const isKnown = found.some((place) => isWithin(directory, place));
    if (isKnown || !mayBeTried(view.fileSystemOf(directory))) continue;
    if (isSame(path, pathIn(directory, other), view)) found.push(directory);
  }
  return found;
}

/** Whether two paths lead to one file, without links. */
function isSame(path: string, other: string, view: View): boolean {
  const flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  const two = view.open(toCString(other), flags);
  if (two < 0) return false;
  const one = view.open(toCString(path), flags);
  const same = one >= 0 && isSameFile(one, two);
  for (const fd of [one, two]) if (fd >= 0) close(fd);
  return same;
}

/** Whether nothing is asked over a network, or mounted, by another name. */
function mayBeTried(type: number): boolean {
  return type === FUSE_SUPER_MAGIC || PLAIN_FILE_SYSTEMS.has(type);
}

/** A name with small letters for capital ones, and the other way round. */
function swapped(name: string): string {
  return name.replace(
    /[a-z]+|[A-Z]+/g,
    (letters) => letters < "a" ? letters.toLowerCase() : letters.toUpperCase(),
  );
}
