/** Who is in a process group, and who is above it: setpgid(2). */

import { fromBytes, toCString } from "../../abi/bytes.ts";
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../../abi/fcntl.ts";
import { nextNames } from "../directory.ts";
import { close, open, readFile } from "../files.ts";
import { frontOf, getpgid, getsid, parentOf } from "./task.ts";

/** More than `/proc/self/mountinfo` has, in bytes. */
const MOST_MOUNTS = 1 << 24;

/** A /proc that hides processes, among the mounts. */
const HIDES_REGEXP = /\bhidepid=(?!0|off)/;

/**
 * The processes of a group, those that have ended among them.
 *
 * @param group the group
 * @returns their ids; `undefined` where it cannot be told
 */
export function membersOf(group: number): number[] | undefined {
  const fd = open(toCString("/proc"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return undefined;
  const members: number[] = [];
  let names = nextNames(fd);
  for (; typeof names === "object"; names = nextNames(fd)) {
    const ids = names.filter((name) => /^\d+$/.test(name)).map(Number);
    members.push(...ids.filter((pid) => getpgid(pid) === group));
  }
  close(fd);
  return names === undefined ? members : undefined;
}

/**
 * Whether a group has members besides certain processes, or may have: /proc may
 * hide those of other users, proc(5) `hidepid`.
 *
 * @param members those of the group that are seen
 * @param known whether a process is one of those
 */
export function hasOthers(
  members: readonly number[],
  known: (pid: number) => boolean,
): boolean {
  return !members.every(known) || hidesOthers();
}

/** Whether /proc hides processes that this one may not look into, or may do so. */
export function hidesOthers(): boolean {
  const mounts = readFile("/proc/self/mountinfo", MOST_MOUNTS);
  return typeof mounts === "number" || mounts.length === MOST_MOUNTS ||
    HIDES_REGEXP.test(fromBytes(mounts));
}

/**
 * Whether others are in this process's group, and the group is orphaned: no parent
 * in it is in another group of the session, so that nobody has it as a job.
 */
export function sharesOrphanedGroup(): boolean {
  const group = getpgid(0);
  let above = Deno.pid;
  do {
    above = parentOf(above);
  } while (above > 1 && getpgid(above) === group);
  if (above > 1 && getsid(above) === getsid(0)) return false;
  const members = membersOf(group);
  return members === undefined ||
    hasOthers(members, (pid) => pid === Deno.pid);
}

/**
 * Whether who has started this process has it as a job: in another group of the
 * session, as shells do that wait for jobs to stop, and continue them.
 */
export function isJob(): boolean {
  const parent = parentOf(Deno.pid);
  return parent > 0 && getpgid(parent) !== getpgid(0) &&
    getsid(parent) === getsid(0);
}

/** Whether another group than this process's is in front of its terminal. */
export function isBehindOthers(): boolean {
  const front = frontOf(Deno.pid);
  return front === undefined || front > 0 && front !== getpgid(0);
}
