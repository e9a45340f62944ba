/** Constants from `include/uapi/linux/close_range.h`. */

/** The last number of a range that goes on to the end. */
export const CLOSE_RANGE_END = 2 ** 32 - 1;

/** Set `FD_CLOEXEC` instead of closing. */
export const CLOSE_RANGE_CLOEXEC = 4;
