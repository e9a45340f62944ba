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
  | "inode"
  | "vma_name_size"
  | "build_id_size"
  | "vma_name_addr"
> = {
  size: 104,
  // deno-fmt-ignore
  fields: {
    size:          [ 0, "u64"], // __u64 size
    query_flags:   [ 8, "u64"], // __u64 query_flags
    query_addr:    [16, "u64"], // __u64 query_addr
    inode:         [64, "u64"], // __u64 inode
    vma_name_size: [80, "u32"], // __u32 vma_name_size
    build_id_size: [84, "u32"], // __u32 build_id_size
    vma_name_addr: [88, "u64"], // __u64 vma_name_addr
  },
};
