/** Paths and places: what is known of a file that a path names. */

import { fromBytes } from "../../abi/bytes.ts";
import { ENAMETOOLONG } from "../../abi/errno.ts";
import { get } from "../../abi/layout.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  STAT,
} from "../../abi/stat.ts";
import type { FileKind } from "../../policy/call.ts";
import { fstat, readlinkat } from "../../sys/files.ts";
import { REMOVED } from "../../sys/mount_info.ts";
import type { View } from "../../sys/view.ts";
import type { WorkingDirectory } from "./working_directory.ts";

/** Whose path it is. */
export interface Owner {
  /** The process. */
  readonly pid: number;
  /** The thread. */
  readonly tid: number;
  /** Where its paths begin. */
  readonly view: View;
  /** Whether a descriptor of what is found is wanted ({@linkcode Place.fd}). */
  readonly keeps?: boolean;
  /** Whether a directory is moved while the path is looked up. */
  readonly besideMove?: boolean;
  /** Where it is, as far as that is kept. */
  readonly cwd?: WorkingDirectory;
}

/** Which file a path names. */
export interface Place {
  /** The real path; numeric in `/proc`. Empty where not even that is known. */
  readonly path: string;
  /** What is there. */
  readonly kind: FileKind;
  /**
   * The error that the kernel would give for the path alone, before it looks
   * at anything else; 0 for none. {@linkcode Place.path} is then as far as the
   * path leads, with the rest as written behind it.
   */
  readonly errno: number;
  /** The path ends in a slash, so that it must be a directory. */
  readonly slash: boolean;
  /**
   * For what has no path that leads to it, an `object` or a file outside the root
   * of the jail: the path in `/proc` that does.
   */
  readonly via: string;
  /** Where the path starts, a real path, where it is relative and was walked. */
  readonly start?: string;
  /**
   * For an `object` that was removed: what kind of file it is.
   * {@linkcode formerPath} says where it was.
   */
  readonly was?: FileKind;
  /**
   * Directories that the path leads through, and out of again by `..`, as long as
   * nothing else tells that they are there.
   */
  readonly crossed?: readonly string[];
  /**
   * Whether the path leads out of something by `..`: whoever moves that has it lead
   * elsewhere.
   */
  readonly climbs?: boolean;
  /** Directories of the links that it leads through, if there are any. */
  readonly through?: readonly string[];
  /**
   * How far the path leads, where names are left behind that: whether a file is there,
   * or nothing, its error tells.
   */
  readonly end?: string;
  /** Whether a link of the kernel's own leads there, which others may turn. */
  readonly magic?: boolean;
  /**
   * The link of a descriptor by which the path ends at what has a path as well: whoever
   * has it open may not search what that leads through, nor everybody look into who
   * has.
   */
  readonly by?: string;
  /**
   * A descriptor of it (`O_PATH`), where one was wanted, or of the last directory on
   * the way to it; whoever wanted it closes it.
   */
  readonly fd?: number;
}

const pathBuffer = new Uint8Array(2 * PATH_MAX + 64);
const linkBuffer = new Uint8Array(PATH_MAX);

const PROC_ID_REGEXP = /^\/proc\/([1-9][0-9]*)(?:\/|$)/;

/** Writes a byte string as a C string into a buffer that the next call reuses. */
export function cString(path: string): Uint8Array {
  const length = Math.min(path.length, pathBuffer.length - 1);
  for (let i = 0; i < length; i++) pathBuffer[i] = path.charCodeAt(i);
  pathBuffer[length] = 0;
  return pathBuffer;
}

/** The link of the kernel's own that is followed to a file; "" for none. */
export function linkTo({ via, by = "" }: Place): string {
  return via === "" ? by : via;
}

/** The process id in a path below `/proc/<pid>`, or 0. */
export function processOf(path: string): number {
  if (!path.startsWith("/proc/")) return 0;
  const match = PROC_ID_REGEXP.exec(path);
  return match === null ? 0 : Number(match[1]);
}

/** Removes `//`, `/./` and `x/..` from an absolute path, as text. */
export function normalize(path: string): string {
  if (!path.includes("//") && !path.includes("/.") && !path.endsWith("/")) {
    return path;
  }
  const out: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") out.pop();
    else out.push(part);
  }
  return `/${out.join("/")}`;
}

/** Whether a name is that of a removed file, or a file's own that ends like one. */
export function isRemovedName(name: string): boolean {
  return name.endsWith(REMOVED);
}

/** Where a removed file was, by its directories' names of today. */
export function formerPath({ path }: Place): string {
  return path.slice(0, -REMOVED.length);
}

const stat = new Uint8Array(STAT.size);

/** What kind of file is open; `undefined` where it cannot be told. */
export function kindOfOpen(fd: number): FileKind | undefined {
  return fstat(fd, stat) < 0 ? undefined : kindOf(get(STAT, stat, "st_mode"));
}

/** What kind of file a mode says. */
export function kindOf(mode: number): FileKind {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "link";
    case S_IFCHR:
    case S_IFBLK:
      return "device";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
  }
  return "object";
}

/** Makes one. */
export function place(
  path: string,
  kind: FileKind,
  slash = false,
  errno = 0,
  via = "",
): Place {
  return { path, kind, errno, slash, via };
}

/** `readlink`, as a byte string; a negated errno where it fails. */
export function readLink(dirfd: number, path: string): string | number {
  const length = readlinkat(dirfd, cString(path), linkBuffer);
  if (length === linkBuffer.length) return -ENAMETOOLONG;
  return length < 0 ? length : fromBytes(linkBuffer, 0, length);
}
