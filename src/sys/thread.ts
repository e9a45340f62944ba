/** The threads of this process. */

import { ESRCH } from "../abi/errno.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";
import { tgkill } from "./task/wait.ts";

/** The id of the calling thread. */
export function ownThread(): number {
  return libc.syscallIII(callNumber("gettid"), 0, 0, 0);
}

/** Whether a thread of this process is there still. */
export function isThread(tid: number): boolean {
  return tgkill(Deno.pid, tid, 0) !== -ESRCH;
}
