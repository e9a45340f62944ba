/** What a call returns that jail makes in a program's place, and what it does. */

import { fromBytes } from "../../abi/bytes.ts";
import { majorOf } from "../../abi/devices.ts";
import { EACCES, EAGAIN, EINVAL, ELOOP, ERANGE } from "../../abi/errno.ts";
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_NONBLOCK,
} from "../../abi/fcntl.ts";
import { get } from "../../abi/layout.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import { RESOLVE_NO_SYMLINKS } from "../../abi/openat2.ts";
import { PLAIN_FILE_SYSTEMS, STAT, STATFS, STATX } from "../../abi/stat.ts";
import {
  XATTR_LIST_MAX,
  XATTR_NAME_MAX,
  XATTR_SIZE_MAX,
  XATTR_TRUSTED_PREFIX,
} from "../../abi/xattr.ts";
import {
  close,
  faccessat,
  fstat,
  fstatfs,
  getxattr,
  isSameFile,
  listxattr,
  openat2,
  readlinkat,
  setFlags,
  statx,
} from "../../sys/files.ts";
import { readCString, storeMemory } from "../../sys/task/memory.ts";
import type { CallSpec } from "../look/spec.ts";
import { reopen } from "../path/own_descriptors.ts";
import { cString, type Place } from "../path/place.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";

const THIS = new Uint8Array(1);
const DOT = Uint8Array.of(0x2e, 0);

const stat = new Uint8Array(STAT.size);
const statfs = new Uint8Array(STATFS.size);
const statxBytes = new Uint8Array(STATX.size);
const link = new Uint8Array(PATH_MAX);
const attributeName = new Uint8Array(XATTR_NAME_MAX + 1);
const attribute = new Uint8Array(XATTR_SIZE_MAX);

/**
 * Looks at a file for a tracee, and tells it what there is.
 *
 * @param tracee whose call it is
 * @param registers its registers
 * @param spec which call
 * @param fd a reference to the file (`O_PATH`)
 * @param known what is known of it, a `STAT`
 * @returns what the call returns; `undefined` where it depends on who makes it
 */
export function lookFor(
  { tid }: Tracee,
  registers: Registers,
  spec: CallSpec,
  fd: number,
  known: Uint8Array | undefined,
): number | undefined {
  const { args, name } = spec.syscall;
  const flagsAt = args.indexOf("at-flags");
  const flags = flagsAt < 0 ? 0 : registers.int(flagsAt);
  const into = registers.address(args.indexOf("buf"));
  switch (name) {
    case "statx": {
      const asked = flags & ~AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
      const mask = registers.uint(args.indexOf("uint"));
      const result = statx(fd, THIS, asked, mask, statxBytes);
      return result < 0 ? result : told(tid, into, statxBytes, STATX.size, 0);
    }
    case "readlink":
    case "readlinkat": {
      const room = registers.int(args.indexOf("int"));
      if (room <= 0) return -EINVAL;
      const length = readlinkat(fd, THIS, link);
      if (length < 0) return length;
      return told(tid, into, link, Math.min(length, room));
    }
    case "access":
    case "faccessat":
    case "faccessat2": {
      const mode = registers.int(args.indexOf("access-mode"));
      return faccessat(fd, THIS, mode, flags & AT_EACCESS | AT_EMPTY_PATH);
    }
    case "getxattr":
    case "lgetxattr":
      return attributeFor(tid, registers, into, fd);
    case "listxattr":
    case "llistxattr":
      return attributesFor(tid, registers, into, fd);
    default: {
      const result = known === undefined ? fstat(fd, stat) : 0;
      return result < 0 ? result : told(tid, into, known ?? stat, STAT.size, 0);
    }
  }
}

/** Reads an attribute; those that are for capabilities alone jail may see. */
function attributeFor(
  tid: number,
  registers: Registers,
  into: number,
  fd: number,
): number | undefined {
  const length = readCString(tid, registers.address(1), attributeName);
  if (length < 0) return undefined;
  const name = fromBytes(attributeName, 0, length);
  if (name.startsWith(XATTR_TRUSTED_PREFIX)) return undefined;
  const size = Math.min(registers.address(3), XATTR_SIZE_MAX);
  const all = getxattr(referTo(fd), attributeName, attribute, size);
  return all <= 0 || size === 0 ? all : told(tid, into, attribute, all);
}

/** Lists the names of attributes. */
function attributesFor(
  tid: number,
  registers: Registers,
  into: number,
  fd: number,
): number | undefined {
  const all = listxattr(referTo(fd), attribute, XATTR_LIST_MAX);
  if (all < 0) return all;
  const names = fromBytes(attribute, 0, all);
  if (`\0${names}`.includes(`\0${XATTR_TRUSTED_PREFIX}`)) return undefined;
  const size = registers.address(2);
  if (all === 0 || size === 0) return all;
  return size < all ? -ERANGE : told(tid, into, attribute, all);
}

/**
 * Hands over so many bytes of what was read.
 *
 * @returns what the call returns; `undefined` where they cannot be stored, which
 *   the kernel does in more places: on a stack that has not grown yet, say
 */
function told(
  tid: number,
  into: number,
  from: Uint8Array,
  length: number,
  result = length,
): number | undefined {
  return storeMemory(tid, into, from, length) < 0 ? undefined : result;
}

/** A path that leads to what a descriptor is of. */
function referTo(fd: number): Uint8Array {
  return cString(`/proc/self/fd/${fd}`);
}

/**
 * Opens a file for reading that jail has a reference to (`O_PATH`), and no other.
 *
 * @param tracee who wants it
 * @param place where it was found
 * @param fd the reference
 * @param flags `O_*`, which are what the program finds in its descriptor
 * @returns a descriptor, or a negative errno: `-ELOOP` where the path means another
 */
export function openAgain(
  { view }: Tracee,
  { kind, path }: Place,
  fd: number,
  flags: number,
): number {
  const closed = flags | O_CLOEXEC;
  if (kind === "directory") {
    const again = openat2(fd, DOT, closed, 0, 0);
    // It may be read, and not searched.
    return again === -EACCES ? -EAGAIN : again;
  }
  // Nobody waits: somebody outside may have a lease, or what is there by now may
  // be a pipe. A link in /proc would be none to follow.
  const byPath = (flags & O_NOFOLLOW) !== 0;
  const again = byPath
    ? view.open(cString(path), closed | O_NONBLOCK, RESOLVE_NO_SYMLINKS)
    : reopen(fd, closed | O_NONBLOCK);
  if (again < 0) return again;
  if (byPath && !isSameFile(fd, again)) {
    close(again);
    return -ELOOP;
  }
  if ((flags & O_NONBLOCK) === 0) setFlags(again, flags);
  return again;
}

/** Disks with such a file system: it stays the one it is as long as jail runs. */
const plainDisks = new Set<number>();

/**
 * Whether it does not matter to a file who opens it.
 *
 * @param fd a reference to the file
 * @param known what is known of it, a `STAT`: a disk is looked at once, and what
 *   has no disk (major 0) each time, since such numbers come again
 */
export function isOnPlainFileSystem(
  fd: number,
  known: Uint8Array | undefined,
): boolean {
  const device = known === undefined ? 0 : get(STAT, known, "st_dev");
  if (plainDisks.has(device)) return true;
  const plain = fstatfs(fd, statfs) >= 0 &&
    PLAIN_FILE_SYSTEMS.has(get(STATFS, statfs, "f_type"));
  if (plain && majorOf(device) !== 0) plainDisks.add(device);
  return plain;
}
