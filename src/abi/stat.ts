/** Constants and structs from `linux/stat.h`, `asm/stat.h` and `asm/statfs.h`. */

import type { Layout } from "./layout.ts";

// include/uapi/linux/stat.h
/** The bits of a mode that say what kind of file it is. */
export const S_IFMT = 0o170000;
/** Socket. */
export const S_IFSOCK = 0o140000;
/** Symbolic link. */
export const S_IFLNK = 0o120000;
/** Regular file. */
export const S_IFREG = 0o100000;
/** Block device. */
export const S_IFBLK = 0o060000;
/** Directory. */
export const S_IFDIR = 0o040000;
/** Character device. */
export const S_IFCHR = 0o020000;
/** FIFO. */
export const S_IFIFO = 0o010000;
/** Run as the file's owner. */
export const S_ISUID = 0o4000;
/** Run as the file's group. */
export const S_ISGID = 0o2000;
/** Its owner may read it. */
export const S_IRUSR = 0o400;
/** Its owner may write it. */
export const S_IWUSR = 0o200;
/** Anybody may execute it, include/linux/stat.h. */
export const S_IXUGO = 0o111;
/** Sticky. */
export const S_ISVTX = 0o1000;
/** Its group may write. */
export const S_IWGRP = 0o0020;
/** Others may write. */
export const S_IWOTH = 0o0002;
/** All permission bits: `include/linux/stat.h`. */
export const S_IALLUGO = 0o7777;

/** `struct stat` of x86-64, `arch/x86/include/uapi/asm/stat.h`. */
export const STAT: Layout<
  | "st_dev"
  | "st_ino"
  | "st_nlink"
  | "st_mode"
  | "st_uid"
  | "st_gid"
  | "st_rdev"
  | "st_size"
  | "st_blksize"
  | "st_blocks"
  | "st_atime"
  | "st_atime_nsec"
  | "st_mtime"
  | "st_mtime_nsec"
  | "st_ctime"
  | "st_ctime_nsec"
> = {
  size: 144,
  // deno-fmt-ignore
  fields: {
    st_dev:        [  0, "u64"], // __kernel_ulong_t st_dev
    st_ino:        [  8, "u64"], // __kernel_ulong_t st_ino
    st_nlink:      [ 16, "u64"], // __kernel_ulong_t st_nlink
    st_mode:       [ 24, "u32"], // unsigned int st_mode
    st_uid:        [ 28, "u32"], // unsigned int st_uid
    st_gid:        [ 32, "u32"], // unsigned int st_gid
    st_rdev:       [ 40, "u64"], // __kernel_ulong_t st_rdev
    st_size:       [ 48, "i64"], // __kernel_long_t st_size
    st_blksize:    [ 56, "i64"], // __kernel_long_t st_blksize
    st_blocks:     [ 64, "i64"], // __kernel_long_t st_blocks
    st_atime:      [ 72, "i64"], // __kernel_ulong_t st_atime
    st_atime_nsec: [ 80, "i64"], // __kernel_ulong_t st_atime_nsec
    st_mtime:      [ 88, "i64"], // __kernel_ulong_t st_mtime
    st_mtime_nsec: [ 96, "i64"], // __kernel_ulong_t st_mtime_nsec
    st_ctime:      [104, "i64"], // __kernel_ulong_t st_ctime
    st_ctime_nsec: [112, "i64"], // __kernel_ulong_t st_ctime_nsec
  },
};

const [FIRST] = STAT.fields.st_dev;
const END = STAT.fields.st_ino[0] + 8;

/** Whether two `STAT`s are of one file: of a device, and an inode there. */
export function isOfSameFile(one: Uint8Array, other: Uint8Array): boolean {
  for (let at = FIRST; at < END; at++) if (one[at] !== other[at]) return false;
  return true;
}

/** `statx`: what kind of file it is. */
export const STATX_TYPE = 0x1;
/** `statx`: the mount's id, which may be another one's later. */
export const STATX_MNT_ID = 0x1000;
/** `statx`: the mount's id, which never is. */
export const STATX_MNT_ID_UNIQUE = 0x4000;
/** `statx`: a mask that is refused. */
export const STATX__RESERVED = 0x8000_0000;

