/** Constants from `include/uapi/linux/memfd.h`: memfd_create(2). */

/** Close it on exec. */
export const MFD_CLOEXEC = 1;
/** It may be executed (Linux 6.3). */
export const MFD_EXEC = 0x10;
