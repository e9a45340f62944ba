import { assertEquals } from "@std/assert";
import { SYSCALLS } from "../../abi/syscalls.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import { EMPTY_LAYER, type Policy } from "../policy.ts";
import { allReal, type SysRules } from "../sys.ts";
import type { CallArguments } from "./guard.ts";
import { actionOf, planCalls } from "./plan.ts";

const ref = { source: "p.yaml", keys: ["sys"], text: "rule" };

function policyOf(sys: SysRules): Policy {
  return { ...EMPTY_LAYER, net: "none", sys };
}

function argumentsOf(args: readonly number[]): CallArguments {
  return {
    uint: (i) => (args[i] ?? 0) >>> 0,
    address: (i) => args[i] ?? 0,
  };
}

/** `allow`, an errno, `return 0`, or what the tracer does. */
function ask(
  sys: SysRules,
  name: SyscallName,
  args: readonly number[],
  observe = false,
): string {
  const entry = planCalls(policyOf(sys), { observe }).get(name)!;
  const action = actionOf(entry, argumentsOf(args));
  switch (action.kind) {
    case "errno":
      return action.errno;
    case "return":
      return `return ${action.value}`;
    case "trace":
      return action.look.kind;
    default:
      return action.kind;
  }
}

const FIXED: SysRules = { time: { value: { kind: "fixed", at: 0 }, ref } };
const DENIED: SysRules = { time: { value: { kind: "deny" }, ref } };
const NAMED: SysRules = { uname: { nodename: { value: "box", ref } } };
const ALONE: SysRules = { others: { value: "deny", ref } };
const TIMEOUT = 0x7fff_0000;

