/** What happens at calls that aim at processes or groups by their ids. */

import { EPERM, errnoName, ESRCH } from "../abi/errno.ts";
import { RLIMIT_CORE } from "../abi/resource.ts";
import {
  getsid,
  isNobody,
  maySignal,
  parentOfEnded,
} from "../sys/task/task.ts";
import { type Answers, fixedRule } from "./answer.ts";
import type { Family } from "./family.ts";
import type { Flights } from "./hold/flights.ts";
import { isOwnGroup, movesGroup, tearsApart } from "./look/groups.ts";
import { nothing } from "./look/looked.ts";
import { type Aim, aimOf, signalMembers, waitsForAim } from "./look/process.ts";
import type { CallSpec } from "./look/spec.ts";
import type { Tools } from "./tools.ts";
import type { Registers } from "./tracee/registers.ts";
import type { Tracee } from "./tracee/tracee.ts";

/** An aim at nobody who lives in the jail. */
type Foreign = Extract<Aim, { readonly kind: "foreign" }>;

/** Calls that aim at processes by their ids. */
export class AimedCalls {
  readonly #tools: Tools;
  readonly #flights: Flights;

  /**
   * Makes the handler of one run.
   *
   * @param tools what it works with
   * @param flights the calls that are in the kernel
   */
  constructor(tools: Tools, flights: Flights) {
    this.#tools = tools;
    this.#flights = flights;
  }

  /**
   * A call that means a process by its id. That may be a child which has ended and
   * was not waited for: as long as no thread that may wait for it runs, nobody else
   * can get its id.
   *
   * @returns false where those are still being stopped
   */
  process(tracee: Tracee, spec: CallSpec): boolean {
    const { answers, family, freezer } = this.#tools;
    if (freezer.waits(tracee)) return false;
    const { pid } = tracee.process;
    const { processes, isOwn } = family;
    let aim = aimOf(tracee, answers.registers, spec, processes, isOwn);
    if (aim.kind === "foreign" && !waitsForAim(spec) && parentOf(aim) === pid) {
      if (!freezer.has(tracee) && freezer.needed(tracee, pid)) {
        return freezer.start(tracee, pid) && this.process(tracee, spec);
      }
      aim = { kind: "other" };
    }
    if (answers.allowed(tracee, spec, nothing())) {
      this.#make(tracee, spec, aim);
    }
    freezer.release(tracee);
    return true;
  }

  /** Makes a call, or answers it, as its aim is. */
  #make(tracee: Tracee, spec: CallSpec, aim: Aim): void {
    const { answers, family, resumer } = this.#tools;
    const { registers } = answers;
    const onlySeems = setsCore(spec, registers);
    switch (aim.kind) {
      case "own":
      case "other":
        if (aim.kind === "own" && !onlySeems) return resumer.go(tracee);
        if (!answers.save(tracee)) return;
        if (onlySeems) {
          registers.setArgument(NEW_LIMIT, 0);
          if (!answers.write(tracee)) return;
        }
        this.#flights.begin(tracee, spec, -1, nothing());
        return resumer.aims(tracee);
      case "own group":
        if (!answers.save(tracee)) return;
        registers.setArgument(spec.pid, aim.id);
        if (!answers.write(tracee)) return;
        this.#flights.begin(tracee, spec, -1, nothing());
        return resumer.aims(tracee);
      case "foreign": {
        const { errno = ESRCH } = aim;
        // Programs end what has ended already: nothing was refused to them.
        return isInside(aim, family)
          ? answers.answer(tracee, -errno)
          : refuseForeign(answers, tracee, spec, errno);
      }
      case "members": {
        const signal = registers.int(1);
        return answers.answer(
          tracee,
          signalMembers(
            aim.members,
            (member) =>
              member === tracee.process ||
                maySignal(tracee.tid, member.pid, signal)
                ? family.signal(member, signal)
                : -EPERM,
          ),
        );
      }
    }
  }

  /**
   * A call that puts a process into a group: in the session of jail one comes at a
   * time, and makes no other process meanwhile. Nobody comes back to that session.
   *
   * @returns false where its threads are still being stopped
   */
  group(tracee: Tracee, spec: CallSpec, arg: number): boolean {
    const { answers, family, freezer } = this.#tools;
    if (freezer.waits(tracee)) return false;
    const { registers } = answers;
    const pid = registers.int(0) || tracee.process.pid;
    const group = registers.int(arg) || pid;
    const moves = movesGroup(tracee, pid);
    if (moves && !freezer.has(tracee) && getsid(pid) === getsid(0)) {
      return freezer.start(tracee, pid) && this.group(tracee, spec, arg);
    }
    if (!moves && pid > 0) {
      // The kernel says of a thread that it leads no process: EINVAL.
      this.#make(tracee, spec, { kind: "foreign", id: pid });
    } else if (
      group !== pid && !isOwnGroup(group, family) ||
      freezer.has(tracee) && tearsApart(pid, group, family)
    ) {
      refuseForeign(answers, tracee, spec, EPERM);
    } else if (answers.allowed(tracee, spec, nothing())) {
      this.#make(tracee, spec, { kind: "other" });
    }
    freezer.release(tracee);
    return true;
  }
}

/** Which argument of prlimit64(2) points to a new limit. */
const NEW_LIMIT = 2;

/**
 * Whether a call sets the limit for cores, and asks what it was: it only asks then.
 * What sets it alone the filter lets seem to be done.
 */
function setsCore({ syscall }: CallSpec, registers: Registers): boolean {
  return syscall.name === "prlimit64" && registers.int(1) === RLIMIT_CORE &&
    registers.address(NEW_LIMIT) !== 0;
}

/**
 * The parent of the process that is meant, or that leads the group that is, where
 * it has ended.
 */
function parentOf({ id }: Foreign): number | undefined {
  return id === undefined ? undefined : parentOfEnded(Math.abs(id));
}

/** Whether an aim means nobody at all, or one of the jail that has ended. */
function isInside(aim: Foreign, family: Family): boolean {
  const { id } = aim;
  if (id === undefined) return false;
  return isNobody(id) || family.isOwn(id) ||
    family.wasOwn(Math.abs(id)) && parentOf(aim) !== undefined;
}

/** Refuses a call that means a process or a group outside the jail. */
export function refuseForeign(
  answers: Answers,
  tracee: Tracee,
  spec: CallSpec,
  errno: number,
): void {
  answers.refuse(
    tracee,
    spec,
    { kind: "errno", errno: errnoName(errno) },
    fixedRule("a process outside the jail"),
  );
}
