/** Files that tell of the system, opened as others that say what the policy does. */

import { EACCES } from "../../abi/errno.ts";
import { O_ACCMODE, O_PATH, O_RDONLY } from "../../abi/fcntl.ts";
import type { Looked, LookedPath } from "../look/looked.ts";
import type { OpenRequest } from "../look/open_flags.ts";
import type { SysOptions } from "../options.ts";
import { place } from "./place.ts";

/**
 * Puts another file in place of one that is opened for reading. Rules have the
 * file that was named; what is put there may be read by all.
 *
 * @param looked the open, which is changed
 * @param path the file that it names
 * @param request what it asks for
 * @param sys what the program sees of the system
 * @returns whether there is another file
 */
export function replaceFile(
  looked: Looked,
  path: LookedPath,
  { flags }: OpenRequest,
  sys: SysOptions | undefined,
): boolean {
  const { kind } = path.place;
  if (sys === undefined || kind !== "file" && kind !== "device") return false;
  // Nothing is read by such a descriptor; an open of its magic link comes here.
  if ((flags & O_PATH) !== 0) return false;
  const other = sys.fileFor(path.place.path);
  if (other === undefined) return false;
  if ((flags & O_ACCMODE) !== O_RDONLY) {
    looked.errno ||= EACCES;
    return false;
  }
  looked.paths[0] = { ...path, place: place(other, "file") };
  looked.descriptorsOf = 0;
  return true;
}
