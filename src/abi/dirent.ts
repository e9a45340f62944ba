/** Structs of `include/linux/dirent.h`. */

import type { Layout } from "./layout.ts";

/** One entry that getdents64(2) gives: `struct linux_dirent64`. */
export const DIRENT: Layout<"d_reclen"> = {
  // Where the name starts; it ends with a NUL.
  size: 19,
  // deno-fmt-ignore
  fields: {
    d_reclen: [16, "u16"], // unsigned short d_reclen
  },
};
