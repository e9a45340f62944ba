import { assertEquals } from "@std/assert";
import type { SyscallName } from "../../abi/syscalls.ts";
import { mergeLayers } from "../merge.ts";
import { MARK } from "./answered.ts";
import { actionOf, planCalls } from "./plan.ts";

const AT_FDCWD = 0xffff_ff9c;

/** Where a call goes; its last argument is 0 unless it is given. */
const CALLS: readonly (readonly [
  name: SyscallName,
  args: readonly number[],
  where: "answer" | "stop",
])[] = [
  ["stat", [1, 2], "answer"],
  ["lstat", [1, 2], "answer"],
  ["newfstatat", [AT_FDCWD, 1, 2, 0x100], "answer"],
  ["newfstatat", [3, 1, 2, 0x1000], "answer"],
  ["newfstatat", [3, 1, 2, 0x400], "stop"],
  ["statx", [AT_FDCWD, 1, 0x4900, 0x7ff, 2], "answer"],
  ["statx", [3, 1, 0x1000, 0x7ff, 2], "answer"],
  ["statx", [AT_FDCWD, 1, 0x8000, 0x7ff, 2], "stop"],
  ["statx", [AT_FDCWD, 1, 0, 0x8000_0000, 2], "stop"],
  ["access", [1, 7], "answer"],
  ["access", [1, 8], "stop"],
  ["faccessat", [AT_FDCWD, 1, 4], "answer"],
  ["faccessat2", [AT_FDCWD, 1, 4, 0x200], "answer"],
  ["faccessat2", [3, 1, 4, 0x1000], "stop"],
  ["readlink", [1, 2, 3], "answer"],
  ["readlinkat", [3, 1, 2, 3], "answer"],
  ["lgetxattr", [1, 2, 3, 4], "answer"],
  ["llistxattr", [1, 2, 3], "answer"],
  ["lsetxattr", [1, 2, 3, 4, 0], "stop"],
  ["open", [1, 0o2000000], "answer"],
  ["openat", [3, 1, 0o2600000], "answer"],
  ["openat", [3, 1, 0o1], "stop"],
  ["openat", [3, 1, 0o100], "stop"],
  ["openat", [3, 1, 0o1000], "stop"],
  ["openat", [3, 1, 0o10000000], "stop"],
  ["openat", [3, 1, 0o1000000], "stop"],
  ["openat", [3, 1, 2 ** 40], "stop"],
  ["openat2", [3, 1, 2, 24], "stop"],
  ["statfs", [1, 2], "stop"],
  ["chmod", [1, 0o644], "stop"],
  ["chdir", [1], "stop"],
  ["execve", [1, 2, 3], "stop"],
  ["setuid", [1], "stop"],
  ["setgroups", [0, 0], "stop"],
  ["capset", [1, 2], "stop"],
  ["landlock_restrict_self", [3, 0], "stop"],
  ["prctl", [24, 1], "stop"],
];

function where(
  name: SyscallName,
  values: readonly number[],
  answers: boolean,
): string {
  const plan = planCalls(mergeLayers([]), { observe: false, answers });
  const action = actionOf(plan.get(name)!, {
    uint: (i) => (values[i] ?? 0) % 2 ** 32,
    address: (i) => values[i] ?? 0,
  });
  if (action.kind !== "trace") return action.kind;
  return action.waits === true ? "answer" : "stop";
}

Deno.test("planCalls() refuses with answers what it refuses without", () => {
  const layer = { observe: false };
  const before = planCalls(mergeLayers([]), layer);
  const after = planCalls(mergeLayers([]), { ...layer, answers: true });
  for (const [name, entry] of before) {
    for (let first = 0; first < 64; first++) {
      const args = {
        uint: (i: number) => i === 0 ? first : 0,
        address: (i: number) => i === 0 ? first : 0,
      };
      const action = actionOf(entry, args);
      if (action.kind === "allow" || action.kind === "trace") continue;
      assertEquals(actionOf(after.get(name)!, args), action, name);
    }
  }
});

for (const [name, args, want] of CALLS) {
  Deno.test(
    `planCalls() lets ${name}(${args}) ${
      want === "answer"
        ? "wait for an answer"
        : "stop, where others are answered"
    }`,
    () => {
      assertEquals(where(name, args, true), want);
      const marked = [...args, ...Array(6).fill(0)].slice(0, 5);
      if (want === "answer") {
        assertEquals(where(name, [...marked, MARK.value], true), "stop");
        assertEquals(where(name, args, false), "stop");
      }
    },
  );
}
