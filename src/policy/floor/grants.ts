/** What Landlock has to allow for each rule of a policy, taken alone. */

import * as landlock from "../../abi/landlock.ts";
import type { Glob } from "../path/glob.ts";
import { literalRoot, realGlobs, type Realpath } from "../path/rules.ts";
import { directoriesAbove, isWithin, parentOf } from "../path/within.ts";
import { PATH_SECTIONS, type PathRule, type Policy } from "../policy.ts";

/** What has a name, before the program starts. */
export type FloorKind = "directory" | "file" | "device" | "link" | "missing";

/** What `floorOf()` has to know about the machine. */
export interface FloorFacts {
  /** The version of Landlock's ABI, 0 for none. */
  readonly abi: number;
  /** Finds the real path of a file. */
  readonly realpath: Realpath;
  /** What has a name; a link is not followed, and there is none on the way. */
  readonly kind: (path: string) => FloorKind;
  /** Whether a name stays what it is: the program cannot remove or replace it. */
  readonly stays: (path: string) => boolean;
  /** Whether others are likely to replace a file while the program runs. */
  readonly changes: (path: string) => boolean;
  /** Real paths of the dynamic loaders that programs name. */
  readonly loaders: readonly string[];
}

/** What opens a file to read it. */
export const READ_FILE: number = landlock.LANDLOCK_ACCESS_FS_READ_FILE;
/** What opens a directory to list it. */
export const READ_DIR: number = landlock.LANDLOCK_ACCESS_FS_READ_DIR;
/** What makes a file readable, and a directory listed. */
export const READ: number = READ_FILE | READ_DIR;
/** The kernel opens what it executes to read it. */
export const RUN: number = landlock.LANDLOCK_ACCESS_FS_EXECUTE | READ_FILE;
const WRITE_FILE = landlock.LANDLOCK_ACCESS_FS_WRITE_FILE |
  landlock.LANDLOCK_ACCESS_FS_TRUNCATE;
/** What moves between directories. */
export const REFER: number = landlock.LANDLOCK_ACCESS_FS_REFER;
/** What writing a hierarchy needs. */
export const WRITE: number = WRITE_FILE | REFER |
  landlock.LANDLOCK_ACCESS_FS_REMOVE_DIR |
  landlock.LANDLOCK_ACCESS_FS_REMOVE_FILE |
  landlock.LANDLOCK_ACCESS_FS_MAKE_CHAR |
  landlock.LANDLOCK_ACCESS_FS_MAKE_DIR |
  landlock.LANDLOCK_ACCESS_FS_MAKE_REG |
  landlock.LANDLOCK_ACCESS_FS_MAKE_SOCK |
  landlock.LANDLOCK_ACCESS_FS_MAKE_FIFO |
  landlock.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
  landlock.LANDLOCK_ACCESS_FS_MAKE_SYM;
/** What can be allowed for a file; the rest is for directories. */
export const FILE_ACCESS: number = RUN | WRITE_FILE;
const NEEDS = { read: READ, write: WRITE, run: RUN } as const;

/** A hierarchy that a rule allows something in. */
export interface Grant {
  /** Where it begins. */
  readonly path: string;
  /** `LANDLOCK_ACCESS_FS_*`. */
  readonly access: number;
  /** Whether it means what has that name, and nothing beneath it. */
  readonly alone?: boolean;
}

/** What each rule that allows something needs, before hierarchies are joined. */
export function allGrants(
  policy: Policy,
  facts: FloorFacts,
): ReadonlyMap<PathRule, readonly Grant[]> {
  const grants = new Map<PathRule, readonly Grant[]>();
  for (const section of PATH_SECTIONS) {
    for (const rule of policy[section].allow) {
      grants.set(
        rule,
        realGlobs(rule.pattern, facts.realpath).flatMap((glob) => {
          const grant = section === "write"
            ? writeGrant(glob, facts)
            : grantOf(glob, NEEDS[section], facts);
          return grant === undefined ? [] : [grant];
        }),
      );
    }
  }
  return grants;
}

/** What a rule for reading or running needs. */
function grantOf(
  glob: Glob,
  access: number,
  facts: FloorFacts,
): Grant | undefined {
  const { path, plain } = rootOf(glob);
  if (isProc(path)) return { path: "/proc", access };
  const kind = facts.kind(path);
  if (kind === "directory") {
    return { path, access, alone: plain && !glob.beneath };
  }
  if (plain && facts.changes(path)) {
    const above = parentOf(path);
    if (facts.kind(above) === "directory") return { path: above, access };
  }
  // In a hierarchy that is written, it may be made, or be a directory later.
  return { path, access };
}

/** What a rule for writing needs. */
function writeGrant(glob: Glob, facts: FloorFacts): Grant | undefined {
  const { path, plain } = rootOf(glob);
  if (isProc(path)) return { path: "/proc", access: WRITE_FILE };
  const kind = facts.kind(path);
  if (!plain) {
    return {
      path: kind === "directory" ? path : directoryAbove(path, facts),
      access: WRITE,
    };
  }
  if (kind === "device") return { path, access: WRITE_FILE };
  if (facts.stays(path) && !(kind !== "directory" && facts.changes(path))) {
    if (kind === "directory") {
      return glob.beneath ? { path, access: WRITE } : undefined;
    }
    return kind === "file" ? { path, access: WRITE_FILE } : undefined;
  }
  return { path: directoryAbove(path, facts), access: WRITE };
}

/** Where a glob begins, and whether that is all of it. */
export function rootOf(
  glob: Glob,
): { readonly path: string; readonly plain: boolean } {
  const names = literalRoot(glob);
  return {
    path: `/${names.join("/")}`,
    plain: names.length === glob.segments.length,
  };
}

/** The inodes of /proc come and go, and those of a process are its own. */
export function isProc(path: string): boolean {
  return isWithin(path, "/proc");
}

/** The nearest directory above a path. */
export function directoryAbove(
  path: string,
  { kind }: Pick<FloorFacts, "kind">,
): string {
  return directoriesAbove(path).find((above) => kind(above) === "directory") ??
    "/";
}
