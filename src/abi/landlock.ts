/** Constants and structs from `include/uapi/linux/landlock.h`. */

import type { Layout } from "./layout.ts";

/** Ask for the ABI's version instead of making a ruleset. */
export const LANDLOCK_CREATE_RULESET_VERSION = 1;

/** A rule for all that lies beneath a file. */
export const LANDLOCK_RULE_PATH_BENEATH = 1;
/** A rule for a TCP port. */
export const LANDLOCK_RULE_NET_PORT = 2;

/** Do not log what the thread that asked for it is refused. ABI 7. */
export const LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF = 1;
/** Log what is refused after an exec. ABI 7. */
export const LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON = 2;
/** Do not log what domains nested in this one are refused. ABI 7. */
export const LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF = 4;

// Access to files. ABI 1, but where another is named.
/** Execute a file, or have it as the interpreter of an ELF file. */
export const LANDLOCK_ACCESS_FS_EXECUTE = 0x1;
/** Open a file to write. */
export const LANDLOCK_ACCESS_FS_WRITE_FILE = 0x2;
/** Open a file to read. */
export const LANDLOCK_ACCESS_FS_READ_FILE = 0x4;
/** Open a directory, to list it. */
export const LANDLOCK_ACCESS_FS_READ_DIR = 0x8;
/** Remove or rename an empty directory in a directory. */
export const LANDLOCK_ACCESS_FS_REMOVE_DIR = 0x10;
/** Remove or rename a file in a directory. */
export const LANDLOCK_ACCESS_FS_REMOVE_FILE = 0x20;
/** Make a character device. */
export const LANDLOCK_ACCESS_FS_MAKE_CHAR = 0x40;
/** Make a directory. */
export const LANDLOCK_ACCESS_FS_MAKE_DIR = 0x80;
/** Make a regular file. */
export const LANDLOCK_ACCESS_FS_MAKE_REG = 0x100;
/** Make a socket, by bind(2) too. */
export const LANDLOCK_ACCESS_FS_MAKE_SOCK = 0x200;
/** Make a FIFO. */
export const LANDLOCK_ACCESS_FS_MAKE_FIFO = 0x400;
/** Make a block device. */
export const LANDLOCK_ACCESS_FS_MAKE_BLOCK = 0x800;
/** Make a symbolic link. */
export const LANDLOCK_ACCESS_FS_MAKE_SYM = 0x1000;
/**
 * Move or link between directories. ABI 2. It is refused as soon as any access
 * to files is handled, whether it is among them or not.
 */
export const LANDLOCK_ACCESS_FS_REFER = 0x2000;
/** Truncate a file. ABI 3. */
export const LANDLOCK_ACCESS_FS_TRUNCATE = 0x4000;
/** ioctl(2) on a device. ABI 5. */
export const LANDLOCK_ACCESS_FS_IOCTL_DEV = 0x8000;

/** Bind a TCP socket to a port. ABI 4. */
export const LANDLOCK_ACCESS_NET_BIND_TCP = 0x1;
/** Connect a TCP socket to a port. ABI 4. */
export const LANDLOCK_ACCESS_NET_CONNECT_TCP = 0x2;

/** No connection to an abstract socket made outside. ABI 6. */
export const LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET = 0x1;
/** No signal to a process outside. ABI 6. */
export const LANDLOCK_SCOPE_SIGNAL = 0x2;

/** What is refused unless a rule allows it: `struct landlock_ruleset_attr`. */
export const LANDLOCK_RULESET_ATTR: Layout<
  "handled_access_fs" | "handled_access_net" | "scoped"
> = {
  size: 24,
  // deno-fmt-ignore
  fields: {
    handled_access_fs:  [ 0, "u64"], // __u64 handled_access_fs
    handled_access_net: [ 8, "u64"], // __u64 handled_access_net
    scoped:             [16, "u64"], // __u64 scoped
  },
};

/** `struct landlock_path_beneath_attr`, which is packed. */
export const LANDLOCK_PATH_BENEATH_ATTR: Layout<
  "allowed_access" | "parent_fd"
> = {
  size: 12,
  // deno-fmt-ignore
  fields: {
    allowed_access: [0, "u64"], // __u64 allowed_access
    parent_fd:      [8, "i32"], // __s32 parent_fd
  },
};

/** `struct landlock_net_port_attr`. */
export const LANDLOCK_NET_PORT_ATTR: Layout<"allowed_access" | "port"> = {
  size: 16,
  // deno-fmt-ignore
  fields: {
    allowed_access: [0, "u64"], // __u64 allowed_access
    port:           [8, "u64"], // __u64 port
  },
};

/**
 * The accesses to files that an ABI knows.
 *
 * @param abi its version
 * @returns the bits
 */
export function accessesOfAbi(abi: number): number {
  if (abi < 1) return 0;
  if (abi < 2) return LANDLOCK_ACCESS_FS_REFER - 1;
  if (abi < 3) return LANDLOCK_ACCESS_FS_TRUNCATE - 1;
  if (abi < 5) return LANDLOCK_ACCESS_FS_IOCTL_DEV - 1;
  return LANDLOCK_ACCESS_FS_IOCTL_DEV * 2 - 1;
}
