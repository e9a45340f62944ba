/** Constants and structs from `include/uapi/linux/capability.h`. */

import type { Layout } from "./layout.ts";

/** Change owners. */
export const CAP_CHOWN = 0;
/** Ignore permission bits. */
export const CAP_DAC_OVERRIDE = 1;
/** Ignore permission bits for reading and searching. */
export const CAP_DAC_READ_SEARCH = 2;
/** Do what a file's owner may. */
export const CAP_FOWNER = 3;
/** Keep set-id bits. */
export const CAP_FSETID = 4;
/** Signal processes of others. */
export const CAP_KILL = 5;
/** Change group ids. */
export const CAP_SETGID = 6;
/** Change user ids. */
export const CAP_SETUID = 7;
/** Drop capabilities. */
export const CAP_SETPCAP = 8;
/** Bind ports below 1024. */
export const CAP_NET_BIND_SERVICE = 10;
/** Trace, and look into, processes of others. */
export const CAP_SYS_PTRACE = 19;
/** The last one that this file knows, CAP_CHECKPOINT_RESTORE. */
export const CAP_LAST_CAP = 40;

/** The version of the structs that has 32 capabilities. */
export const _LINUX_CAPABILITY_VERSION_1 = 0x1998_0330;
/** The one that has 64, which was withdrawn for what it did to old programs. */
export const _LINUX_CAPABILITY_VERSION_2 = 0x2007_1026;
/** The version of the structs that has 64 capabilities. */
export const _LINUX_CAPABILITY_VERSION_3 = 0x2008_0522;

/** The versions that the kernel knows. */
export const CAP_VERSIONS: readonly number[] = [
  _LINUX_CAPABILITY_VERSION_1,
  _LINUX_CAPABILITY_VERSION_2,
  _LINUX_CAPABILITY_VERSION_3,
];

/** Whose capabilities: `struct __user_cap_header_struct`. */
export const CAP_HEADER: Layout<"version" | "pid"> = {
  size: 8,
  // deno-fmt-ignore
  fields: {
    version: [0, "u32"], // __u32 version
    pid:     [4, "i32"], // int pid
  },
};

/** Two `struct __user_cap_data_struct`, as version 3 has them. */
export const CAP_DATA: Layout<
  | "effective0"
  | "permitted0"
  | "inheritable0"
  | "effective1"
  | "permitted1"
  | "inheritable1"
> = {
  size: 24,
  // deno-fmt-ignore
  fields: {
    effective0:   [ 0, "u32"], // __u32 effective
    permitted0:   [ 4, "u32"], // __u32 permitted
    inheritable0: [ 8, "u32"], // __u32 inheritable
    effective1:   [12, "u32"],
    permitted1:   [16, "u32"],
    inheritable1: [20, "u32"],
  },
};

/**
 * Whether a set of capabilities has one.
 *
 * @param set the set as bits, as `CapEff` of /proc/pid/status has it
 * @param capability its number
 */
export function hasCapability(set: number, capability: number): boolean {
  return Math.floor(set / 2 ** capability) % 2 === 1;
}
