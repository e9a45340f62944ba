/**
 * Links in the root directory: /bin and /lib lead to /usr on most machines, and
 * most paths of programs and libraries begin with one.
 *
 * What a link says never changes (symlink(2)); another one has another inode, or
 * was made at another time. So what one says is remembered, and looking whether
 * it is still that one takes one call in the place of six. One that is new is not
 * remembered: another could get its inode within the same tick of the clock that
 * files are stamped by.
 */

import { get } from "../../abi/layout.ts";
import { STAT } from "../../abi/stat.ts";
import type { View } from "../../sys/view.ts";
import { cString } from "./place.ts";

/** A link that was read. */
interface Known {
  /** What it says. */
  readonly text: string;
  /** Which one it is: what fstat(2) said of it. */
  readonly stat: Uint8Array;
}

/** Where `struct stat` says which file it is of, each in eight bytes. */
const IDENTITY = (["st_dev", "st_ino", "st_ctime", "st_ctime_nsec"] as const)
  .map((name) => STAT.fields[name][0]);

/** How old a link must be, in seconds. */
const OLD_S = 2;

/** How many are remembered: nobody needs more, and a program could make millions. */
const MOST = 64;

const known = new Map<string, Known>();
const stat = new Uint8Array(STAT.size);

/**
 * Remembers what a link in this process's own root directory says.
 *
 * @param path its path, such as `/bin`
 * @param text what it says, a byte string
 * @param link what fstat(2) says of it
 * @returns whether it is old enough to be remembered
 */
export function rememberLink(
  path: string,
  text: string,
  link: Uint8Array,
): boolean {
  if (Date.now() / 1000 - get(STAT, link, "st_ctime") < OLD_S) return false;
  if (known.size >= MOST) known.clear();
  known.set(path, { text, stat: link.slice() });
  return true;
}

/**
 * The path that a link at the start of another one leads to, if that is known.
 *
 * @param view where paths begin
 * @param full an absolute path, a byte string
 * @returns a path that leads to the same file; `undefined` where it begins with no
 *   link that is known
 */
export function behindLink(view: View, full: string): string | undefined {
  const end = full.indexOf("/", 1);
  if (end < 0 || !view.isOwn) return undefined;
  const path = full.slice(0, end);
  const link = known.get(path);
  if (link === undefined) return undefined;
  if (view.stat(cString(path), stat) < 0 || !isSame(stat, link.stat)) {
    known.delete(path);
    return undefined;
  }
  const { text } = link;
  return `${text.startsWith("/") ? "" : "/"}${text}${full.slice(end)}`;
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return IDENTITY.every((offset) => {
    for (let at = offset; at < offset + 8; at++) {
      if (one[at] !== other[at]) return false;
    }
    return true;
  });
}
