/** What there is to know about the machine to make a tree of it. */

import type { FloorFacts } from "../floor/grants.ts";
import type { Walk } from "./search.ts";

/** What `treeOf()` has to know about the machine. */
export interface TreeFacts
  extends Pick<FloorFacts, "abi" | "realpath" | "kind" | "loaders"> {
  /**
   * The links by which a path leads to a file, without links on the way, and the
   * directories in whose place one would lead it elsewhere.
   */
  readonly links: (path: string) => readonly string[];
  /** What a link says. */
  readonly target: (path: string) => string | undefined;
  /** The names in a directory. */
  readonly names: (path: string) => readonly string[];
  /** Looks at all that is beneath a directory, but for /proc. */
  readonly walk: Walk;
  /**
   * Whether something may be at a path that cannot be looked at. It was looked at
   * once: what one process may not search, another may let be searched.
   */
  readonly isOutOfReach: (path: string) => boolean;
  /** Where processes of the machine are seen, other than in /proc. */
  readonly procs: readonly string[];
  /** Where something is mounted. */
  readonly mounted: readonly string[];
  /**
   * Where else what is at a path is mounted, or a part of it: what is made there shows
   * by overlays as well; and what shows there, from all layers of one.
   */
  readonly alsoAt: (path: string, of: "made" | "shown") => readonly string[];
  /**
   * Directories that are there where something is mounted, and that it does not list,
   * such as those of snapshots; each with whether any directory may have one.
   */
  readonly unlisted: (mounted: string) => ReadonlyMap<string, boolean>;
  /** Where something else is mounted over what is in /proc. */
  readonly overProc: readonly string[];
  /** Where control groups are: by them anybody is moved, stopped or killed. */
  readonly groups: readonly string[];
  /** Where names may mean the same in capital letters. */
  readonly folding: readonly string[];
  /** Where settings of the kernel are, other than in /proc and /sys. */
  readonly settings: readonly string[];
  /** Whether who reads a device can set it, or keep it from others. */
  readonly isSetByReaders: (path: string) => boolean;
  /**
   * Finds a pipe that has a name: a path, or something beneath it; or a directory
   * that may have one in it, and cannot be listed.
   */
  readonly pipe: (path: string) => string | undefined;
  /**
   * The devices beneath a directory; told of each directory there that cannot be
   * listed, and in which the program could move one all the same.
   */
  readonly devices: (
    path: string,
    unlisted: (directory: string) => void,
  ) => readonly string[];
  /** Whether the program has a network of its own, with nothing in it. */
  readonly alone: boolean;
  /** Where the program works, a real path. */
  readonly cwd: string;
  /**
   * The links by which the program is found, and where it works, without links on
   * the way.
   */
  readonly foundBy: readonly string[];
  /** Files that the program may write by what it is handed, whatever rules say. */
  readonly written: readonly string[];
}
