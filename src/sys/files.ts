/**
 * Files, through the C library, by byte strings and C strings.
 *
 * Deno's own functions decode names as UTF-8 and refuse much of /proc. A path is
 * a `Uint8Array` that ends in NUL where the call is frequent, and a byte string
 * elsewhere. Results are 0 or more, or a negative errno.
 */

import { fromBytes, toCString } from "../abi/bytes.ts";
import { EINTR } from "../abi/errno.ts";
import {
  AT_FDCWD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_SETFL,
  FD_CLOEXEC,
  O_CLOEXEC,
  O_RDONLY,
  SEEK_CUR,
  SEEK_SET,
} from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { OPEN_HOW } from "../abi/openat2.ts";
import { isOfSameFile, S_IFMT, STAT } from "../abi/stat.ts";
import { callNumber } from "./host.ts";
import { libc, rareLibc } from "./libc.ts";
import { undisturbed } from "./undisturbed.ts";

const how = new Uint8Array(OPEN_HOW.size);
// A word of 64 bits: a number would take the slow path of Deno's calls.
const HOW_SIZE = BigInt(OPEN_HOW.size);
// The same bytes as pairs of 32-bit words, which can be stored without a bigint.
const howWords = new Uint32Array(how.buffer);
let closeNumber = 0;
let openat2Number = 0;
let readlinkatNumber = 0;
let fstatNumber = 0;
let fstatatNumber = 0;

/** Opens a file. `path` is a C string. */
export function open(path: Uint8Array, flags: number, mode = 0): number {
  return libc.open(path, flags, mode);
}

/** Opens a file below a directory. `path` is a C string. */
export function openat(dirfd: number, path: Uint8Array, flags: number): number {
  return rareLibc().openat(dirfd, path, flags, 0);
}

/**
 * Opens a file, with a say in how its path is resolved.
 *
 * @param dirfd where a relative path starts
 * @param path a C string
 * @param flags `O_*`
 * @param mode permissions of a file that is created
 * @param resolve `RESOLVE_*`
 * @returns an fd, or a negative errno
 */
export function openat2(
  dirfd: number,
  path: Uint8Array,
  flags: number,
  mode: number,
  resolve: number,
): number {
  howWords[0] = flags;
  howWords[1] = flags / 2 ** 32;
  howWords[2] = mode;
  howWords[4] = resolve;
  openat2Number ||= callNumber("openat2");
  const result = libc.syscallIBBI(
    openat2Number,
    dirfd,
    path,
    how,
    HOW_SIZE,
  );
  return result === -EINTR
    ? undisturbed(openat2, dirfd, path, flags, mode, resolve)
    : result;
}

/** Closes an fd. */
export function close(fd: number): number {
  closeNumber ||= callNumber("close");
  return libc.syscallIII(closeNumber, fd, 0, 0);
}

/** Reads what is known of an open file into a `STAT`. */
export function fstat(fd: number, into: Uint8Array): number {
  fstatNumber ||= callNumber("fstat");
  const result = libc.syscallIB(fstatNumber, fd, into);
  return result === -EINTR ? undisturbed(fstat, fd, into) : result;
}

const status = new Uint8Array(STAT.size);
const another = new Uint8Array(STAT.size);

/** Whether two descriptors of this process are of one file. */
export function isSameFile(one: number, other: number): boolean {
  return fstat(one, status) >= 0 && fstat(other, another) >= 0 &&
    isOfSameFile(status, another);
}

/**
 * What kind of file a descriptor is of.
 *
 * @param fd a descriptor of this process
 * @returns one of `S_IFMT`; or a negative errno
 */
export function typeOf(fd: number): number {
  const result = fstat(fd, status);
  return result < 0 ? result : get(STAT, status, "st_mode") & S_IFMT;
}

/**
 * Reads what is known of a file into a `STAT`.
 *
 * @param dirfd where a relative path starts
 * @param path a C string
 * @param into a buffer of the size of `STAT`
 * @param flags `AT_SYMLINK_NOFOLLOW`, `AT_EMPTY_PATH`
 * @returns 0, or a negative errno
 */
export function fstatat(
  dirfd: number,
  path: Uint8Array,
  into: Uint8Array,
  flags: number,
): number {
  fstatatNumber ||= callNumber("newfstatat");
  const result = libc.syscallIBBI(
    fstatatNumber,
    dirfd,
    path,
    into,
    flags,
  );
  return result === -EINTR
    ? undisturbed(fstatat, dirfd, path, into, flags)
    : result;
}

