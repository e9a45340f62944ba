/** The flags, mode and `resolve` of an open, whichever call makes it. */

import { E2BIG, EAGAIN, EFAULT, EINVAL } from "../../abi/errno.ts";
import {
  O_ACCMODE,
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  O_PATH_FLAGS,
  O_RDONLY,
  O_TMPFILE,
  O_TRUNC,
  O_VALID,
  O_WRONLY,
} from "../../abi/fcntl.ts";
import { getBig } from "../../abi/layout.ts";
import {
  OPEN_HOW,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_VALID,
} from "../../abi/openat2.ts";
import { S_IALLUGO, S_ISGID, S_ISUID } from "../../abi/stat.ts";
import type { Syscall } from "../../abi/syscalls.ts";
import { readMemory } from "../../sys/task/memory.ts";
import type { Registers } from "../tracee/registers.ts";

/** What an open asks for. */
export interface OpenRequest {
  /** `O_*`, as the kernel takes them: what it ignores is gone. */
  readonly flags: number;
  /** The mode of a file that is made; 0 where none is. */
  readonly mode: number;
  /** `RESOLVE_*` of openat2(2). */
  readonly resolve: number;
}

const how = new Uint8Array(4096);

/**
 * Reads what an open asks for.
 *
 * @param tid the tracee
 * @param registers its registers
 * @param syscall open, openat, openat2 or creat
 * @returns the request, or the negated errno that the kernel gives for it
 */
export function readOpen(
  tid: number,
  registers: Registers,
  syscall: Syscall,
): OpenRequest | number {
  if (syscall.name === "openat2") return readHow(tid, registers);
  const mode = registers.uint(syscall.args.indexOf("mode"));
  if (syscall.name === "creat") {
    return request(O_CREAT | O_WRONLY | O_TRUNC, mode, 0);
  }
  const asked = request(
    registers.int(syscall.args.indexOf("open-flags")) & O_VALID,
    mode,
    0,
  );
  return isContrary(asked) ? -EINVAL : asked;
}

/** What build_open_how() in the kernel's fs/open.c makes of flags and mode. */
function request(flags: number, mode: number, resolve: number): OpenRequest {
  const kept = (flags & O_PATH) !== 0 ? flags & O_PATH_FLAGS : flags;
  const creates = (kept & O_CREAT) !== 0 || (kept & O_TMPFILE) === O_TMPFILE;
  return { flags: kept, mode: creates ? mode & S_IALLUGO : 0, resolve };
}

/** What openat2(2) does not take together. */
const TWO_ROOTS = RESOLVE_BENEATH | RESOLVE_IN_ROOT;

/** What tells `O_TMPFILE` from `O_DIRECTORY`, which is a part of it. */
const UNNAMED = O_TMPFILE & ~O_DIRECTORY;

/**
 * Whether build_open_flags() there refuses what is asked for together, before it
 * looks at the path: from Linux 6.4 on, a directory that is made as well.
 */
function isContrary({ flags, resolve }: OpenRequest): boolean {
  const isDirectory = (flags & O_DIRECTORY) !== 0;
  if (isDirectory && (flags & O_CREAT) !== 0) return true;
  if ((resolve & TWO_ROOTS) === TWO_ROOTS) return true;
  if ((flags & UNNAMED) === 0) return false;
  return !isDirectory || (flags & O_ACCMODE) === O_RDONLY;
}

/** Copies `struct open_how` once; what the kernel would refuse is refused. */
function readHow(tid: number, registers: Registers): OpenRequest | number {
  const size = registers.address(3);
  if (size < OPEN_HOW.size) return -EINVAL;
  if (size > how.length) return -E2BIG;
  if (readMemory(tid, registers.address(2), how, size) !== size) {
    return -EFAULT;
  }
  for (let i = OPEN_HOW.size; i < size; i++) if (how[i] !== 0) return -E2BIG;
  const flags = Number(getBig(OPEN_HOW, how, "flags"));
  const mode = Number(getBig(OPEN_HOW, how, "mode"));
  const resolve = Number(getBig(OPEN_HOW, how, "resolve"));
  if (flags > 0x7fff_ffff || (flags & ~O_VALID) !== 0) return -EINVAL;
  if (resolve > RESOLVE_VALID || mode > S_IALLUGO) return -EINVAL;
  if ((flags & O_PATH) !== 0 && (flags & ~O_PATH_FLAGS) !== 0) return -EINVAL;
  const creates = (flags & O_CREAT) !== 0 || (flags & O_TMPFILE) === O_TMPFILE;
  if (!creates && mode !== 0) return -EINVAL;
  const asked = { flags, mode, resolve };
  if (isContrary(asked)) return -EINVAL;
  // No file is made or emptied by what is cached: the kernel does not look there.
  const changes = (flags & (O_CREAT | O_TRUNC | UNNAMED)) !== 0;
  return changes && (resolve & RESOLVE_CACHED) !== 0 ? -EAGAIN : asked;
}

/** Whether an open makes the file where there is none. */
export function creates(request: OpenRequest): boolean {
  return (request.flags & O_CREAT) !== 0 && !isUnnamed(request);
}

/** Whether an open makes a file without a name in a directory. */
export function isUnnamed({ flags }: OpenRequest): boolean {
  return (flags & O_TMPFILE) === O_TMPFILE;
}

/** Whether a file with a mode runs as somebody else than who runs it. */
export function setsId(mode: number): boolean {
  return (mode & (S_ISUID | S_ISGID)) !== 0;
}
