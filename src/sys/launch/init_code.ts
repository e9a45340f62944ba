/**
 * The first process of a PID namespace, as a program of its own.
 *
 * Whoever has lost its parent there becomes its child, and the kernel ends all
 * with it: pid_namespaces(7). It waits until its standard input ends, then until
 * it has no child any more, and exits. It shares no memory with jail, makes no
 * other call, and holds nothing.
 */

import {
  EI_CLASS,
  ELF_HEADER,
  ELF_PROGRAM_HEADER,
  ELFCLASS64,
  ELFMAG,
  EM_X86_64,
  ET_EXEC,
  PF_R,
  PF_X,
  PT_LOAD,
} from "../../abi/elf.ts";
import { set } from "../../abi/layout.ts";

// deno-fmt-ignore
/** Its code, instruction by instruction: its bytes, and its source for nasm. */
export const INIT_LISTING: readonly (readonly [bytes: string, source: string])[] = [
  ["",                  "init:"],
  ["31c0",              "  xor eax, eax ; read"],
  ["31ff",              "  xor edi, edi"],
  ["488d7424f8",        "  lea rsi, [rsp-8]"],
  ["ba01000000",        "  mov edx, 1"],
  ["0f05",              "  syscall"],
  ["4883f8fc",          "  cmp rax, -4 ; EINTR"],
  ["74ea",              "  je init"],
  ["",                  "rest:"],
  ["b83d000000",        "  mov eax, 61 ; wait4"],
  ["48c7c7ffffffff",    "  mov rdi, -1"],
  ["31f6",              "  xor esi, esi"],
  ["ba00000040",        "  mov edx, 0x40000000 ; __WALL"],
  ["4531d2",            "  xor r10d, r10d"],
  ["0f05",              "  syscall"],
  ["4883f8f6",          "  cmp rax, -10 ; ECHILD"],
  ["75e2",              "  jne rest"],
  ["b8e7000000",        "  mov eax, 231 ; exit_group"],
  ["31ff",              "  xor edi, edi"],
  ["0f05",              "  syscall"],
];

/** Where it is loaded: where linkers put programs at fixed addresses. */
const ADDRESS = 0x40_0000;

/** Its code alone. */
export function initCode(): Uint8Array<ArrayBuffer> {
  const pairs = INIT_LISTING.flatMap(([bytes]) => bytes.match(/../g) ?? []);
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

/** The whole program, an ELF file of one segment: elf(5). */
export function initImage(): Uint8Array<ArrayBuffer> {
  const code = initCode();
  const start = ELF_HEADER.size + ELF_PROGRAM_HEADER.size;
  const image = new Uint8Array(start + code.length);
  image.set(new TextEncoder().encode(ELFMAG));
  image[EI_CLASS] = ELFCLASS64;
  set(ELF_HEADER, image, "e_type", ET_EXEC);
  set(ELF_HEADER, image, "e_machine", EM_X86_64);
  set(ELF_HEADER, image, "e_entry", ADDRESS + start);
  set(ELF_HEADER, image, "e_phoff", ELF_HEADER.size);
  set(ELF_HEADER, image, "e_phentsize", ELF_PROGRAM_HEADER.size);
  set(ELF_HEADER, image, "e_phnum", 1);
  const segment = image.subarray(ELF_HEADER.size);
  set(ELF_PROGRAM_HEADER, segment, "p_type", PT_LOAD);
  set(ELF_PROGRAM_HEADER, segment, "p_flags", PF_R | PF_X);
  set(ELF_PROGRAM_HEADER, segment, "p_vaddr", ADDRESS);
  set(ELF_PROGRAM_HEADER, segment, "p_filesz", image.length);
  set(ELF_PROGRAM_HEADER, segment, "p_memsz", image.length);
  image.set(code, start);
  return image;
}
