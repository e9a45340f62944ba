/**
 * What descriptors of a tracee are of, from the directory in /proc that has them
 * all. Of who is asked about twice in a row it is kept open: to walk the path to it
 * takes a third of each look.
 *
 * Nothing of a descriptor itself is kept: its number may mean another file by the
 * next call.
 *
 * Race: whoever has the id of a task that is gone is another, with descriptors of
 * its own. The directory stays that of the first one, of whom it tells nothing any
 * more; so what it does not have is looked for by the path once more.
 */

import { ENOENT } from "../../abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../../abi/fcntl.ts";
import { close, openat2 } from "../../sys/files.ts";
import { cString, readLink } from "./place.ts";

let asked = 0;
let directory = -1;

/**
 * Where descriptors of a task are found by their numbers.
 *
 * @param tid the task
 * @returns a descriptor of that directory, or `AT_FDCWD` where none is kept
 */
export function descriptorsOf(tid: number): number {
  if (tid !== asked) {
    leaveDescriptors();
    asked = tid;
    return AT_FDCWD;
  }
  if (directory < 0) {
    const path = cString(`/proc/${tid}/fd`);
    directory = openat2(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0, 0);
  }
  return directory < 0 ? AT_FDCWD : directory;
}

/**
 * What the kernel calls what a task has open.
 *
 * @param from what {@linkcode descriptorsOf} has said
 * @param tid the task
 * @param fd its descriptor
 * @returns a byte string, or a negated errno
 */
export function nameOfDescriptor(
  from: number,
  tid: number,
  fd: number,
): string | number {
  if (from !== AT_FDCWD) {
    const name = readLink(from, `${fd}`);
    if (name !== -ENOENT) return name;
    // The caller may use it once more: the next question gives it up.
    asked = 0;
  }
  return readLink(AT_FDCWD, `/proc/${tid}/fd/${fd}`);
}

/** Nobody is asked about any more: nothing is left open. */
export function leaveDescriptors(): void {
  if (directory >= 0) close(directory);
  directory = -1;
  asked = 0;
}
