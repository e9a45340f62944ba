/** The names of the system: `include/uapi/linux/utsname.h`. */

/** Bytes of one field of `struct new_utsname`, with its NUL: `__NEW_UTS_LEN + 1`. */
export const UTS_FIELD = 65;

/** Bytes of `struct new_utsname`: six fields. */
export const UTSNAME_SIZE = 6 * UTS_FIELD;
