/** What executing a file would load: interpreters of scripts, ELF loaders. */

import { fromBytes } from "../abi/bytes.ts";
import {
  EI_CLASS,
  ELF_HEADER,
  ELF_PROGRAM_HEADER,
  ELFCLASS64,
  ELFMAG,
  PT_INTERP,
} from "../abi/elf.ts";
import { EACCES, ELOOP, ENOEXEC } from "../abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_NONBLOCK, O_RDONLY } from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { S_IXUGO, STAT } from "../abi/stat.ts";
import { close, fstat, openat2, pread } from "../sys/files.ts";
import { cString, type Place } from "./place.ts";

/** What executing a file would load. */
export interface Image {
  /** Script interpreters, in the order that the kernel meets them. */
  readonly interpreters: readonly Place[];
  /** The file whose code runs: the last interpreter, or the file itself. */
  readonly binary: Place;
  /** The ELF interpreter that the binary names. */
  readonly loader: Place | undefined;
  /** Why it cannot run; 0 where it can. */
  readonly errno: number;
}

/** <linux/binfmts.h> BINPRM_BUF_SIZE: how much of a `#!` line counts. */
const BINPRM_BUF_SIZE = 256;

/** fs/exec.c: how many interpreters may follow one another. */
const MAX_INTERPRETERS = 5;

const head = new Uint8Array(4096);
const name = new Uint8Array(4096);
const stat = new Uint8Array(STAT.size);

/**
 * Looks into a file that is to be executed.
 *
 * @param file the file
 * @param find looks up a path of an interpreter as the tracee would
 * @returns what would be loaded
 */
export function inspect(file: Place, find: (path: string) => Place): Image {
  const interpreters: Place[] = [];
  let binary = file;
  for (;;) {
    const result = (errno: number, loader?: Place): Image => ({
      interpreters,
      binary,
      loader,
      errno,
    });
    const fd = openat2(
      AT_FDCWD,
      cString(binary.via !== "" ? binary.via : binary.path),
      O_RDONLY | O_NONBLOCK | O_CLOEXEC,
      0,
      0,
    );
    // What the tracer cannot read it cannot judge.
    if (fd < 0) return result(-fd);
    let script: string | undefined;
    try {
      if (!mayRun(fd)) return result(EACCES);
      const length = pread(fd, head, head.length, 0);
      if (length < 0) return result(-length);
      script = scriptInterpreter(length);
      if (script === undefined) {
        const loader = elfInterpreter(fd, length);
        if (typeof loader === "number") return result(loader);
        return result(0, loader === "" ? undefined : find(loader));
      }
    } finally {
      close(fd);
    }
    if (script === "") return result(ENOEXEC);
    if (interpreters.length === MAX_INTERPRETERS) return result(ELOOP);
    const next = find(script);
    interpreters.push(next);
    if (next.errno !== 0 || next.kind !== "file" && next.kind !== "object") {
      return result(next.errno);
    }
    binary = next;
  }
}

/** Whether anybody at all may execute it: the kernel looks at that first. */
function mayRun(fd: number): boolean {
  return fstat(fd, stat) >= 0 && (get(STAT, stat, "st_mode") & S_IXUGO) !== 0;
}

/** The path behind `#!`, "" where there is none, `undefined` for no script. */
function scriptInterpreter(length: number): string | undefined {
  if (length < 2 || head[0] !== 0x23 || head[1] !== 0x21) return undefined;
  const line = fromBytes(head, 2, Math.min(length, BINPRM_BUF_SIZE));
  return /^[ \t]*([^ \t\n\0]*)/.exec(line)?.[1] ?? "";
}

/** The path in PT_INTERP, "" for none, or an errno. */
function elfInterpreter(fd: number, length: number): string | number {
  if (length < ELF_HEADER.size || fromBytes(head, 0, 4) !== ELFMAG) {
    return ENOEXEC;
  }
  if (head[EI_CLASS] !== ELFCLASS64) return ENOEXEC;
  const offset = get(ELF_HEADER, head, "e_phoff");
  const size = get(ELF_HEADER, head, "e_phentsize");
  const count = get(ELF_HEADER, head, "e_phnum");
  if (size !== ELF_PROGRAM_HEADER.size || count > 64) return ENOEXEC;
  const table = new Uint8Array(size * count);
  if (pread(fd, table, table.length, offset) !== table.length) return ENOEXEC;
  for (let i = 0; i < count; i++) {
    const entry = table.subarray(i * size);
    if (get(ELF_PROGRAM_HEADER, entry, "p_type") !== PT_INTERP) continue;
    const bytes = get(ELF_PROGRAM_HEADER, entry, "p_filesz");
    if (bytes < 2 || bytes > name.length) return ENOEXEC;
    const at = get(ELF_PROGRAM_HEADER, entry, "p_offset");
    if (pread(fd, name, bytes, at) !== bytes) return ENOEXEC;
    const end = name.indexOf(0);
    return end < 0 || end >= bytes ? ENOEXEC : fromBytes(name, 0, end);
  }
  return "";
}

const LOADER_REGEXP =
  /^ld-(?:linux|musl)[^/]*\.so(?:\.[0-9]+)*$|^ld(?:64)?\.so(?:\.[0-9]+)*$/;

/** Whether a file is a dynamic loader by its name: `ld.so prog` runs prog. */
export function isLoader(path: string): boolean {
  return LOADER_REGEXP.test(path.slice(path.lastIndexOf("/") + 1));
}

const WITH_VALUE: ReadonlySet<string> = new Set([
  "--library-path",
  "--inhibit-rpath",
  "--audit",
  "--preload",
  "--argv0",
  "--glibc-hwcaps-prepend",
  "--glibc-hwcaps-mask",
]);
const WITHOUT_VALUE: ReadonlySet<string> = new Set([
  "--list",
  "--verify",
  "--inhibit-cache",
  "--list-tunables",
  "--list-diagnostics",
  "--help",
  "--version",
]);

/**
 * The program that a dynamic loader is told to run.
 *
 * @param argv the loader's arguments, its own name first
 * @returns the program's path; "" for none; `undefined` where that is not sure
 */
export function loadedProgram(argv: readonly string[]): string | undefined {
  for (let i = 1; i < argv.length; i++) {
    const word = argv[i] as string;
    if (WITHOUT_VALUE.has(word)) continue;
    if (WITH_VALUE.has(word)) {
      i++;
      continue;
    }
    if (word.startsWith("--")) return undefined;
    // A name without a slash is searched for like a library.
    return word.includes("/") ? word : undefined;
  }
  return "";
}
