/** Mounts of what no rule knows: procfs elsewhere than at /proc, control groups. */

import type { Mount } from "../../sys/view.ts";

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
  const points = mounts.filter(({ type }) =>
    type === "cgroup2" || type === "cgroup"
  );
  return [...new Set(points.map(({ point }) => point))];
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
