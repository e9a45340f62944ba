/** Going through all that is beneath a directory. */

import { fromBytes, toCString } from "../abi/bytes.ts";
import { DIRENT, DT_DIR, DT_UNKNOWN } from "../abi/dirent.ts";
import { ELOOP, ENOENT, ENOTDIR } from "../abi/errno.ts";
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from "../abi/fcntl.ts";
import { close, getdents64, open } from "./files.ts";

const FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
/** How the open of a name fails that is no directory, or not any more. */
const NONE: readonly number[] = [-ELOOP, -ENOENT, -ENOTDIR];
const DOT = 0x2e;
const RECLEN = DIRENT.fields.d_reclen[0];
const TYPE = DIRENT.fields.d_type[0];

const buffer = new Uint8Array(1 << 16);

/**
 * Goes through all that is beneath a directory, and through what is mounted there.
 * No link is followed.
 *
 * @param from the directory, a real path, a byte string
 * @param enters told of each name, and of the directory that it is in, byte
 * strings, and what it is, as `DT_*` says; whether to look beneath it
 * @param unlisted told of each directory that this process cannot list
 */
export function walk(
  from: string,
  enters: (directory: string, name: string, type: number) => boolean,
  unlisted: (directory: string) => void,
): void {
  const fails = (directory: string, result: number): void => {
    if (!NONE.includes(result)) unlisted(directory);
  };
  // By its name what is in there may be found all the same: an overlay has what was
  // removed below it.
  const isStill = (directory: string): boolean => {
    const fd = open(toCString(directory), FLAGS);
    if (fd >= 0) close(fd);
    return fd >= 0;
  };
  const left = [from];
  for (let here = left.pop(); here !== undefined; here = left.pop()) {
    const fd = open(toCString(here), FLAGS);
    if (fd < 0) {
      fails(here, fd);
      continue;
    }
    const prefix = here === "/" ? "" : here;
    try {
      for (;;) {
        const length = getdents64(fd, buffer);
        if (length < 0 && isStill(here)) unlisted(here);
        if (length <= 0) break;
        // Where an entry is, is not worth an object for each.
        let next = 0;
        for (let at = 0; at < length; at = next) {
          next = at + (buffer[at + RECLEN] as number) +
            (buffer[at + RECLEN + 1] as number) * 256;
          const start = at + DIRENT.size;
          if (isDots(start)) continue;
          const name = fromBytes(buffer, start, buffer.indexOf(0, start));
          const type = buffer[at + TYPE] as number;
          if (
            enters(here, name, type) && (type === DT_DIR || type === DT_UNKNOWN)
          ) {
            left.push(`${prefix}/${name}`);
          }
        }
      }
    } finally {
      close(fd);
    }
  }
}

/** Whether a name in the buffer is the directory itself, or the one above it. */
function isDots(at: number): boolean {
  return buffer[at] === DOT &&
    (buffer[at + 1] === 0 || (buffer[at + 1] === DOT && buffer[at + 2] === 0));
}
