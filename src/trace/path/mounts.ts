/**
 * What is mounted, and of that what no rule knows: another procfs, control groups,
 * settings of the kernel.
 */

import { SystemCallError } from "../../errors.ts";
import { SETTINGS } from "../../policy/fixed.ts";
import { directoriesAbove } from "../../policy/path/within.ts";
import type { Mount } from "../../sys/mount_info.ts";
import type { View } from "../../sys/view.ts";
import { topOf } from "./inside.ts";
import { withRoot } from "./root_mount.ts";

/** What is mounted, as long as none of it comes or goes. */
interface Known {
  /** What `heedMounts()` said. */
  readonly age: number;
  readonly mounts: readonly Mount[];
}

const known = new WeakMap<View, Known>();

/**
 * What is mounted where a program sees it.
 *
 * @param view where paths begin
 * @param age stays the same as long as nothing is mounted, unmounted or moved
 * @returns `undefined` where that cannot be told, as no file can be opened
 */
export function mountsOf(
  view: View,
  age: number,
): readonly Mount[] | undefined {
  const all = known.get(view);
  if (all?.age === age) return all.mounts;
  try {
    const mounts = withRoot(view.mounts(), view);
    known.set(view, { age, mounts });
    return mounts;
  } catch (error) {
    if (error instanceof SystemCallError) return undefined;
    throw error;
  }
}

/**
 * Which procfs has the processes of this machine by the numbers that they have
 * for jail.
 *
 * @param mounts the mounts of this process's own view
 * @returns its device, if there is one
 */
export function procDevice(mounts: readonly Mount[]): string | undefined {
  return mounts.filter(isProc).findLast(isAtProc)?.device;
}

/**
 * Finds where procfs, or a part of it, is mounted besides /proc. One of another
 * namespace of processes has other processes by the same numbers. A part that is
 * mounted on itself is not elsewhere: containers make /proc/sys read-only so.
 *
 * @param mounts all mounts of a view
 * @param device the procfs that has the processes of this machine by their numbers
 */
export function otherProcs(
  mounts: readonly Mount[],
  device: string | undefined,
): readonly string[] {
  const all = mounts.filter(isProc);
  const top = all.findLast(isAtProc);
  const isOnItself = ({ root, point, ...mount }: Mount): boolean =>
    root !== "/" && top?.root === "/" && point === `/proc${root}` &&
    mount.device === top.device;
  return all.filter((mount) =>
    !isOnItself(mount) &&
    (!isAtProc(mount) || mount.root !== "/" ||
      mount === top && mount.device !== device)
  ).map(({ point }) => point);
}

/**
 * Finds where something else is mounted over what is in /proc: whoever runs this
 * machine hides it so. A part of procfs has what is beneath, and autofs has nothing.
 *
 * @param mounts all mounts of a view
 */
export function overProc(mounts: readonly Mount[]): readonly string[] {
  return mounts.filter(({ type, point }) =>
    isBeneath(point, ["/proc"]) && point !== "/proc" &&
    type !== "proc" && type !== "autofs"
  ).map(({ point }) => point);
}

function isProc({ type }: Mount): boolean {
  return type === "proc";
}

function isAtProc({ point }: Mount): boolean {
  return point === "/proc";
}

/**
 * Finds where control groups are mounted, of either version.
 *
 * @param mounts all mounts of a view
 */
export function controlGroups(mounts: readonly Mount[]): readonly string[] {
  return pointsOf(mounts, GROUP_TYPES);
}

const GROUP_TYPES: ReadonlySet<string> = new Set(["cgroup", "cgroup2"]);

/** File systems whose files are settings of the kernel, or start what it does. */
const SETTING_TYPES: ReadonlySet<string> = new Set([
  ...["binfmt_misc", "bpf", "configfs", "debugfs", "efivarfs", "fusectl"],
  ...["nfsd", "pstore", "resctrl", "rpc_pipefs", "securityfs", "selinuxfs"],
  ...["smackfs", "sysfs", "tracefs", "xenfs"],
]);

/**
 * Finds where settings of the kernel are mounted, other than in /proc and /sys.
 *
 * @param mounts all mounts of a view
 */
export function settingsElsewhere(mounts: readonly Mount[]): readonly string[] {
  return pointsOf(mounts, SETTING_TYPES)
    .filter((point) => !isBeneath(point, SETTINGS));
}

/**
 * Whether somebody could move one of some mounts with a directory above it, of which
 * the kernel tells nobody else. Where something is mounted a directory stays, and so
 * it does in file systems of the kernel's own.
 *
 * @param mounts all mounts of a view
 * @param points where the ones are
 */
export function couldBeMoved(
  mounts: readonly Mount[],
  points: readonly string[],
): boolean {
  const known = new Set(mounts.map(({ point }) => point));
  const stays = (directory: string): boolean => {
    if (known.has(directory)) return true;
    const type = topOf(mounts, directory)?.type ?? "";
    return type === "proc" || SETTING_TYPES.has(type);
  };
  return points.some((point) => !directoriesAbove(point).every(stays));
}

/**
 * File systems in which a name may mean the same in capital letters: those of other
 * systems, on a disk or of what this machine runs on. Of the latter nobody says.
 */
const FOLDING_TYPES: ReadonlySet<string> = new Set([
  ...["9p", "affs", "apfs", "cifs", "drvfs", "exfat", "fakeowner", "fuseblk"],
  ...["fuse.apfs-fuse", "fuse.cicpoffs", "fuse.ciopfs", "fuse.exfat"],
  ...[
    "fuse.grpcfuse",
    "fuse.ntfs",
    "fuse.ntfs-3g",
    "fuse.osxfs",
    "fuse.rclone",
  ],
  ...["fuse.smbnetfs", "fuse.sshfs", "fuse.vmhgfs-fuse", "hfs", "hfsplus"],
  ...["hpfs", "msdos", "ntfs", "ntfs3", "prl_fs", "smb3", "smbfs", "ufsd"],
  ...["vboxsf", "vfat", "virtiofs", "vmhgfs"],
]);

/** How one of another kind says that they do, or may: ZFS, and discs of Joliet. */
const FOLDING_REGEXP =
  /(?:^|,)(?:case(?:insensitive|mixed|fold)(?:[,=]|$)|check=r)/;

/**
 * Finds where names may mean the same in capital letters.
 *
 * @param mounts all mounts of a view
 */
export function foldingPlaces(mounts: readonly Mount[]): readonly string[] {
  const saying = mounts.filter(({ options }) => FOLDING_REGEXP.test(options))
    .map(({ point }) => point);
  return [...new Set([...pointsOf(mounts, FOLDING_TYPES), ...saying])];
}

/** Where file systems of some kinds are mounted. */
function pointsOf(
  mounts: readonly Mount[],
  types: ReadonlySet<string>,
): string[] {
  const points = mounts.filter(({ type }) => types.has(type))
    .map(({ point }) => point);
  return [...new Set(points)];
}

/** Whether a path is one of some directories, or beneath one. */
export function isBeneath(path: string, tops: readonly string[]): boolean {
  for (const top of tops) {
    const { length } = top;
    if (!path.startsWith(top)) continue;
    if (path.length === length || path[length] === "/") return true;
  }
  return false;
}
