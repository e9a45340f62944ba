/** Looks at a stopped call: what it would do to which files. */

import { fromBytes } from "../abi/bytes.ts";
import { EBADF, EEXIST, EFAULT, EINVAL, EISDIR, ENOENT } from "../abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  IN_DONT_FOLLOW,
  O_ACCMODE,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  R_OK,
  RENAME_EXCHANGE,
  W_OK,
  X_OK,
} from "../abi/fcntl.ts";
import { RESOLVE_CACHED } from "../abi/openat2.ts";
import { S_IFBLK, S_IFCHR, S_IFMT, S_ISGID, S_ISUID } from "../abi/stat.ts";
import type { ArgKind } from "../abi/syscalls.ts";
import type { Access, Move, Use } from "../policy/call.ts";
import type { NetUse } from "../policy/endpoint.ts";
import { readCString } from "../sys/memory.ts";
import { type OpenRequest, readOpen } from "./open.ts";
import type { LookedMessage } from "./message.ts";
import type { Registers } from "./registers.ts";
import { resolveBase, resolveMagic } from "./magic.ts";
import { formerPath, PATH_MAX, type Place, processOf } from "./place.ts";
import { resolve } from "./resolve.ts";
import { resolveHow } from "./resolve_how.ts";
import type { CallSpec, PathArg } from "./spec.ts";
import type { SocketDuty, Tracee } from "./tracee.ts";

/** A path argument, and the file that it really names. */
export interface LookedPath {
  /** Index of the argument. */
  readonly arg: number;
  /** Index of the argument with its directory; -1 for none. */
  readonly dirfd: number;
  /** The path as the tracee wrote it. */
  readonly written: string;
  /** What it names. */
  readonly place: Place;
}

/** What a call would do. */
export interface Looked {
  /** What it would do to files. */
  readonly uses: Use[];
  /** What it would rename. */
  readonly moves: Move[];
  /** Where it would send or receive. */
  readonly net: NetUse[];
  /** Its path arguments. */
  readonly paths: LookedPath[];
  /** What it fails with where the policy lets it go on; 0 where it goes on. */
  errno: number;
  /**
   * The process whose descriptors must not change until the call is over,
   * since it rests on one of them; 0 for none.
   */
  descriptorsOf: number;
  /** For an open: its flags, mode and `resolve`. */
  open: OpenRequest | undefined;
  /** For a call with a socket address: the address, copied once. */
  address: Uint8Array | undefined;
  /** For sendmsg(2) and sendmmsg(2): the messages, copied once. */
  readonly messages: LookedMessage[];
  /** Whether the kernel must be given the copy, which says what was meant. */
  changed: boolean;
  /** What has to be done about its socket once it was made. */
  after: SocketDuty | undefined;
  /** Whether it makes a file that runs as its owner or group. */
  setsId: boolean;
  /** Why jail refuses it whatever the policy says. */
  never: string | undefined;
  /** Whether it makes a file, and must fail where there is one by then. */
  makes: boolean;
  /** Whether the kernel is given the real path though one tracee alone runs. */
  pinned: boolean;
  /** What jail holds until it is over, so that a name means what it meant. */
  held: Held | undefined;
}

/** Something that keeps its name as long as somebody has it open. */
export interface Held {
  /** The path that is kept. */
  readonly path: string;
  /** A descriptor of this process. */
  readonly fd: number;
}

/** Whether a process id is one of the jail's. */
export type IsOwn = (pid: number) => boolean;

const pathBytes = new Uint8Array(PATH_MAX);

/** Reads a path from a tracee; a negated errno where that cannot be done. */
export function readPath(tid: number, address: number): string | number {
  if (address === 0) return -EFAULT;
  const length = readCString(tid, address, pathBytes);
  return length < 0 ? length : fromBytes(pathBytes, 0, length);
}

/** A path as rules see it: the jail's own processes are `/proc/self`. */
export function rulePath(path: string, isOwn: IsOwn): string {
  const pid = processOf(path);
  if (pid === 0 || !isOwn(pid)) return path;
  return `/proc/self${path.slice(`/proc/${pid}`.length)}`;
}

/**
 * What a call would do to a file, as rules see it. A file that was removed is
 * what it was, by the name that it had: its other links may allow more, or its
 * name, as the kernel spells it now, may be one that somebody chose.
 */
export function useOf(place: Place, access: Access, isOwn: IsOwn): Use {
  const { was } = place;
  return {
    access,
    path: rulePath(was === undefined ? place.path : formerPath(place), isOwn),
    kind: was ?? place.kind,
  };
}