/** `struct statx`; each time is a second, a nanosecond, and padding. */
export const STATX: Layout<
  | "stx_nlink"
  | "stx_mode"
  | "stx_ino"
  | "stx_size"
  | "stx_blocks"
  | "stx_atime"
  | "stx_ctime"
  | "stx_mtime"
  | "stx_dev_major"
  | "stx_dev_minor"
  | "stx_mnt_id"
> = {
  size: 256,
  // deno-fmt-ignore
  fields: {
    stx_nlink:     [ 16, "u32"], // __u32 stx_nlink
    stx_mode:      [ 28, "u16"], // __u16 stx_mode
    stx_ino:       [ 32, "u64"], // __u64 stx_ino
    stx_size:      [ 40, "u64"], // __u64 stx_size
    stx_blocks:    [ 48, "u64"], // __u64 stx_blocks
    stx_atime:     [ 64, "i64"], // struct statx_timestamp stx_atime
    stx_ctime:     [ 96, "i64"], // struct statx_timestamp stx_ctime
    stx_mtime:     [112, "i64"], // struct statx_timestamp stx_mtime
    stx_dev_major: [136, "u32"], // __u32 stx_dev_major
    stx_dev_minor: [140, "u32"], // __u32 stx_dev_minor
    stx_mnt_id:    [144, "u64"], // __u64 stx_mnt_id
  },
};

/** `struct statfs` of 64-bit machines, `asm-generic/statfs.h`. */
export const STATFS: Layout<"f_type" | "f_flags"> = {
  size: 120,
  // deno-fmt-ignore
  fields: {
    f_type:  [ 0, "i64"], // __statfs_word f_type
    f_flags: [80, "i64"], // __statfs_word f_flags
  },
};

// include/linux/statfs.h: statfs.f_flags
/** Nothing is changed by this mount. */
export const ST_RDONLY = 0x1;
/** Nothing runs as its owner by this mount. */
export const ST_NOSUID = 0x2;
/** No device is opened by this mount. */
export const ST_NODEV = 0x4;
/** Nothing is executed by this mount. */
export const ST_NOEXEC = 0x8;
/** No link is followed that is in this mount. */
export const ST_NOSYMFOLLOW = 0x2000;

// include/uapi/linux/magic.h: statfs.f_type
/** procfs. */
export const PROC_SUPER_MAGIC = 0x9fa0;
/** sysfs. */
export const SYSFS_MAGIC = 0x6265_6572;
/** Pseudo-terminals. */
export const DEVPTS_SUPER_MAGIC = 0x1cd1;
/** Pipes. */
export const PIPEFS_MAGIC = 0x5049_5045;
/** Sockets. */
export const SOCKFS_MAGIC = 0x534f_434b;
/** File systems that a process serves. */
export const FUSE_SUPER_MAGIC = 0x6573_5546;
/** A file system in memory. */
export const TMPFS_MAGIC = 0x0102_1994;
/** Huge pages. */
export const HUGETLBFS_MAGIC = 0x9584_58f6;
/**
 * File systems where an open is the same whoever makes it, as far as the file's
 * permissions say: not procfs, sysfs and the like, and none that others serve.
 */
export const PLAIN_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, // EXT4_SUPER_MAGIC
  0x5846_5342, // XFS_SUPER_MAGIC
  0x9123_683e, // BTRFS_SUPER_MAGIC
  0xca45_1a4e, // BCACHEFS_SUPER_MAGIC
  0xf2f5_2010, // F2FS_SUPER_MAGIC
  0x2fc1_2fc1, // ZFS_SUPER_MAGIC
  0x7371_7368, // SQUASHFS_MAGIC
  0xe0f5_e1e2, // EROFS_SUPER_MAGIC_V1
  0x9660, // ISOFS_SUPER_MAGIC
  0x794c_7630, // OVERLAYFS_SUPER_MAGIC
  0x8584_58f6, // RAMFS_MAGIC
  TMPFS_MAGIC,
]);
