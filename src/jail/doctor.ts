/** What this machine can enforce, found out by trying it. */

import { mergeLayers } from "../policy/merge.ts";
import type { Policy } from "../policy/policy.ts";
import { landlockAbi } from "../sys/landlock.ts";
import { hasSeccompTrace } from "../sys/probe.ts";
import type { Engine } from "../trace/options.ts";
import { runJob } from "./job.ts";
import { loadLayers } from "./load.ts";
import { DEFAULT_PATH, type Program } from "./program.ts";
import {
  cgroup,
  container,
  engine,
  type Finding,
  kernel,
  landlock,
  namespaces,
  pinning,
  privileges,
  statusOfSelf,
  traced,
  tracer,
  type Tried,
  vdso,
  yama,
} from "./findings.ts";

/** What the doctor says. */
export interface Diagnosis {
  /** Whether programs can be jailed here: the default engine runs, and pins. */
  readonly healthy: boolean;
  /** Everything that was looked at. */
  readonly findings: readonly Finding[];
}

/** Examines the machine. It starts a few small programs, in jails and without. */
export async function examine(): Promise<Diagnosis> {
  const policy = mergeLayers(
    await loadLayers("minimal", {
      ...{ cwd: "/", home: "/", tmp: "/tmp", program: "/bin/sh" },
    }, "/"),
  );
  const open: Policy = mergeLayers(
    await loadLayers("allow-all", { cwd: "/", program: "/bin/sh" }, "/"),
  );
  const abi = landlockAbi();
  const seccomp = hasSeccompTrace();
  const ran = (engine: Engine): Tried => tryJob(policy, engine, "exit 7", 7);
  const engines = {
    seccomp: seccomp ? ran("seccomp") : "this kernel has no SECCOMP_RET_TRACE",
    ptrace: ran("ptrace"),
  };
  const best: Engine = seccomp ? "seccomp" : "ptrace";
  // Two processes at once: paths are pinned only then.
  const pins = tryJob(
    open,
    best,
    'sleep 0.1 & cat /proc/self/status >/dev/null && test -e / && wait "$!"',
    0,
  );
  const status = statusOfSelf();
  const findings: Finding[] = [
    kernel(),
    ...[
      engine(
        "engine seccomp",
        engines.seccomp,
        "the fastest way to catch calls",
      ),
      engine("engine ptrace", engines.ptrace, "works without a filter, slower"),
    ].map((finding) => traced(finding, status)),
    pinning(pins, engines[best] !== undefined),
    landlock(abi),
    yama(engines[best]),
    privileges(status),
    container(status),
    tracer(status),
    namespaces(),
    cgroup(),
    vdso(),
  ];
  return {
    healthy: engines[best] === undefined && pins === undefined,
    findings,
  };
}

/** Runs a shell in a jail; what went wrong, if anything. */
function tryJob(
  policy: Policy,
  engine: Engine,
  script: string,
  code: number,
): Tried {
  const program: Program = {
    ...{ name: "/bin/sh", args: ["-c", script] },
    ...{ env: [`PATH=${DEFAULT_PATH}`], cwd: "/" },
    ...{ stdio: [0, 1, 2], keepFds: [] },
  };
  try {
    const outcome = runJob({
      ...{ program, policy, engine },
      ...{ onDeny: "errno", waitAll: false },
    }, {});
    switch (outcome.kind) {
      case "exited":
        return outcome.code === code
          ? undefined
          : `a shell ended with ${outcome.code} instead of ${code}`;
      case "signaled":
        return `a shell ended by signal ${outcome.signal}`;
      case "killed-by-policy":
        return "a shell was killed by the policy";
      case "limited":
        return "a shell was ended by a limit";
      case "failed":
        return outcome.reason;
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
