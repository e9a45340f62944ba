/** Constants from `linux/fcntl.h`, `asm-generic/fcntl.h` and `linux/falloc.h`. */

import type { Layout } from "./layout.ts";

// open flags, asm-generic/fcntl.h
/** The bits that say how a file is accessed. */
export const O_ACCMODE = 0o3;
/** Read. */
export const O_RDONLY = 0o0;
/** Write. */
export const O_WRONLY = 0o1;
/** Read and write. */
export const O_RDWR = 0o2;
/** Create it if it is missing. */
export const O_CREAT = 0o100;
/** Fail if it exists. */
export const O_EXCL = 0o200;
/** Do not make it the controlling terminal. */
export const O_NOCTTY = 0o400;
/** Empty it. */
export const O_TRUNC = 0o1000;
/** Write at the end. */
export const O_APPEND = 0o2000;
/** Do not wait. */
export const O_NONBLOCK = 0o4000;
/** Only a directory. */
export const O_DIRECTORY = 0o200000;
/** Not through a link at the end. */
export const O_NOFOLLOW = 0o400000;
/** Close at exec. */
export const O_CLOEXEC = 0o2000000;
/** Only a reference to the place. */
export const O_PATH = 0o10000000;

// fcntl commands, asm-generic/fcntl.h
/** Get the flags of an fd. */
export const F_GETFD = 1;
/** Set the flags of an fd. */
export const F_SETFD = 2;
/** Get the flags of an open file. */
export const F_GETFL = 3;
/** Set the flags of an open file. */
export const F_SETFL = 4;
/** Close at exec. */
export const FD_CLOEXEC = 1;

// linux/fs.h
/** `lseek`: from the start. */
export const SEEK_SET = 0;
/** `lseek`: from where it is. */
export const SEEK_CUR = 1;
/** `lseek`: to the next data, which is no hole. */
export const SEEK_DATA = 3;
/** `lseek`: to the next hole. */
export const SEEK_HOLE = 4;

// linux/fcntl.h
/** Duplicate, to be closed at exec. */
export const F_DUPFD_CLOEXEC = 1030;
/** The working directory, as a dirfd. */
export const AT_FDCWD: number = -100;
/** Do not follow a link at the end. */
export const AT_SYMLINK_NOFOLLOW = 0x100;
/** `faccessat`: with the effective ids. */
export const AT_EACCESS = 0x200;
/** `unlinkat`: remove a directory. */
export const AT_REMOVEDIR = 0x200;
/** Follow a link at the end. */
export const AT_SYMLINK_FOLLOW = 0x400;
/** Do not mount what would be mounted there. */
export const AT_NO_AUTOMOUNT = 0x800;
/** The dirfd itself, where the path is empty. */
export const AT_EMPTY_PATH = 0x1000;
/** `statx`: do not ask whoever serves the file. */
export const AT_STATX_DONT_SYNC = 0x4000;
/** `statx`: ask whoever serves the file, or do not. */
export const AT_STATX_SYNC_TYPE = 0x6000;
/** All that is mounted beneath, too. */
export const AT_RECURSIVE = 0x8000;
/** `execveat`: may it be executed? Nothing is: from Linux 6.14 on. */
export const AT_EXECVE_CHECK = 0x1_0000;

// More flags of an open, include/uapi/asm-generic/fcntl.h.
/** Synchronous writes of data. */
export const O_DSYNC = 0o10000;
/** Signals when it is ready. */
export const O_ASYNC = 0o20000;
/** Around the page cache. */
export const O_DIRECT = 0o40000;
/** Ignored on 64-bit machines. */
export const O_LARGEFILE = 0o100000;
/** Leave the access time alone. */
export const O_NOATIME = 0o1000000;
/** Synchronous writes. */
export const O_SYNC = 0o4010000;
/** A file without a name; it includes O_DIRECTORY. */
export const O_TMPFILE = 0o20200000;
/** The flags that the kernel knows, include/linux/fcntl.h: VALID_OPEN_FLAGS. */
export const O_VALID = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC |
  O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_ASYNC | O_DIRECT | O_LARGEFILE |
  O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE;
/** The flags that go with O_PATH, include/linux/fcntl.h: O_PATH_FLAGS. */
export const O_PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;

// include/uapi/linux/fs.h: flags of renameat2(2).
/** Fail where the new name exists. */
export const RENAME_NOREPLACE = 1;
/** Exchange the two names. */
export const RENAME_EXCHANGE = 2;
/** Leave a whiteout behind. */
export const RENAME_WHITEOUT = 4;

