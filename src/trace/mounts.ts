/** Mounts of procfs elsewhere than at /proc, of which no rule about /proc knows. */

import { type Mount, OWN_VIEW, type View } from "../sys/view.ts";

/**
 * Finds where procfs, or a part of it, is mounted besides /proc. One of another
 * namespace of processes has other processes by the same numbers.
 *
 * @param view where paths begin
 */
export function otherProcs(view: View): readonly string[] {
  const all = view.mounts().filter(({ type }) => type === "proc");
  const top = all.findLast(isAtProc);
  const known = view.isOwn ? top : OWN_VIEW.mounts().findLast(isAtProc);
  return all.filter((mount) =>
    !isAtProc(mount) || mount.root !== "/" ||
    mount === top && mount.device !== known?.device
  ).map(({ point }) => point);
}

function isAtProc({ point }: Mount): boolean {
  return point === "/proc";
}

/** Whether a path is one of some directories, or beneath one. */
export function isBeneath(path: string, tops: readonly string[]): boolean {
  return tops.some((top) => path === top || path.startsWith(`${top}/`));
}
