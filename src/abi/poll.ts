/** Constants and structs from `include/uapi/asm-generic/poll.h`. */

import type { Layout } from "./layout.ts";

/** There is something to read. */
export const POLLIN = 0x1;
/** There is something unusual. */
export const POLLPRI = 0x2;
/** There is room to write. */
export const POLLOUT = 0x4;

/** `struct pollfd`. */
export const POLLFD: Layout<"fd" | "events" | "revents"> = {
  size: 8,
  // deno-fmt-ignore
  fields: {
    fd:      [0, "i32"], // int fd
    events:  [4, "u16"], // short events
    revents: [6, "u16"], // short revents
  },
};
