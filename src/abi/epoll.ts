/** Constants and structs from `include/uapi/linux/eventpoll.h` and `eventfd.h`. */

import type { Layout } from "./layout.ts";
import type { ArchName } from "./syscalls.ts";

// Operations of epoll_ctl(2).
/** Watches a file. */
export const EPOLL_CTL_ADD = 1;
/** Watches it no more. */
export const EPOLL_CTL_DEL = 2;

// Events.
/** There is something to read. */
export const EPOLLIN = 0x1;
/** There is room to write. */
export const EPOLLOUT = 0x4;

// Flags of epoll_create1(2) and eventfd2(2): those of open(2).
/** Closed at exec. */
export const EPOLL_CLOEXEC = 0o2000000;
/** Closed at exec. */
export const EFD_CLOEXEC = 0o2000000;
/** A read that would wait fails. */
export const EFD_NONBLOCK = 0o4000;

/** `struct epoll_event`, which is packed on x86-64 alone. */
export const EPOLL_EVENT: Readonly<
  Record<ArchName, Layout<"events" | "data">>
> = {
  x86_64: { size: 12, fields: { events: [0, "u32"], data: [4, "u64"] } },
  aarch64: { size: 16, fields: { events: [0, "u32"], data: [8, "u64"] } },
};
