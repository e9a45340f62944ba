/** What a program can do by descriptors that are handed to it. */

import { toCString } from "../abi/bytes.ts";
import {
  DEVICE_NUMBERS,
  FUSE_DEVICE,
  isPseudoTerminal,
  isTerminalDevice,
  NULL_DEVICE,
  TERMINAL_DOORS,
} from "../abi/devices.ts";
import { EACCES } from "../abi/errno.ts";
import {
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  W_OK,
} from "../abi/fcntl.ts";
import {
  LANDLOCK_ACCESS_FS_READ_FILE,
  LANDLOCK_ACCESS_FS_TRUNCATE,
  LANDLOCK_ACCESS_FS_WRITE_FILE,
} from "../abi/landlock.ts";
import { get } from "../abi/layout.ts";
import { S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG, STAT } from "../abi/stat.ts";
import { UnsupportedError } from "../errors.ts";
import { flagsOf, fstat, nameOf, typeOf } from "../sys/files.ts";
import { ownUser } from "../sys/ids.ts";
import { isStreamOrNoSocket, isUnusedUnixSocket } from "../sys/socket.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";

/**
 * Whether a file has a name on no mount, such as one in memory: Landlock neither
 * keeps that from being opened again nor from being executed.
 */
function isNameless(fd: number): boolean {
  const name = nameOf(fd);
  return name.startsWith("/memfd:") || name !== "" && !name.startsWith("/");
}

/** Whether a descriptor is open for nothing, and leads to a file all the same. */
function isNameAlone(fd: number): boolean {
  const flags = flagsOf(fd);
  return flags >= 0 && (flags & O_PATH) !== 0;
}

/**
 * Refuses a directory, a socket that sends anywhere, a file in memory, or the name of
 * a file alone: through these the program gets out.
 *
 * @param fd a descriptor of this process
 * @throws {UnsupportedError} where it is one
 */
export function checkHanded(fd: number): void {
  const why = wayOut(fd);
  if (why !== undefined) throw cannotHand(fd, why);
}

/** How a program would get out by a descriptor, in words. */
function wayOut(fd: number): string | undefined {
  const type = typeOf(fd);
  if (type === S_IFDIR) return "it is a directory";
  if (type === S_IFREG && isNameless(fd)) return "it is a file in memory";
  if (isNameAlone(fd)) {
    return "it is the name of a file (O_PATH), which could be changed by it";
  }
  if (!isStreamOrNoSocket(fd)) return "it is a socket that can send anywhere";
  return isUnusedUnixSocket(fd)
    ? "it is a unix socket that could be connected to any"
    : undefined;
}

function cannotHand(fd: number, why: string): UnsupportedError {
  return new UnsupportedError(
    `Cannot hand descriptor ${fd} to the program with --engine=kernel: ${why}`,
    leavingOut(fd),
  );
}

/** How a program is started without a descriptor. */
function leavingOut(fd: number): string {
  return fd > 2
    ? `leave out --keep-fd=${fd}`
    : `redirect it: ${fd === 0 ? "<" : `${fd}>`}/dev/null`;
}

/** What the kernel calls a ring of io_uring(7). */
const RING = "anon_inode:[io_uring]";

/**
 * Refuses a ring that calls are put into: a thread of the kernel makes them, in the
 * name of whoever made the ring, and no filter, tracer or Landlock domain sees one.
 *
 * @param fd a descriptor of this process
 * @throws {UnsupportedError} where it is one
 */
export function checkRing(fd: number): void {
  if (nameOf(fd) !== RING) return;
  throw new UnsupportedError(
    `Cannot hand descriptor ${fd} to the program: it is a ring of io_uring, ` +
      "which makes calls that nobody sees",
    leavingOut(fd),
  );
}

const stat = new Uint8Array(STAT.size);

/**
 * Refuses what a program would serve a file system by. Whoever looks for a file
 * there waits for the program, and jail looks for it, too: each would wait for the
 * other, and nothing ends that, SIGKILL neither.
 *
 * @param fd a descriptor of this process
 * @throws {UnsupportedError} where it is one
 */
export function checkServed(fd: number): void {
  if (typeOf(fd) !== S_IFCHR || deviceOf(fd) !== FUSE_DEVICE) return;
  throw new UnsupportedError(
    `Cannot hand descriptor ${fd} to the program: it would serve a file ` +
      "system that jail looks into",
    "--engine=kernel looks into none; or start the program outside",
  );
}

/**
 * Refuses a file that no mount of the tree keeps from being changed by its descriptor
 * (fchmod(2)), where this user could: it has lost its name and has another one, or it
 * cannot be opened once more, as most devices. One without any name is nobody's, and
 * the terminals of a container may be those of what is around it; but /dev/tty is the
 * machine's.
 *
 * @param fd a descriptor of this process, of what may not be written
 * @throws {UnsupportedError} where it is one
 */
