/** What was asked to run, and where that is found. */

import { fromBytes, printable, toCString } from "../abi/bytes.ts";
import { EACCES, ELOOP, ENOTDIR, errnoName } from "../abi/errno.ts";
import { get } from "../abi/layout.ts";
import { STAT } from "../abi/stat.ts";
import { LaunchError } from "../errors.ts";
import type { View } from "../sys/view.ts";
import {
  asShellScript,
  canExecute,
  isDirectory,
  isHidden,
  which,
} from "../sys/which.ts";
import { scriptLine } from "../trace/image/image.ts";

/** Where a program is searched where its environment has no `PATH`: <paths.h>. */
export const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/** Exit code where a program is found and cannot be executed. */
const NOT_EXECUTABLE = 126;

/** Exit code where a program is not found. */
const NOT_FOUND = 127;

/** What was asked to run. All strings are byte strings. */
export interface Program {
  /** Its name or path. */
  readonly name: string;
  /** Its arguments, without `argv[0]`. */
  readonly args: readonly string[];
  /** Its environment, `NAME=value` each. */
  readonly env: readonly string[];
  /** Its working directory, absolute. */
  readonly cwd: string;
  /** Which descriptors of this process become its 0, 1 and 2. */
  readonly stdio: readonly [number, number, number];
  /** Which descriptors above 2 it keeps. */
  readonly keepFds: readonly number[];
}

/** All descriptors of this process that a program gets. */
export function handedTo({ stdio, keepFds }: Program): readonly number[] {
  return [...stdio, ...keepFds];
}

/** Where a program was found. */
export interface FoundProgram {
  /** The path to execute, as a shell would write it. */
  readonly path: string;
  /** Its real path, absolute and without links. */
  readonly real: string;
}

/** The value of a variable of an environment. */
export function variable(
  env: readonly string[],
  name: string,
): string | undefined {
  return env.find((item) => item.startsWith(`${name}=`))
    ?.slice(name.length + 1);
}

/** A path as seen from a directory. */
export function fromDirectory(directory: string, path: string): string {
  if (path.startsWith("/")) return path;
  return directory === "/" ? `/${path}` : `${directory}/${path}`;
}

/**
 * Finds a program as a shell does.
 *
 * @param program what was asked to run
 * @param view where its paths begin
 * @returns where it is
 * @throws {LaunchError} with exit code 126 or 127
 */
export function findProgram(program: Program, view: View): FoundProgram {
  const { name, env, cwd } = program;
  const found = which(
    name,
    variable(env, "PATH") ?? DEFAULT_PATH,
    (file) => canExecute(fromDirectory(cwd, file), view),
  );
  switch (found.kind) {
    case "found": {
      const path = fromDirectory(cwd, found.path);
      return { path: found.path, real: view.realpath(path) ?? path };
    }
    case "not-executable":
      throw new LaunchError(
        printable(name),
        "execve",
        "EACCES",
        NOT_EXECUTABLE,
        notExecutableHint(fromDirectory(cwd, found.path), view),
      );
    case "not-found": {
      const why = name.includes("/")
        ? canExecute(fromDirectory(cwd, name), view)
        : 0;
      throw new LaunchError(
        printable(name),
        "execve",
        why < 0 ? errnoName(-why) : "ENOENT",
        NOT_FOUND,
        notFoundHint(name, why, view),
      );
    }
  }
}

function notExecutableHint(path: string, view: View): string {
  if (isDirectory(path, view)) {
    return 'it is a directory; the value of a flag needs a "=", as in -R=.';
  }
  if (isHidden(path, view)) {
    return "a directory on its way may not be entered";
  }
  const status = new Uint8Array(STAT.size);
  const real = view.realpath(path);
  const isMarked = real !== undefined &&
    view.stat(toCString(real), status) >= 0 &&
    (get(STAT, status, "st_mode") & EVERYBODY) === EVERYBODY;
  return isMarked
    ? "its file system may be mounted noexec"
    : "it is not marked as executable: chmod +x";
}

/** The mode by which everybody may execute a file. */
const EVERYBODY = 0o111;

function notFoundHint(name: string, why: number, { isOwn }: View): string {
  if (!name.includes("/")) {
    const where = isOwn ? "" : ", as the root directory has it";
    return `it is not in a directory of PATH${where}`;
  }
  switch (why) {
    case -ELOOP:
      return "links lead around in circles there";
    case -ENOTDIR:
      return "a part of its path is a file, and no directory";
    default:
      return "there is no such file";
  }
}

/** What to do about a program that may be executed and not be read. */
function hintOf({ real }: FoundProgram, view: View): string | undefined {
  return view.readFile(real, 1) === -EACCES
    ? "jail must read a program to know what would run: chmod +r"
    : undefined;
}

/** How much of a file is looked at to tell a script from a binary, in bytes. */
const LOOK = 256;

/**
 * Runs a program; and where the kernel calls it no program (`ENOEXEC`), as a shell
 * does: by `/bin/sh`, if it is text, a script without `#!`.
 *
 * @param program what was asked to run
 * @param found where it is
 * @param view where its paths begin
 * @param run runs one, with a hint for where it cannot be started
 * @returns what `run` returned
 */
export function orAsScript<Result>(
  program: Program,
  found: FoundProgram,
  view: View,
  run: (program: Program, found: FoundProgram, hint?: string) => Result,
): Result {
  try {
    return run(program, found, hintOf(found, view));
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    const { call, errno } = error;
    if (call === "execve" && errno === "ENOENT") {
      throw lacking(error, program, found, view);
    }
    const script = errno === "ENOEXEC"
      ? asScript(program, found, view)
      : undefined;
    if (script === undefined) throw error;
    return run(
      script.program,
      script.found,
      "it has no #! line, so /bin/sh runs it, which the policy must allow",
    );
  }
}

/** The same error, with what a script names that is not there: `/bin/sh\r`, for one. */
function lacking(
  error: LaunchError,
  { name, cwd }: Program,
  { real }: FoundProgram,
  view: View,
): LaunchError {
  const start = view.readFile(real, LOOK);
  const { interpreter } = typeof start === "number"
    ? {}
    : scriptLine(fromBytes(start)) ?? {};
  if (
    interpreter === undefined ||
    view.realpath(fromDirectory(cwd, interpreter)) !== undefined
  ) return error;
  const hint = `its first line names ${
    printable(interpreter)
  }, which is not there`;
  const { call, errno, exitCode } = error;
  return new LaunchError(printable(name), call, errno, exitCode, hint);
}

/** The shell, with the file as its first argument; `undefined` for a binary. */
function asScript(
  program: Program,
  found: FoundProgram,
  view: View,
): { readonly program: Program; readonly found: FoundProgram } | undefined {
  const start = view.readFile(found.real, LOOK);
  if (typeof start === "number" || start.includes(0)) return undefined;
  const { file, argv } = asShellScript(found.path, ["", ...program.args]);
  const [name = file, ...args] = argv;
  return {
    program: { ...program, name, args },
    found: { path: file, real: view.realpath(file) ?? file },
  };
}
