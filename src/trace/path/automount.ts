/**
 * Names that would have something mounted.
 *
 * Whoever looks for a name beneath an automount point (autofs) has a program outside
 * mount what is called so: with a map such as `-hosts` it asks the host of that name.
 * A path is looked up before the policy is asked, since links in it could lead
 * anywhere. There the policy comes first: what may not be seen is not looked for.
 */

import { isWithin } from "../../policy/path/within.ts";
import { mountsAge } from "../../sys/mounted.ts";
import type { View } from "../../sys/view.ts";
import { climbs } from "./crossed.ts";
import { mountsOf } from "./mounts.ts";
import { normalize } from "./place.ts";

/** What is known of the automount points that a program sees. */
interface Automounts {
  /** Whether the policy refuses to let a path be seen. */
  readonly refuses: (path: string) => boolean;
  /** {@linkcode mountsAge} when it was looked where something is mounted. */
  age: number;
  /** Automount points. */
  points: readonly string[];
  /** What kind of file system is mounted where. */
  types: ReadonlyMap<string, string>;
}

const all = new WeakMap<View, Automounts>();

/** Whether anything was kept from being looked for. */
let met = false;

/**
 * From now on nothing is looked for at an automount point that may not be seen.
 *
 * @param view where paths begin
 * @param refuses whether the policy refuses to let a path be seen
 */
export function guardAutomounts(
  view: View,
  refuses: (path: string) => boolean,
): void {
  all.set(view, { refuses, age: -1, points: [], types: new Map() });
}

/**
 * Whether a walk leads to what must not be looked for.
 *
 * @param view where the path begins
 * @param walk walks it, where there is any automount point
 */
export function leadsToGuarded(view: View, walk: () => void): boolean {
  if ((knownOf(view)?.points.length ?? 0) === 0) return false;
  met = false;
  walk();
  return met;
}

/**
 * Whether to look for a path, in which there is no link, would have something
 * mounted that may not be seen.
 *
 * @param view where the path begins
 * @param path an absolute path, a byte string
 */
export function isGuarded(view: View, path: string): boolean {
  const known = knownOf(view);
  if (known === undefined || known.points.length === 0) return false;
  const guarded = leadsToClosed(known, path);
  met ||= guarded;
  return guarded;
}

function leadsToClosed(known: Automounts, path: string): boolean {
  if (!climbs(path)) return isClosed(known, normalize(path));
  // It leads through all of these.
  let real = "";
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    real = name === ".."
      ? real.slice(0, Math.max(0, real.lastIndexOf("/")))
      : `${real}/${name}`;
    if (isClosed(known, real)) return true;
  }
  return false;
}

function isClosed(
  { points, refuses, types }: Automounts,
  path: string,
): boolean {
  if (!points.some((point) => isWithin(path, point))) return false;
  // What is mounted beneath by now is no automount point any more.
  for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
    const type = types.get(path.slice(0, end));
    if (type !== undefined) return type === "autofs" && refuses(path);
  }
  return false;
}

function knownOf(view: View): Automounts | undefined {
  const known = all.get(view);
  const age = mountsAge();
  if (known === undefined || known.age === age) return known;
  const mounts = mountsOf(view, age);
  // What was known is as good as it gets.
  if (mounts === undefined) return known;
  // Of those at the same place the last one is on top.
  known.types = new Map(mounts.map(({ point, type }) => [point, type]));
  known.points = [...known.types.keys()]
    .filter((point) => known.types.get(point) === "autofs");
  known.age = age;
  return known;
}
