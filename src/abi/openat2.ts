/** Constants and structs from `include/uapi/linux/openat2.h`. */

import type { Layout } from "./layout.ts";

/** Do not cross mount points. */
export const RESOLVE_NO_XDEV = 0x01;
/** Do not follow magic links, such as `/proc/self/fd/0`. */
export const RESOLVE_NO_MAGICLINKS = 0x02;
/** Do not follow links. */
export const RESOLVE_NO_SYMLINKS = 0x04;
/** Do not leave the directory. */
export const RESOLVE_BENEATH = 0x08;
/** Take the directory as the root. */
export const RESOLVE_IN_ROOT = 0x10;
/** Only what is cached. */
export const RESOLVE_CACHED = 0x20;

/** All that the kernel knows: `VALID_RESOLVE_FLAGS` of `include/linux/fcntl.h`. */
export const RESOLVE_VALID = 0x3f;

/** How to open: `struct open_how`. */
export const OPEN_HOW: Layout<"flags" | "mode" | "resolve"> = {
  size: 24,
  // deno-fmt-ignore
  fields: {
    flags:   [ 0, "u64"], // __u64 flags
    mode:    [ 8, "u64"], // __u64 mode
    resolve: [16, "u64"], // __u64 resolve
  },
};
