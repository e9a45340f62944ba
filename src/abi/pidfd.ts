/** Constants from `include/uapi/linux/pidfd.h`. */

// Flags of pidfd_send_signal(2).
/** To the whole process group. */
export const PIDFD_SIGNAL_PROCESS_GROUP = 0x4;
