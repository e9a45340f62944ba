/** Where a path is in the file system that is mounted there. */

import { isWithin } from "../../policy/path/within.ts";
import type { Mount } from "../../sys/mount_info.ts";

/** Where something is in a file system, whatever is mounted of that. */
export interface Inside {
  /** Which file system: `major:minor`. */
  readonly device: string;
  /** What that calls it. */
  readonly name: string;
}

/**
 * The mount that a path leads into: from each the first one on the way that is mounted
 * on it. What lies beneath that in the mount below is hidden, whatever is mounted there.
 */
export function topOf(
  mounts: readonly Mount[],
  path: string,
): Mount | undefined {
  const left = new Set(mounts.filter(({ point }) => isWithin(path, point)));
  let on = [...left].filter((mount) => isBottom(mounts, mount));
  const ids = new Set<string>();
  let top: Mount | undefined;
  while (true) {
    let next: Mount | undefined;
    for (const one of on) {
      const isNearer = next === undefined ||
        one.point.length <= next.point.length;
      if (isNearer) next = one;
    }
    if (next === undefined) return top;
    top = next;
    // What is mounted over a root hides nothing from who has that root still.
    if (next.point !== "/") ids.clear();
    ids.add(next.id);
    left.delete(next);
    on = [...left].filter((mount) => ids.has(mount.on));
  }
}

/** Whether a mount is on none of these. */
function isBottom(mounts: readonly Mount[], { id, on }: Mount): boolean {
  return on === id || !mounts.some((mount) => mount.id === on);
}

/** Where a path of a mount is in its file system. */
export function insideOf({ device, point, root }: Mount, path: string): Inside {
  const rest = path.slice(point === "/" ? 0 : point.length);
  return { device, name: joined(root, rest) };
}

/**
 * Where else a directory, or something in it, is mounted.
 *
 * @param mounts what is mounted
 * @param path the directory, a real path
 * @param through finds where else in file systems that shows
 * @returns real paths that do not lie in it
 */
export function otherPlaces(
  mounts: readonly Mount[],
  path: string,
  through: (places: readonly Inside[]) => readonly Inside[] = (places) =>
    places,
): string[] {
  const here = topOf(mounts, path);
  const shown = mounts.filter((mount) =>
    isWithin(mount.point, path) && topOf(mounts, mount.point) === mount
  ).map(({ device, root }): Inside => ({ device, name: root }));
  if (here !== undefined) shown.push(insideOf(here, path));
  const found = new Set<string>();
  for (const { device, name } of through(shown)) {
    for (const mount of mounts) {
      if (mount.device !== device) continue;
      const { point, root } = mount;
      const other = isWithin(root, name) ? point : carried(name, root, point);
      if (other === undefined || isWithin(other, path)) continue;
      // What something else is mounted over cannot be used by that name.
      if (topOf(mounts, other) === mount) found.add(other);
    }
  }
  return [...found];
}

/** What has a name beneath one directory, beneath another one, if it is there. */
export function carried(
  name: string,
  from: string,
  to: string,
): string | undefined {
  if (!isWithin(name, from)) return undefined;
  return joined(to, name.slice(from === "/" ? 0 : from.length));
}

/** A path, and what follows it with a slash in front, or nothing. */
function joined(top: string, rest: string): string {
  return top === "/" ? rest || "/" : `${top}${rest === "/" ? "" : rest}`;
}
