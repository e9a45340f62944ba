/**
 * What has come to a name at which the policy lets no link be put.
 *
 * The next run would follow a link where a rule begins, so none is moved there, nor a
 * directory, which may have one in it. What is moved jail has seen before the call, and
 * the kernel cannot be told to move nothing else: whoever outside may write where it
 * comes from, another jail too, can put a link in its place by then. So what came is
 * looked at again before anything else in the jail is moved.
 *
 * Nor need it be what was moved: another jail may have put a directory there since,
 * which a rule closes where it is. Jail gives none a name that no rule closes.
 */

import { fromText, toCString } from "../../abi/bytes.ts";
import type { Call, FileKind, Move } from "../../policy/call.ts";
import { parentOf, pathIn } from "../../policy/path/within.ts";
import { close, renameat, unlinkat } from "../../sys/files.ts";
import type { View } from "../../sys/view.ts";
import { aliasesOf } from "../path/aliases.ts";
import { look } from "../path/magic.ts";
import { kindOfOpen } from "../path/place.ts";

/**
 * Removes a link, and gives a directory another name beside it, where no rule begins;
 * one that a rule closes stays, unless it does by that name as well.
 *
 * @param view where paths begin
 * @param path the real path at which there must be none
 * @param refuses whether the policy refuses a call
 * @returns whether there was one
 */
export function clear(
  view: View,
  path: string,
  refuses: (call: Call) => boolean,
): boolean {
  const kind = kindAt(view, path);
  if (kind !== "link" && kind !== "directory") return false;
  const above = parentOf(path);
  const directory = look(view, above);
  if (directory < 0) return false;
  const name = toCString(path.slice(path.lastIndexOf("/") + 1));
  const other = fromText(`.jail-${crypto.randomUUID()}`);
  let result = 0;
  if (kind === "link") {
    result = unlinkat(directory, name, 0);
  } else if (!opens(view, path, pathIn(above, other), refuses)) {
    result = renameat(directory, name, directory, toCString(other));
  }
  close(directory);
  return result >= 0;
}

/**
 * Whether a directory could be read or run by another name beside its own, and not by
 * that. It alone is asked about: what is in it can have come there under the same
 * policy only from where rules say the same of that.
 */
function opens(
  view: View,
  from: string,
  to: string,
  refuses: (call: Call) => boolean,
): boolean {
  const aliases = aliasesOf(view, from, to);
  if (aliases === undefined) return true;
  const others = aliases.names.map((names): Move => ({
    ...names,
    tree: false,
    kind: "directory",
  }));
  const moves = [{ from, to, tree: false }, ...others];
  // As of a hard link: of what a directory has in it nothing is asked.
  return refuses({ name: "linkat", uses: [], moves });
}

/** What kind of file is at a path, if there is one. */
function kindAt(view: View, path: string): FileKind | undefined {
  const fd = look(view, path);
  if (fd < 0) return undefined;
  const kind = kindOfOpen(fd);
  close(fd);
  return kind;
}
