/**
 * What has come to a name at which the policy lets no link be put.
 *
 * The next run would follow a link where a rule begins, so none is moved there, nor a
 * directory, which may have one in it. What is moved jail has seen before the call, and
 * the kernel cannot be told to move nothing else: whoever outside may write where it
 * comes from, another jail too, can put a link in its place by then. So what came is
 * looked at again before anything else in the jail is moved.
 */

import { fromText, toCString } from "../../abi/bytes.ts";
import type { FileKind } from "../../policy/call.ts";
import { parentOf } from "../../policy/path/within.ts";
import { close, renameat, unlinkat } from "../../sys/files.ts";
import type { View } from "../../sys/view.ts";
import { look } from "../path/magic.ts";
import { kindOfOpen } from "../path/place.ts";

/**
 * Removes a link, and gives a directory another name beside it, where no rule begins.
 *
 * @param view where paths begin
 * @param path the real path at which there must be none
 * @returns whether there was one
 */
export function clear(view: View, path: string): boolean {
  const kind = kindAt(view, path);
  if (kind !== "link" && kind !== "directory") return false;
  const directory = look(view, parentOf(path));
  if (directory < 0) return false;
  const name = toCString(path.slice(path.lastIndexOf("/") + 1));
  const aside = toCString(fromText(`.jail-${crypto.randomUUID()}`));
  const result = kind === "link"
    ? unlinkat(directory, name, 0)
    : renameat(directory, name, directory, aside);
  close(directory);
  return result >= 0;
}

/** What kind of file is at a path, if there is one. */
function kindAt(view: View, path: string): FileKind | undefined {
  const fd = look(view, path);
  if (fd < 0) return undefined;
  const kind = kindOfOpen(fd);
  close(fd);
  return kind;
}
