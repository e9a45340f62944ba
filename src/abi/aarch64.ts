/** How arm64 makes system calls. */

import type { Arch } from "./arch.ts";
import { EM_AARCH64, NT_ARM_SYSTEM_CALL } from "./elf.ts";
import type { FieldType } from "./layout.ts";

// include/uapi/linux/audit.h: EM_AARCH64 | __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE.
/** `seccomp_data.arch` of a 64-bit call. */
export const AUDIT_ARCH_AARCH64 = 0xc000_00b7;

// arch/arm64/include/uapi/asm/ptrace.h: struct user_pt_regs { __u64 regs[31]; … }
const GENERAL: readonly string[] = Array.from(
  { length: 31 },
  (_, i) => `x${i}`,
);

const FIELDS: Readonly<Record<string, readonly [number, FieldType]>> = {
  ...Object.fromEntries(
    GENERAL.map((name, i): [string, [number, FieldType]] => [
      name,
      [8 * i, "u64"],
    ]),
  ),
  sp: [248, "u64"],
  pc: [256, "u64"],
  pstate: [264, "u64"],
};

/** How arm64 makes system calls. */
export const AARCH64: Arch = {
  name: "aarch64",
  audit: AUDIT_ARCH_AARCH64,
  elfMachine: EM_AARCH64,
  regs: { size: 272, fields: FIELDS },
  args: GENERAL.slice(0, 6),
  // x0 is argument 0 and the result: what the argument was is gone at the exit
  // stop, so whoever needs it there keeps it.
  result: "x0",
  // Writing x8 does not change the call, only the register set below does.
  number: "x8",
  numberRegset: NT_ARM_SYSTEM_CALL,
  ip: "pc",
  sp: "sp",
  syscallInstruction: 4, // svc #0 is 01 00 00 d4
};
