/** What shows a program where its tasks may run. */

import type { SyscallName } from "../../abi/syscalls.ts";
import type { CallPlan } from "../../policy/plan/plan.ts";

/** The calls that tell or set where a task may run. */
export const SHOWS_CPUS: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "sched_getaffinity",
  "sched_setaffinity",
]);

const OPENS: readonly SyscallName[] = ["open", "openat", "openat2"];

/**
 * Whether a plan lets the tracer see each call that tells where a task may run.
 * The `status` of a process in /proc tells it to whoever opens that.
 */
export function isHidden(plan: CallPlan): boolean {
  return [...SHOWS_CPUS, ...OPENS].every((name) => {
    const entry = plan.get(name);
    return entry !== undefined &&
      [entry, ...entry.guards].every(({ action }) => action.kind !== "allow");
  });
}

/** Whether a file tells where a task may run. */
export function tellsCpus(path: string | undefined): boolean {
  return path !== undefined && path.endsWith("/status") &&
    path.startsWith("/proc/");
}
