/**
 * Files in mounts that no path of the program leads to, though their names look so.
 *
 * What the kernel calls an open file begins where its namespace of mounts does. A
 * descriptor can come from another namespace, by a socket or from the start, and
 * whoever makes one needs no privilege for it (user_namespaces(7)), nor a right to
 * read what it mounts: it chooses what a file is called, and what lies beneath a
 * directory. So a name is believed only where the mount is one of the program's.
 *
 * Nor does a path lead to what another mount lies over by now, as where somebody
 * mounts something at a directory that the program is in.
 */

import {
  AT_FDCWD,
  AT_STATX_DONT_SYNC,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_PATH,
} from "../../abi/fcntl.ts";
import { get } from "../../abi/layout.ts";
import { RESOLVE_NO_SYMLINKS } from "../../abi/openat2.ts";
import {
  STATX,
  STATX_MNT_ID,
  STATX_MNT_ID_UNIQUE,
  STATX_TYPE,
} from "../../abi/stat.ts";
import type { FileKind } from "../../policy/call.ts";
import { isWithin } from "../../policy/path/within.ts";
import { close, isSameFile, statx } from "../../sys/files.ts";
import { isInMemory } from "../../sys/in_memory.ts";
import { heedMounts } from "../../sys/mounted.ts";
import { type MountPlace, pathOnMount } from "../../sys/mount_info.ts";
import { nameOutside } from "../../sys/outside.ts";
import { mountIdOf, OWN_VIEW, type View } from "../../sys/view.ts";
import { isGuarded } from "./automount.ts";
import { cString, kindOf } from "./place.ts";

const MOUNT = STATX_TYPE | STATX_MNT_ID | STATX_MNT_ID_UNIQUE;

const statxBytes = new Uint8Array(STATX.size);

/** Mounts that were found to be the program's, as long as none comes or goes. */
interface Known {
  /** What {@linkcode heedMounts} said. */
  readonly age: number;
  /** Where they are, by their ids. */
  readonly mounts: Map<number, MountPlace>;
  /** The last of them that was found open to a name, and the name. */
  open?: { readonly place: MountPlace; readonly name: string };
}

const known = new WeakMap<View, Known>();

/**
 * Mounts that are known to be the program's, now that the name of what is in one of
 * them was read.
 */
function knownOf(view: View): Known {
  const age = heedMounts();
  let all = known.get(view);
  if (all?.age !== age) known.set(view, all = { age, mounts: new Map() });
  return all;
}

/**
 * Which mount the file is in that a magic link leads to; 0 where that is not told.
 * What kind of file it is stands in `statxBytes`.
 */
function mountOf(dirfd: number, link: string): number {
  const path = cString(link);
  const result = statx(dirfd, path, AT_STATX_DONT_SYNC, MOUNT, statxBytes);
  // A kernel that is too old for both says so, and leaves it 0.
  return result < 0 ? 0 : get(STATX, statxBytes, "stx_mnt_id");
}

/**
 * What kind of file a magic link leads to, if that is surely in a mount of the
 * program's, with nothing over it.
 *
 * @param view where paths begin
 * @param dirfd where the path of the link begins
 * @param link a path such as `/proc/12/cwd`
 * @param name what the program calls it
 */
export function kindIfMounted(
  view: View,
  dirfd: number,
  link: string,
  name: string,
): FileKind | undefined {
  const mount = mountOf(dirfd, link);
  const own = knownOf(view);
  const place = own.mounts.get(mount);
  if (place === undefined) return undefined;
  // Mostly the same directory is asked about many times in a row.
  if (own.open?.place !== place || own.open.name !== name) {
    if (!isOpenTo(place, name)) return undefined;
    own.open = { place, name };
  }
  return kindOf(get(STATX, statxBytes, "stx_mode"));
}

/**
 * Whether a name surely leads into a mount: it begins there, and nothing lies over it.
 * What was moved out of the part that is mounted the kernel calls `/`, whatever it is:
 * prepend_path() in fs/d_path.c.
 */
function isOpenTo({ point, over }: MountPlace, name: string): boolean {
  if (name === "/" || !isWithin(name, point) || over.has("/")) return false;
  for (let end = name.length; end > 0; end = name.lastIndexOf("/", end - 1)) {
    if (over.has(name.slice(0, end))) return false;
  }
  return true;
}

/**
 * What the program calls an open file of this process.
 *
 * @param view where paths begin
 * @param fd the file
 * @param outer what the kernel calls it
 * @returns its path; a name without a slash in front where there is none
 */
export function nameOfFile(view: View, fd: number, outer: string): string {
  let name = view.nameOf(outer);
  if (!outer.startsWith("/")) return name;
  const mount = mountOf(AT_FDCWD, `/proc/self/fd/${fd}`);
  const { mounts: own } = knownOf(view);
  let place = own.get(mount);
  name = pathOnMount(place?.point, name);
  if (place !== undefined && isOpenTo(place, name)) return name;
  const id = idOfMount(fd);
  place ??= view.placeOf(id);
  if (place !== undefined) {
    if (mount !== 0) own.set(mount, place);
    name = pathOnMount(place.point, name);
    if (isOpenTo(place, name)) return name;
  }
  if (isMemory(fd, name) || isNameOf(view, fd, name, id)) return name;
  return nameOutside(outer, OWN_VIEW.mountIds().has(id) ? "" : id);
}

/**
 * Whether a name leads to an open file, in the very mount that it is in. So it is with
 * one of a root directory that is no mount, as it need not be where chroot(2) has been
 * used; others may have the rest of that mount, and the kernel tells names of what
 * lies there as if it were in the root.
 */
function isNameOf(
  view: View,
  fd: number,
  name: string,
  mount: string,
): boolean {
  if (isGuarded(view, name)) return false;
  const flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  const there = view.open(cString(name), flags, RESOLVE_NO_SYMLINKS);
  if (there < 0) return false;
  const isSame = isSameFile(fd, there) && idOfMount(there) === mount;
  close(there);
  return isSame;
}

/** The id of a file's mount while that is there; that of none where it is not told. */
function idOfMount(fd: number): string {
  const id = mountIdOf(fd);
  return typeof id === "number" ? "0" : id;
}

/**
 * Whether a file is one in memory alone, which never had a name anywhere.
 *
 * @param fd the file
 * @param name what the program calls it
 */
export function isMemory(fd: number, name: string): boolean {
  return name.startsWith("/memfd:") && isInMemory(fd);
}