export function checkUnmounted(fd: number): void {
  const isDevice = typeOf(fd) === S_IFCHR;
  const device = deviceOf(fd);
  if (isDevice && isTerminalDevice(device) && !isDoor(device)) return;
  const isKnown = fstat(fd, stat) >= 0;
  if (isKnown && get(STAT, stat, "st_nlink") === 0) return;
  const isOwner = isKnown && get(STAT, stat, "st_uid") === ownUser();
  const written = OWN_VIEW.access(toCString(`/proc/self/fd/${fd}`), W_OK);
  const isChanged = isDevice
    // Many may write one that is not theirs.
    ? isOwner || ownUser() === 0
    : written >= 0 || written === -EACCES && isOwner;
  if (!isChanged) return;
  const what = isDevice ? "device" : "file";
  throw cannotHand(
    fd,
    `it is a ${what} that could be changed, and cannot be opened by its name`,
  );
}

/** The number of the device that a descriptor is of, or a negative errno. */
export function deviceOf(fd: number): number {
  const result = fstat(fd, stat);
  return result < 0 ? result : get(STAT, stat, "st_rdev");
}

/**
 * What may be done with a file that is handed in, when it is opened again.
 *
 * @param fd a descriptor of this process
 * @param isRead whether it may be opened to be read: by its name in /proc a dynamic
 *   loader would run it, where no mount of the tree holds it
 * @returns what Landlock allows for it; nothing for what is no file
 */
export function handed(
  fd: number,
  isRead: boolean,
): { readonly fd: number; readonly access: number }[] {
  const type = typeOf(fd);
  if (type !== S_IFREG && type !== S_IFCHR) return [];
  const access = openAccess(fd) &
    (type === S_IFREG && !isRead ? ~LANDLOCK_ACCESS_FS_READ_FILE : ~0);
  return access === 0 ? [] : [{ fd, access }];
}

/**
 * Whether nothing comes of a descriptor that is not handed in with it: no file but
 * its own, and none that it is not open for.
 *
 * @param fd a descriptor of this process
 */
export function leadsNowhere(fd: number): boolean {
  switch (typeOf(fd)) {
    case S_IFIFO:
      // One with a name is opened again as a file is.
      return nameOf(fd).startsWith("pipe:[");
    case S_IFCHR:
      return isHarmless(fd);
    default:
      // A file is opened again by its name in /proc, or run by a loader. Descriptors
      // of directories come by a socket.
      return false;
  }
}

/**
 * Whether a device is one that any program may use, or a terminal that may be read,
 * at its own end: there is nothing to cut off, and the other end is another device.
 */
function isHarmless(fd: number): boolean {
  const device = deviceOf(fd);
  return isPlainDevice(device) || isPseudoTerminal(device) &&
      (openAccess(fd) & LANDLOCK_ACCESS_FS_READ_FILE) !== 0;
}

/** Whether a device, by its number, is one that any program may use. */
export function isPlainDevice(device: number): boolean {
  return PLAIN_NUMBERS.has(device);
}

/** Whether a device, by its number, leads to a terminal that is another device. */
export function isDoor(device: number): boolean {
  return TERMINAL_DOORS.includes(device);
}

const PLAIN_NUMBERS: ReadonlySet<number> = new Set(
  ["full", "null", "random", "urandom", "zero"].flatMap((name) =>
    DEVICE_NUMBERS.get(`/dev/${name}`) ?? []
  ),
);

/**
 * Opens the null device of a program's own root in place of the machine's: a file
 * that it is handed it could change (chmod(2)), whatever it may do with the device.
 *
 * @param fd a descriptor of this process
 * @param view where the program's paths begin
 * @returns another descriptor, to be closed; the same where it is of something else, or
 *   there is no null device
 */
export function ownNull(fd: number, view: View): number {
  if (typeOf(fd) !== S_IFCHR || deviceOf(fd) !== NULL_DEVICE) return fd;
  const flags = flagsOf(fd) & (O_ACCMODE | O_APPEND | O_NONBLOCK);
  const opened = view.open(toCString("/dev/null"), flags | O_CLOEXEC);
  return opened < 0 ? fd : opened;
}

/** A file that a program is handed. */
export interface HandedFile {
  /** Its real path. */
  readonly path: string;
  /** Whether it may be written, whatever a policy says of that. */
  readonly isWritten: boolean;
  /** Whether it has a name, which need not be its path any more. */
  readonly isNamed: boolean;
}

/**
 * Which file a descriptor is of.
 *
 * @param fd a descriptor of this process
 * @returns nothing for what is no file, or has no name
 */
export function handedFile(fd: number): HandedFile | undefined {
  const path = nameOf(fd);
  if (typeOf(fd) !== S_IFREG || path === "") return undefined;
  const isWritten = (openAccess(fd) & LANDLOCK_ACCESS_FS_WRITE_FILE) !== 0;
  const isNamed = fstat(fd, stat) < 0 || get(STAT, stat, "st_nlink") > 0;
  return { path, isWritten, isNamed };
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
