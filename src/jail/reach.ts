/** Whether what is in the working directory can be found by its path. */

import { printable, toCString } from "../abi/bytes.ts";
import { EACCES } from "../abi/errno.ts";
import { X_OK } from "../abi/fcntl.ts";
import type { View } from "../sys/view.ts";

/**
 * Whether the working directory may be searched, and one above it may not. The kernel
 * does not mind where a path is relative; jail finds each file by its whole path, and
 * so none that is in there.
 *
 * @param cwd the working directory of this process, a byte string
 * @param view where paths begin
 */
export function isOutOfReach(cwd: string, view: View): boolean {
  return view.isOwn && view.access(toCString(cwd), X_OK) === -EACCES &&
    view.access(toCString("."), X_OK) >= 0;
}

/** Says so of a working directory. */
export function outOfReachText(cwd: string): string {
  return `Nothing in ${printable(cwd)} can be used: ` +
    "a directory above it may not be searched";
}
