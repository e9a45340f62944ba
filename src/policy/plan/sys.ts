/** What happens to calls that tell facts of the system, where a policy gives them. */

import * as futex from "../../abi/futex.ts";
import { SIOCGSTAMP_NEW, SIOCGSTAMP_OLD } from "../../abi/ioctls.ts";
import * as net from "../../abi/socket.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import * as time from "../../abi/time.ts";
import { given, givenUname, type SysRules } from "../sys.ts";
import {
  type ArgIndex,
  bits,
  type FilterAction,
  type Guard,
  is,
  isSet,
  masked,
  refuse,
} from "./guard.ts";

const ANSWER: FilterAction = { kind: "trace", look: { kind: "answer" } };
const RETIME: FilterAction = { kind: "trace", look: { kind: "retime" } };

/** Clocks that tell the time of day. */
const WALL_CLOCKS: readonly number[] = [
  time.CLOCK_REALTIME,
  time.CLOCK_REALTIME_COARSE,
  time.CLOCK_REALTIME_ALARM,
  time.CLOCK_TAI,
];

const GIVEN = "the policy says what it tells";
const CLOSED = "the policy closes the clocks";

/** The tracer answers it. */
function answered(...tests: Guard["tests"]): Guard {
  return { tests, action: ANSWER, why: GIVEN };
}

/** It waits until a time of day, which is another one than the kernel's. */
function retimed(...tests: Guard["tests"]): Guard {
  return { tests, action: RETIME, why: "it waits for a time of day" };
}

/** It tells of a time besides what it does; the tracer takes that out. */
function withoutTime(...tests: Guard["tests"]): Guard {
  return { tests, action: RETIME, why: "it tells how long something took" };
}

/** It tells how much of a time is left, which a program measures by. */
function untold(arg: ArgIndex): Guard {
  return {
    tests: [isSet(arg)],
    action: { kind: "trace", look: { kind: "timeout", arg } },
    why: "it tells how long it took",
  };
}

function closed(
  errno: "EPERM" | "EINVAL" | "ENOSYS",
  ...tests: Guard["tests"]
): Guard {
  return refuse(errno, CLOSED, ...tests);
}

const DENIED: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  ["adjtimex", [closed("EPERM")]],
  ["clock_adjtime", [closed("EPERM")]],
  ["clock_getres", [closed("EPERM")]],
  ["clock_gettime", [closed("EPERM")]],
  ["gettimeofday", [closed("EPERM")]],
  ["sysinfo", [closed("EPERM")]], // the uptime
  ["time", [closed("EPERM")]],
  ["times", [closed("EPERM")]], // since the machine started
  // Processor time, and what is left of a time that a timer was set to.
  ["getrusage", [closed("EPERM")]],
  ["getitimer", [closed("EPERM")]],
  ["setitimer", [closed("EPERM", isSet(2))]],
  ["alarm", [withoutTime()]],
  ["wait4", [withoutTime(isSet(3))]],
  ["waitid", [withoutTime(isSet(4))]],
  // These count how often they have ended; programs do with setitimer(2).
  ["timer_create", [closed("ENOSYS")]],
  ["timerfd_create", [closed("ENOSYS")]],
  ["timerfd_gettime", [closed("EPERM")]],
  // A wait until a time tells whether that is over.
  ["clock_nanosleep", [closed("EPERM", bits(1, time.TIMER_ABSTIME))]],
  ["timerfd_settime", [
    closed("EPERM", bits(1, time.TIMER_ABSTIME)),
    closed("EPERM", isSet(3)),
  ]],
  // glibc ends a program where a futex says anything else.
  ["futex", [
    closed(
      "EINVAL",
      masked(1, futex.FUTEX_CMD_MASK, futex.FUTEX_WAIT_BITSET),
      isSet(3),
    ),
  ]],
  ["futex_wait", [closed("EINVAL", isSet(4))]],
  ["futex_waitv", [closed("EINVAL", isSet(3))]],
  ["ppoll", [untold(2)]],
  ["pselect6", [untold(4)]],
  ["select", [untold(4)]],
  // This one loses what it has got where it cannot tell.
  ["recvmmsg", [closed("EINVAL", isSet(4))]],
]);

