/** What limits make of calls, as far as registers tell. */

import type { ErrnoName } from "../../abi/errno.ts";
import { FICLONE, FICLONERANGE } from "../../abi/ioctls.ts";
import * as mman from "../../abi/mman.ts";
import { PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS } from "../../abi/prctl.ts";
import { SO_ZEROCOPY, SOL_SOCKET } from "../../abi/socket.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import type { Limit, Limits } from "../limits.ts";
import {
  type ArgIndex,
  type ArgTest,
  type FilterAction,
  type Guard,
  is,
  refuse,
} from "./guard.ts";

/**
 * What refuses a call that would write what the kernel counts for nobody.
 *
 * @param name the call
 * @param limits the limits of the policy
 */
export function uncountedGuards(
  name: SyscallName,
  limits: Limits,
): readonly Guard[] {
  return said(limits.written ?? limits.output, UNCOUNTED.get(name));
}

/**
 * What refuses memory that is no process's: the kernel counts it for nobody.
 *
 * @param name the call
 * @param limits the limits of the policy
 */
export function memoryGuards(
  name: SyscallName,
  limits: Limits,
): readonly Guard[] {
  return said(limits.memory, LENT.get(name));
}

/**
 * What looks at memory that is mapped to be shared, where memory is limited.
 *
 * @param name the call
 * @param limits the limits of the policy
 * @returns guards to come before, and after, what sees where a mapping is placed
 */
export function sharedGuards(
  name: SyscallName,
  limits: Limits,
): readonly [readonly Guard[], readonly Guard[]] {
  return name === "mmap" && limits.memory !== undefined
    ? [SHARED_ANYWHERE, SHARED_THERE]
    : [[], []];
}

/** What counts the output of a call, where output is limited. */
export function outputAction(
  name: SyscallName,
  limits: Limits,
): FilterAction | undefined {
  return limits.output === undefined ? undefined : OUTPUT.get(name);
}

/** What asks whether there is room for a process, where they are limited. */
export function roomAction(
  name: SyscallName,
  limits: Limits,
): FilterAction | undefined {
  return limits.processes !== undefined && MAKES.has(name) ? ROOM : undefined;
}

const ROOM: FilterAction = { kind: "trace", look: { kind: "room" } };

/** Guards that a limit brings, if there is one. */
function said(
  limit: Limit | undefined,
  guards: readonly Guard[] = [],
): readonly Guard[] {
  return limit === undefined
    ? []
    : guards.map((guard) => ({ ...guard, rule: limit.ref }));
}

function uncounted(errno: ErrnoName, ...tests: ArgTest[]): readonly Guard[] {
  const why = "the kernel does not count what it writes";
  return [refuse(errno, why, ...tests)];
}

/**
 * Calls that write what the kernel counts for nobody. Where they do not work, as
 * on some file systems, programs write as usual.
 */
const UNCOUNTED: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  ["fallocate", uncounted("EOPNOTSUPP")],
  ["io_setup", uncounted("ENOSYS")],
  ["ioctl", uncounted("EOPNOTSUPP", is(1, FICLONE, FICLONERANGE))],
  ["splice", uncounted("EINVAL")],
  ["tee", uncounted("EINVAL")],
  ["vmsplice", uncounted("EINVAL")],
]);

const NOBODYS = "memory is limited, and this would be no process's";

/**
 * Calls that put memory where it is no process's. Programs that can do without them
 * do. Of a huge page, whoever lends a byte keeps all of it where that is.
 */
const LENT: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  // Megabytes of rules for each descriptor. Where it is off the kernel says so.
  ["landlock_create_ruleset", [
    { ...refuse("EOPNOTSUPP", NOBODYS), lifted: true },
  ]],
  // A kernel without it, before 3.17, said so.
  ["memfd_create", [{ ...refuse("ENOSYS", NOBODYS), lifted: true }]],
  // A gigabyte of the kernel's own for each process, before 6.16 of none.
  ["prctl", [
    refuse(
      "EINVAL",
      NOBODYS,
      is(0, PR_FUTEX_HASH),
      is(1, PR_FUTEX_HASH_SET_SLOTS),
    ),
  ]],
  ["setsockopt", [
    refuse("EOPNOTSUPP", NOBODYS, is(1, SOL_SOCKET), is(2, SO_ZEROCOPY)),
  ]],
  ["vmsplice", [{ ...refuse("EINVAL", NOBODYS), lifted: true }]],
]);

const MAPS = mman.MAP_TYPE | mman.MAP_FIXED | mman.MAP_FIXED_NOREPLACE |
  mman.MAP_GROWSDOWN;
const SHARES = [mman.MAP_SHARED, mman.MAP_SHARED_VALIDATE];

function shares(mask: number): readonly Guard[] {
  return [{
    tests: [{ kind: "masked-in", arg: 3, mask, values: SHARES }],
    action: { kind: "trace", look: { kind: "shared" } },
    why: "memory is limited, and what is shared may be no process's",
  }];
}

/** Before and after it is seen where a mapping is placed. */
const SHARED_ANYWHERE = shares(MAPS);
const SHARED_THERE = shares(mman.MAP_TYPE);

function output(fd: ArgIndex, size: ArgIndex | -1 | "refuse"): FilterAction {
  return { kind: "trace", look: { kind: "output", fd, size } };
}

/** Calls that write to a descriptor. */
const OUTPUT: ReadonlyMap<SyscallName, FilterAction> = new Map<
  SyscallName,
  FilterAction
>([
  ["copy_file_range", output(2, 4)],
  ["pwrite64", output(0, 2)],
  ["pwritev", output(0, -1)],
  ["pwritev2", output(0, -1)],
  ["sendfile", output(0, 3)],
  ["sendmmsg", output(0, "refuse")],
  ["sendmsg", output(0, "refuse")],
  ["sendto", output(0, 2)],
  ["write", output(0, 2)],
  ["writev", output(0, -1)],
]);

/** Calls that make processes and threads. clone3 is refused. */
const MAKES: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "clone",
  "fork",
  "vfork",
]);
