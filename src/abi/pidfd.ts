/** Constants from `include/uapi/linux/pidfd.h`. */

/** For a thread that is not the first of its process: O_EXCL, Linux 6.9. */
export const PIDFD_THREAD = 0o200;

// Flags of pidfd_send_signal(2).
/** To the whole process group. */
export const PIDFD_SIGNAL_PROCESS_GROUP = 0x4;
