/** Constants and structs of `PROCMAP_QUERY`, from `include/uapi/linux/fs.h` (6.11). */

import type { Layout } from "./layout.ts";

/** The ioctl(2) on `/proc/<pid>/maps`: `_IOWR('f', 17, struct procmap_query)`. */
export const PROCMAP_QUERY = 0xc068_6611;

/** Look at what is mapped from a file alone; ENOENT where that is none. */
export const PROCMAP_QUERY_FILE_BACKED_VMA = 0x20;

/** A question, and the answer to it: `struct procmap_query`. */
export const PROCMAP: Layout<
  | "size"
  | "query_flags"
  | "query_addr"
> = {
  size: 104,
  // deno-fmt-ignore
  fields: {
    size:          [ 0, "u64"], // __u64 size
    query_flags:   [ 8, "u64"], // __u64 query_flags
    query_addr:    [16, "u64"], // __u64 query_addr
  },
};
