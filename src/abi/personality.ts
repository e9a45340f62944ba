/** Constants from `include/uapi/linux/personality.h`. */

// Personas and flags.
/** Plain Linux. */
export const PER_LINUX = 0x0000;
/** The address space is laid out the same each time. */
export const ADDR_NO_RANDOMIZE = 0x4_0000;
