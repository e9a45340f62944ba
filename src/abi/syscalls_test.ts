/** Tests of syscalls.ts. */

import { assert, assertEquals } from "@std/assert";
import type { ArchName } from "./arch.ts";
import { isPathKind } from "./paths.ts";
import {
  ARG_BITS,
  type ArgKind,
  GROUPS,
  isGroup,
  isSyscallName,
  type Syscall,
  syscallByNumber,
  type SyscallName,
  SYSCALLS,
  syscallsOf,
} from "./syscalls.ts";

const CALLS: readonly Syscall[] = Object.values(SYSCALLS);
const ARCHS: readonly ArchName[] = ["x86_64", "aarch64"];

function names(test: (call: Syscall) => boolean): string[] {
  return CALLS.filter(test).map((call) => call.name);
}

const KNOWN: readonly [SyscallName, number | undefined, number | undefined][] =
  [
    ["read", 0, 63],
    ["write", 1, 64],
    ["open", 2, undefined],
    ["openat", 257, 56],
    ["newfstatat", 262, 79],
    ["clone", 56, 220],
    ["execve", 59, 221],
    ["exit_group", 231, 94],
    ["mmap", 9, 222],
    ["fcntl", 72, 25],
    ["renameat", 264, 38],
    ["renameat2", 316, 276],
    ["memfd_secret", 447, 447],
    ["openat2", 437, 437],
    ["fchmodat2", 452, 452],
    ["mseal", 462, 462],
    ["setxattrat", 463, 463],
    ["file_setattr", 469, 469],
    ["arch_prctl", 158, undefined],
  ];
for (const [name, x86_64, aarch64] of KNOWN) {
  Deno.test(`SYSCALLS has the numbers of ${name}`, () => {
    assertEquals(SYSCALLS[name].x86_64, x86_64);
    assertEquals(SYSCALLS[name].aarch64, aarch64);
  });
}

Deno.test("SYSCALLS is sorted by name", () => {
  const sorted = CALLS.map((call) => call.name).sort();
  assertEquals(CALLS.map((call) => call.name), sorted);
});

Deno.test("SYSCALLS has each call on one architecture at least", () => {
  const none = names((c) => c.x86_64 === undefined && c.aarch64 === undefined);
  assertEquals(none, []);
});

for (const arch of ARCHS) {
  Deno.test(`syscallByNumber() finds every call of ${arch} again`, () => {
    const seen = new Map<number, string>();
    for (const call of CALLS) {
      const number = call[arch];
      if (number === undefined) continue;
      assert(Number.isInteger(number) && number >= 0, call.name);
      assertEquals(seen.get(number), undefined, call.name);
      seen.set(number, call.name);
      assertEquals(syscallByNumber(arch, number), call);
    }
    for (let number = -2; number < 1024; number++) {
      const name = syscallByNumber(arch, number)?.name;
      assertEquals(name, seen.get(number) as SyscallName | undefined);
    }
  });
}

Deno.test("syscallByNumber() knows no x32 number and no odd one", () => {
  for (const number of [-1, 0x4000_0000, 0x4000_0101, 2 ** 32, 0.5, NaN]) {
    assertEquals(syscallByNumber("x86_64", number), undefined);
  }
});

Deno.test("SYSCALLS uses known classes and at most six known arguments", () => {
  const kinds = ["unrestricted", "checked", "virtual", "forbidden"];
  for (const call of CALLS) {
    assert(kinds.includes(call.kind), call.name);
    assert(call.args.length <= 6, call.name);
    for (const arg of call.args) assert(arg in ARG_BITS, call.name);
  }
});

Deno.test("SYSCALLS uses every kind of argument", () => {
  const used = new Set(CALLS.flatMap((call) => call.args));
  assertEquals(
    Object.keys(ARG_BITS).filter((kind) => !used.has(kind as ArgKind)),
    [],
  );
});

