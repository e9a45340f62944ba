/**
 * Other names of a file, where the same part of a disk is mounted more than once, or
 * an overlay shows it.
 *
 * A file that is moved gets a new name in each of these mounts, and rules may say
 * more of one than of another.
 */

import { O_CLOEXEC, O_PATH } from "../../abi/fcntl.ts";
import { isWithin, parentOf } from "../../policy/path/within.ts";
import { close } from "../../sys/files.ts";
import { heedMounts, heedMove } from "../../sys/mounted.ts";
import type { Mount } from "../../sys/mount_info.ts";
import { mountIdOf, type View } from "../../sys/view.ts";
import { carried, type Inside, insideOf, topOf } from "./inside.ts";
import { type Layer, layersOf, MOST_STEPS } from "./layers.ts";
import { mountsOf } from "./mounts.ts";
import { cString } from "./place.ts";

/** The names of what is moved: before, and after that. */
export interface Names {
  /** Before. */
  readonly from: string;
  /** After that. */
  readonly to: string;
  /** Whether something else is mounted over what has the first name. */
  readonly hidden: boolean;
}

/** What is known of a move besides its paths. */
export interface Aliases {
  /**
   * The names that it gives in other mounts, with `from` where what is moved had no
   * such name before.
   */
  readonly names: readonly Names[];
  /** Whether it takes along a directory that an overlay shows as its own. */
  readonly layer: boolean;
}

/** Where what is moved will be in a file system, and where it is there now. */
interface Moved {
  readonly to: Inside;
  /** `undefined` where it may not be there now. */
  readonly from: Inside | undefined;
}

/**
 * The names that a file loses and gets besides, where it is moved.
 *
 * @param view where paths begin
 * @param from its real path
 * @param to its new one
 * @returns `undefined` where it cannot be told what is mounted
 */
export function aliasesOf(
  view: View,
  from: string,
  to: string,
): Aliases | undefined {
  if (!isAsKnown(view, [from, to])) heedMove();
  const age = heedMounts();
  const mounts = mountsOf(view, age);
  const layers = layersOf(age);
  if (mounts === undefined || layers === undefined) return undefined;
  const here = topOf(mounts, to);
  // The kernel moves nothing from one mount to another.
  if (here === undefined || topOf(mounts, from) !== here) {
    return { names: [], layer: false };
  }
  const all = movedIn(layers, {
    from: insideOf(here, from),
    to: insideOf(here, to),
  });
  const names = all.flatMap((moved, index) =>
    mounts.flatMap((mount): Names[] =>
      mount === here && index === 0 ? [] : namesIn(mount, mounts, moved, from)
    )
  );
  const layer = layers.some(({ place }) =>
    all.some(({ from }) =>
      from?.device === place.device && isWithin(place.name, from.name)
    )
  );
  return { names, layer };
}

/**
 * Whether the directories of some files are in the mounts that are known to be there.
 * Where somebody else moves a directory, what is mounted beneath goes along, and nobody
 * is told.
 */
function isAsKnown(view: View, paths: readonly string[]): boolean {
  const mounts = mountsOf(view, heedMounts());
  const directories = new Set(paths.map(parentOf));
  return mounts !== undefined && [...directories].every((directory) => {
    const is = mountIdAt(view, directory);
    const there = mounts.find(({ id }) => id === is);
    return is !== undefined && there === topOf(mounts, directory);
  });
}

/** The id of the mount that a directory is in; `undefined` where that is not told. */
function mountIdAt(view: View, directory: string): string | undefined {
  const fd = view.open(cString(directory), O_PATH | O_CLOEXEC);
  if (fd < 0) return undefined;
  const id = mountIdOf(fd);
  close(fd);
  return typeof id === "string" ? id : undefined;
}

/** All file systems in which what is moved will have a name, by overlays. */
function movedIn(layers: readonly Layer[], first: Moved): Moved[] {
  const all = [first];
  const steps = new Map([[first, 0]]);
  for (const moved of all) {
    const { from, to } = moved;
    const step = (steps.get(moved) as number) + 1;
    if (step > MOST_STEPS) break;
    for (const { overlay, place, upper } of layers) {
      let next: Moved | undefined;
      if (to.device === place.device) {
        // By the overlay another one may have had the name, in a layer above.
        const name = carried(to.name, place.name, "/");
        if (name !== undefined) {
          next = { from: undefined, to: { device: overlay, name } };
        }
      } else if (upper && to.device === overlay) {
        next = { from: inLayer(from, place), to: inLayer(to, place) as Inside };
      }
      if (next !== undefined && !all.some((one) => isSame(one.to, next.to))) {
        all.push(next);
        steps.set(next, step);
      }
    }
  }
  return all;
}

/** Where something of an overlay is in one of its layers. */
function inLayer(
  inside: Inside | undefined,
  { device, name }: Inside,
): Inside | undefined {
  const there = inside && carried(inside.name, "/", name);
  return there === undefined ? undefined : { device, name: there };
}

function isSame(one: Inside, other: Inside): boolean {
  return one.device === other.device && one.name === other.name;
}

/** The names that a mount gives to what is moved, if it does. */
function namesIn(
  mount: Mount,
  mounts: readonly Mount[],
  { from: before, to: after }: Moved,
  from: string,
): Names[] {
  const { device, point, root } = mount;
  if (device !== after.device) return [];
  const name = carried(after.name, root, point);
  if (name === undefined) return [];
  const old = before && carried(before.name, root, point);
  if (old === undefined) return [{ from, to: name, hidden: false }];
  // What something else is mounted over could not be used by that name.
  const hidden = topOf(mounts, old) !== mount;
  const shows = hidden && topOf(mounts, name) === mount;
  return [{ from: shows ? from : old, to: name, hidden: hidden && !shows }];
}
