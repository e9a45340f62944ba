/** What is in a directory. */

import { fromBytes, toCString } from "../abi/bytes.ts";
import { DIRENT } from "../abi/dirent.ts";
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { close, getdents64, open } from "./files.ts";

const BUFFER_SIZE = 1 << 15;

/**
 * The names in a directory.
 *
 * @param path a byte string
 * @returns byte strings, without `.` and `..`; none where it cannot be read
 */
export function readDirectory(path: string): string[] {
  const fd = open(toCString(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return [];
  const names: string[] = [];
  const buffer = new Uint8Array(BUFFER_SIZE);
  try {
    for (;;) {
      const length = getdents64(fd, buffer);
      if (length <= 0) return names;
      for (let at = 0; at < length;) {
        const start = at + DIRENT.size;
        const name = fromBytes(buffer, start, buffer.indexOf(0, start));
        if (name !== "." && name !== "..") names.push(name);
        at += get(DIRENT, buffer.subarray(at), "d_reclen");
      }
    }
  } finally {
    close(fd);
  }
}
