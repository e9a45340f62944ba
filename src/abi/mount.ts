/**
 * Constants and structs from `include/uapi/linux/mount.h`: mount(2) and newer
 * calls.
 */

import type { Layout } from "./layout.ts";

/** Change nothing. */
export const MS_RDONLY = 1;
/** Ignore set-user-id bits. */
export const MS_NOSUID = 2;
/** Open no device. */
export const MS_NODEV = 4;
/** Execute nothing. */
export const MS_NOEXEC = 8;
/** All that is mounted beneath, too. */
export const MS_REC = 0x4000;
/** Mounts neither come from others, nor go to them. */
export const MS_PRIVATE = 0x4_0000;

/** mount_setattr(2): nothing is changed there. */
export const MOUNT_ATTR_RDONLY = 1;
/** mount_setattr(2): set-user-id bits are ignored. */
export const MOUNT_ATTR_NOSUID = 2;
/** mount_setattr(2): no device is opened there. */
export const MOUNT_ATTR_NODEV = 4;
/** mount_setattr(2): nothing is executed there. */
export const MOUNT_ATTR_NOEXEC = 8;

/** open_tree(2): what is at one place, to be mounted at another one, too. */
export const OPEN_TREE_CLONE = 1;
/** move_mount(2): what is mounted is a descriptor. */
export const MOVE_MOUNT_F_EMPTY_PATH = 0x04;
/** move_mount(2): where it is mounted is a descriptor. */
export const MOVE_MOUNT_T_EMPTY_PATH = 0x40;

/** umount2(2): what is in use goes when it is not any more. */
export const MNT_DETACH = 2;

/** `struct mount_attr`. */
export const MOUNT_ATTR: Layout<"attr_set"> = {
  size: 32,
  // deno-fmt-ignore
  fields: {
    attr_set: [0, "u64"], // __u64 attr_set
  },
};
