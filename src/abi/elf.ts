/** Constants from `linux/elf.h`, `linux/elf-em.h`, `linux/auxvec.h` and `elf.h`. */

import type { Layout } from "./layout.ts";

/** `PTRACE_GETREGSET`: the general registers. */
export const NT_PRSTATUS = 1;
/** `PTRACE_SETREGSET`: the number of the call at a stop, one `int`, on arm64. */
export const NT_ARM_SYSTEM_CALL = 0x404;

/** How an ELF file starts: `\x7fELF`. */
export const ELFMAG = "\x7fELF";

/** End of the auxiliary vector. */
export const AT_NULL = 0;
/** An entry of the auxiliary vector to be skipped. */
export const AT_IGNORE = 1;
/** Where the program starts. */
export const AT_ENTRY = 9;
/** The user id. */
export const AT_UID = 11;
/** The effective user id. */
export const AT_EUID = 12;
/** The group id. */
export const AT_GID = 13;
/** The effective group id. */
export const AT_EGID = 14;
/** Where sixteen random bytes are. */
export const AT_RANDOM = 25;
/** Was it set-user-ID or the like? */
export const AT_SECURE = 23;
/** The name given to execve. */
export const AT_EXECFN = 31;
/** Where the vDSO is. */
export const AT_SYSINFO_EHDR = 33;

/** Index of the byte that says 32 or 64 bits. */
export const EI_CLASS = 4;
/** 64-bit objects. */
export const ELFCLASS64 = 2;
/** `e_type`: a program at fixed addresses. */
export const ET_EXEC = 2;
/** `e_type`: a library, or a program at any address. */
export const ET_DYN = 3;
// include/uapi/linux/elf-em.h
/** `e_machine` of x86-64, and of x32. */
export const EM_X86_64 = 62;
/** `e_machine` of arm64. */
export const EM_AARCH64 = 183;
/** Program header: what is loaded. */
export const PT_LOAD = 1;
/** `p_flags`: it is executed. */
export const PF_X = 1;
/** `p_flags`: it is read. */
export const PF_R = 4;
/** Program header: where the dynamic section is. */
export const PT_DYNAMIC = 2;
/** Program header: the path of the interpreter. */
export const PT_INTERP = 3;
/** Dynamic section: its end. */
export const DT_NULL = 0;
/** Dynamic section: a place for debuggers, which linkers give to programs. */
export const DT_DEBUG = 21;
/** Dynamic section: flags. */
export const DT_FLAGS_1 = 0x6fff_fffb;
/** A flag of `DT_FLAGS_1`, glibc's `elf.h`: a program at any address. */
export const DF_1_PIE = 0x0800_0000;
/** Auxiliary vector: where the interpreter was loaded. */
export const AT_BASE = 7;

/** How a 64-bit ELF file starts: `Elf64_Ehdr`. */
export const ELF_HEADER: Layout<
  "e_type" | "e_machine" | "e_entry" | "e_phoff" | "e_phentsize" | "e_phnum"
> = {
  size: 64,
  // deno-fmt-ignore
  fields: {
    e_type:      [16, "u16"], // Elf64_Half e_type
    e_machine:   [18, "u16"], // Elf64_Half e_machine
    e_entry:     [24, "u64"], // Elf64_Addr e_entry
    e_phoff:     [32, "u64"], // Elf64_Off e_phoff
    e_phentsize: [54, "u16"], // Elf64_Half e_phentsize
    e_phnum:     [56, "u16"], // Elf64_Half e_phnum
  },
};

/** One segment of a 64-bit ELF file: `Elf64_Phdr`. */
export const ELF_PROGRAM_HEADER: Layout<
  "p_type" | "p_flags" | "p_offset" | "p_vaddr" | "p_filesz" | "p_memsz"
> = {
  size: 56,
  // deno-fmt-ignore
  fields: {
    p_type:   [ 0, "u32"], // Elf64_Word p_type
    p_flags:  [ 4, "u32"], // Elf64_Word p_flags
    p_offset: [ 8, "u64"], // Elf64_Off p_offset
    p_vaddr:  [16, "u64"], // Elf64_Addr p_vaddr
    p_filesz: [32, "u64"], // Elf64_Xword p_filesz
    p_memsz:  [40, "u64"], // Elf64_Xword p_memsz
  },
};

/** One entry of the dynamic section of a 64-bit ELF file: `Elf64_Dyn`. */
export const ELF_DYNAMIC: Layout<"d_tag" | "d_val"> = {
  size: 16,
  // deno-fmt-ignore
  fields: {
    d_tag: [0, "i64"], // Elf64_Sxword d_tag
    d_val: [8, "u64"], // Elf64_Xword d_val
  },
};