/**
 * What writing a directory means where it is not the directory that changes:
 * something is made in it, whose name is not known.
 */
function within(use: Use): Use {
  if (use.access !== "write" || use.kind !== "directory") return use;
  return { ...use, path: `${use.path === "/" ? "" : use.path}/.` };
}

function accessesOf(kind: ArgKind): readonly Access[] {
  switch (kind) {
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
    default:
      return ["stat"];
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

/** Starts looking at a call. */
export function nothing(): Looked {
  return {
    uses: [],
    moves: [],
    net: [],
    paths: [],
    errno: 0,
    descriptorsOf: 0,
    open: undefined,
    address: undefined,
    messages: [],
    changed: false,
    after: undefined,
    setsId: false,
    never: undefined,
    makes: false,
    pinned: false,
    held: undefined,
  };
}

/** Looks at one path argument. */
export function lookAtPath(
  looked: Looked,
  tracee: Tracee,
  registers: Registers,
  path: PathArg,
  kind: ArgKind,
  follow: boolean,
  isOwn: IsOwn,
  how?: OpenRequest,
): Place | undefined {
  const flags = path.flags < 0 ? 0 : registers.uint(path.flags);
  const address = registers.address(path.arg);
  // readlinkat(2) takes "" without a flag.
  const empty = kind === "stat-link" && path.flags < 0 ||
    (flags & AT_EMPTY_PATH) !== 0 && kind !== "open-path";
  const dirfd = path.dirfd < 0 ? AT_FDCWD : registers.int(path.dirfd);
  // utimensat(2), futimesat(2), and stat with AT_EMPTY_PATH, take NULL for the
  // descriptor; a call that does not is refused by the kernel all the same.
  const byDescriptor = address === 0 && path.dirfd >= 0 &&
    (empty || kind === "write-path");
  const written = byDescriptor ? "" : readPath(tracee.tid, address);
  if (typeof written === "number") {
    looked.errno ||= -written;
    return undefined;
  }
  const owner = { pid: tracee.process.pid, tid: tracee.tid };
  let place: Place;
  if (written === "" && (empty || byDescriptor)) {
    place = dirfd === AT_FDCWD
      ? resolveBase(owner, dirfd)
      : resolveMagic(`/proc/${tracee.tid}/fd/${dirfd}`);
    if (place.errno === ENOENT) place = { ...place, errno: EBADF };
    if (dirfd !== AT_FDCWD) looked.descriptorsOf = tracee.process.pid;
  } else {
    place = how === undefined || (how.resolve & ~RESOLVE_CACHED) === 0 ||
        written === ""
      ? resolve(owner, dirfd, written, follow, isOwn)
      : resolveHow(owner, dirfd, written, follow, creates(how), how.resolve);
    if (place.via !== "") looked.descriptorsOf = processOf(place.via);
  }
  looked.paths.push({ arg: path.arg, dirfd: path.dirfd, written, place });
  looked.errno ||= place.errno;
  return place;
}

/** Whether the kernel would follow a link in the last place of a path. */
export function follows(
  registers: Registers,
  spec: CallSpec,
  path: PathArg,
): boolean {
  if (path.flags < 0) return path.follow;
  const flags = registers.uint(path.flags);
  switch (spec.syscall.args[path.flags]) {
    case "at-flags-follow":
      return (flags & AT_SYMLINK_FOLLOW) !== 0;
    case "inotify-mask":
      return (flags & IN_DONT_FOLLOW) === 0;
    default:
      return path.follow && (flags & AT_SYMLINK_NOFOLLOW) === 0;
  }
}

/** Looks at a call that names files. */
export function lookAtPaths(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  isOwn: IsOwn,
): Looked {
  const looked = nothing();
  const places: (Place | undefined)[] = [];
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
    // What comes there by the time of the call has not been judged.
    if (path.mustExist && place?.kind === "missing") looked.errno ||= ENOENT;
    if (place === undefined || place.path === "") continue;
    const { written } = looked.paths.at(-1) as LookedPath;
    const held = written === "" &&
      (path.kind === "stat-path" || path.kind === "stat-link");
    const asked = accessesAsked(registers, spec, place);
    for (const access of held ? [] : asked ?? accessesOf(path.kind)) {
      const use = useOf(place, access, isOwn);
      looked.uses.push(asked === undefined ? use : within(use));
    }
  }
  lookAtMove(looked, registers, spec, places, isOwn);
  lookAtMode(looked, registers, spec, places[0]);
  return looked;
}

function lookAtMove(
  looked: Looked,
  registers: Registers,
  spec: CallSpec,
  places: readonly (Place | undefined)[],
  isOwn: IsOwn,
): void {
  if (spec.paths[0]?.kind !== "rename-from") return;
  const [from, to] = places;
  if (from === undefined || to === undefined) return;
  const a = rulePath(from.path, isOwn);
  const b = rulePath(to.path, isOwn);
  looked.moves.push({ from: a, to: b, tree: from.kind === "directory" });
  const flags = spec.syscall.args.indexOf("rename-flags");
  if (flags >= 0 && (registers.uint(flags) & RENAME_EXCHANGE) !== 0) {
    looked.moves.push({ from: b, to: a, tree: to.kind === "directory" });
  }
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

/** Whether a file with a mode runs as somebody else than who runs it. */
function setsId(mode: number): boolean {
  return (mode & (S_ISUID | S_ISGID)) !== 0;
}

/** What an open would do to the file. */
function accessesOfOpen(request: OpenRequest, exists: boolean): Access[] {
  const { flags } = request;
  if ((flags & O_PATH) !== 0) return ["stat"];
  if ((flags & O_TMPFILE) === O_TMPFILE) return ["write"];
  const mode = flags & O_ACCMODE;
  const reads = mode !== O_WRONLY;
  const writes = mode !== O_RDONLY || (flags & O_TRUNC) !== 0 ||
    (flags & O_CREAT) !== 0 && (!exists || (flags & O_EXCL) !== 0);
  if (reads && writes) return ["read", "write"];
  return writes ? ["write"] : ["read"];
}

function creates({ flags }: OpenRequest): boolean {
  return (flags & O_CREAT) !== 0 && (flags & O_TMPFILE) !== O_TMPFILE;
}

/** Looks at an open. */
export function lookAtOpen(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  isOwn: IsOwn,
): Looked {
  const looked = nothing();
  const request = readOpen(tracee.tid, registers, spec.syscall);
  if (typeof request === "number") {
    looked.errno = -request;
    return looked;
  }
  const { flags } = request;
  const path = spec.paths[0] as PathArg;
  const stay = (flags & O_NOFOLLOW) !== 0 ||
    (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL);
  const place = lookAtPath(
    looked,
    tracee,
    registers,
    path,
    "open-path",
    !stay,
    isOwn,
    request,
  );
  looked.open = request;
  looked.setsId = setsId(request.mode);
  if (place === undefined || place.path === "") return looked;
  const exists = place.kind !== "missing";
  const accesses = accessesOfOpen(request, exists);
  for (const access of accesses) {
    looked.uses.push(within(useOf(place, access, isOwn)));
  }
  if (!exists) {
    // What comes there by the time of the call has not been judged: a device,
    // or a terminal of somebody else.
    if (!creates(request)) looked.errno ||= ENOENT;
    else if ((flags & O_EXCL) === 0) {
      looked.makes = true;
      looked.pinned = spec.syscall.name === "openat2" ||
        leadsThroughLink(looked, tracee, registers, path, isOwn);
    }
  } else if (place.kind === "directory") {
    looked.errno ||= refusalOfDirectory(request, accesses);
  }
  return looked;
}

/**
 * What the kernel says where a directory is opened for more than reading, before
 * something else can take its place; 0 where it opens it.
 */
function refusalOfDirectory(
  request: OpenRequest,
  accesses: readonly Access[],
): number {
  const { flags } = request;
  if (creates(request)) {
    if ((flags & O_DIRECTORY) !== 0) return EINVAL;
    return (flags & O_EXCL) !== 0 ? EEXIST : EISDIR;
  }
  const unnamed = (flags & O_TMPFILE) === O_TMPFILE;
  return accesses.includes("write") && !unnamed ? EISDIR : 0;
}

/** Whether a missing file has the name that a link points to. */
function leadsThroughLink(
  { paths }: Looked,
  tracee: Tracee,
  registers: Registers,
  path: PathArg,
  isOwn: IsOwn,
): boolean {
  const owner = { pid: tracee.process.pid, tid: tracee.tid };
  const dirfd = path.dirfd < 0 ? AT_FDCWD : registers.int(path.dirfd);
  const written = paths[0]?.written ?? "";
  return resolve(owner, dirfd, written, false, isOwn).kind !== "missing";
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
  const place = resolveMagic(`/proc/${tracee.tid}/fd/${fd}`);
  if (place.errno !== 0) {
    // Not open: the kernel says EBADF, and no file is touched.
    looked.errno = EBADF;
    return looked;
  }
  looked.descriptorsOf = tracee.process.pid;
  looked.uses.push(useOf(place, reads ? "read" : "write", isOwn));
  lookAtMode(looked, registers, spec, place);
  return looked;
}