/**
 * Reads what is known of a file into a `STATX`.
 *
 * @param dirfd where a relative path starts
 * @param path a C string
 * @param flags `AT_*`
 * @param mask what is asked for, `STATX_*`
 * @param into a buffer of the size of `STATX`
 * @returns 0, or a negative errno
 */
export function statx(
  dirfd: number,
  path: Uint8Array,
  flags: number,
  mask: number,
  into: Uint8Array,
): number {
  const result = libc.statx(dirfd, path, flags, mask, into);
  return result === -EINTR
    ? undisturbed(statx, dirfd, path, flags, mask, into)
    : result;
}

/**
 * Reads an attribute of a file.
 *
 * @param path a C string
 * @param name the attribute's, a C string
 * @param into where it goes
 * @param size how many bytes there is room for, at most the length of `into`
 * @returns how many bytes it has, or a negative errno
 */
export function getxattr(
  path: Uint8Array,
  name: Uint8Array,
  into: Uint8Array,
  size: number,
): number {
  return rareLibc().getxattr(path, name, into, size);
}

/** Reads the names of a file's attributes, in the same way. */
export function listxattr(
  path: Uint8Array,
  into: Uint8Array,
  size: number,
): number {
  return rareLibc().listxattr(path, into, size);
}

/** Reads where a link points. `path` is a C string; the result is a length. */
export function readlinkat(
  dirfd: number,
  path: Uint8Array,
  into: Uint8Array,
): number {
  readlinkatNumber ||= callNumber("readlinkat");
  const result = libc.syscallIBBI(
    readlinkatNumber,
    dirfd,
    path,
    into,
    BigInt(into.length),
  );
  return result === -EINTR
    ? undisturbed(readlinkat, dirfd, path, into)
    : result;
}

/** Reads what is known of an open file's file system into a `STATFS`. */
export function fstatfs(fd: number, into: Uint8Array): number {
  const result = libc.syscallIB(callNumber("fstatfs"), fd, into);
  return result === -EINTR ? undisturbed(fstatfs, fd, into) : result;
}

/**
 * Whether this process may use a file so, by its effective ids: 0, or a negative
 * errno. `path` is a C string.
 */
export function faccessat(
  dirfd: number,
  path: Uint8Array,
  mode: number,
  flags: number,
): number {
  const result = libc.faccessat(dirfd, path, mode, flags);
  return result === -EINTR
    ? undisturbed(faccessat, dirfd, path, mode, flags)
    : result;
}

/** Reads from an fd. */
export function read(
  fd: number,
  into: Uint8Array,
  length: number = into.length,
): number {
  return libc.read(fd, into, Math.min(length, into.length));
}

/** Reads from an fd at an offset. */
export function pread(
  fd: number,
  into: Uint8Array,
  length: number,
  offset: number,
): number {
  const result = libc.pread64(
    fd,
    into,
    Math.min(length, into.length),
    offset,
  );
  return result === -EINTR
    ? undisturbed(pread, fd, into, length, offset)
    : result;
}

/** Writes to an fd, perhaps not all. */
export function write(fd: number, from: Uint8Array): number {
  return libc.write(fd, from, from.length);
}

/**
 * Writes all of `from` to an fd.
 *
 * @param fd the fd
 * @param from the bytes
 * @returns how many there were, or the negative errno of the write that failed
 */
export function writeAll(fd: number, from: Uint8Array): number {
  for (let done = 0; done < from.length;) {
    const written = write(fd, from.subarray(done));
    if (written < 0) {
      if (written === -EINTR) continue;
      return written;
    }
    done += written;
  }
  return from.length;
}

/** Reads entries of an open directory: `struct linux_dirent64`. */
export function getdents64(fd: number, into: Uint8Array): number {
  return rareLibc().syscallIBI(
    callNumber("getdents64"),
    fd,
    into,
    into.length,
  );
}

/** The ends of a pipe. */
export type PipeEnds = readonly [reader: number, writer: number];

/**
 * Makes a pipe: pipe2(2).
 *
 * @param flags `O_*`, of both ends
 * @returns the end that is read, and the one that is written, or a negative errno
 */
export function pipe2(flags: number): PipeEnds | number {
  const fds = new Int32Array(2);
  const result = rareLibc().pipe2(fds, flags);
  const [reader, writer] = fds as unknown as [number, number];
  return result < 0 ? result : [reader, writer];
}

/**
 * Removes a name.
 *
 * @param dirfd where a relative path starts
 * @param path a C string
 * @param flags `AT_REMOVEDIR` for a directory, else 0
 * @returns 0, or a negative errno
 */
