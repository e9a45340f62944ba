/** What calls do with their paths, by what the table calls each. */

import type { ArgKind, PathKind } from "./syscalls.ts";

/** What a call does with a path. */
export interface PathFacts {
  /** Whether a link in the last place is followed, unless flags say otherwise. */
  readonly follow: boolean;
  /** Whether it must lead to something, or the call fails. */
  readonly mustExist: boolean;
  /** Whether the name itself is meant, in its directory. */
  readonly names: boolean;
}

/** What calls do with each kind of path. */
// deno-fmt-ignore: one line each is the point of it.
export const PATHS: Readonly<Record<PathKind, PathFacts>> = {
  "stat-path":   { follow: true,  mustExist: false, names: false },
  "stat-link":   { follow: false, mustExist: false, names: false },
  "read-path":   { follow: true,  mustExist: true,  names: false },
  "read-link":   { follow: false, mustExist: true,  names: false },
  "write-path":  { follow: true,  mustExist: true,  names: false },
  "write-link":  { follow: false, mustExist: true,  names: false },
  "run-path":    { follow: true,  mustExist: false, names: false },
  "open-path":   { follow: true,  mustExist: false, names: false },
  "chdir-path":  { follow: true,  mustExist: false, names: false },
  "rename-from": { follow: false, mustExist: true,  names: true },
  "rename-to":   { follow: false, mustExist: false, names: true },
  "link-from":   { follow: false, mustExist: true,  names: false },
  "link-to":     { follow: false, mustExist: false, names: true },
};

/** Whether an argument names a file. */
export function isPathKind(kind: ArgKind): kind is PathKind {
  return Object.hasOwn(PATHS, kind);
}
