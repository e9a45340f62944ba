/** Constants from `include/uapi/linux/mount.h`: flags of mount(2). */

/** Ignore set-user-id bits. */
export const MS_NOSUID = 2;
/** Open no device. */
export const MS_NODEV = 4;
/** Mount what is at one place at another one, too. */
export const MS_BIND = 0x1000;
/** And all that is mounted beneath. */
export const MS_REC = 0x4000;
/** Mounts neither come from others, nor go to them. */
export const MS_PRIVATE = 0x4_0000;
