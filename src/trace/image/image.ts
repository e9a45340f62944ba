/** What executing a file would load: interpreters of scripts, ELF loaders. */

import { fromBytes } from "../../abi/bytes.ts";
import { EACCES, ELOOP, ENOENT, ENOEXEC, ENXIO } from "../../abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_NONBLOCK, O_RDONLY } from "../../abi/fcntl.ts";
import { get } from "../../abi/layout.ts";
import { BINPRM_BUF_SIZE, MAX_INTERPRETERS } from "../../abi/limits.ts";
import { RESOLVE_NO_SYMLINKS } from "../../abi/openat2.ts";
import { S_IXUGO, STAT } from "../../abi/stat.ts";
import { close, fstat, openat2, pread } from "../../sys/files.ts";
import type { View } from "../../sys/view.ts";
import { cString, type Place } from "../path/place.ts";
import { type Elf, readElf } from "./elf.ts";
import { hasLoaderName } from "./loader.ts";

/** What the first line of a script says. */
export interface ScriptLine {
  /** The path of the interpreter. */
  readonly interpreter: string;
  /** What the interpreter is told before the script; `undefined` for nothing. */
  readonly argument: string | undefined;
}

/** What executing a file would load. */
export interface Image {
  /** First lines of scripts, in the order that the kernel meets them. */
  readonly lines: readonly ScriptLine[];
  /** Their interpreters. */
  readonly interpreters: readonly Place[];
  /** The file whose code runs: the last interpreter, or the file itself. */
  readonly binary: Place;
  /** Whether that is a dynamic loader: its arguments say what else runs. */
  readonly loads: boolean;
  /** The ELF interpreter that the binary names. */
  readonly loader: Place | undefined;
  /** Why it cannot run; 0 where it can. */
  readonly errno: number;
}

const head = new Uint8Array(4096);
const stat = new Uint8Array(STAT.size);

/**
 * Looks into a file that is to be executed.
 *
 * @param view where paths begin
 * @param file the file
 * @param find looks up a path of an interpreter as the tracee would
 * @param mayRun whether a file may be run: else it is not looked into, as others
 *   see who reads what
 * @returns what would be loaded
 */
export function inspect(
  view: View,
  file: Place,
  find: (path: string) => Place,
  mayRun: (file: Place) => boolean = () => true,
): Image {
  const lines: ScriptLine[] = [];
  const interpreters: Place[] = [];
  let binary = file;
  for (;;) {
    const ends = (
      errno: number,
      { loads = false, loader }: Partial<Pick<Image, "loads" | "loader">> = {},
    ): Image => ({ lines, interpreters, binary, loads, loader, errno });
    const found = mayRun(binary) ? read(view, binary) : EACCES;
    if (typeof found === "number") return ends(found);
    if (!("argument" in found)) {
      const { interpreter } = found;
      return interpreter === undefined
        ? ends(0, { loads: found.loads || hasLoaderName(binary.path) })
        : ends(0, { loader: find(interpreter) });
    }
    if (interpreters.length === MAX_INTERPRETERS) return ends(ELOOP);
    const next = find(found.interpreter);
    lines.push(found);
    interpreters.push(next);
    if (next.errno !== 0) return ends(next.errno);
    binary = next;
  }
}

/** Whether a file is a dynamic loader, so that an ELF file may name it as one. */
export function isLoader(view: View, file: Place): boolean {
  if (hasLoaderName(file.path)) return true;
  const found = read(view, file);
  return typeof found === "object" && "loads" in found && found.loads;
}

/** What a file is to the kernel, or the errno that executing it gives. */
function read(view: View, file: Place): Elf | ScriptLine | number {
  // The kernel runs no other kind, and to open a device may do something.
  if (!isPlain(file)) return file.kind === "missing" ? ENOENT : EACCES;
  const fd = openFile(view, file);
  // What the tracer cannot read it cannot judge. A socket nobody opens.
  if (fd < 0) return fd === -ENXIO ? EACCES : -fd;
  try {
    if (!isExecutable(fd)) return EACCES;
    const length = pread(fd, head, head.length, 0);
    if (length < 0) return -length;
    if (length < 2 || head[0] !== 0x23 || head[1] !== 0x21) {
      return readElf(fd, head, length);
    }
    const text = fromBytes(head, 0, Math.min(length, BINPRM_BUF_SIZE));
    return scriptLine(text) ?? ENOEXEC;
  } finally {
    close(fd);
  }
}

/** Whether a place leads to a plain file, or to what has no path. */
function isPlain({ kind, was }: Place): boolean {
  return kind === "file" || kind === "object" && (was ?? "file") === "file";
}

/** Opens a file that a place leads to, for reading. */
export function openFile(view: View, { via, path }: Place): number {
  const flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
  // The tracer has a /proc of its own, whatever the program has.
  return via !== ""
    ? openat2(AT_FDCWD, cString(via), flags, 0, 0)
    : view.open(cString(path), flags, RESOLVE_NO_SYMLINKS);
}

/** Whether anybody at all may execute it: the kernel looks at that first. */
function isExecutable(fd: number): boolean {
  return fstat(fd, stat) >= 0 && (get(STAT, stat, "st_mode") & S_IXUGO) !== 0;
}

/**
 * Reads the first line of a script as load_script() in fs/binfmt_script.c does.
 *
 * @param head the start of the file, `#!` first, at most 256 bytes of it
 * @returns what it says; `undefined` where it names no interpreter
 */
export function scriptLine(head: string): ScriptLine | undefined {
  const found = /^#![ \t]*([^ \t\n\0]+)([^\n\0]*)([\n\0]?)/.exec(head);
  if (found === null) return undefined;
  const [, interpreter = "", rest = "", end = ""] = found;
  const fills = end === "" && head.length >= BINPRM_BUF_SIZE;
  // It was cut off, perhaps.
  if (fills && rest === "") return undefined;
  // The last byte of the kernel's buffer becomes a NUL.
  const argument = (fills ? rest.slice(0, -1) : rest).replace(/^[ \t]+/, "");
  const trimmed = argument.replace(/[ \t]+$/, "");
  if (end === "\n" || fills) {
    return { interpreter, argument: trimmed === "" ? undefined : trimmed };
  }
  // Where the line ends with the file, what is behind a blank counts, "" too.
  return { interpreter, argument: rest === "" ? undefined : argument };
}

/**
 * The arguments that the kernel gives to the interpreter of a script.
 *
 * @param lines first lines of scripts, in the order that the kernel meets them
 * @param name what the first script was executed by
 * @param argv the arguments of the call
 * @returns those of the last interpreter
 */
export function interpreterArguments(
  lines: readonly ScriptLine[],
  name: string,
  argv: readonly string[],
): readonly string[] {
  let words = argv;
  let script = name;
  for (const { interpreter, argument } of lines) {
    const more = argument === undefined ? [] : [argument];
    words = [interpreter, ...more, script, ...words.slice(1)];
    script = interpreter;
  }
  return words;
}
