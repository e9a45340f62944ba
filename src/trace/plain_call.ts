/** What happens at a call whose name and constants are all there is to see. */

import { PR_SET_SECCOMP } from "../abi/prctl.ts";
import type { Flights } from "./hold/flights.ts";
import { hidesReading } from "./hold/last_read.ts";
import type { LimitedCalls } from "./limited_calls.ts";
import { nothing } from "./look/looked.ts";
import type { CallSpec } from "./look/spec.ts";
import { addFilter } from "./own_filter.ts";
import type { Tools } from "./tools.ts";
import type { Tracee } from "./tracee/tracee.ts";

/** Handles one; false where it has to wait. */
export function enterPlain(
  tracee: Tracee,
  spec: CallSpec,
  tools: Tools,
  flights: Flights,
  limited: LimitedCalls,
): boolean {
  const { answers, family, options, resumer } = tools;
  const { name } = spec.syscall;
  const filters = name === "seccomp" ||
    name === "prctl" && answers.registers.int(0) === PR_SET_SECCOMP;
  if (filters && family.started) {
    return addFilter(tracee, spec, tools, flights, limited);
  }
  if (!answers.allowed(tracee, spec, nothing())) return true;
  if (name === "io_setup") family.expose();
  if (hidesReading(options, spec.syscall)) {
    if (answers.save(tracee)) flights.begin(tracee, spec, -1, nothing());
  } else resumer.go(tracee);
  return true;
}
