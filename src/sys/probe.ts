/** What this kernel can do, found out by asking it. */

import {
  SECCOMP_GET_ACTION_AVAIL,
  SECCOMP_RET_ACTION_FULL,
  SECCOMP_RET_TRACE,
} from "../abi/seccomp.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";

/**
 * Whether a seccomp filter may hand calls to a tracer: Linux 4.14 and later. Who has
 * the call succeed where it is not made has any action there, a mask as well.
 */
export function hasSeccompTrace(): boolean {
  return isAvailable(SECCOMP_RET_TRACE) &&
    !isAvailable(SECCOMP_RET_ACTION_FULL);
}

function isAvailable(action: number): boolean {
  return libc.syscallIIBB(
    callNumber("seccomp"),
    SECCOMP_GET_ACTION_AVAIL,
    0,
    new Uint32Array([action]),
    null,
  ) === 0;
}
