/**
 * Directories that overlays show as a part of their own: what is in one has a name
 * beneath the overlay as well.
 *
 * The kernel says of them what whoever mounted the overlay has said, and not where
 * they are by now. So each is looked up once, and a jail moves none.
 */

import { SystemCallError } from "../../errors.ts";
import {
  directoriesAbove,
  isWithin,
  pathIn,
} from "../../policy/path/within.ts";
import { type Mount, spelled } from "../../sys/mount_info.ts";
import { OWN_VIEW } from "../../sys/view.ts";
import { carried, type Inside, insideOf, topOf } from "./inside.ts";
import { mountsOf } from "./mounts.ts";

/**
 * How many overlays and layers something is seen through at most: the kernel puts two
 * overlays on each other, FILESYSTEM_MAX_STACK_DEPTH in its fs.h.
 */
export const MOST_STEPS = 4;

/** A directory that an overlay shows. */
export interface Layer {
  /** The device of the overlay. */
  readonly overlay: string;
  /** Where the directory is. */
  readonly place: Inside;
  /** Whether what is changed in the overlay is changed there. */
  readonly upper: boolean;
}

/** The layers of overlays that are mounted, by what the kernel says of these. */
let known: ReadonlyMap<string, readonly Layer[]> = new Map();

/**
 * Finds the layers of all overlays that are mounted.
 *
 * @param age stays the same as long as nothing is mounted, unmounted or moved
 * @returns `undefined` where it cannot be told which these are
 */
export function layersOf(age: number): readonly Layer[] | undefined {
  const mounts = mountsOf(OWN_VIEW, age);
  if (mounts === undefined) return undefined;
  try {
    return layersAmong(mounts);
  } catch (error) {
    if (error instanceof SystemCallError) return undefined;
    throw error;
  }
}

/**
 * Finds the layers of the overlays among some mounts.
 *
 * @param mounts all mounts of this process's own view
 * @throws {SystemCallError} where it cannot be told which these are
 */
export function layersAmong(mounts: readonly Mount[]): readonly Layer[] {
  const found = new Map<string, readonly Layer[]>();
  for (const mount of mounts) {
    if (mount.type !== "overlay") continue;
    const said = `${mount.device} ${mount.options}`;
    if (!found.has(said)) {
      found.set(said, known.get(said) ?? lookUp(mounts, mount));
    }
  }
  known = found;
  return [...found.values()].flat();
}

/**
 * Where what is made in some places shows as well, by overlays.
 *
 * @param layers the layers of all overlays
 * @param places the places, each with all that is beneath
 * @returns those, and the others
 */
export function shownBy(
  layers: readonly Layer[],
  places: readonly Inside[],
): readonly Inside[] {
  const all = new Map<string, Inside>();
  let last = places;
  for (let step = 0; step <= MOST_STEPS; step++) {
    for (const one of last) all.set(`${one.device} ${one.name}`, one);
    last = last.flatMap(({ device, name }) =>
      layers.flatMap(({ overlay, place, upper }): Inside[] => {
        const shown = device !== place.device
          ? undefined
          : isWithin(place.name, name)
          ? "/"
          : carried(name, place.name, "/");
        const changed = upper && device === overlay
          ? carried(name, "/", place.name)
          : undefined;
        return [
          ...shown === undefined ? [] : [{ device: overlay, name: shown }],
          ...changed === undefined ? [] : [{ ...place, name: changed }],
        ];
      })
    ).filter((one) => !all.has(`${one.device} ${one.name}`));
  }
  return [...all.values()];
}

/**
 * Looks for the layers of an overlay. One that is named by a relative path could be
 * anywhere: it is looked for where the overlay is, and in all directories above. Of
 * one whose path is dots alone, or climbs, that would be any directory.
 */
function lookUp(mounts: readonly Mount[], overlay: Mount): Layer[] {
  const { device, options, point } = overlay;
  // An overlay may lie over what it shows.
  const below = without(mounts, overlay);
  const places = (path: string): readonly string[] => {
    if (path.startsWith("/")) return [path];
    const isVague = path.split("/").every((name) => /^\.?$/.test(name)) ||
      path.split("/").includes("..");
    return isVague
      ? []
      : directoriesAbove(point).map((directory) => pathIn(directory, path));
  };
  return named(options).flatMap(({ path, upper }) =>
    places(path).flatMap((place) => {
      const real = OWN_VIEW.realpath(place);
      const mount = real === undefined ? undefined : topOf(below, real);
      return real === undefined || mount === undefined
        ? []
        : [{ overlay: device, place: insideOf(mount, real), upper }];
    })
  );
}

/** All mounts but one, and those that are on it. */
function without(mounts: readonly Mount[], { id }: Mount): Mount[] {
  const gone = new Set([id]);
  for (let size = 0; size < gone.size;) {
    size = gone.size;
    for (const mount of mounts) if (gone.has(mount.on)) gone.add(mount.id);
  }
  return mounts.filter((mount) => !gone.has(mount.id));
}

/** A directory that an overlay shows, as whoever mounted that has named it. */
type Named = Pick<Layer, "upper"> & { readonly path: string };

/** The directories that the options of an overlay name. */
function named(options: string): Named[] {
  return options.split(",").flatMap((option): Named[] => {
    const end = option.indexOf("=");
    const value = spelled(option.slice(end + 1));
    switch (option.slice(0, end)) {
      case "lowerdir":
        return (value.match(/(?:\\.|[^\\:])+/gs) ?? [])
          .map((path) => ({ path: plain(path), upper: false }));
      case "lowerdir+":
      case "datadir+":
        return [{ path: value, upper: false }];
      case "upperdir":
        return [{ path: plain(value), upper: true }];
      default:
        return [];
    }
  });
}

/** A path without the backslashes that keep a colon from ending it. */
function plain(path: string): string {
  return path.replace(/\\(.)/gs, "$1");
}
