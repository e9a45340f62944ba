/** Structs from `include/uapi/linux/uio.h`. */

import type { Layout } from "./layout.ts";

/** A piece of memory: `struct iovec`. */
export const IOVEC: Layout<"iov_base" | "iov_len"> = {
  size: 16,
  // deno-fmt-ignore
  fields: {
    iov_base: [0, "u64"], // void *iov_base
    iov_len:  [8, "u64"], // __kernel_size_t iov_len
  },
};

/** Flag of pwritev2(2), from `include/uapi/linux/fs.h`: do not wait. */
export const RWF_NOWAIT = 0x0000_0008;

/** `UIO_MAXIOV`: the most pieces in one call. */
export const UIO_MAXIOV = 1024;
