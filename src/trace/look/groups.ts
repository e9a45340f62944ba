/**
 * Process groups: those of the jail, and the one that jail was started in.
 *
 * Others may be in that one, as the script that has started jail. Once nobody in it
 * has a parent in another group of the session, it is orphaned: setpgid(2). As it
 * becomes that, while one of its processes is stopped, the kernel sends SIGHUP and
 * SIGCONT to all of them, in kill_orphaned_pgrp() of its kernel/exit.c. So nobody in
 * it gets such a parent of the jail, who would only have to end. It may be a parent's
 * parent later, who takes in orphans (`PR_SET_CHILD_SUBREAPER`).
 */

import { hasOthers, membersOf } from "../../sys/task/groups.ts";
import { frontOf, getpgid, isOver, parentOf } from "../../sys/task/task.ts";
import type { Family } from "../family.ts";
import type { Tracee } from "../tracee/tracee.ts";

/**
 * Whether a process group is the jail's: jail was started in it, which a shell
 * gives the terminal back to, or a process of the jail is in it.
 */
export function isOwnGroup(group: number, family: Family): boolean {
  const { processes } = family;
  // Of a process that has one's id, nobody outside can be in the group.
  if (group === getpgid(0) || processes.has(group)) return true;
  for (const pid of processes.keys()) {
    if (getpgid(pid) === group) return true;
  }
  // A shell also means the group of a job that has ended: of a child of the
  // jail that nobody has waited for yet.
  return family.wasOwn(group) && processes.has(parentOf(group));
}

/**
 * Whether somebody outside is in front of the terminal that jail is at: a job of the
 * shell that has started jail in the background. Who took its place would read what is
 * typed for it, and it would be stopped.
 */
export function isTakenByOthers(family: Family): boolean {
  const front = frontOf(Deno.pid);
  if (front === undefined) return true;
  if (front <= 0 || isOwnGroup(front, family)) return false;
  // A job of the jail has ended, and its shell takes its place.
  return !family.wasOwn(front) || membersOf(front)?.every(isOver) !== true;
}

/**
 * Whether the kernel lets a tracee put a process into a group: itself, or a child. Of
 * all others it says that there is none, whoever they are.
 */
export function movesGroup({ process }: Tracee, pid: number): boolean {
  if (pid === process.pid) return true;
  const parent = parentOf(pid);
  return parent === process.pid || parent < 0;
}

/**
 * Whether somebody in the group that jail was started in, where others are as well,
 * would get a parent, or a parent's parent, of the jail in another one.
 *
 * @param pid who is put into a group, from another one perhaps; no thread of it runs
 * @param group that group
 * @param family the processes of the jail
 */
export function tearsApart(
  pid: number,
  group: number,
  family: Family,
): boolean {
  const jails = getpgid(0);
  const isThere = getpgid(pid) === jails;
  if (isThere === (group === jails)) return false;
  if (!isThere) {
    const parent = parentOf(pid);
    return parent <= 0 || getpgid(parent) !== jails;
  }
  const members = membersOf(jails);
  if (members === undefined) return true;
  const { processes } = family;
  return isAboveAny(pid, members, (one) => processes.has(one)) &&
    hasOthers(members, (one) => one === Deno.pid || processes.has(one));
}

/**
 * Whether a process is above any of some others, with those of the jail between; or
 * that cannot be told. Each is asked about once: hundreds may stand one beneath the
 * other, and the tracer sees to nothing else meanwhile.
 *
 * @param pid the process
 * @param members the others, and itself perhaps
 * @param isOwn whether a process is one of the jail
 * @param parent whose child a process is, as {@linkcode parentOf} says it
 */
export function isAboveAny(
  pid: number,
  members: readonly number[],
  isOwn: (pid: number) => boolean,
  parent: (pid: number) => number = parentOf,
): boolean {
  const asked = new Set([pid]);
  for (const member of members) {
    let one = member;
    while (!asked.has(one)) {
      asked.add(one);
      one = parent(one);
      if (one === pid || one < 0) return true;
      if (!isOwn(one)) break;
    }
  }
  return false;
}
