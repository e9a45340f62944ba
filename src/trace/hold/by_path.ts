/**
 * Calls that change a file by its descriptor, made by its path.
 *
 * They rest on a number behind which others who share their descriptors may put
 * another file, and would all have to be stopped for each (`freeze.ts`). A pool of
 * threads that copies files makes one of them for each file. So the number is
 * looked at once, and what the path of its file means stays that while the path
 * lock is held alone: a name that is removed, and made again, would be another file's.
 *
 * By a path such a call may fail as it does not by a descriptor: a directory on the
 * way may not be searched, or the file was removed meanwhile. Then it is made again,
 * by its descriptor. So it is from the start for what has no path, and for what is
 * no file.
 */

import {
  EACCES,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOSYS,
  ENOTDIR,
  EOPNOTSUPP,
  EPERM,
} from "../../abi/errno.ts";
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../../abi/fcntl.ts";
import { get } from "../../abi/layout.ts";
import { isOfSameFile, S_IRUSR, S_IWUSR, STAT } from "../../abi/stat.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import { close, fstat, fstatat } from "../../sys/files.ts";
import type { Looked } from "../look/looked.ts";
import type { CallSpec } from "../look/spec.ts";
import { look } from "../path/magic.ts";
import { cString } from "../path/place.ts";
import type { Tools } from "../tools.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";
import { LONGEST } from "./linkless.ts";

/** Calls by a descriptor, and those that do the same by a path. */
export const BY_PATH: ReadonlyMap<SyscallName, SyscallName> = new Map([
  ["fchmod", "fchmodat2"],
  ["fchown", "fchownat"],
  ["utimensat", "utimensat"],
]);

/**
 * How such a call fails by a path alone: where that leads to a link by now, too, and
 * where fchmodat2(2) is not there (before Linux 6.6), or a container does not know it.
 */
export const PATH_FAILS: readonly number[] = [
  ...[EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR],
  ...[ENOSYS, EOPNOTSUPP, EPERM],
];

const stat = new Uint8Array(STAT.size);
const other = new Uint8Array(STAT.size);

/**
 * Whether a call may be made by the path of its file, before it is looked at. A
 * filter of the program's own would not know it again.
 *
 * @param tracee who makes it, stopped
 * @param spec the call
 * @param tools what has its registers, and says who shares its descriptors
 */
export function mayGoByPath(
  tracee: Tracee,
  spec: CallSpec,
  { answers, freezer, options }: Tools,
): boolean {
  const name = BY_PATH.get(spec.syscall.name);
  if (name === undefined || !isByDescriptor(answers.registers, spec)) {
    return false;
  }
  const kind = options.plan.get(name)?.action.kind;
  return (kind === "trace" || kind === "allow") && tracee.retries === 0 &&
    !tracee.process.filtered && !tracee.interrupted && !freezer.has(tracee) &&
    freezer.needed(tracee, tracee.process.pid);
}

/** Whether it is its first argument that says which file is meant, alone. */
function isByDescriptor(
  registers: Registers,
  { treatment, paths: [path] }: CallSpec,
): boolean {
  if (treatment === "descriptor") return true;
  if (path?.takesNull !== "descriptor" || registers.int(0) < 0) return false;
  return registers.address(path.arg) === 0 && registers.uint(path.flags) === 0;
}

/**
 * Has a call made by the path of its file, where that leads to it.
 *
 * @param looked what is known of the call
 * @param tracee who makes it
 * @param number its descriptor
 */
export function goByPath(
  looked: Looked,
  { tid, view }: Tracee,
  number: number,
): void {
  const file = looked.file ?? looked.paths[0]?.place;
  if (file?.kind !== "file" || file.via !== "") return;
  const { path } = file;
  if (path.startsWith("/proc/") || path.length > LONGEST) return;
  const link = `/proc/${tid}/fd/${number}`;
  if (!isOpen(link) || !leadsTo(link)) return;
  const fd = look(view, path);
  if (fd < 0) return;
  const found = fstat(fd, other);
  close(fd);
  if (found < 0 || !isOfSameFile(stat, other)) return;
  const named = { arg: 1, dirfd: 0, written: "", follows: false };
  looked.paths[0] = { ...named, place: file };
  looked.descriptorsOf = 0;
  looked.byPath = true;
}

/**
 * Whether a descriptor is open to read or write, and no reference alone (O_PATH),
 * which changes nothing: proc_pid_fd(5).
 */
function isOpen(link: string): boolean {
  return fstatat(AT_FDCWD, cString(link), stat, AT_SYMLINK_NOFOLLOW) >= 0 &&
    (get(STAT, stat, "st_mode") & (S_IRUSR | S_IWUSR)) !== 0;
}

/** Reads what a link of the kernel's own leads to. */
function leadsTo(link: string): boolean {
  return fstatat(AT_FDCWD, cString(link), stat, 0) >= 0;
}
