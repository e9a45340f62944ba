/** Structs of `include/linux/dirent.h`, constants of `include/linux/fs_types.h`. */

import type { Layout } from "./layout.ts";

/** One entry that getdents64(2) gives: `struct linux_dirent64`. */
export const DIRENT: Layout<"d_reclen" | "d_type"> = {
  // Where the name starts; it ends with a NUL.
  size: 19,
  // deno-fmt-ignore
  fields: {
    d_reclen: [16, "u16"], // unsigned short d_reclen
    d_type:   [18, "u8"], // unsigned char d_type
  },
};

/** `d_type`: the file system does not say. */
export const DT_UNKNOWN = 0;
/** `d_type`: a pipe that has a name. */
export const DT_FIFO = 1;
/** `d_type`: a device that is no disk. */
export const DT_CHR = 2;
/** `d_type`: a directory. */
export const DT_DIR = 4;
/** `d_type`: a disk. */
export const DT_BLK = 6;

/** The `DT_*` of a kind of file, by its `S_IF*`: `S_DT()`. */
export function typeListed(type: number): number {
  return type >> 12;
}
