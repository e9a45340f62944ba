/** What the kernel takes at most. */

/** A path, with its NUL: `include/uapi/linux/limits.h`. */
export const PATH_MAX = 4096;

/** Links that one path leads through: `include/linux/namei.h`. */
export const MAXSYMLINKS = 40;

/** Bytes of a `#!` line that count: `include/uapi/linux/binfmts.h`. */
export const BINPRM_BUF_SIZE = 256;

/** Interpreters that follow one another: `exec_binprm()` in `fs/exec.c`. */
export const MAX_INTERPRETERS = 5;
