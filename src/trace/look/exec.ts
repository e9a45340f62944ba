/**
 * Exec: what is looked at before; afterwards see `executed.ts`.
 *
 * The kernel reads the path, the script's first line and the ELF interpreter's
 * name after the tracer did, and may know more formats (binfmt_misc).
 */

import { fromBytes } from "../../abi/bytes.ts";
import { EACCES, EINVAL, ELOOP, ENOENT } from "../../abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_EXECVE_CHECK,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
} from "../../abi/fcntl.ts";
import { close, readToEnd } from "../../sys/files.ts";
import type { View } from "../../sys/view.ts";
import {
  type Image,
  inspect,
  interpreterArguments,
  isLoader,
  openFile,
} from "../image/image.ts";
import { hasOption, loadedProgram, LOADER_OF_LOADER } from "../image/loader.ts";
import { flagsTold } from "../path/given.ts";
import type { Place } from "../path/place.ts";
import { resolve } from "../path/resolve.ts";
import type { Registers } from "../tracee/registers.ts";
import { ownerOf, type PendingExec, type Tracee } from "../tracee/tracee.ts";
import { follows, lookAtCrossed, lookAtPath, useOf } from "./look.ts";
import {
  type IsOwn,
  type Looked,
  type LookedPath,
  nothing,
  type Refuses,
} from "./looked.ts";
import type { CallSpec, PathArg } from "./spec.ts";
import { readArguments, type Words } from "./words.ts";

/** What an exec would do, and what must be there when it has. */
export interface LookedExec {
  /** What it would do. */
  readonly looked: Looked;
  /** What must be there afterwards; `undefined` where nothing is executed. */
  readonly pending: PendingExec | undefined;
}

/** Most of a loader's file that is searched for its options, in bytes. */
const LOADER_SIZE = 1 << 23;

/** The flags that execveat(2) has. */
const FLAGS = AT_EMPTY_PATH | AT_EXECVE_CHECK | AT_SYMLINK_NOFOLLOW;

/**
 * Looks at an exec.
 *
 * @param tracee who makes it
 * @param registers its registers
 * @param spec the call
 * @param isOwn whether a process id is one of the jail's
 * @param refuses whether the policy refuses uses of files: these are not looked into
 */
export function lookAtExec(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  isOwn: IsOwn,
  refuses: Refuses,
): LookedExec {
  const looked = nothing();
  const may = (file: Place, access: "run" | "load"): boolean =>
    !refuses(spec, [useOf(file, access, isOwn)]);
  const path = spec.paths[0] as PathArg;
  const place = lookAtPath(
    looked,
    tracee,
    registers,
    path,
    path.kind,
    follows(registers, spec, path),
    isOwn,
  );
  if (place === undefined || place.path === "") {
    return { looked, pending: undefined };
  }
  use(looked, place, "run", isOwn);
  // What is no file cannot be executed; one that comes there has not been looked at.
  const flags = path.flags < 0 ? 0 : registers.uint(path.flags);
  looked.errno ||= noFileErrno(place, flags);
  if (looked.errno !== 0) return { looked, pending: undefined };
  // The kernel looks at the file's mode, and not at what is in it.
  if ((flags & AT_EXECVE_CHECK) !== 0) return { looked, pending: undefined };
  const { written } = looked.paths[0] as LookedPath;
  const owner = ownerOf(tracee);
  const find = (name: string): Place => {
    const found = resolve(owner, AT_FDCWD, name, true, isOwn);
    lookAtCrossed(looked, found, isOwn);
    return found;
  };
  const image: Image = inspect(
    tracee.view,
    place,
    find,
    (file) => may(file, "run"),
  );
  for (const interpreter of image.interpreters) {
    use(looked, interpreter, "run", isOwn);
  }
  if (image.loader !== undefined) {
    // Only a loader is loaded as one: any other program would run.
    const loads = !may(image.loader, "load") ||
      isLoader(tracee.view, image.loader);
    use(looked, image.loader, loads ? "load" : "run", isOwn);
  }
  looked.errno ||= image.errno || loaderErrno(image) ||
    scriptErrno(tracee, registers, path, written, image);
  let told: PendingExec["told"];
  if (image.loads) {
    const words = wordsOf(tracee, registers, spec, path, written, image);
    // The loader opens the program by its name when it runs, and may find another
    // one there by then: that is looked at once more in lookAtOpen().
    told = lookAtLoader(looked, tracee.view, words, image, find, isOwn, may);
  }
  return {
    looked,
    pending: {
      image: image.binary.path,
      loader: image.loader?.path ?? "",
      told,
      verify: true,
    },
  };
}

