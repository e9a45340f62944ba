/** Constants from `include/uapi/linux/close_range.h`. */

/** Set `FD_CLOEXEC` instead of closing. */
export const CLOSE_RANGE_CLOEXEC = 4;
