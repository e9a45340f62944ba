/** Flags of calls as a person reads them. */

import * as fcntl from "../../abi/fcntl.ts";

/** Names of constants. */
export type Names = readonly (readonly [number, string])[];

/** What has more than one bit comes in front of what is one of them. */
const OPEN_FLAGS: Names = [
  [fcntl.O_TMPFILE, "O_TMPFILE"],
  [fcntl.O_CREAT, "O_CREAT"],
  [fcntl.O_EXCL, "O_EXCL"],
  [fcntl.O_NOCTTY, "O_NOCTTY"],
  [fcntl.O_TRUNC, "O_TRUNC"],
  [fcntl.O_APPEND, "O_APPEND"],
  [fcntl.O_NONBLOCK, "O_NONBLOCK"],
  [fcntl.O_SYNC, "O_SYNC"],
  [fcntl.O_DSYNC, "O_DSYNC"],
  [fcntl.O_ASYNC, "O_ASYNC"],
  [fcntl.O_DIRECT, "O_DIRECT"],
  [fcntl.O_LARGEFILE, "O_LARGEFILE"],
  [fcntl.O_DIRECTORY, "O_DIRECTORY"],
  [fcntl.O_NOFOLLOW, "O_NOFOLLOW"],
  [fcntl.O_NOATIME, "O_NOATIME"],
  [fcntl.O_CLOEXEC, "O_CLOEXEC"],
  [fcntl.O_PATH, "O_PATH"],
];

const ACCESS_MODES: Names = [
  [fcntl.R_OK, "R_OK"],
  [fcntl.W_OK, "W_OK"],
  [fcntl.X_OK, "X_OK"],
];

/**
 * Flags by name, and what has none as a number.
 *
 * @param names the names, the first of which are taken first
 * @param flags the flags
 */
export function flagWords(names: Names, flags: number): string[] {
  let rest = flags;
  const words: string[] = [];
  for (const [bits, word] of names) {
    if ((rest & bits) !== bits) continue;
    words.push(word);
    rest &= ~bits;
  }
  if (rest !== 0) words.push(`0x${(rest >>> 0).toString(16)}`);
  return words;
}

/** How a file is opened: `O_WRONLY|O_CREAT`. */
export function openFlagsText(flags: number): string {
  const how = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"]
    .filter((_, at) => at === (flags & fcntl.O_ACCMODE));
  return [
    ...(flags & fcntl.O_PATH) === 0 ? how : [],
    ...flagWords(OPEN_FLAGS, flags & ~fcntl.O_ACCMODE),
  ].join("|");
}

/** What access(2) asks for: `R_OK|W_OK`. */
export function accessModeText(mode: number): string {
  return mode === 0 ? "F_OK" : flagWords(ACCESS_MODES, mode).join("|");
}