// include/uapi/linux/inotify.h
/** inotify_add_watch(2): do not follow a link. */
export const IN_DONT_FOLLOW = 0x0200_0000;

// include/uapi/asm-generic/fcntl.h: commands of fcntl(2).
/** Duplicate, at or above a number. */
export const F_DUPFD = 0;
/** Who holds a lock? */
export const F_GETLK = 5;
/** Lock or unlock, now or not at all. */
export const F_SETLK = 6;
/** Lock or unlock, waiting. */
export const F_SETLKW = 7;
/** Who gets SIGIO and SIGURG: a process, or minus a group. */
export const F_SETOWN = 8;
/** Who gets them? */
export const F_GETOWN = 9;
/** Which signal to send in place of SIGIO. */
export const F_SETSIG = 10;
/** Which is it? */
export const F_GETSIG = 11;
/** As F_SETOWN, with the owner in memory. */
export const F_SETOWN_EX = 15;
/** As F_GETOWN, into memory. */
export const F_GETOWN_EX = 16;
/** F_GETOWN_EX: the owner is a process group. */
export const F_OWNER_PGRP = 2;
/** Whose rights does the signal have? */
export const F_GETOWNER_UIDS = 17;
/** As F_GETLK, for the open file. */
export const F_OFD_GETLK = 36;
/** As F_SETLK, for the open file. */
export const F_OFD_SETLK = 37;
/** As F_SETLKW, for the open file. */
export const F_OFD_SETLKW = 38;

// include/uapi/linux/fcntl.h: commands of fcntl(2) that only Linux has.
/** Be told, and waited for, when somebody opens the file. */
export const F_SETLEASE = 1024;
/** Is there a lease? */
export const F_GETLEASE = 1025;
/** Signal when something in a directory changes. */
export const F_NOTIFY = 1026;
/** Are two fds one open file? */
export const F_DUPFD_QUERY = 1027;
/** Did the open create it? */
export const F_CREATED_QUERY = 1028;
/** Set the size of a pipe. */
export const F_SETPIPE_SZ = 1031;
/** Get the size of a pipe. */
export const F_GETPIPE_SZ = 1032;
/** Seal a memfd. */
export const F_ADD_SEALS = 1033;
/** Which seals has it? */
export const F_GET_SEALS = 1034;
/** How long does the data live? */
export const F_GET_RW_HINT = 1035;
/** Say how long. */
export const F_SET_RW_HINT = 1036;
/** As F_GET_RW_HINT, for the open file. */
export const F_GET_FILE_RW_HINT = 1037;
/** As F_SET_RW_HINT, for the open file. */
export const F_SET_FILE_RW_HINT = 1038;

// unistd.h: the mode of faccessat; include/linux/fs.h has it as MAY_EXEC.
/** May it be executed? */
export const X_OK = 1;

// include/uapi/asm-generic/fcntl.h: kinds of locks.
/** With others who read. */
export const F_RDLCK = 0;
/** With nobody else. */
export const F_WRLCK = 1;
/** None: unlock. */
export const F_UNLCK = 2;

/** `struct f_owner_ex` of `asm-generic/fcntl.h`. */
export const F_OWNER_EX: Layout<"type" | "pid"> = {
  size: 8,
  // deno-fmt-ignore
  fields: {
    type: [0, "i32"], // int type
    pid:  [4, "i32"], // __kernel_pid_t pid
  },
};

/** `struct flock` of `asm-generic/fcntl.h`, where `long` has 64 bits. */
export const FLOCK: Layout<
  "l_type" | "l_whence" | "l_start" | "l_len" | "l_pid"
> = {
  size: 32,
  // deno-fmt-ignore
  fields: {
    l_type:   [ 0, "u16"], // short l_type
    l_whence: [ 2, "u16"], // short l_whence
    l_start:  [ 8, "i64"], // __kernel_off_t l_start
    l_len:    [16, "i64"], // __kernel_off_t l_len
    l_pid:    [24, "i32"], // __kernel_pid_t l_pid
  },
};

// include/uapi/asm-generic/fcntl.h: what flock(2) does.
/** Lock for this open file alone. */
export const LOCK_EX = 2;
/** Do not wait. */
export const LOCK_NB = 4;
/** Unlock. */
export const LOCK_UN = 8;

// access(2), <unistd.h>
/** May it be read? */
export const R_OK = 4;
/** May it be written? */
export const W_OK = 2;
