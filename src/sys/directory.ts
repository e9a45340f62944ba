/** What is in a directory. */

import { fromBytes, toCString } from "../abi/bytes.ts";
import { DIRENT } from "../abi/dirent.ts";
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { close, getdents64, open } from "./files.ts";

const buffer = new Uint8Array(1 << 15);

/**
 * The names in a directory, read as they are asked for.
 *
 * @param path a byte string
 * @returns byte strings, without `.` and `..`; none where it cannot be read
 */
export function* eachName(path: string): Generator<string> {
  const fd = open(toCString(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  try {
    for (;;) {
      const names = nextNames(fd);
      if (typeof names === "number" || names === undefined) return;
      yield* names;
    }
  } finally {
    close(fd);
  }
}

/**
 * The next names in an open directory.
 *
 * @param fd the directory
 * @param room how much is read at once, in bytes: a name and 20 more take some of it
 * @returns byte strings, without `.` and `..`; `undefined` at its end; or a
 * negative errno
 */
export function nextNames(
  fd: number,
  room: number = buffer.length,
): string[] | number | undefined {
  const length = getdents64(fd, buffer.subarray(0, room));
  if (length <= 0) return length === 0 ? undefined : length;
  const names: string[] = [];
  for (let at = 0; at < length;) {
    const start = at + DIRENT.size;
    const name = fromBytes(buffer, start, buffer.indexOf(0, start));
    if (name !== "." && name !== "..") names.push(name);
    at += get(DIRENT, buffer.subarray(at), "d_reclen");
  }
  return names;
}
