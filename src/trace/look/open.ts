/** Looks at an open: which file, and what would be done to it. */

import { DEVICE_NUMBERS } from "../../abi/devices.ts";
import { EACCES, EEXIST, EISDIR, ENOENT } from "../../abi/errno.ts";
import {
  AT_FDCWD,
  O_ACCMODE,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
} from "../../abi/fcntl.ts";
import type { Access } from "../../policy/call.ts";
import { isLoader } from "../image/image.ts";
import { LOADER_OF_LOADER } from "../image/loader.ts";
import { isSlashed, resolveName } from "../path/entry_names.ts";
import type { Place } from "../path/place.ts";
import { isGuardedFile } from "../path/sticky.ts";
import { isTerminal } from "../path/terminals.ts";
import type { Registers } from "../tracee/registers.ts";
import { ownerOf, type Tracee } from "../tracee/tracee.ts";
import { inside, lookAtPath, useOf } from "./look.ts";
import { type IsOwn, type Looked, nothing, type Refuses } from "./looked.ts";
import {
  creates,
  isUnnamed,
  type OpenRequest,
  readOpen,
  setsId,
} from "./open_flags.ts";
import type { CallSpec, PathArg } from "./spec.ts";

const CLAIMED = "others could not use the device, which may only be read";

/** What an open would do to the file. */
function accessesOfOpen(request: OpenRequest, exists: boolean): Access[] {
  const { flags } = request;
  if ((flags & O_PATH) !== 0) return ["stat"];
  if (isUnnamed(request)) return ["write"];
  const mode = flags & O_ACCMODE;
  const reads = mode !== O_WRONLY;
  const writes = mode !== O_RDONLY || (flags & O_TRUNC) !== 0 ||
    (flags & O_CREAT) !== 0 && (!exists || (flags & O_EXCL) !== 0);
  // What may not be seen is absent to who reads, and closed to who would write it;
  // O_CREAT and O_RDONLY write only where nothing is, which must not show.
  if (reads && writes) {
    return mode === O_RDONLY ? ["read", "write"] : ["write", "read"];
  }
  return writes ? ["write"] : ["read"];
}

/**
 * Looks at an open.
 *
 * @param tracee who makes it
 * @param registers its registers
 * @param spec the call
 * @param isOwn whether a process id is one of the jail's
 * @param refuses whether the policy refuses uses of files: these are not looked into
 */
export function lookAtOpen(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  isOwn: IsOwn,
  refuses: Refuses,
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
  const makes = creates(request) && request.resolve === 0;
  if (makes && endsInSlash(looked, tracee, registers, path, isOwn)) {
    looked.errno = EISDIR;
  }
  looked.open = request;
  looked.setsId = setsId(request.mode);
  if (place === undefined || place.path === "") return looked;
  const exists = place.kind !== "missing";
  const accesses = accessesOfOpen(request, exists);
  for (const access of accesses) {
    const use = useOf(place, access, isOwn);
    looked.uses.push(isUnnamed(request) ? inside(use) : use);
  }
  // What is made in a directory tells that it is there.
  if (isUnnamed(request)) looked.uses.push(useOf(place, "stat", isOwn));
  if (mayBeTaken(place, request) && refusesWrites(place)) {
    if ((flags & (O_EXCL | O_CREAT)) === O_EXCL) looked.never = CLAIMED;
    // By /dev/tty it could be written then.
    looked.open = { ...request, flags: flags | O_NOCTTY };
  }
  if (isProgramOfLoader(tracee, looked)) {
    looked.uses.push(useOf(place, "run", isOwn));
    const isAllowed = !refuses(spec, looked.uses);
    if (isAllowed && isLoader(tracee.view, place)) {
      looked.never = LOADER_OF_LOADER;
    }
  }
  if (!exists) {
    // What comes there by the time of the call has not been judged: a device,
    // or a terminal of somebody else.
    if (!creates(request)) looked.errno ||= ENOENT;
    else if ((flags & O_EXCL) === 0) looked.makes = true;
  } else if (place.kind === "directory") {
    looked.errno ||= refusalOfDirectory(request, accesses);
  } else if (creates(request) && (flags & O_EXCL) === 0) {
    if (isGuardedFile(place, ownerOf(tracee))) looked.errno ||= EACCES;
  }
  return looked;

  function refusesWrites(place: Place): boolean {
    return refuses(spec, [useOf(place, "write", isOwn)]);
  }
}

/**
 * Whether an open that only reads could take a device of the machine: a line as the
 * terminal of its session, or a disk for itself alone. Other terminals are the jail's
 * own.
 */
function mayBeTaken({ kind, path }: Place, { flags }: OpenRequest): boolean {
  return kind === "device" && (flags & O_PATH) === 0 &&
    (flags & O_ACCMODE) === O_RDONLY &&
    !DEVICE_NUMBERS.has(path) && !isTerminal(path);
}

/** Whether a dynamic loader, which runs itself, may open what it was told to run. */
function isProgramOfLoader({ process }: Tracee, { paths }: Looked): boolean {
  const { loads } = process;
  return loads !== "" && paths[0]?.written === loads;
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
  if (creates(request)) return (flags & O_EXCL) !== 0 ? EEXIST : EISDIR;
  return accesses.includes("write") && !isUnnamed(request) ? EISDIR : 0;
}

/**
 * Whether a path leads to a name with a slash behind it: an open that may make a
 * file fails there, whatever is there.
 */
function endsInSlash(
  { paths }: Looked,
  tracee: Tracee,
  registers: Registers,
  path: PathArg,
  isOwn: IsOwn,
): boolean {
  const written = paths[0]?.written ?? "";
  if (!isSlashed(written)) return false;
  const dirfd = path.dirfd < 0 ? AT_FDCWD : registers.int(path.dirfd);
  return resolveName(ownerOf(tracee), dirfd, written, isOwn).errno === 0;
}
