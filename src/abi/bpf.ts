/** Constants and structs from `include/uapi/linux/filter.h` and `bpf_common.h`. */

import type { Layout } from "./layout.ts";

/** One instruction: `struct sock_filter`. */
export const SOCK_FILTER: Layout<"code" | "jt" | "jf" | "k"> = {
  size: 8,
  // deno-fmt-ignore
  fields: {
    code: [0, "u16"], // __u16 code
    jt:   [2, "u8"],  // __u8 jt: how many to skip where it holds
    jf:   [3, "u8"],  // __u8 jf: how many to skip where it does not
    k:    [4, "u32"], // __u32 k
  },
};

// include/uapi/linux/bpf_common.h
/** The most instructions of one filter. */
export const BPF_MAXINSNS = 4096;
/** Words of scratch memory, include/uapi/linux/filter.h. */
export const BPF_MEMWORDS = 16;

// The codes, put together from class, size, mode and source, as far as
// kernel/seccomp.c: seccomp_check_filter() lets them pass.
/** A = word of `seccomp_data` at k. */
export const BPF_LD_W_ABS = 0x20;
/** A = the half word at an offset of the data, big-endian. */
export const BPF_LD_H_ABS = 0x28;
/** A = size of `seccomp_data`. */
export const BPF_LD_W_LEN = 0x80;
/** A = k. */
export const BPF_LD_IMM = 0x00;
/** A = M[k]. */
export const BPF_LD_MEM = 0x60;
/** X = k. */
export const BPF_LDX_IMM = 0x01;
/** X = M[k]. */
export const BPF_LDX_MEM = 0x61;
/** X = size of `seccomp_data`. */
export const BPF_LDX_W_LEN = 0x81;
/** M[k] = A. */
export const BPF_ST = 0x02;
/** M[k] = X. */
export const BPF_STX = 0x03;
/** A += k. */
export const BPF_ALU_ADD_K = 0x04;
/** A += X. */
export const BPF_ALU_ADD_X = 0x0c;
/** A -= k. */
export const BPF_ALU_SUB_K = 0x14;
/** A -= X. */
export const BPF_ALU_SUB_X = 0x1c;
/** A *= k. */
export const BPF_ALU_MUL_K = 0x24;
/** A *= X. */
export const BPF_ALU_MUL_X = 0x2c;
/** A /= k. */
export const BPF_ALU_DIV_K = 0x34;
/** A /= X; where X is 0, the filter returns 0. */
export const BPF_ALU_DIV_X = 0x3c;
/** A |= k. */
export const BPF_ALU_OR_K = 0x44;
/** A |= X. */
export const BPF_ALU_OR_X = 0x4c;
/** A &= k. */
export const BPF_ALU_AND_K = 0x54;
/** A &= X. */
export const BPF_ALU_AND_X = 0x5c;
/** A <<= k. */
export const BPF_ALU_LSH_K = 0x64;
/** A <<= X. */
export const BPF_ALU_LSH_X = 0x6c;
/** A >>= k. */
export const BPF_ALU_RSH_K = 0x74;
/** A >>= X. */
export const BPF_ALU_RSH_X = 0x7c;
/** A = -A. */
export const BPF_ALU_NEG = 0x84;
/** A ^= k. */
export const BPF_ALU_XOR_K = 0xa4;
/** A ^= X. */
export const BPF_ALU_XOR_X = 0xac;
/** Skip k instructions. */
export const BPF_JMP_JA = 0x05;
/** Where A == k. */
export const BPF_JMP_JEQ_K = 0x15;
/** Where A == X. */
export const BPF_JMP_JEQ_X = 0x1d;
/** Where A > k. */
export const BPF_JMP_JGT_K = 0x25;
/** Where A > X. */
export const BPF_JMP_JGT_X = 0x2d;
/** Where A >= k. */
export const BPF_JMP_JGE_K = 0x35;
/** Where A >= X. */
export const BPF_JMP_JGE_X = 0x3d;
/** Where A & k is not 0. */
export const BPF_JMP_JSET_K = 0x45;
/** Where A & X is not 0. */
export const BPF_JMP_JSET_X = 0x4d;
/** Return k. */
export const BPF_RET_K = 0x06;
/** Return A. */
export const BPF_RET_A = 0x16;
/** X = A. */
export const BPF_MISC_TAX = 0x07;
/** A = X. */
export const BPF_MISC_TXA = 0x87;

/** A filter: `struct sock_fprog` of `include/uapi/linux/filter.h`. */
export const SOCK_FPROG: Layout<"len" | "filter"> = {
  size: 16,
  // deno-fmt-ignore
  fields: {
    len:    [0, "u16"], // unsigned short len
    filter: [8, "u64"], // struct sock_filter *filter
  },
};

// Offsets in a packet, include/uapi/linux/filter.h.
/** What protocol it is of: `ETH_P_*`. */
export const SKF_AD_PROTOCOL_OFFSET = -0x1000;
/** The header of IP. */
export const SKF_NET_OFF = -0x10_0000;

// include/uapi/linux/if_ether.h
/** IPv4. */
export const ETH_P_IP = 0x0800;
/** IPv6. */
export const ETH_P_IPV6 = 0x86dd;