export function unlinkat(
  dirfd: number,
  path: Uint8Array,
  flags: number,
): number {
  return rareLibc().unlinkat(dirfd, path, flags);
}

/** Moves a name from one directory to another; 0, or a negative errno. */
export function renameat(
  fromDirfd: number,
  from: Uint8Array,
  toDirfd: number,
  to: Uint8Array,
): number {
  return rareLibc().renameat(fromDirfd, from, toDirfd, to);
}

/** Makes a directory; 0, or a negative errno. */
export function mkdir(path: Uint8Array, mode: number): number {
  return rareLibc().mkdir(path, mode);
}

/**
 * Sets the mode of an open file, and of one that is open as a place alone, which
 * fchmod(2) does not take.
 *
 * @param fd the file, which may be from an open with `O_PATH`
 * @param mode the permissions
 * @returns 0, or a negative errno
 */
export function chmodHeld(fd: number, mode: number): number {
  const path = toCString(`/proc/self/fd/${fd}`);
  return rareLibc().fchmodat(AT_FDCWD, path, mode, 0);
}

/** Reads a directory from its start again. */
export function rewind(fd: number): void {
  rareLibc().lseek64(fd, 0, SEEK_SET);
}

/** Where an open file is read on, or a negative errno. */
export function offsetOf(fd: number): number {
  return Number(rareLibc().lseek64(fd, 0, SEEK_CUR));
}

/** Has an open file be read on somewhere; not where that is negative, an errno. */
export function setOffset(fd: number, offset: number): void {
  if (offset >= 0) rareLibc().lseek64(fd, offset, SEEK_SET);
}

/** Duplicates an fd to a free one, `least` or above, that exec closes. */
export function duplicate(fd: number, least: number): number {
  return fcntl(fd, F_DUPFD_CLOEXEC, least);
}

/** The `O_*` flags that an fd was opened with, or a negative errno. */
export function flagsOf(fd: number): number {
  return fcntl(fd, F_GETFL, 0);
}

/** Sets the `O_*` flags of an open file that can be changed. */
export function setFlags(fd: number, flags: number): number {
  return fcntl(fd, F_SETFL, flags);
}

/**
 * Whether this process got the fd from whoever started it.
 *
 * Such an fd cannot have been marked to be closed at exec, while every fd that
 * Deno opens for itself is.
 */
export function isInherited(fd: number): boolean {
  const flags = fcntl(fd, F_GETFD, 0);
  return flags >= 0 && (flags & FD_CLOEXEC) === 0;
}

function fcntl(fd: number, command: number, argument: number): number {
  return libc.syscallIII(callNumber("fcntl"), fd, command, argument);
}

/**
 * Where a link points.
 *
 * @param path a byte string
 * @param dirfd what a relative path begins at; an empty one is that link itself
 * @returns a byte string, or a negative errno
 */
export function readLink(path: string, dirfd = AT_FDCWD): string | number {
  const name = toCString(path);
  for (let size = 4096;; size *= 2) {
    const into = new Uint8Array(size);
    const length = readlinkat(dirfd, name, into);
    if (length < 0) return length;
    if (length < size) return fromBytes(into, 0, length);
  }
}

/**
 * What the kernel calls what a descriptor of this process means: a path, or as
 * `pipe:[NUMBER]`.
 *
 * @param fd the descriptor
 * @returns a byte string; an empty one where the kernel does not say
 */
export function nameOf(fd: number): string {
  const name = readLink(`/proc/self/fd/${fd}`);
  return typeof name === "string" ? name : "";
}

/**
 * Reads a whole file, or the start of it.
 *
 * @param path a byte string
 * @param limit the most bytes read
 * @returns the bytes, or a negative errno
 */
export function readFile(
  path: string,
  limit: number,
): Uint8Array<ArrayBuffer> | number {
  const fd = open(toCString(path), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  try {
    return readToEnd(fd, limit);
  } finally {
    close(fd);
  }
}

/**
 * Reads an open file to its end.
 *
 * @param fd the file
 * @param limit the most bytes read
 * @returns the bytes, or a negative errno
 */
export function readToEnd(
  fd: number,
  limit: number,
): Uint8Array<ArrayBuffer> | number {
  let bytes = new Uint8Array(Math.min(limit, 4096));
  let length = 0;
  while (length < limit) {
    if (length === bytes.length) {
      const more = new Uint8Array(Math.min(limit, length * 2));
      more.set(bytes);
      bytes = more;
    }
    const rest = bytes.subarray(length);
    const now = read(fd, rest);
    const count = now === -EINTR ? undisturbed(read, fd, rest) : now;
    if (count < 0) return count;
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}
