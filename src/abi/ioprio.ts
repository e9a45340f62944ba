/** Constants from `include/uapi/linux/ioprio.h`. */

/** ioprio_set(2): the id is that of a process or thread. */
export const IOPRIO_WHO_PROCESS = 1;
/** It is that of a process group. */
export const IOPRIO_WHO_PGRP = 2;
