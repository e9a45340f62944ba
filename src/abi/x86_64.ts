/** How x86-64 makes system calls. */

import type { Arch } from "./arch.ts";
import { EM_X86_64 } from "./elf.ts";

// include/uapi/linux/audit.h: EM_X86_64 | __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE.
/** `seccomp_data.arch` of a 64-bit call, and of an x32 call too. */
export const AUDIT_ARCH_X86_64 = 0xc000_003e;
/** `seccomp_data.arch` of a call by `int 0x80` or from a 32-bit code segment. */
export const AUDIT_ARCH_I386 = 0x4000_0003;

// arch/x86/include/uapi/asm/unistd.h
/** Set in the number of an x32 call. */
export const __X32_SYSCALL_BIT = 0x4000_0000;

// arch/x86/include/uapi/asm/prctl.h
/** Set the base of GS. */
export const ARCH_SET_GS = 0x1001;
/** Set the base of FS, which holds a thread's storage. */
export const ARCH_SET_FS = 0x1002;
/** Get the base of FS. */
export const ARCH_GET_FS = 0x1003;
/** Get the base of GS. */
export const ARCH_GET_GS = 0x1004;
/** Does `cpuid` work? */
export const ARCH_GET_CPUID = 0x1011;
/** Make `cpuid` work, or fault. */
export const ARCH_SET_CPUID = 0x1012;
/** Which features of XSAVE there are. */
export const ARCH_GET_XCOMP_SUPP = 0x1021;
/** Which of them this process may use. */
export const ARCH_GET_XCOMP_PERM = 0x1022;
/** Ask for one (AMX). */
export const ARCH_REQ_XCOMP_PERM = 0x1023;
/** Map the x32 vDSO; existed for CRIU only. */
export const ARCH_MAP_VDSO_X32 = 0x2001;
/** Map the vDSO at an address; existed for CRIU only. */
export const ARCH_MAP_VDSO_64 = 0x2003;
/** Shadow stack on. */
export const ARCH_SHSTK_ENABLE = 0x5001;
/** Shadow stack off. */
export const ARCH_SHSTK_DISABLE = 0x5002;
/** Keep the state of the shadow stack as it is. */
export const ARCH_SHSTK_LOCK = 0x5003;
/** Which shadow stack features are on. */
export const ARCH_SHSTK_STATUS = 0x5005;

/** How x86-64 makes system calls. */
export const X86_64: Arch = {
  name: "x86_64",
  audit: AUDIT_ARCH_X86_64,
  elfMachine: EM_X86_64,
  // arch/x86/include/asm/user_64.h: struct user_regs_struct
  regs: {
    size: 216,
    // deno-fmt-ignore
    fields: {
      r15:      [  0, "u64"],
      r14:      [  8, "u64"],
      r13:      [ 16, "u64"],
      r12:      [ 24, "u64"],
      rbp:      [ 32, "u64"],
      rbx:      [ 40, "u64"],
      r11:      [ 48, "u64"],
      r10:      [ 56, "u64"],
      r9:       [ 64, "u64"],
      r8:       [ 72, "u64"],
      rax:      [ 80, "u64"],
      rcx:      [ 88, "u64"],
      rdx:      [ 96, "u64"],
      rsi:      [104, "u64"],
      rdi:      [112, "u64"],
      orig_rax: [120, "u64"], // the call's number; the kernel uses its low 32 bits
      rip:      [128, "u64"],
      cs:       [136, "u64"],
      eflags:   [144, "u64"],
      rsp:      [152, "u64"],
      ss:       [160, "u64"],
      fs_base:  [168, "u64"],
      gs_base:  [176, "u64"],
      ds:       [184, "u64"],
      es:       [192, "u64"],
      fs:       [200, "u64"],
      gs:       [208, "u64"],
    },
  },
  args: ["rdi", "rsi", "rdx", "r10", "r8", "r9"],
  result: "rax",
  number: "orig_rax",
  numberRegset: undefined,
  ip: "rip",
  sp: "rsp",
  syscallInstruction: 2, // syscall is 0f 05
};
