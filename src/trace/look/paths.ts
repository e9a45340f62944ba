/** Looks at a call that names files, or one by its descriptor, and does not open it. */

import { isTerminalDevice } from "../../abi/devices.ts";
import { EBADF, ENAMETOOLONG, ENOENT, ENOTTY } from "../../abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  R_OK,
  RENAME_EXCHANGE,
  W_OK,
  X_OK,
} from "../../abi/fcntl.ts";
import { FS_IOC_SETFLAGS } from "../../abi/ioctls.ts";
import { get } from "../../abi/layout.ts";
import { S_IFBLK, S_IFCHR, S_IFMT, STAT } from "../../abi/stat.ts";
import type { PathKind } from "../../abi/syscalls.ts";
import type { Access, FileKind, Use } from "../../policy/call.ts";
import { placesLink, removesLink } from "../../policy/fixed.ts";
import { fstatat } from "../../sys/files.ts";
import type { View } from "../../sys/view.ts";
import { aliasesOf } from "../path/aliases.ts";
import { type Closed, UNTOLD_MOUNTS } from "../path/closed.ts";
import { earlierErrno } from "../path/earlier.ts";
import { namelessErrno } from "../path/entry_names.ts";
import { resolveMagic } from "../path/magic.ts";
import { cString, type Place } from "../path/place.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";
import {
  asksOfFile,
  follows,
  lookAtPath,
  readPath,
  rulePath,
  useOf,
  within,
} from "./look.ts";
import {
  type IsOwn,
  type Looked,
  type LookedPath,
  type LookedText,
  nothing,
  type Refuses,
} from "./looked.ts";
import { setsId } from "./open_flags.ts";
import type { CallSpec } from "./spec.ts";

const LAYER = "a directory that an overlay shows as its own";

const stat = new Uint8Array(STAT.size);

function accessesOf(kind: PathKind): readonly Access[] {
  switch (kind) {
    case "stat-path":
    case "stat-link":
    case "chdir-path":
    // Looked at in files of their own.
    case "open-path":
    case "run-path":
      return ["stat"];
    case "read-path":
    case "read-link":
      return ["read"];
    case "write-path":
    case "write-link":
    case "rename-from":
    case "rename-to":
    case "link-to":
      return ["write"];
    case "link-from":
      return ["read", "write"];
  }
}

/** What access(2) asks about: it must not promise what is refused later. */
function accessesAsked(
  registers: Registers,
  spec: CallSpec,
  { kind, was }: Place,
): readonly Access[] | undefined {
  const arg = spec.syscall.args.indexOf("access-mode");
  if (arg < 0) return undefined;
  const mode = registers.uint(arg);
  const asked: Access[] = ["stat"];
  if ((mode & R_OK) !== 0) asked.push("read");
  if ((mode & W_OK) !== 0) asked.push("write");
  // To search a directory is not to run it.
  if ((mode & X_OK) !== 0 && (was ?? kind) === "file") asked.push("run");
  return asked;
}

/**
 * Looks at a call that names files.
 *
 * @param tracee who makes it
 * @param registers its registers
 * @param spec the call
 * @param isOwn whether a process id is one of the jail's
 * @param refuses whether the policy refuses uses of files
 */
export function lookAtPaths(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  isOwn: IsOwn,
  refuses: Refuses,
): Looked {
  const looked = nothing();
  const places: (Place | undefined)[] = [];
  let absent = 0;
  for (const path of spec.paths) {
    const place = lookAtPath(
      looked,
      tracee,
      registers,
      path,
      path.kind,
      follows(registers, spec, path),
      isOwn,
    );
    places.push(place);
    if (path.names && place !== undefined) {
      const { written } = looked.paths.at(-1) as LookedPath;
      looked.errno ||= namelessErrno(registers, spec, path, written);
    }
    // What comes there by the time of the call has not been judged.
    const needed = path.mustExist || exchanges(registers, spec);
    if (needed && place?.kind === "missing") {
      // The kernel finds both directories of a move before it looks in either.
      if (path.kind !== "rename-from") looked.errno ||= ENOENT;
      else if (place.errno === 0) absent = ENOENT;
      else if (hasLongName(place)) {
        absent = ENAMETOOLONG;
        looked.errno = 0;
      }
    }
    if (place === undefined || place.path === "") continue;
    const { written } = looked.paths.at(-1) as LookedPath;
    // The working directory is no descriptor that somebody gave, or opened.
    const held = written === "" && asksOfFile(path.kind) &&
      path.dirfd >= 0 && registers.int(path.dirfd) !== AT_FDCWD;
    // What is asked of a descriptor may be asked of whatever is there by then.
    if (held) looked.descriptorsOf = 0;
    const asked = accessesAsked(registers, spec, place);
    for (const access of held ? [] : asked ?? accessesOf(path.kind)) {
      const use = useOf(place, access, isOwn);
      looked.uses.push(asked === undefined ? use : within(use));
    }
  }
  // The names in them come last: what is moved, and then how it will be called.
  if (looked.errno === 0 || looked.errno === ENAMETOOLONG) {
    looked.errno = absent || looked.errno;
  }
  const leadsNowhere = looked.errno !== 0 ||
    places.some((place) => place?.kind === "missing");
  if (leadsNowhere) {
    const ofDescriptor = isOfDescriptor(looked, registers, spec);
    looked.errno = earlierErrno(registers, spec, ofDescriptor) || looked.errno;
  }
  lookAtMove(looked, tracee, registers, spec, places, isOwn);
  lookAtLinks(looked, tracee, spec);
  lookAtPlaced(looked, tracee, registers, spec, places, refuses);
  lookAtMode(looked, registers, spec, places[0]);
  looked.beside = textBeside(tracee, registers, spec);
  return looked;
}

