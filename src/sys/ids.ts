/** Whose this process is; Deno asks for a permission of its own to tell. */

import type { SyscallName } from "../abi/syscalls.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";

/** The user. */
export function ownUser(): number {
  return idOf("getuid");
}

/** The group. */
export function ownGroup(): number {
  return idOf("getgid");
}

function idOf(call: SyscallName): number {
  return libc.syscallIII(callNumber(call), 0, 0, 0) >>> 0;
}
