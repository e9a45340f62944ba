/** A decoded system call, as rules see it. */

import type { SyscallName } from "../abi/syscalls.ts";
import type { NetUse } from "./net/endpoint.ts";

/**
 * What a call would do to a file.
 *
 * - `read`: see what is in it (open for reading, list a directory, getxattr);
 * - `write`: create, change, remove, replace or rename it, or its metadata;
 * - `run`: execute it;
 * - `load`: be the ELF interpreter of what is executed (`ld-linux*.so`);
 * - `stat`: see that it is there, and what kind it is.
 */
export type Access = "read" | "write" | "run" | "load" | "stat";

/** What kind of file the real path names at the moment. */
export type FileKind =
  | "file"
  | "directory"
  | "link"
  | "device"
  | "fifo"
  | "socket"
  /** Nothing has that name yet. */
  | "missing"
  /** Something without a path: a pipe, a memfd, a file that was removed. */
  | "object";

/** One thing that a call would do to one file. */
export interface Use {
  /** What it would do. */
  readonly access: Access;
  /**
   * The real path, as a byte string (`src/abi/bytes.ts`): absolute, no `.` or
   * `..`, no link in it, no slash at the end. The process's own directory in
   * `/proc`, and that of any other process of the jail, is `/proc/self`.
   * What would be made in a directory, by a name that is not known, is `/.` in it.
   * For an `object` it is what the kernel calls it: `pipe:[123]`, `/memfd:x`.
   */
  readonly path: string;
  /** What has that name now. */
  readonly kind: FileKind;
  /** Whether it is told of alone, and so refused only where a rule closes it. */
  readonly told?: true;
  /** Whether a person has agreed to it, where no rule speaks of it. */
  readonly agreed?: true;
}

/**
 * What a person calls a path that is used: the directory, where no name in it is
 * known.
 */
export function namedPath(
  { access, path }: { readonly access: string; readonly path: string },
): string {
  return access === "write" && path.endsWith("/.")
    ? path.slice(0, -2) || "/"
    : path;
}

/** A rename: what was reachable by one path becomes reachable by another. */
export interface Move {
  /** The real path now. */
  readonly from: string;
  /** The real path afterwards. */
  readonly to: string;
  /** Whether a directory moves, and all beneath it. */
  readonly tree: boolean;
  /** What moves, where none of the call's uses has that name. */
  readonly kind?: FileKind;
  /** Whether nobody can use it by that name now: something is mounted over it. */
  readonly hidden?: boolean;
}

/** One decoded system call, as rules see it. */
export interface Call {
  /** The call's name. */
  readonly name: SyscallName;
  /** What it would do to files, in the order of its arguments. */
  readonly uses: readonly Use[];
  /** What it would move; RENAME_EXCHANGE moves two things. */
  readonly moves?: readonly Move[];
  /**
   * Of one that places or removes a link: the other names of what it writes, where the
   * same is mounted more than once.
   */
  readonly names?: readonly string[];
  /**
   * Where it would send or receive. The file of a unix socket that has a path is
   * among the uses as well, to be written.
   */
  readonly net?: readonly NetUse[];
  /** Whether it makes a file that runs as its owner or group. */
  readonly setsId?: boolean;
  /** Whether it could have a directory tell no letters from then on. */
  readonly folds?: boolean;
}
