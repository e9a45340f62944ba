/** What descriptors of jail's own are of, from the directory that has them all. */

import { toCString } from "../../abi/bytes.ts";
import { O_CLOEXEC, O_PATH } from "../../abi/fcntl.ts";
import { close, open, openat2 } from "../../sys/files.ts";
import { cString, readLink } from "./place.ts";

const PATH = toCString("/proc/self/fd");

let directory = -1;

/** Opened once: to walk the path to it takes a third of each open. */
function all(): number {
  if (directory < 0) directory = open(PATH, O_PATH | O_CLOEXEC);
  return directory;
}

/** The jail is no more: nothing is left open. */
export function leaveOwnDescriptors(): void {
  if (directory >= 0) close(directory);
  directory = -1;
}

/** Opens once more what a descriptor is of: a descriptor, or a negated errno. */
export function reopen(fd: number, flags: number): number {
  const from = all();
  return from < 0 ? from : openat2(from, cString(`${fd}`), flags, 0, 0);
}

/** What the kernel calls what a descriptor is of, or a negated errno. */
export function nameOf(fd: number): string | number {
  const from = all();
  return from < 0 ? from : readLink(from, `${fd}`);
}
