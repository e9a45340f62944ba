import { assertEquals } from "@std/assert";
import { CLONE_THREAD, CLONE_VM } from "../../abi/sched.ts";
import { type SyscallName, SYSCALLS } from "../../abi/syscalls.ts";
import { X86_64 } from "../../abi/x86_64.ts";
import { OWN_VIEW } from "../../sys/view.ts";
import { Family } from "../family.ts";
import { Registers } from "../tracee/registers.ts";
import { aimOf } from "./process.ts";
import { type CallSpec, Specs } from "./spec.ts";

/** Where the id is in calls that have one at times, as the filter says. */
const AT: Partial<Record<SyscallName, { readonly pid: number }>> = {
  clock_gettime: { pid: 0 },
  clock_nanosleep: { pid: 0 },
  fcntl: { pid: 2 },
};

/** What 100 aims at, in a jail of 100, with the thread 101, and 200. */
function aimAt(name: SyscallName, args: readonly number[]): string {
  const family = new Family(X86_64, OWN_VIEW);
  const tracee = family.addProgram(100);
  family.addChild(tracee, 101, CLONE_VM | CLONE_THREAD, false);
  family.addChild(tracee, 200, 0, false);
  const registers = new Registers(X86_64);
  args.forEach((value, index) => registers.setArgument(index, value));
  const call = new Specs("x86_64").at(SYSCALLS[name].x86_64 as number);
  const spec = { ...call as CallSpec, ...AT[name] };
  return aimOf(
    tracee,
    registers,
    spec,
    family.processes,
    family.isOwn,
  ).kind;
}

for (
  const [name, args, kind, promise] of [
    ["kill", [100, 9], "own", "itself"],
    ["kill", [200, 9], "other", "another process"],
    ["kill", [300, 9], "foreign", "a process outside"],
    ["kill", [-200, 9], "other", "the group of another process"],
    ["tkill", [101, 9], "other", "a thread by its id alone"],
    ["tgkill", [100, 101, 9], "own", "a thread of its process by both ids"],
    ["tgkill", [100, 300, 9], "foreign", "a thread that is none of its own"],
    ["tgkill", [200, 200, 9], "other", "another process by both ids"],
    ["tgkill", [100, 0, 9], "own", "nobody, which the kernel says"],
    ["fcntl", [0, 8, -200], "other", "the group of another process"],
    ["fcntl", [0, 8, -300], "foreign", "a group outside"],
    ["clock_gettime", [~100 << 3 | 2, 0], "own", "its own processor time"],
    ["clock_gettime", [~200 << 3 | 2, 0], "other", "that of another"],
    ["clock_gettime", [~300 << 3 | 2, 0], "foreign", "that of one outside"],
    [
      "clock_nanosleep",
      [~200 << 3 | 2, 0],
      "foreign",
      "no other that it waits for",
    ],
    ["pidfd_open", [-1, 0], "own", "nobody, which the kernel says"],
    ["prlimit64", [0, 7, 0, 0], "own", "itself"],
    ["prlimit64", [200, 7, 0, 0], "other", "another process"],
    ["setpriority", [0, 200, 1], "other", "another process"],
    ["setpriority", [0, 0, 1], "own", "itself"],
    ["setpriority", [1, 200, 1], "other", "the group of another process"],
    ["setpriority", [1, 300, 1], "foreign", "a group outside"],
    ["ioprio_set", [2, 300, 1], "foreign", "a group outside"],
    ["setpriority", [1, -(2 ** 31), 1], "own", "nobody, which the kernel says"],
  ] as const
) {
  Deno.test(`aimOf() says that ${name} reaches ${promise}`, () => {
    assertEquals(aimAt(name, args), kind);
  });
}

Deno.test("aimOf() waits for a call alone that reaches another process by its id", () => {
  assertEquals(aimAt("kill", [200, 9]), "other");
  assertEquals(aimAt("kill", [100, 9]), "own");
});
