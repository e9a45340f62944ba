/** What happens to calls that tell facts of the system, where a policy gives them. */

import type { SyscallName } from "../abi/syscalls.ts";
import type { FilterAction, Guard } from "./guard.ts";
import { given, givenUname, isReal, type SysRules } from "./sys.ts";

const ANSWER: FilterAction = { kind: "trace", look: { kind: "answer" } };

const GIVEN = "the policy says what it tells";

/** The tracer answers it. */
function answered(...tests: Guard["tests"]): Guard {
  return { tests, action: ANSWER, why: GIVEN };
}

const UIDS: readonly SyscallName[] = ["getuid", "geteuid", "getresuid"];
const GIDS: readonly SyscallName[] = [
  "getgid",
  "getegid",
  "getresgid",
  "getgroups",
];

/**
 * The guards of a call that a policy's facts ask for, after those that always hold.
 *
 * @param name the call
 * @param sys what the policy says of the system
 * @returns none where all that it tells is real: it then costs nothing
 */
export function sysGuards(name: SyscallName, sys: SysRules): readonly Guard[] {
  if (isReal(sys)) return [];
  switch (name) {
    case "uname":
      return Object.keys(givenUname(sys)).length > 0 ? [answered()] : [];
    case "sched_getaffinity":
      return given(sys.cpus) === undefined ? [] : [answered()];
    case "sched_setaffinity":
      return given(sys.cpus) === undefined ? [] : [{
        tests: [],
        action: { kind: "return", value: 0 },
        why: GIVEN,
        quiet: true,
      }];
    case "sysinfo":
      return given(sys.sysinfo) === undefined ? [] : [{
        tests: [],
        action: { kind: "errno", errno: "EPERM" },
        why: "the policy closes it",
      }];
  }
  if (UIDS.includes(name)) {
    return given(sys.uid) === undefined ? [] : [answered()];
  }
  if (GIDS.includes(name)) {
    return given(sys.gid) === undefined ? [] : [answered()];
  }
  return [];
}