/** Whether a path fails by its last name alone, which is longer than any. */
function hasLongName({ end, errno }: Place): boolean {
  return errno === ENAMETOOLONG && end === undefined;
}

/** The text that a call has beside its path, where it can be read. */
function textBeside(
  { tid }: Tracee,
  registers: Registers,
  { paths, syscall }: CallSpec,
): LookedText | undefined {
  const arg = syscall.args.indexOf("string");
  if (arg < 0 || paths.length > 1) return undefined;
  const written = readPath(tid, registers.address(arg));
  return typeof written === "string" ? { arg, written } : undefined;
}

/** Whether a call of those that take NULL is about a descriptor. */
function isOfDescriptor(
  { paths: [looked] }: Looked,
  registers: Registers,
  { paths: [path] }: CallSpec,
): boolean {
  return path !== undefined && path.takesNull !== "never" &&
    looked?.written === "" &&
    (registers.int(path.flags) & AT_EMPTY_PATH) !== 0 &&
    registers.int(path.dirfd) >= 0;
}

function lookAtMove(
  looked: Looked,
  { view }: Tracee,
  registers: Registers,
  spec: CallSpec,
  places: readonly (Place | undefined)[],
  isOwn: IsOwn,
): void {
  // What fails all the same moves nothing.
  if (looked.errno !== 0) return;
  const [from, to] = places;
  if (from === undefined || to === undefined) return;
  // A name that was removed is moved by one that the file has still.
  const { path: a, kind } = useOf(from, "write", isOwn);
  // By another name of it a socket can be reached as where it is moved to.
  const links = spec.paths[0]?.kind === "link-from" && kind === "socket";
  if (spec.paths[0]?.kind !== "rename-from" && !links) return;
  const b = rulePath(to.path, isOwn);
  addMove(looked, view, a, b, kind);
  if (exchanges(registers, spec)) addMove(looked, view, b, a, to.kind);
}

/** Adds what is moved, by each of the names that it has where it is mounted. */
function addMove(
  looked: Looked,
  view: View,
  from: string,
  to: string,
  kind: FileKind,
): void {
  const tree = kind === "directory";
  looked.moves.push({ from, to, tree });
  const aliases = aliasesOf(view, from, to);
  if (aliases === undefined) looked.never ??= UNTOLD_MOUNTS;
  if (tree && aliases?.layer) looked.never ??= LAYER;
  for (const names of aliases?.names ?? []) {
    looked.moves.push({ ...names, tree, kind });
  }
}

/**
 * Adds the other names of where a link is placed, or removed, where it is mounted: a
 * rule may be about one of these.
 */
function lookAtLinks(
  looked: Looked,
  { view }: Tracee,
  { syscall: { name } }: CallSpec,
): void {
  const { errno, uses } = looked;
  if (
    errno !== 0 || !placesLink({ name, uses }) && !removesLink({ name, uses })
  ) {
    return;
  }
  looked.names.push(...otherNames(looked, view));
}

/** The other names of what a call writes. */
function otherNames(looked: Looked, view: View): readonly string[] {
  return looked.uses.flatMap(({ access, path }) => {
    if (access !== "write") return [];
    const aliases = aliasesOf(view, path, path);
    if (aliases === undefined) looked.never ??= UNTOLD_MOUNTS;
    return (aliases?.names ?? []).map(({ to }) => to);
  });
}

