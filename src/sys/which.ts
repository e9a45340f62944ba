/** Finding a program by its name, as a shell does. */

import { toCString } from "../abi/bytes.ts";
import { EACCES, ENODEV, ESTALE, ETIMEDOUT } from "../abi/errno.ts";
import { O_CLOEXEC, O_PATH, X_OK } from "../abi/fcntl.ts";
import { S_IFDIR, S_IFREG } from "../abi/stat.ts";
import { close, typeOf } from "./files.ts";
import { told } from "./told.ts";
import { OWN_VIEW, type View } from "./view.ts";

/** Where a program is. */
export type Whereabouts =
  /** It can be executed. */
  | { readonly kind: "found"; readonly path: string }
  /** There is such a file, and it cannot be: exit code 126. */
  | { readonly kind: "not-executable"; readonly path: string }
  /** There is none: exit code 127. */
  | { readonly kind: "not-found" };

/**
 * Finds a program in the directories of `PATH`.
 *
 * A name with a slash is used as it is. An empty element of `PATH` is the
 * working directory. A file that cannot be executed is passed over, and
 * remembered in case that there is no better one.
 *
 * @param name the program's name, a byte string
 * @param path the value of `PATH`, a byte string
 * @param isExecutable 0 for a file that can be executed, else a negative errno
 * @returns where it is
 */
export function which(
  name: string,
  path: string,
  isExecutable: (file: string) => number = canExecute,
): Whereabouts {
  let refused: string | undefined;
  for (const file of candidates(name, path)) {
    const result = isExecutable(file);
    if (result >= 0) return { kind: "found", path: file };
    if (result === -EACCES) refused ??= file;
  }
  return refused === undefined
    ? { kind: "not-found" }
    : { kind: "not-executable", path: refused };
}

/**
 * Finds all programs of a name in the directories of `PATH`: where the first one
 * fails, a shell goes on to the next.
 *
 * @param name the programs' name, a byte string
 * @param path the value of `PATH`, a byte string
 * @param isExecutable 0 for a file that can be executed, else a negative errno
 * @returns where they are; the first one is what {@linkcode which} finds
 */
export function whichAll(
  name: string,
  path: string,
  isExecutable: (file: string) => number = canExecute,
): readonly string[] {
  return candidates(name, path).filter((file) => isExecutable(file) >= 0);
}

/** The files that a name could mean, in the order in which they are tried. */
function candidates(name: string, path: string): readonly string[] {
  if (name === "") return [];
  return name.includes("/")
    ? [name]
    : path.split(":").map((directory) => `${directory || "."}/${name}`);
}

/**
 * Can this process execute a file?
 *
 * @param file a byte string
 * @param view where its path begins
 * @returns 0, or a negative errno: `-EACCES` where it is not a regular file
 */
export function canExecute(file: string, view: View = OWN_VIEW): number {
  const type = typeAt(file, view);
  if (type < 0) return type;
  return type === S_IFREG ? view.access(toCString(file), X_OK) : -EACCES;
}

/** Whether a file is a directory, itself or by links. */
export function isDirectory(file: string, view: View): boolean {
  return typeAt(file, view) === S_IFDIR;
}

/** Whether a directory on the way of a file may not be entered. */
export function isHidden(file: string, view: View): boolean {
  return typeAt(file, view) === -EACCES;
}

/** A server that does not answer: execvp(3) looks further as well. */
const PASSED_OVER: readonly number[] = [-ENODEV, -ESTALE, -ETIMEDOUT];

/** What kind of file it is (`S_IFMT`), after links; or a negative errno. */
function typeAt(file: string, view: View): number {
  const fd = view.open(toCString(file), O_PATH | O_CLOEXEC);
  if (fd < 0) return PASSED_OVER.includes(fd) ? fd : told(file, fd);
  const type = typeOf(fd);
  close(fd);
  return type;
}

/**
 * How a shell runs a file that `execve` called `ENOEXEC`: a script without `#!`.
 *
 * @param file the file, a byte string
 * @param argv its arguments, from `argv[0]` on
 * @returns the file to execute instead, and its arguments
 */
export function asShellScript(
  file: string,
  argv: readonly string[],
): { readonly file: string; readonly argv: readonly string[] } {
  const shell = "/bin/sh";
  return { file: shell, argv: [shell, file, ...argv.slice(1)] };
}
