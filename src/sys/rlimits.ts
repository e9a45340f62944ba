/** Limits that the kernel holds of each process: setrlimit(2). */

import { getBig, set } from "../abi/layout.ts";
import { RLIMIT64 } from "../abi/resource.ts";
import { callNumber } from "./host.ts";
import type { Step } from "./launch/steps.ts";
import { libc } from "./libc.ts";

/**
 * The call by which a new process limits itself. Nobody in the jail has the
 * capability to raise a hard limit, so what it starts is limited as well.
 *
 * @param resource a `RLIMIT_*`
 * @param most the limit, soft and hard; a hard limit that is lower stays
 * @returns a step for the launcher
 */
export function limitStep(resource: number, most: number): Step {
  const own = new Uint8Array(RLIMIT64.size);
  const result = libc.syscallIIBB(
    callNumber("prlimit64"),
    0,
    resource,
    null,
    own,
  );
  const hard = result < 0 ? -1n : getBig(RLIMIT64, own, "rlim_max");
  const wanted = BigInt(Math.ceil(most));
  // RLIM64_INFINITY is the largest number there is.
  const value = BigInt.asUintN(64, hard) < wanted ? hard : wanted;
  const limit = new Uint8Array(RLIMIT64.size);
  set(RLIMIT64, limit, "rlim_cur", value);
  set(RLIMIT64, limit, "rlim_max", value);
  return { call: "prlimit64", args: [0, resource, limit, 0] };
}
