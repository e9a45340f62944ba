/** For how long calls wait that a stop has interrupted. */

import { assertEquals } from "@std/assert";
import { set } from "../../abi/layout.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import { TIMESPEC } from "../../abi/time.ts";
import { addressOf } from "../../sys/address.ts";
import { millisecondsOf, setMilliseconds, waitTime } from "./wait_time.ts";

/** A second and a half, where an argument points to. */
const TIME = new Uint8Array(TIMESPEC.size);
set(TIMESPEC, TIME, "tv_sec", 1);
set(TIMESPEC, TIME, "tv_nsec", 500_000_000);
const AT = addressOf(TIME);

type Case = readonly [SyscallName, readonly number[], number | undefined];
const CASES: readonly Case[] = [
  ["epoll_wait", [3, 1, 1, -1], Infinity],
  ["epoll_wait", [3, 1, 1, 0], 0],
  ["epoll_wait", [3, 1, 1, 1000], 1000],
  ["epoll_pwait", [3, 1, 1, -1, 0, 8], Infinity],
  ["epoll_pwait2", [3, 1, 1, 0, 0, 8], Infinity],
  ["epoll_pwait2", [3, 1, 1, AT, 0, 8], 1500],
  ["epoll_pwait2", [3, 1, 1, 1, 0, 8], undefined],
  ["rt_sigtimedwait", [AT, 0, 0, 8], Infinity],
  ["rt_sigtimedwait", [AT, 0, AT, 8], 1500],
  ["io_getevents", [1, 1, 1, AT, 0], Infinity],
  ["io_getevents", [1, 1, 1, AT, AT], 1500],
  ["semop", [0, AT, 1], Infinity],
  ["semtimedop", [0, AT, 1, AT], 1500],
  ["nanosleep", [AT, 0], undefined],
  ["read", [0, AT, 1], undefined],
];

for (const [name, args, expected] of CASES) {
  const shown = args.map((value) => value === AT ? "a time" : value).join();
  Deno.test(`waitTime() says of ${name}(${shown}) ${expected}`, () => {
    const found = waitTime(Deno.pid, name, {
      int: (index) => args[index] ?? 0,
      address: (index) => args[index] ?? 0,
    });
    assertEquals(found, expected);
  });
}

const TIMES: readonly (readonly [number, number, number])[] = [
  [0, 1e6, 0],
  [-5, 1e6, 0],
  [1500.25, 1e6, 1500.25],
  [1500.25, 1e3, 1500.25],
  [1e15, 1e6, Infinity],
];

for (const [milliseconds, unit, expected] of TIMES) {
  Deno.test(`a time of ${milliseconds} ms, in units of ${unit}, is ${expected} ms`, () => {
    const time = new Uint8Array(TIMESPEC.size);
    setMilliseconds(time, milliseconds, unit);
    assertEquals(millisecondsOf(time, unit), expected);
  });
}
