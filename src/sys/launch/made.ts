/**
 * Whether the kernel makes the calls by which a program is held.
 *
 * A filter that jail was started under may have a call succeed that is not made
 * (`SECCOMP_RET_ERRNO` with 0), as tools do that play root in a container. What
 * such a call was to hold, nothing would. Asked for what cannot be done, the kernel
 * refuses; who has it succeed would do so for what jail asks as well.
 */

import { errnoName } from "../../abi/errno.ts";
import { F_SETFD } from "../../abi/fcntl.ts";
import { PTRACE_SEIZE } from "../../abi/ptrace.ts";
import { SECCOMP_SET_MODE_FILTER } from "../../abi/seccomp.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import { UnsupportedError } from "../../errors.ts";
import { callNumber } from "../host.ts";
import { libc } from "../libc.ts";
import { kill, tgkill } from "../task/wait.ts";
import { ownThread } from "../thread.ts";
import type { Step } from "./steps.ts";

/** No descriptor, no process, and no value of an option. */
const NONE = -1;
/** A null pointer. */
const NULL = 0;

/** Arguments with which a call does nothing, and fails; the others are 0. */
const ARGS: Partial<Record<SyscallName, readonly [number, number]>> = {
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
  pivot_root: [NULL, NULL],
  prlimit64: [NONE, 0],
  seccomp: [SECCOMP_SET_MODE_FILTER, 0],
  setns: [NONE, 0],
  symlinkat: [NULL, NONE],
  umount2: [NULL, 0],
};

/**
 * The calls of some steps, each once, so that they have to fail.
 *
 * @param steps what the launcher does
 */
export function triedInVain(steps: readonly Step[]): Step[] {
  const tried = new Map<string, Step>();
  for (const { call, args: [first] } of steps) {
    const args = call === "prctl" && typeof first === "number"
      ? [first, NONE]
      : ARGS[call];
    if (args === undefined) continue;
    tried.set(`${call} ${args[0]}`, { call, args, inVain: true });
  }
  return [...tried.values()];
}

/**
 * Sees to it that the calls are made by which jail itself ends a program, and sees
 * what it does.
 *
 * @param traced whether the program is traced
 * @throws {UnsupportedError} where one only seems to be made, or is refused
 */
export function checkOwn(traced: boolean): void {
  const seems = (call: SyscallName, a: number, b: number): boolean =>
    libc.syscallIIBB(callNumber(call), a, b, null, null) >= 0;
  mustSend("kill", (signal) => kill(Deno.pid, signal));
  mustSend("tgkill", (signal) => tgkill(Deno.pid, ownThread(), signal));
  if (seems("pidfd_send_signal", NONE, 0)) throw notMade("pidfd_send_signal");
  if (traced && seems("ptrace", PTRACE_SEIZE, NONE)) throw notMade("ptrace");
}

/** Signals of this process, which looks whether it may send some: kill(2). */
const [NO_SIGNAL, UNKNOWN_SIGNAL] = [0, NONE];

/** Sees to it that a call sends signals, and none where there is no such signal. */
function mustSend(
  call: "kill" | "tgkill",
  send: (signal: number) => number,
): void {
  const sent = send(NO_SIGNAL);
  if (sent < 0) {
    throw new UnsupportedError(
      `Cannot end a program here: ${call} failed with ${errnoName(-sent)}`,
      "whoever started jail has a filter that refuses the call: start it " +
        "without",
    );
  }
  if (send(UNKNOWN_SIGNAL) >= 0) throw notMade(call);
}

/**
 * Says of a call that it only seems to be made.
 *
 * @param call its name
 */
export function notMade(call: string): UnsupportedError {
  return new UnsupportedError(
    `Cannot hold a program here: ${call} succeeds whatever it is asked for, ` +
      "so it is not made",
    "whoever started jail has a filter that plays these calls (a container " +
      "that plays root): start it without",
  );
}
