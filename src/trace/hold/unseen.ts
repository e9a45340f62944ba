/**
 * Calls that go on as they are beside other tracees, though nobody sees them end.
 *
 * Whoever shares its memory, its descriptors and its directories with nobody has
 * arguments that nobody can change. What its path means could change still: the
 * path lock keeps links as they are, wherever they are, until the call is over.
 */

import { waitingIn } from "../../sys/task/task.ts";
import type { Family } from "../family.ts";
import type { Looked, LookedPath } from "../look/looked.ts";
import type { CallSpec } from "../look/spec.ts";
import { type Place, processOf } from "../path/place.ts";
import type { Tracee } from "../tracee/tracee.ts";

/**
 * Whether a call may go on as it is beside other tracees, before it is looked at.
 * A filter of the program's own could stop it once more before it is made.
 *
 * @param tracee who makes it, stopped
 * @param spec the call
 * @param family the tracees
 */
export function mayStay(
  tracee: Tracee,
  { syscall, treatment, movesLinks }: CallSpec,
  family: Family,
): boolean {
  const known = treatment === "paths" || treatment === "exec" ||
    syscall.name === "bind" || syscall.name === "connect";
  return known && !movesLinks && !tracee.process.filtered &&
    !tracee.interrupted && family.owns(tracee);
}

/**
 * Whether what a call was found to mean stays that while links stay as they are.
 * What other processes have in /proc they change themselves.
 *
 * @param tracee who makes it
 * @param looked what was found
 */
export function isSteady(
  { process }: Tracee,
  { address, paths }: Looked,
): boolean {
  // One that is no path means the same whatever links there are, and may wait long.
  if (address !== undefined && paths.length === 0) return false;
  return paths.every(({ place }) => staysWithLinks(place, process.pid));
}

/**
 * Whether a path that nobody can change any more means what it was found to mean
 * while links stay as they are: as it was written, by links as well.
 *
 * @param tracee who makes the call
 * @param path the path
 * @param isKeptThere whether nobody else can change where the tracee is meanwhile
 */
export function keepsMeaning(
  { process, view }: Tracee,
  { place, written }: LookedPath,
  isKeptThere: boolean,
): boolean {
  if (!isKeptThere && !written.startsWith("/")) return false;
  // Somebody outside could move what it leads out of.
  if (place.climbs === true) return false;
  if (view.leaks && written !== place.path) return false;
  return staysWithLinks(place, process.pid);
}

function staysWithLinks(
  { kind, magic, path, via }: Place,
  pid: number,
): boolean {
  const named = processOf(path);
  return via === "" && kind !== "object" && magic !== true &&
    (named === 0 || named === pid);
}

/** Whether a call removes a link: another path could lead elsewhere then. */
export function removesLink({ syscall }: CallSpec, { paths }: Looked): boolean {
  return (syscall.name === "unlink" || syscall.name === "unlinkat") &&
    paths.some(({ place }) => place.kind === "link");
}

/**
 * Whether a tracee surely is no more in its call that nobody sees end: it waits
 * in another one. An exec ends with a stop that is looked at.
 *
 * @param tracee who runs, as far as is known
 */
export function hasLeft({ tid, unseen, exec }: Tracee): boolean {
  if (exec !== undefined) return false;
  const nr = waitingIn(tid);
  return nr !== undefined && nr !== unseen;
}