const CASES: readonly (readonly [
  string,
  SysRules,
  SyscallName,
  readonly number[],
  string,
])[] = [
  ["the names", NAMED, "uname", [], "answer"],
  ["the names where the time is given", FIXED, "uname", [], "allow"],
  ["the time", FIXED, "time", [0], "answer"],
  ["the time of day", FIXED, "gettimeofday", [TIMEOUT, 0], "answer"],
  ["the wall clock", FIXED, "clock_gettime", [0, TIMEOUT], "answer"],
  ["the coarse wall clock", FIXED, "clock_gettime", [5, TIMEOUT], "answer"],
  ["the alarm clock", FIXED, "clock_gettime", [8, TIMEOUT], "answer"],
  ["the clock without leap seconds", FIXED, "clock_gettime", [11], "answer"],
  ["the monotonic clock", FIXED, "clock_gettime", [1, TIMEOUT], "allow"],
  ["its own processor time", FIXED, "clock_gettime", [-6, TIMEOUT], "allow"],
  ["that of a process", FIXED, "clock_gettime", [~1000 << 3 | 2], "pid"],
  ["a clock of users", FIXED, "clock_gettime", [16], "EINVAL"],
  ["the last clock of users", FIXED, "clock_gettime", [23], "EINVAL"],
  ["the kernel's clock", FIXED, "adjtimex", [TIMEOUT], "EPERM"],
  ["a wait until a time", FIXED, "clock_nanosleep", [0, 1], "retime"],
  ["a wait for a while", FIXED, "clock_nanosleep", [0, 0], "allow"],
  ["a monotonic wait", FIXED, "clock_nanosleep", [1, 1], "allow"],
  ["a timer at a time", FIXED, "timer_settime", [0, 1], "retime"],
  ["a timer after a while", FIXED, "timerfd_settime", [3, 0], "allow"],
  ["a timer's fd at a time", FIXED, "timerfd_settime", [3, 3], "retime"],
  ["a futex until a time", FIXED, "futex", [1, 265, 0, TIMEOUT], "retime"],
  ["a private one", FIXED, "futex", [1, 265 + 128, 0, TIMEOUT], "retime"],
  ["a futex for ever", FIXED, "futex", [1, 265, 0, 0], "allow"],
  ["a monotonic futex", FIXED, "futex", [1, 9, 0, TIMEOUT], "allow"],
  ["a futex for a while", FIXED, "futex", [1, 256, 0, TIMEOUT], "allow"],
  ["a futex with an owner", FIXED, "futex", [1, 6, 0, TIMEOUT], "ENOSYS"],
  ["many futexes", FIXED, "futex_waitv", [1, 1, 0, TIMEOUT, 0], "retime"],
  ["a futex of size", FIXED, "futex_wait", [1, 0, 0, 0, TIMEOUT, 0], "retime"],
  ["every clock", DENIED, "clock_gettime", [1, TIMEOUT], "EPERM"],
  ["that of a process", DENIED, "clock_gettime", [~1000 << 3 | 2], "EPERM"],
  ["ticks", DENIED, "times", [TIMEOUT], "EPERM"],
  ["the uptime", DENIED, "sysinfo", [TIMEOUT], "EPERM"],
  ["a wait until a time", DENIED, "clock_nanosleep", [1, 1], "EPERM"],
  ["a wait for a while", DENIED, "nanosleep", [TIMEOUT], "allow"],
  ["a futex until a time", DENIED, "futex", [1, 9, 0, TIMEOUT], "EINVAL"],
  ["a timer at a time", DENIED, "timerfd_settime", [3, 1], "EPERM"],
  ["a timer after a while", DENIED, "timerfd_settime", [3, 0, 1], "allow"],
  ["a timer that counts", DENIED, "timer_create", [1, 0, 1], "ENOSYS"],
  ["what an alarm was", DENIED, "alarm", [1], "retime"],
  ["a child", DENIED, "wait4", [1, 1, 0, 0], "allow"],
  ["a child's time", DENIED, "wait4", [1, 1, 0, TIMEOUT], "retime"],
  ["what is left", DENIED, "getitimer", [0, TIMEOUT], "EPERM"],
  ["when a message came", DENIED, "setsockopt", [3, 1, 29, TIMEOUT], "EPERM"],
  ["the same", DENIED, "ioctl", [3, 0x8906, TIMEOUT], "EPERM"],
  ["how long ago", DENIED, "getsockopt", [3, 6, 11, TIMEOUT], "EPERM"],
  ["when it began", DENIED, "getsockopt", [3, 6, 28, TIMEOUT], "EPERM"],
  ["when it was sent", DENIED, "setsockopt", [3, 0, 6, TIMEOUT], "EPERM"],
  ["the same", DENIED, "getsockopt", [3, 0, 4, TIMEOUT], "EPERM"],
  ["of neighbours", DENIED, "socket", [16, 3, 0], "EPERM"],
  ["of several", DENIED, "getsockopt", [3, 284, 1, TIMEOUT], "EPERM"],
  ["who sent it", DENIED, "setsockopt", [3, 1, 16, TIMEOUT], "allow"],
  ["an alarm", DENIED, "setitimer", [0, TIMEOUT, 0], "allow"],
  ["a wait for files", DENIED, "ppoll", [1, 1, TIMEOUT], "timeout"],
  ["one for ever", DENIED, "ppoll", [1, 1, 0], "allow"],
  ["an old one", DENIED, "select", [1, 1, 0, 0, TIMEOUT], "timeout"],
  ["messages for a while", DENIED, "recvmmsg", [3, 1, 1, 0, 1], "EINVAL"],
  ["messages", DENIED, "recvmmsg", [3, 1, 1, 0, 0], "allow"],
  ["its processor time", DENIED, "getrusage", [0, TIMEOUT], "EPERM"],
  ["a lock", ALONE, "flock", [3, 2], "ENOLCK"],
  ["a lock of a record", ALONE, "fcntl", [3, 6, TIMEOUT], "ENOLCK"],
  ["a flag of a descriptor", ALONE, "fcntl", [3, 2, 1], "allow"],
  ["a hint about a file", ALONE, "fcntl", [3, 1036, TIMEOUT], "write-fd"],
  ["a shared futex", ALONE, "futex", [1, 1, 1], "ENOSYS"],
  ["a socket's number", ALONE, "getsockopt", [3, 1, 57], "ENOPROTOOPT"],
  ["a socket's type", ALONE, "getsockopt", [3, 1, 3], "allow"],
  ["a message", ALONE, "sendmsg", [3, TIMEOUT, 0], "EACCES"],
  ["bytes", ALONE, "sendto", [3, TIMEOUT, 1, 0, 0, 0], "allow"],
  ["a private futex", ALONE, "futex", [1, 129, 1], "allow"],
  ["a thread", ALONE, "clone", [0x100], "EAGAIN"],
  ["a signal that is queued", ALONE, "tgkill", [9, 9, 34], "EAGAIN"],
  ["any other signal", ALONE, "tgkill", [9, 9, 6], "call"],
  [
    "a read that may not wait",
    ALONE,
    "preadv2",
    [3, 1, 1, 0, 0, 8],
    "EOPNOTSUPP",
  ],
  ["a read", ALONE, "preadv2", [3, 1, 1, 0, 0, 0], "allow"],
  ["its own limit", ALONE, "prlimit64", [0, 7, 1], "allow"],
  ["the user's limit", ALONE, "prlimit64", [0, 6, 1], "EPERM"],
  ["a look at the user's limit", ALONE, "prlimit64", [0, 6, 0], "allow"],
  ["a terminal's modes", ALONE, "ioctl", [0, 0x5402], "EPERM"],
  ["a look at them", ALONE, "ioctl", [0, 0x5401], "allow"],
  ["the group in front", ALONE, "ioctl", [0, 0x5410, TIMEOUT], "EPERM"],
  ["when it was read", ALONE, "fstat", [3, TIMEOUT], "call"],
  ["the same by no path", ALONE, "newfstatat", [3, 0, TIMEOUT, 0x1000], "call"],
  ["the same by statx", ALONE, "statx", [3, 0, 0x1000, 0xfff, TIMEOUT], "call"],
  ["its number", ALONE, "name_to_handle_at", [3, 1, 1, 1, 0x200], "EOPNOTSUPP"],
  ["whose its blocks are", ALONE, "ioctl", [3, 0xc020_660b], "EOPNOTSUPP"],
  ["where it has data", ALONE, "lseek", [3, 0, 3], "EINVAL"],
  ["where it ends", ALONE, "lseek", [3, 0, 2], "allow"],
  ["how much is there", ALONE, "ioctl", [3, 0x5460], "ENOTTY"],
  ["the time", ALONE, "clock_gettime", [0, TIMEOUT], "allow"],
  ...(["sched_getaffinity", "sched_setaffinity"] as const).map((name) =>
    [
      "processors",
      { cpus: { value: 2, ref } },
      name,
      [0],
      name === "sched_getaffinity" ? "answer" : "return 0",
    ] as const
  ),
  ["the user", { uid: { value: 0, ref } }, "getresuid", [], "answer"],
  ["the user", { gid: { value: 0, ref } }, "getuid", [], "allow"],
  ["groups", { gid: { value: 0, ref } }, "getgroups", [0, 0], "answer"],
  ["load", { sysinfo: { value: "deny", ref } }, "sysinfo", [], "EPERM"],
  ["chance", { random: { value: 1, ref } }, "getrandom", [], "answer"],
];