/**
 * Notes where a call moves what is no link, nor a directory, if the policy would refuse
 * one there: by the time of the call it could be one.
 */
function lookAtPlaced(
  looked: Looked,
  { view }: Tracee,
  registers: Registers,
  spec: CallSpec,
  places: readonly (Place | undefined)[],
  refuses: Refuses,
): void {
  const { errno, never, uses } = looked;
  const [from, to] = places;
  if (errno !== 0 || never !== undefined || !spec.movesLinks) return;
  if (from === undefined || to === undefined) return;
  const both = exchanges(registers, spec);
  // A file moves to no directory.
  const comes = isNoLink(from) && (both || to.kind !== "directory");
  const goes = both && isNoLink(to);
  if (!comes && !goes) return;
  const links = uses.map((use): Use => ({ ...use, kind: "link" }));
  if (!refuses(spec, links, otherNames(looked, view))) return;
  if (comes) looked.placed.push({ path: to.path, cleared: isNoLink(to) });
  if (goes) looked.placed.push({ path: from.path, cleared: isNoLink(from) });
}

/** Whether there is something, or nothing, that leads nowhere else. */
function isNoLink({ kind }: Place): boolean {
  return kind !== "link" && kind !== "directory";
}

/** Whether a rename puts each file in the place of the other. */
function exchanges(registers: Registers, spec: CallSpec): boolean {
  const flags = spec.syscall.args.indexOf("rename-flags");
  return flags >= 0 && (registers.uint(flags) & RENAME_EXCHANGE) !== 0;
}

function lookAtMode(
  looked: Looked,
  registers: Registers,
  spec: CallSpec,
  place: Place | undefined,
): void {
  const { name, args } = spec.syscall;
  const arg = args.indexOf("mode");
  // A directory's mode has no such bits when it is made.
  if (arg < 0 || name === "mkdir" || name === "mkdirat") return;
  const mode = registers.uint(arg);
  if (place?.kind !== "directory") looked.setsId = setsId(mode);
  else if (setsId(mode)) mustBeDirectory(looked);
  if (name !== "mknod" && name !== "mknodat") return;
  const type = mode & S_IFMT;
  if (type === S_IFCHR || type === S_IFBLK) {
    looked.never = "device files cannot be made";
  }
}

/**
 * Ends the path of a directory in a slash: the kernel says ENOTDIR where a file
 * has taken its place.
 */
function mustBeDirectory(looked: Looked): void {
  // By its descriptor it stays what it is.
  const [path] = looked.paths;
  if (path === undefined) return;
  looked.paths[0] = { ...path, place: { ...path.place, slash: true } };
  looked.pinned = true;
}

/**
 * Looks at a call that changes a file, or looks into it, through a descriptor
 * that may be open for something else.
 */
export function lookAtDescriptor(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  isOwn: IsOwn,
): Looked {
  const looked = nothing();
  const reads = spec.syscall.args[spec.fd] === "read-fd";
  const fd = registers.int(spec.fd);
  looked.descriptor = `/proc/${tracee.tid}/fd/${fd}`;
  const place = resolveMagic(tracee.view, looked.descriptor);
  if (place.errno !== 0) {
    // Not open: the kernel says EBADF, and no file is touched.
    looked.errno = EBADF;
    return looked;
  }
  looked.descriptorsOf = tracee.process.pid;
  looked.file = place;
  looked.uses.push(useOf(place, reads ? "read" : "write", isOwn));
  lookAtMode(looked, registers, spec, place);
  // Which flags it sets is in memory, which may change.
  looked.folds = place.kind === "directory" &&
    spec.syscall.name === "ioctl" && registers.uint(1) === FS_IOC_SETFLAGS;
  return looked;
}

/**
 * Looks at a call that stops or drops the output of a terminal, and reads no file:
 * of one that jail may write to, its own report among it, it only seems to be made.
 */
export function lookAtFlow(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  isOwn: IsOwn,
  closed: Closed,
): Looked {
  const looked = lookAtDescriptor(tracee, registers, spec, isOwn);
  const [use] = looked.uses.splice(0);
  if (use === undefined) return looked;
  const isTerminal =
    fstatat(AT_FDCWD, cString(looked.descriptor), stat, 0) >= 0 &&
    isTerminalDevice(get(STAT, stat, "st_rdev"));
  if (!isTerminal) looked.errno = ENOTTY;
  else looked.seems = !closed.isMade(use, tracee.process.pid);
  return looked;
}
