/**
 * Calls that aim at processes by id: only those of the jail can be reached.
 *
 * A process id that is not the jail's fails with ESRCH whether or not there is
 * such a process: the program sees a world in which there is the jail alone.
 *
 * Race: an id is used again once the tracer has waited for who had it. So while
 * a call is in the kernel that aims at another by its id, the tracer takes stops
 * and waits for nobody who has ended. An exec from a thread that is not the first of
 * its process frees the id of that thread at once, so it begins later.
 *
 * Race: a process may be in another group by the time that the kernel looks, in the
 * one that jail was started in perhaps. So a call that means the caller's group,
 * whichever that is, is made with the number of the group that was looked at.
 */

import { EINVAL, EPERM, ESRCH } from "../../abi/errno.ts";
import { IOPRIO_WHO_PGRP } from "../../abi/ioprio.ts";
import { PRIO_PGRP } from "../../abi/resource.ts";
import { getpgid } from "../../sys/task/task.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Process, Tracee } from "../tracee/tracee.ts";
import type { CallSpec } from "./spec.ts";

/** What happens to a call that aims at processes. */
export type Aim =
  /** It goes on: it reaches the caller alone. */
  | { readonly kind: "own" }
  /** It goes on: it reaches others of the jail, by an id that must not change. */
  | { readonly kind: "other" }
  /**
   * It reaches the caller's group, which has others of the jail alone in it: it goes
   * on with the number of that, as the call names groups.
   */
  | { readonly kind: "own group"; readonly id: number }
  /**
   * It fails: it means one outside, or nobody; which id that is, where it is one, and
   * what the kernel says of that if not ESRCH.
   */
  | { readonly kind: "foreign"; readonly id?: number; readonly errno?: number }
  /** The tracer sends the signal to these instead, and the call succeeds. */
  | { readonly kind: "members"; readonly members: readonly Process[] };

const OWN: Aim = { kind: "own" };
const OTHER: Aim = { kind: "other" };

/**
 * Says what happens to a call that aims at processes.
 *
 * @param tracee who makes it
 * @param registers its registers
 * @param spec the call
 * @param processes the jail's processes, by id
 * @param isOwn whether an id is that of a process or thread of the jail
 * @returns what happens
 */
export function aimOf(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  processes: ReadonlyMap<number, Process>,
  isOwn: (id: number) => boolean,
): Aim {
  const id = registers.int(spec.pid);
  switch (spec.syscall.name) {
    case "clock_getres":
    case "clock_gettime":
    case "clock_nanosleep":
    case "timer_create":
      return aimOfClock(~(id >> 3));
    case "fcntl":
      // F_SETOWN: a group that one of ours leads has nobody outside in it.
      if (id >= 0) break;
      return processes.has(-id) ? OTHER : { kind: "foreign", id };
    case "kill":
      return aimOfKill(tracee, id, processes, isOwn);
    case "tgkill":
    case "rt_tgsigqueueinfo":
      for (const one of [id, registers.int(1)]) {
        if (one <= 0) return OWN;
        if (!isOwn(one)) return { kind: "foreign", id: one };
      }
      // A thread of the caller's own process, or none: the kernel compares both.
      return id === tracee.process.pid ? OWN : OTHER;
    case "setpriority":
    case "getpriority":
      return registers.int(0) === PRIO_PGRP
        ? aimOfGroup(id)
        : aimOfId(tracee, id, isOwn);
    case "ioprio_set":
    case "ioprio_get":
      return registers.int(0) === IOPRIO_WHO_PGRP
        ? aimOfGroup(id)
        : aimOfId(tracee, id, isOwn);
  }
  return aimOfId(tracee, id, isOwn);

  function aimOfClock(owner: number): Aim {
    const aim = aimOfId(tracee, owner, isOwn);
    return aim.kind === "foreign" || aim === OTHER && waitsForAim(spec)
      ? { kind: "foreign", id: owner, errno: EINVAL }
      : aim;
  }

  function aimOfGroup(who: number): Aim {
    // No group has such a number, as no process has.
    if (who < 0) return OWN;
    const group = who === 0 ? getpgid(tracee.process.pid) : who;
    if (processes.has(group)) {
      return who === 0 ? { kind: "own group", id: group } : OTHER;
    }
    // There may be members of the jail in it, and others.
    const errno = who === 0 ? EPERM : ESRCH;
    return { kind: "foreign", id: -group, errno };
  }
}

/**
 * Whether a call may wait in the kernel for what it aims at: another's processor time.
 * Nobody who has ended would be waited for meanwhile, so it reaches the caller alone.
 */
export function waitsForAim({ syscall }: CallSpec): boolean {
  return syscall.name === "clock_nanosleep";
}

function aimOfId(
  tracee: Tracee,
  id: number,
  isOwn: (id: number) => boolean,
): Aim {
  // Nobody has an id below 0: what is wrong with one the kernel says.
  if (id <= 0 || id === tracee.tid || id === tracee.process.pid) return OWN;
  return isOwn(id) ? OTHER : { kind: "foreign", id };
}

function aimOfKill(
  tracee: Tracee,
  id: number,
  processes: ReadonlyMap<number, Process>,
  isOwn: (id: number) => boolean,
): Aim {
  if (id > 0) return aimOfId(tracee, id, isOwn);
  const { process } = tracee;
  if (id === -1) {
    const members = [...processes.values()].filter((p) => p !== process);
    return { kind: "members", members };
  }
  const group = id === 0 ? getpgid(process.pid) : -id;
  // A group that one of ours leads: nobody outside can be in it.
  if (processes.has(group)) {
    return id === 0 ? { kind: "own group", id: -group } : OTHER;
  }
  const members = [...processes.values()].filter((p) =>
    getpgid(p.pid) === group
  );
  return members.length === 0
    ? { kind: "foreign", id: -group }
    : { kind: "members", members };
}

/**
 * Sends a signal to processes of the jail, in place of a kill(2) that would
 * also have reached others.
 *
 * @param members whom
 * @param send sends it to one of them
 * @returns 0, or the negated errno where it reached nobody
 */
export function signalMembers(
  members: readonly Process[],
  send: (process: Process) => number,
): number {
  let result = -EPERM;
  for (const member of members) {
    const sent = send(member);
    if (sent >= 0) result = 0;
    else if (result !== 0) result = sent;
  }
  return result;
}
