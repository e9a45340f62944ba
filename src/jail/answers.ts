/** Whether jail may answer calls in the kernel's place. */

import { LaunchError } from "../errors.ts";
import type { Policy } from "../policy/policy.ts";
import { isReal } from "../policy/sys.ts";
import { keepsFileRights } from "../sys/launch/confine.ts";
import { canBorrow } from "../sys/task/borrow.ts";
import { hasListener, ListenerError } from "../sys/task/listener.ts";
import { canWriteMemory } from "../sys/task/memory.ts";
import type { View } from "../sys/view.ts";

/**
 * Whether looks at files, and opens for reading, may be answered: what jail does
 * in a program's place must be what the program would have done, with files that
 * are the machine's own, and Landlock must not be promised to hold it.
 *
 * @param policy the policy
 * @param view where the program's paths begin
 */
export function mayAnswer({ require, sys }: Policy, view: View): boolean {
  return view.isOwn && require.length === 0 && isReal(sys) && canAnswer();
}

/** Whether this machine lets jail answer calls at all. */
export function canAnswer(): boolean {
  return keepsFileRights() && hasListener() && canBorrow() && canWriteMemory();
}

/**
 * Whether a program could not be started because its filter can have no listener:
 * one that it is under has one already, or no descriptor is left, here or there.
 */
export function cannotListen(error: unknown): boolean {
  return error instanceof LaunchError && error.call === "seccomp" &&
      (error.errno === "EBUSY" || error.errno === "EMFILE") ||
    error instanceof ListenerError;
}
