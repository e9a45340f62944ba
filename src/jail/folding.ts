/** Where names mean the same in capital letters, or may. */

import { toCString } from "../abi/bytes.ts";
import { O_CLOEXEC, O_NOFOLLOW, O_PATH } from "../abi/fcntl.ts";
import { FUSE_SUPER_MAGIC, PLAIN_FILE_SYSTEMS } from "../abi/stat.ts";
import { type Realpath, ruleRoots } from "../policy/path/rules.ts";
import { isWithin, parentOf, pathIn } from "../policy/path/within.ts";
import type { Policy } from "../policy/policy.ts";
import { close, isSameFile } from "../sys/files.ts";
import type { View } from "../sys/view.ts";
import { foldingPlaces } from "../trace/path/mounts.ts";

/** Of how many rules it is tried: nobody writes more. */
const MOST_TRIED = 1024;

/**
 * Finds where names may mean the same in capital letters: by what is mounted, and by
 * a try of what rules name, since a disk may be so, or some of its directories alone
 * (ZFS, `chattr +F` of ext4).
 *
 * @param policy the policy
 * @param view where paths begin
 * @param realpath finds real paths there
 */
export function foldingIn(
  policy: Policy,
  view: View,
  realpath: Realpath,
): readonly string[] {
  const found = new Set(foldingPlaces(view.mounts()));
  const names = new Set(ruleRoots(policy).map(({ path }) => path.join("/")));
  for (const name of [...names].slice(0, MOST_TRIED)) {
    const path = realpath(`/${name}`) ?? `/${name}`;
    const isKnown = [...found].some((one) => isWithin(path, one));
    if (isKnown || isWithin(path, "/proc") || !folds(path, view)) continue;
    found.add(parentOf(path));
  }
  return [...found];
}

/** Whether what is at a path is so by its name in other letters, too. */
function folds(path: string, view: View): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const other = swapped(name);
  if (other === name) return false;
  const flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  const one = view.open(toCString(path), flags);
  if (one < 0) return false;
  const directory = parentOf(path);
  const two = mayBeTried(view.fileSystemOf(directory))
    ? view.open(toCString(pathIn(directory, other)), flags)
    : -1;
  const isSame = two >= 0 && isSameFile(one, two);
  for (const fd of [one, two]) if (fd >= 0) close(fd);
  return isSame;
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
