/** Constants from `include/uapi/linux/kcmp.h`. */

/** Compare the memory of two tasks. */
export const KCMP_VM = 1;
/** Compare their tables of descriptors. */
export const KCMP_FILES = 2;
