import { assertEquals } from "@std/assert";
import { type SyscallName, SYSCALLS } from "../../abi/syscalls.ts";
import { specOf, type Treatment } from "./spec.ts";

const TREATMENTS: readonly (readonly [SyscallName, Treatment])[] = [
  ["open", "open"],
  ["creat", "open"],
  ["openat2", "open"],
  ["execve", "exec"],
  ["execveat", "exec"],
  ["stat", "paths"],
  ["renameat2", "paths"],
  ["fchmod", "descriptor"],
  ["fgetxattr", "descriptor"],
  ["kill", "process"],
  ["prlimit64", "process"],
  ["bind", "address"],
  ["sendto", "address"],
  ["sendmsg", "message"],
  ["sendmmsg", "message"],
  ["socket", "socket"],
  ["listen", "listen"],
  ["accept4", "plain"],
];

for (const [name, treatment] of TREATMENTS) {
  Deno.test(`specOf() treats ${name} as ${treatment}`, () => {
    assertEquals(specOf(SYSCALLS[name]).treatment, treatment);
  });
}

Deno.test("specOf() binds each path of a rename to its own directory", () => {
  const { paths } = specOf(SYSCALLS.renameat2);
  assertEquals(paths.map(({ arg, dirfd }) => [arg, dirfd]), [[1, 0], [3, 2]]);
});

Deno.test("specOf() gives the flags of linkat to what is linked alone", () => {
  const { paths } = specOf(SYSCALLS.linkat);
  assertEquals(paths.map(({ flags }) => flags), [4, -1]);
});

Deno.test("specOf() knows which calls can move a link", () => {
  const movers = Object.values(SYSCALLS).filter((call) =>
    specOf(call).movesLinks
  ).map(({ name }) => name);
  assertEquals(movers, [
    "link",
    "linkat",
    "rename",
    "renameat",
    "renameat2",
    "symlink",
    "symlinkat",
  ]);
});

Deno.test("specOf() looks at every path of every call that has one", () => {
  for (const call of Object.values(SYSCALLS)) {
    const named = call.args.filter((kind) =>
      /-path$|-link$|^rename-(from|to)$|^link-(from|to)$/.test(kind)
    );
    assertEquals(specOf(call).paths.length, named.length, call.name);
  }
});
