/**
 * Whether the kernel makes the calls by which a program is held.
 *
 * A filter that jail was started under may have a call succeed that is not made
 * (`SECCOMP_RET_ERRNO` with 0), as tools do that play root in a container. What
 * such a call was to hold, nothing would. Asked for what cannot be done, the kernel
 * refuses; who has it succeed would do so for what jail asks as well.
 */

import { F_SETFD } from "../../abi/fcntl.ts";
import { PTRACE_SEIZE } from "../../abi/ptrace.ts";
import { SECCOMP_SET_MODE_FILTER } from "../../abi/seccomp.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import { UnsupportedError } from "../../errors.ts";
import { callNumber } from "../host.ts";
import { libc } from "../libc.ts";
import type { Step } from "./steps.ts";

/** No descriptor, no process, and no value of an option. */
const NONE = -1;
/** A null pointer. */
const NULL = 0;

/** Two arguments with which a call does nothing, and fails; the others are 0. */
const IN_VAIN: Partial<Record<SyscallName, readonly [number, number]>> = {
  capset: [NULL, NULL],
  chdir: [NULL, 0],
  chroot: [NULL, 0],
  // From one that is behind the last.
  close_range: [1, 0],
  dup3: [NONE, NONE],
  fchdir: [NONE, 0],
  fcntl: [NONE, F_SETFD],
  landlock_restrict_self: [NONE, 0],
  mkdirat: [NONE, NULL],
  mknodat: [NONE, NULL],
  mount: [NULL, NULL],
  mount_setattr: [NONE, NULL],
  move_mount: [NONE, NULL],
  open_tree: [NONE, NULL],
  pidfd_send_signal: [NONE, 0],
  pivot_root: [NULL, NULL],
  prlimit64: [NONE, 0],
  ptrace: [PTRACE_SEIZE, NONE],
  seccomp: [SECCOMP_SET_MODE_FILTER, 0],
  setns: [NONE, 0],
  symlinkat: [NULL, NONE],
  umount2: [NULL, 0],
};

/** By these jail ends a program, and sees what it does. */
const ENDS: Step = { call: "pidfd_send_signal", args: [] };
const SEES: Step = { call: "ptrace", args: [] };

/**
 * The first of some calls that only seems to be made.
 *
 * @param steps what the launcher does
 */
export function notMade(steps: readonly Step[]): SyscallName | undefined {
  const looked = new Set<string>();
  for (const { call, args: [first] } of steps) {
    const [a, b] = call === "prctl" && typeof first === "number"
      ? [first, NONE]
      : IN_VAIN[call] ?? [];
    if (a === undefined || b === undefined) continue;
    const key = `${call} ${a}`;
    if (looked.has(key)) continue;
    looked.add(key);
    if (libc.syscallIIBB(callNumber(call), a, b, null, null) >= 0) return call;
  }
  return undefined;
}

/**
 * Sees to it that the calls are made which hold a program.
 *
 * @param steps what the launcher does
 * @param traced whether the program is traced as well
 * @throws {UnsupportedError} where one only seems to be made
 */
export function checkMade(steps: readonly Step[], traced: boolean): void {
  const call = notMade([ENDS, ...(traced ? [SEES] : []), ...steps]);
  if (call === undefined) return;
  throw new UnsupportedError(
    `Cannot hold a program here: ${call} succeeds whatever it is asked for, ` +
      "so it is not made",
    "whoever started jail has a filter that plays these calls (a container " +
      "that plays root): start it without",
  );
}