for (const [what, sys, name, args, expected] of CASES) {
  const facts = Object.keys(sys).join();
  Deno.test(`planCalls() with ${facts} given: ${what}, ${name}(${args}) is ${expected}`, () => {
    assertEquals(ask(sys, name, args), expected);
  });
}

Deno.test("planCalls() stops no call for facts that are real", () => {
  const plain = planCalls(policyOf({}), { observe: false });
  const real = planCalls(policyOf(allReal(ref)), { observe: false });
  for (const name of Object.keys(SYSCALLS) as SyscallName[]) {
    assertEquals(real.get(name), plain.get(name), name);
  }
  for (const name of ["clock_gettime", "gettimeofday", "uname"] as const) {
    assertEquals(ask(allReal(ref), name, [0, TIMEOUT]), "allow");
  }
});

Deno.test("planCalls() lets a report see that a clock is closed, and where", () => {
  assertEquals(ask(DENIED, "clock_gettime", [0], true), "refuse");
  const plan = planCalls(policyOf(DENIED), { observe: true });
  assertEquals(plan.get("clock_gettime")?.guards.at(0)?.action, {
    kind: "trace",
    look: {
      kind: "refuse",
      refusal: { kind: "errno", errno: "EPERM" },
      rule: ref,
    },
  });
});
