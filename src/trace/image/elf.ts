/** What the kernel takes an ELF file for, and whether it is a dynamic loader. */

import { fromBytes } from "../../abi/bytes.ts";
import {
  DF_1_PIE,
  DT_DEBUG,
  DT_FLAGS_1,
  DT_NULL,
  EI_CLASS,
  ELF_DYNAMIC,
  ELF_HEADER,
  ELF_PROGRAM_HEADER,
  ELFCLASS64,
  ELFMAG,
  ET_DYN,
  ET_EXEC,
  PT_DYNAMIC,
  PT_INTERP,
} from "../../abi/elf.ts";
import { ENOENT, ENOEXEC } from "../../abi/errno.ts";
import { get } from "../../abi/layout.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import { pread } from "../../sys/files.ts";
import { hostArch } from "../../sys/host.ts";

/** What an ELF file is to the kernel. */
export interface Elf {
  /** The path of its interpreter; `undefined` for none. */
  readonly interpreter: string | undefined;
  /** Whether it is a dynamic loader: `ld.so prog` runs prog. */
  readonly loads: boolean;
}

/** fs/binfmt_elf.c load_elf_phdrs(): most bytes of program headers. */
const MAX_TABLE = 65536;

/** Most of a dynamic section that is read, in bytes. */
const MAX_DYNAMIC = 65536;

/**
 * Reads an ELF file as load_elf_binary() in the kernel's fs/binfmt_elf.c does.
 *
 * Whatever that refuses is refused here: the kernel would go on to read the same
 * bytes as an ELF file of 32 bits or of x32, whose headers are elsewhere, and
 * would find another interpreter in them. It does not look at `EI_CLASS`.
 *
 * @param fd the file
 * @param head its first bytes
 * @param length how many of them there are
 * @returns what it is, or the errno that executing it gives
 */
export function readElf(
  fd: number,
  head: Uint8Array,
  length: number,
): Elf | number {
  if (length < ELF_HEADER.size || fromBytes(head, 0, 4) !== ELFMAG) {
    return ENOEXEC;
  }
  const type = get(ELF_HEADER, head, "e_type");
  const size = get(ELF_HEADER, head, "e_phentsize");
  const bytes = size * get(ELF_HEADER, head, "e_phnum");
  if (
    head[EI_CLASS] !== ELFCLASS64 || type !== ET_EXEC && type !== ET_DYN ||
    get(ELF_HEADER, head, "e_machine") !== hostArch().elfMachine ||
    size !== ELF_PROGRAM_HEADER.size || bytes === 0 || bytes > MAX_TABLE
  ) return ENOEXEC;
  const file: Begun = { fd, head, length };
  const table = readAt(file, get(ELF_HEADER, head, "e_phoff"), bytes);
  if (table === undefined) return ENOEXEC;
  let dynamic: Uint8Array | undefined;
  for (let at = 0; at < bytes; at += size) {
    const entry = table.subarray(at, at + size);
    switch (get(ELF_PROGRAM_HEADER, entry, "p_type")) {
      case PT_INTERP:
        // The first one counts.
        return interpreted(file, entry);
      case PT_DYNAMIC:
        dynamic ??= entry;
    }
  }
  const loads = type === ET_DYN &&
    (dynamic === undefined || !isProgram(file, dynamic));
  return { interpreter: undefined, loads };
}

function interpreted(file: Begun, entry: Uint8Array): Elf | number {
  const bytes = get(ELF_PROGRAM_HEADER, entry, "p_filesz");
  if (bytes < 2 || bytes > PATH_MAX) return ENOEXEC;
  const path = readAt(file, get(ELF_PROGRAM_HEADER, entry, "p_offset"), bytes);
  if (path === undefined || path[bytes - 1] !== 0) return ENOEXEC;
  const end = path.indexOf(0);
  if (end === 0) return ENOENT;
  return { interpreter: fromBytes(path, 0, end), loads: false };
}

/**
 * Whether what names no interpreter is a program and no loader: a linker marks
 * programs, and a loader is linked as a library.
 */
function isProgram(file: Begun, entry: Uint8Array): boolean {
  const bytes = Math.min(
    get(ELF_PROGRAM_HEADER, entry, "p_filesz"),
    MAX_DYNAMIC,
  );
  const all = readAt(file, get(ELF_PROGRAM_HEADER, entry, "p_offset"), bytes);
  if (all === undefined) return false;
  const { size } = ELF_DYNAMIC;
  for (let at = 0; at + size <= bytes; at += size) {
    const one = all.subarray(at, at + size);
    switch (get(ELF_DYNAMIC, one, "d_tag")) {
      case DT_NULL:
        return false;
      case DT_DEBUG:
        return true;
      case DT_FLAGS_1:
        if ((get(ELF_DYNAMIC, one, "d_val") & DF_1_PIE) !== 0) return true;
    }
  }
  return false;
}

/** A file whose first bytes were read: most of what is looked at is among them. */
interface Begun {
  readonly fd: number;
  readonly head: Uint8Array;
  /** How many first bytes there are. */
  readonly length: number;
}

/** The bytes of a file at an offset; `undefined` where they are not all there. */
function readAt(
  { fd, head, length }: Begun,
  offset: number,
  bytes: number,
): Uint8Array | undefined {
  if (offset + bytes <= length) return head.subarray(offset, offset + bytes);
  // From 2^53 on the number may be another than the kernel's.
  if (offset > Number.MAX_SAFE_INTEGER) return undefined;
  const into = new Uint8Array(bytes);
  return pread(fd, into, bytes, offset) === bytes ? into : undefined;
}
