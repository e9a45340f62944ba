/** What a program that nobody asks can do by descriptors that are handed to it. */

import { printable, toCString } from "../abi/bytes.ts";
import {
  O_ACCMODE,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
} from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import {
  LANDLOCK_ACCESS_FS_EXECUTE,
  LANDLOCK_ACCESS_FS_READ_FILE,
  LANDLOCK_ACCESS_FS_TRUNCATE,
  LANDLOCK_ACCESS_FS_WRITE_FILE,
} from "../abi/landlock.ts";
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  STAT,
} from "../abi/stat.ts";
import { UnsupportedError } from "../errors.ts";
import type { Access, FileKind } from "../policy/call.ts";
import type { Engine } from "../policy/decide.ts";
import { type Grant, parentOf } from "../policy/grants.ts";
import { close, flagsOf, fstat, readLink } from "../sys/files.ts";
import { fileOf } from "../sys/held_files.ts";
import { isStreamOrNoSocket } from "../sys/socket.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";

const status = new Uint8Array(STAT.size);

function typeOf(fd: number): number {
  return fstat(fd, status) < 0 ? 0 : get(STAT, status, "st_mode") & S_IFMT;
}

/**
 * Refuses a directory, or a socket that sends anywhere: through these the program
 * gets out.
 *
 * @param fd a descriptor of this process
 * @throws {UnsupportedError} where it is one
 */
export function checkHanded(fd: number): void {
  const isDirectory = typeOf(fd) === S_IFDIR;
  if (!isDirectory && isStreamOrNoSocket(fd)) return;
  throw cannotHand(
    fd,
    isDirectory ? "it is a directory" : "it is a socket that can send anywhere",
  );
}

function cannotHand(fd: number, why: string): UnsupportedError {
  return new UnsupportedError(
    `Cannot hand descriptor ${fd} to the program with --engine=kernel: ${why}`,
    "redirect it: <&- closes it",
  );
}

/**
 * What may be done with a file that is handed in, when it is opened again.
 *
 * @param fd a descriptor of this process
 * @returns what Landlock allows for it; nothing for what is no file
 */
export function handed(
  fd: number,
): { readonly fd: number; readonly access: number }[] {
  const type = typeOf(fd);
  if (type !== S_IFREG && type !== S_IFCHR) return [];
  const access = openAccess(fd);
  return access === 0 ? [] : [{ fd, access }];
}

/** What a descriptor is open for. */
function openAccess(fd: number): number {
  const flags = flagsOf(fd);
  if (flags < 0 || (flags & O_PATH) !== 0) return 0;
  const mode = flags & O_ACCMODE;
  return (mode === O_WRONLY ? 0 : LANDLOCK_ACCESS_FS_READ_FILE) |
    (mode === O_RDONLY
      ? 0
      : LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE);
}

const KINDS: ReadonlyMap<number, FileKind> = new Map<number, FileKind>([
  [S_IFREG, "file"],
  [S_IFBLK, "device"],
  [S_IFCHR, "device"],
  [S_IFIFO, "fifo"],
]);

const USES: readonly (readonly [
  access: Access,
  right: number,
  what: string,
])[] = [
  ["read", LANDLOCK_ACCESS_FS_READ_FILE, "for reading"],
  ["write", LANDLOCK_ACCESS_FS_WRITE_FILE, "for writing"],
  ["run", LANDLOCK_ACCESS_FS_EXECUTE, "to be executed"],
];

/**
 * Refuses a file that the program could open again for more than it is open for,
 * by /proc/self/fd, against a rule. The file lies on a mount of the machine, where
 * no mount of the tree is in the way; and of what Landlock allows for a directory
 * above it takes nothing back.
 *
 * @param fds descriptors of this process
 * @param rules what Landlock allows
 * @param view where the paths of these rules begin
 * @param decider what the policy says of a path outside
 * @throws {UnsupportedError} where there is such a file
 */
export function checkReopened(
  fds: readonly number[],
  rules: readonly Grant[],
  view: View,
  decider: Engine,
): void {
  const looked = fds.flatMap((fd) => {
    const kind = KINDS.get(typeOf(fd));
    const path = readLink(`/proc/self/fd/${fd}`);
    // What has no name is on no mount of the machine, or was removed.
    return kind === undefined || typeof path !== "string" || path[0] !== "/" ||
        get(STAT, status, "st_nlink") === 0
      ? []
      : [{ fd, kind, path }];
  });
  if (looked.length === 0) return;
  const granted = new Map<string, number>();
  for (const { path, access } of rules) {
    const file = fileAt(path, view);
    if (file === undefined) continue;
    granted.set(file, (granted.get(file) ?? 0) | access);
  }
  for (const { fd, kind, path } of looked) {
    const more = reached(path, granted) & ~openAccess(fd);
    for (const [access, right, what] of USES) {
      if ((more & right) === 0 || (access === "run" && kind !== "file")) {
        continue;
      }
      const uses = [{ access, path, kind }];
      if (decider.decide({ name: "openat", uses }).kind === "allow") continue;
      throw cannotHand(
        fd,
        `${printable(path)} could be opened again ${what}, which is refused`,
      );
    }
  }
}

/** What Landlock allows for a file, by the directories above it. */
function reached(path: string, granted: ReadonlyMap<string, number>): number {
  let access = 0;
  for (let at = path;; at = parentOf(at)) {
    const file = fileAt(at, OWN_VIEW);
    if (file !== undefined) access |= granted.get(file) ?? 0;
    if (at === "/") return access;
  }
}

/** Which file has a name. */
function fileAt(path: string, view: View): string | undefined {
  const fd = view.open(toCString(path), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return undefined;
  const file = fileOf(fd);
  close(fd);
  return file;
}
