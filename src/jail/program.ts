/** From what was asked to run to what the launcher starts. */

import { printable, toCString } from "../abi/bytes.ts";
import { EACCES, ELOOP, ENOTDIR, errnoName } from "../abi/errno.ts";
import { get } from "../abi/layout.ts";
import {
  RLIMIT_AS,
  RLIMIT_CPU,
  RLIMIT_DATA,
  RLIMIT_FSIZE,
  RLIMIT_NOFILE,
} from "../abi/resource.ts";
import { SIGPIPE } from "../abi/signal.ts";
import { STAT } from "../abi/stat.ts";
import { LaunchError } from "../errors.ts";
import type { Limits } from "../policy/limits.ts";
import { restrictSelf } from "../sys/landlock.ts";
import { confinement } from "../sys/launch/confine.ts";
import type { Root } from "../sys/launch/root.ts";
import type { LaunchPlan, Step } from "../sys/launch/spawn.ts";
import { isIgnoredByShell, originalOpenFiles } from "../sys/origin.ts";
import { limitStep } from "../sys/rlimits.ts";
import { outlivedSignals } from "../sys/signals.ts";
import type { View } from "../sys/view.ts";
import {
  asShellScript,
  canExecute,
  isDirectory,
  isHidden,
  which,
} from "../sys/which.ts";

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
    const isNone = error instanceof LaunchError && error.errno === "ENOEXEC";
    const script = isNone ? asScript(program, found, view) : undefined;
    if (script === undefined) throw error;
    return run(
      script.program,
      script.found,
      "it has no #! line, so /bin/sh runs it, which the policy must allow",
    );
  }
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

/** What holds a program from its start on. */
export interface LaunchBounds {
  /** Its filter, or `undefined` where the kernel gets none. */
  readonly filter: Uint8Array | undefined;
  /** The fds of the Landlock rulesets that it submits to, last of all. */
  readonly rulesets: readonly number[];
  /** Its limits, of which the kernel holds some. */
  readonly limits: Limits;
  /** What it does besides, before it submits to those. */
  readonly steps?: readonly Step[];
  /** What it has as its root directory. */
  readonly root: Root | undefined;
  /** The directory of the control group that it is made in, as an fd. */
  readonly cgroup?: number | undefined;
}

/**
 * Makes the launcher's plan of a program.
 *
 * @param program what was asked to run
 * @param found where it is
 * @param env the part of its environment that it gets
 * @param bounds what holds it
 * @returns the plan
 */
export function planLaunch(
  program: Program,
  found: FoundProgram,
  env: readonly string[],
  { filter, rulesets, limits, steps = [], root, cgroup }: LaunchBounds,
): LaunchPlan {
  return {
    root: root?.steps,
    file: toCString(found.path),
    argv: [program.name, ...program.args],
    env,
    cwd: program.cwd,
    stdio: program.stdio,
    keepFds: program.keepFds,
    // Deno ignores it, and what is ignored stays so over an exec.
    resetSignals: [
      ...isIgnoredByShell(SIGPIPE) ? [] : [SIGPIPE],
      ...outlivedSignals(),
    ],
    nofile: originalOpenFiles(),
    extra: [
      // Before privilege is given up, and after the limit of open files that
      // jail was started with.
      ...limitSteps(limits),
      ...confinement(root?.kind === "user namespace"),
      ...steps,
      ...rulesets.map(restrictSelf),
    ],
    filter,
    cgroup,
  };
}

/** What a program may map beyond twice its memory limit, in bytes. */
const DATA_SPARE = 2 ** 30;

/** The calls by which the program limits itself. */
function limitSteps(limits: Limits): Step[] {
  const steps: Step[] = [];
  const add = (resource: number, most: number | undefined): void => {
    if (most !== undefined) steps.push(limitStep(resource, most));
  };
  const { cpu, memory } = limits;
  // What the watch holds of the whole jail the kernel holds of each process, some
  // way above, in case that the watch comes late.
  add(RLIMIT_CPU, cpu && Math.ceil(cpu.most / 1000) + 1);
  // Not RLIMIT_AS, unless it is asked for: V8, Go and Java reserve far more than
  // they use. What is reserved and cannot be written does not count here.
  add(RLIMIT_DATA, memory && 2 * memory.most + DATA_SPARE);
  add(RLIMIT_AS, limits["address-space"]?.most);
  add(RLIMIT_NOFILE, limits["open-files"]?.most);
  add(RLIMIT_FSIZE, limits["file-size"]?.most);
  return steps;
}
