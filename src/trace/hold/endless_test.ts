/** Which calls that a stop has interrupted are made again. */

import { assertEquals } from "@std/assert";
import type { SyscallName } from "../../abi/syscalls.ts";
import { waitsForever } from "./endless.ts";

const CASES: readonly (readonly [SyscallName, readonly number[], boolean])[] = [
  ["epoll_wait", [3, 1, 1, -1], true],
  ["epoll_wait", [3, 1, 1, 0], false],
  ["epoll_wait", [3, 1, 1, 1000], false],
  ["epoll_pwait", [3, 1, 1, -1, 0, 8], true],
  ["epoll_pwait2", [3, 1, 1, 0, 0, 8], true],
  ["epoll_pwait2", [3, 1, 1, 4096, 0, 8], false],
  ["rt_sigtimedwait", [4096, 0, 0, 8], true],
  ["rt_sigtimedwait", [4096, 0, 4096, 8], false],
  ["io_getevents", [1, 1, 1, 4096, 0], true],
  ["io_getevents", [1, 1, 1, 4096, 4096], false],
  ["semop", [0, 4096, 1], true],
  ["semtimedop", [0, 4096, 1, 4096], false],
  ["nanosleep", [4096, 0], false],
  ["read", [0, 4096, 1], false],
];

for (const [name, args, expected] of CASES) {
  Deno.test(`waitsForever() says of ${name}(${args}) ${expected}`, () => {
    const found = waitsForever(name, {
      uint: (index) => (args[index] ?? 0) >>> 0,
      address: (index) => args[index] ?? 0,
    });
    assertEquals(found, expected);
  });
}
