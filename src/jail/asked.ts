/** What the doctor says of what a policy may ask for: rules of net, facts, limits. */

import type { Finding, Tried } from "./findings.ts";

/**
 * What is not known where no engine runs, whatever this machine has: what to change
 * is said of the engine.
 *
 * @param finding what was found of a try
 * @param noEngine whether there was no engine to try it with
 */
export function untried(finding: Finding, noEngine: boolean): Finding {
  if (!noEngine) return finding;
  const { name, state, follows } = finding;
  return { name, state, found: "no engine to try it with", follows };
}

/** Whether rules of `net` about addresses hold, which rest on pidfd_getfd(2). */
export function addresses(problem: Tried): Finding {
  const name = "net";
  return problem === undefined
    ? {
      ...{ name, state: "good" },
      found: "sockets can be borrowed",
      follows: "rules about addresses hold",
    }
    : {
      ...{ name, state: "bad", found: problem },
      follows: "policies with addresses do not run; net: true and false do",
      change: "use Linux 5.6 or newer, and allow pidfd_open and pidfd_getfd " +
        "here (docker: --cap-add=SYS_PTRACE)",
    };
}

/** Whether facts that a policy gives can be given: without a vDSO and `rdtsc`. */
export function facts(problem: Tried): Finding {
  const name = "sys";
  return problem === undefined
    ? {
      ...{ name, state: "good" },
      found: "a jailed shell saw given ones",
      follows: "a policy can give name and time",
    }
    : {
      ...{ name, state: "bad", found: problem },
      follows: "policies with sys: {time, uname, …} are not to be relied on",
      change: "report it, with the kernel and the container",
    };
}

/** Whether what a jail uses can be counted. */
export function limits(problem: Tried): Finding {
  const name = "limits";
  return problem === undefined
    ? {
      ...{ name, state: "good" },
      found: "a jailed shell was ended",
      follows: "what a jail uses is counted",
    }
    : {
      ...{ name, state: "bad", found: problem },
      follows: "policies with limits are not to be relied on",
      change: "use a kernel with CONFIG_TASK_IO_ACCOUNTING, and a /proc that " +
        "shows its own processes",
    };
}