/** What of a socket tells when something came, or how long ago. */
const STAMPED: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  ["getsockopt", [
    closed(
      "EPERM",
      is(1, net.SOL_TCP),
      is(
        2,
        net.TCP_INFO,
        net.TCP_TIMESTAMP,
        net.TCP_CC_INFO,
        net.TCP_SAVED_SYN,
      ),
    ),
    closed("EPERM", is(1, net.SOL_IP), is(2, ...net.IP_STAMPS)),
    closed("EPERM", is(1, net.SOL_MPTCP)),
  ]],
  ["ioctl", [closed("EPERM", is(1, SIOCGSTAMP_OLD, SIOCGSTAMP_NEW))]],
  ["setsockopt", [
    closed("EPERM", is(1, net.SOL_SOCKET), is(2, ...net.SO_STAMPS)),
    closed("EPERM", is(1, net.SOL_IP), is(2, ...net.IP_STAMPS)),
  ]],
  // How long ago each neighbour was heard of.
  ["socket", [closed("EPERM", is(0, net.AF_NETLINK))]],
]);

const FAKED: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  ["adjtimex", [closed("EPERM")]],
  ["clock_adjtime", [closed("EPERM")]],
  ["clock_gettime", [
    answered(is(0, ...WALL_CLOCKS)),
    // Clocks of the machine's devices and users: Linux 6.17 on.
    closed("EINVAL", masked(0, ~7 >>> 0, time.CLOCK_AUX)),
  ]],
  ["gettimeofday", [answered()]],
  ["time", [answered()]],
  ["clock_nanosleep", [
    retimed(is(0, ...WALL_CLOCKS), bits(1, time.TIMER_ABSTIME)),
  ]],
  // Whose clock it is, the tracer finds.
  ["timer_settime", [retimed(bits(1, time.TIMER_ABSTIME))]],
  ["timerfd_settime", [retimed(bits(1, time.TIMER_ABSTIME))]],
  // Of those that name an owner, none is open (surface.ts).
  ["futex", [
    retimed(
      masked(
        1,
        futex.FUTEX_CMD_MASK | futex.FUTEX_CLOCK_REALTIME,
        futex.FUTEX_WAIT_BITSET | futex.FUTEX_CLOCK_REALTIME,
      ),
      isSet(3),
    ),
  ]],
  ["futex_wait", [retimed(is(5, time.CLOCK_REALTIME), isSet(4))]],
  ["futex_waitv", [retimed(is(4, time.CLOCK_REALTIME), isSet(3))]],
]);

const UIDS: readonly SyscallName[] = ["getuid", "geteuid", "getresuid"];
const GIDS: readonly SyscallName[] = [
  "getgid",
  "getegid",
  "getresgid",
  "getgroups",
];

/**
 * The guards of a call that a policy's facts ask for, before those that always hold.
 *
 * @param name the call
 * @param sys what the policy says of the system
 * @returns none where all that it tells is real: it then costs nothing
 */
export function sysGuards(name: SyscallName, sys: SysRules): readonly Guard[] {
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
    case "getrandom":
      return given(sys.random) === undefined ? [] : [answered()];
    case "sysinfo":
      if (sys.sysinfo !== undefined && given(sys.sysinfo) !== undefined) {
        return [{
          ...refuse("EPERM", "the policy closes it"),
          rule: sys.sysinfo.ref,
        }];
      }
      break;
  }
  if (UIDS.includes(name)) {
    return given(sys.uid) === undefined ? [] : [answered()];
  }
  if (GIDS.includes(name)) {
    return given(sys.gid) === undefined ? [] : [answered()];
  }
  return clockGuards(name, sys);
}

function clockGuards(name: SyscallName, sys: SysRules): readonly Guard[] {
  return timeGuards(
    given(sys.time)?.kind === "deny" ? DENIED : FAKED,
    name,
    sys,
  );
}

/**
 * The guards of a call that come before all others, where every clock is closed.
 *
 * @param name the call
 * @param sys what the policy says of the system
 */
export function stampGuards(
  name: SyscallName,
  sys: SysRules,
): readonly Guard[] {
  return given(sys.time)?.kind === "deny" ? timeGuards(STAMPED, name, sys) : [];
}

/** Guards of a call, with the rule about time. */
function timeGuards(
  guards: ReadonlyMap<SyscallName, readonly Guard[]>,
  name: SyscallName,
  { time }: SysRules,
): readonly Guard[] {
  if (time === undefined || given(time) === undefined) return [];
  return (guards.get(name) ?? []).map((guard) => ({
    ...guard,
    rule: time.ref,
  }));
}

/**
 * Whether the vDSO must go, which tells the time, and random bytes, without a call;
 * and in its notes the kernel's version, and which build that is.
 */
export function hidesVdso(sys: SysRules): boolean {
  const { release, version } = givenUname(sys);
  return given(sys.time) !== undefined || given(sys.random) !== undefined ||
    release !== undefined || version !== undefined;
}