Deno.test("SYSCALLS checks or forbids every call that names a file", () => {
  const loose = names((call) =>
    call.kind !== "checked" && call.kind !== "forbidden" &&
    call.args.some((arg) => isPathKind(arg))
  );
  assertEquals(loose, []);
});

Deno.test("SYSCALLS checks or forbids what may aim at others", () => {
  const loose = names((call) =>
    call.kind !== "checked" && call.kind !== "forbidden" &&
    call.args.some((arg) =>
      arg === "pid" || arg === "tid" || arg === "pgid" || arg === "pidfd" ||
      arg === "who" || arg === "sockaddr" || arg === "msghdr" ||
      arg === "mmsghdr" || arg === "write-fd" || arg === "read-fd"
    )
  );
  // The kernel lets a process wait for its own children only, and move only
  // them and itself to another group.
  assertEquals(loose, ["setpgid", "wait4", "waitid"]);
});

Deno.test("SYSCALLS puts a path right after each dirfd", () => {
  for (const call of CALLS) {
    call.args.forEach((arg, i) => {
      if (arg !== "dirfd") return;
      const next = call.args[i + 1];
      assert(next !== undefined && isPathKind(next), call.name);
    });
  }
});

Deno.test("SYSCALLS puts flags that change a path after one", () => {
  for (const call of CALLS) {
    call.args.forEach((arg, i) => {
      if (arg !== "at-flags" && arg !== "at-flags-follow") return;
      assert(call.args.slice(0, i).some((kind) => isPathKind(kind)), call.name);
    });
  }
});

Deno.test("SYSCALLS knows every call that takes AT_* flags", () => {
  assertEquals(names((call) => call.args.includes("at-flags")), [
    "execveat",
    "faccessat2",
    "fchmodat2",
    "fchownat",
    "file_getattr",
    "file_setattr",
    "getxattrat",
    "listxattrat",
    "mount_setattr",
    "newfstatat",
    "open_tree",
    "open_tree_attr",
    "removexattrat",
    "setxattrat",
    "statx",
    "unlinkat",
    "utimensat",
  ]);
  assertEquals(names((call) => call.args.includes("at-flags-follow")), [
    "linkat",
    "name_to_handle_at",
  ]);
});

Deno.test("SYSCALLS forbids the ways around a filter", () => {
  const calls: SyscallName[] = [
    "bpf",
    "chroot",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "keyctl",
    "mount",
    "move_mount",
    "open_by_handle_at",
    "open_tree",
    "open_tree_attr",
    "perf_event_open",
    "pidfd_getfd",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "setns",
    "umount2",
    "userfaultfd",
  ];
  for (const name of calls) assertEquals(SYSCALLS[name].kind, "forbidden");
});

Deno.test("SYSCALLS calls an address what the lowest page is guarded by", () => {
  // Whoever adds a call here thinks of its guard, and adds that first.
  assertEquals(names((call) => call.args.includes("address")), [
    "brk",
    "get_mempolicy",
    "madvise",
    "map_shadow_stack",
    "mbind",
    "mincore",
    "mlock",
    "mlock2",
    "mmap",
    "mprotect",
    "mremap",
    "mseal",
    "msync",
    "munlock",
    "munmap",
    "pkey_mprotect",
    "remap_file_pages",
    "set_mempolicy_home_node",
    "shmat",
    "shmdt",
  ]);
});

Deno.test("GROUPS are sorted, and syscallsOf() splits the table by them", () => {
  assertEquals([...GROUPS].sort(), [...GROUPS]);
  assertEquals(
    GROUPS.flatMap((group) => syscallsOf(group)).sort(),
    CALLS.map((call) => call.name),
  );
  assertEquals(syscallsOf("keyring"), ["add_key", "keyctl", "request_key"]);
});

Deno.test("isSyscallName() and isGroup() know the table's words only", () => {
  assert(isSyscallName("openat"));
  assert(isGroup("net"));
  for (const text of ["", "opnat", "toString", "__proto__", "@net", "OPEN"]) {
    assertEquals(isSyscallName(text), false, text);
    assertEquals(isGroup(text), false, text);
  }
});