/** What the kernel says where there is no file to execute; 0 where there is one. */
function noFileErrno({ kind }: Place, flags: number): number {
  if (kind === "file" || kind === "object") return 0;
  if ((flags & ~FLAGS) !== 0) return EINVAL;
  if (kind === "missing") return ENOENT;
  return kind === "link" ? ELOOP : EACCES;
}

/** What the kernel says where there is no loader that a program names. */
function loaderErrno({ loader }: Image): number {
  return loader?.errno || (loader?.kind === "missing" ? ENOENT : 0);
}

/**
 * What the kernel says of a script whose interpreter could not open it any more: the
 * descriptor that it is named by is closed by then, load_script() in
 * fs/binfmt_script.c.
 */
function scriptErrno(
  { tid }: Tracee,
  registers: Registers,
  { dirfd }: PathArg,
  written: string,
  { lines }: Image,
): number {
  const at = dirfd < 0 ? AT_FDCWD : registers.int(dirfd);
  const isNamed = at === AT_FDCWD || written.startsWith("/");
  if (isNamed || lines.length === 0) return 0;
  const flags = flagsTold(`/proc/${tid}/fd/${at}`) ?? 0;
  return (flags & O_CLOEXEC) === 0 ? 0 : ENOENT;
}

function use(
  looked: Looked,
  place: Place,
  access: "run" | "load",
  isOwn: IsOwn,
): void {
  looked.uses.push(useOf(place, access, isOwn));
}

/** The arguments that the binary of an exec will get. */
function wordsOf(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  { dirfd }: PathArg,
  written: string,
  { lines }: Image,
): Words {
  const argv = spec.syscall.args.indexOf("argv");
  const { words, whole } = readArguments(tracee.tid, registers.address(argv));
  // fs/exec.c alloc_bprm(): how a script is named that a descriptor leads to.
  const at = dirfd < 0 ? AT_FDCWD : registers.int(dirfd);
  const name = at === AT_FDCWD || written.startsWith("/")
    ? written
    : `/dev/fd/${at}${written === "" ? "" : `/${written}`}`;
  // fs/exec.c: a program always has a name.
  const named = whole && words.length === 0 ? [""] : words;
  return { words: interpreterArguments(lines, name, named), whole };
}

/** `ld.so prog` runs prog: it must be one that may be run. */
function lookAtLoader(
  looked: Looked,
  view: View,
  { words, whole }: Words,
  { binary }: Image,
  find: (name: string) => Place,
  isOwn: IsOwn,
  may: (file: Place, access: "run" | "load") => boolean,
): PendingExec["told"] {
  let text: string | undefined;
  const at = loadedProgram(
    { words, whole },
    (option) => hasOption(text ??= textOf(view, binary), option),
  );
  if (at < 0) {
    looked.never = "what the dynamic loader would run cannot be told";
    return undefined;
  }
  const path = words[at];
  if (path === undefined) return { words, whole: true };
  const program = find(path);
  // The loader opens it, and says itself what is not there.
  use(looked, program, "load", isOwn);
  use(looked, program, "run", isOwn);
  const isAllowed = may(program, "load") && may(program, "run");
  if (isAllowed && isLoader(view, program)) looked.never = LOADER_OF_LOADER;
  return { words: words.slice(0, at + 1), whole: false };
}

/** All of a loader's file, a byte string; "" where it cannot be read. */
function textOf(view: View, loader: Place): string {
  const fd = openFile(view, loader);
  if (fd < 0) return "";
  // It is not opened again: by now it may be a pipe, whose open would wait.
  const bytes = readToEnd(fd, LOADER_SIZE);
  close(fd);
  return typeof bytes === "number" ? "" : fromBytes(bytes);
}
