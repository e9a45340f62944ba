/** What this kernel can do, found out by asking it. */

import { SECCOMP_GET_ACTION_AVAIL, SECCOMP_RET_TRACE } from "../abi/seccomp.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";

/** Whether a seccomp filter may hand calls to a tracer: Linux 4.14 and later. */
export function hasSeccompTrace(): boolean {
  const action = new Uint32Array([SECCOMP_RET_TRACE]);
  return libc.syscallIIBB(
    callNumber("seccomp"),
    SECCOMP_GET_ACTION_AVAIL,
    0,
    action,
    null,
  ) === 0;
}
