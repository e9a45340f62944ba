/** What has to be known of a call before it is let into the kernel. */

import {
  EEXIST,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
} from "../../abi/errno.ts";
import { SOCKADDR_STORAGE_SIZE } from "../../abi/socket.ts";
import type { Looked } from "../look/looked.ts";
import type { CallSpec } from "../look/spec.ts";
import { linkTo, processOf } from "../path/place.ts";
import type { Tools } from "../tools.ts";
import type { Tracee } from "../tracee/tracee.ts";
import { PATH_FAILS } from "./by_path.ts";
import { isLinkless } from "./linkless.ts";

const LINK_CAME: readonly number[] = [ELOOP];
const LINK_CAME_OR_FILE_WENT: readonly number[] = [ELOOP, ENOENT];
const LINK_CAME_OR_DIRECTORY_WENT: readonly number[] = [ELOOP, ENOTDIR];
const LINK_OR_FILE_CAME: readonly number[] = [ELOOP, EEXIST];
/**
 * How an exec fails whose files were all found, and which then led to others: by a
 * first line that was written meanwhile, or by a link. It tells whether these are
 * there, of which the policy was not asked.
 */
const OTHER_FILE_IS_MISSING: readonly number[] = [
  ...[ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR],
];

/**
 * Whether a call keeps its number, so that a filter of the process's own sees
 * it as what it is; an open needs the lock then. Where the kernel has jail's
 * filter, both see the program's own call first: what jail makes of an open passes
 * (`src/trace/bpf/own_filter.ts`), and a filter that lets sendmmsg(2) pass is taken
 * to know sendmsg(2).
 */
export function keepsNumber({ process }: Tracee, { options }: Tools): boolean {
  return process.filtered && options.engine === "ptrace";
}

/**
 * Whether a call names another process of the jail by its id, which must not be
 * somebody else's before the kernel looks. Nothing in /proc makes it wait.
 */
export function namesOther(
  { process }: Tracee,
  spec: CallSpec,
  looked: Looked,
): boolean {
  if (spec.treatment === "id") return true;
  // It waits for its siblings to be gone, and its image is looked at again.
  if (spec.treatment === "exec") return false;
  return looked.paths.some(({ place }) => {
    const pid = processOf(linkTo(place)) || processOf(place.path);
    return pid !== 0 && pid !== process.pid;
  });
}

/** Whether a call may wait in the kernel for what another tracee does. */
export function mayWait(spec: CallSpec): boolean {
  const { treatment } = spec;
  return treatment === "open" || usesSocket(spec) || treatment === "timeout";
}

/** Whether a call with an address may wait by the timeout of its socket. */
export function usesSocket({ treatment }: CallSpec): boolean {
  return treatment === "address" || treatment === "message";
}

/**
 * The most that what is pinned of a call is long, in bytes.
 *
 * @param spec the call
 * @param looked what was checked
 * @param keepsNumber whether an open stays the call that it is
 */
export function lengthOf(
  spec: CallSpec,
  looked: Looked,
  keepsNumber: boolean,
): number {
  const { paths, beside, address, messages } = looked;
  const [path] = paths;
  const [message] = messages;
  if (message !== undefined) {
    return message.control.length === 0 ? SOCKADDR_STORAGE_SIZE : Infinity;
  }
  const bytes = address?.length ?? 0;
  if (path === undefined) return bytes;
  if (paths.length > 1 || beside !== undefined) return Infinity;
  const { written, place } = path;
  // The kernel is given a descriptor, or the link of one.
  const isHeld = written === "" && looked.descriptorsOf !== 0 ||
    linkTo(place) !== "";
  if (!isHeld && isLinkless(spec, looked, keepsNumber)) return Infinity;
  // An address begins with two bytes, a path may end in a slash.
  return Math.max(
    bytes,
    Math.max(written.length, place.path.length, linkTo(place).length) + 4,
  );
}

/** Errors that show that a file changed between the look and the call. */
export function raceOf(spec: CallSpec, looked: Looked): readonly number[] {
  const place = looked.paths[0]?.place;
  if (looked.byPath) return PATH_FAILS;
  if (looked.pinned) return LINK_CAME_OR_DIRECTORY_WENT;
  if (spec.treatment === "exec") return OTHER_FILE_IS_MISSING;
  if (isLinkless(spec, looked, false)) return LINK_CAME;
  if (looked.open === undefined || place === undefined) return [];
  switch (place.kind) {
    case "link":
      return [];
    case "missing":
      return looked.makes ? LINK_OR_FILE_CAME : LINK_CAME;
    default:
      return LINK_CAME_OR_FILE_WENT;
  }
}
