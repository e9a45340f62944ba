/** What this machine can enforce, found out by trying it. */

import type { LimitName } from "../outcome.ts";
import { parsePolicy } from "../policy/file/parse.ts";
import { mergeLayers } from "../policy/merge.ts";
import type { Policy } from "../policy/policy.ts";
import { close } from "../sys/files.ts";
import { hasLauncher } from "../sys/host.ts";
import { landlockAbi } from "../sys/landlock.ts";
import { hasSeccompTrace } from "../sys/probe.ts";
import { watchProcess } from "../sys/task/pidfd.ts";
import type { Engine, EngineChoice, Watcher } from "../trace/options.ts";
import { canAnswer } from "./answers.ts";
import { addresses, facts, limits, untried } from "./asked.ts";
import {
  answers,
  cgroup,
  container,
  cores,
  engine,
  type Finding,
  kernel,
  kernelEngine,
  landlock,
  mayHaveNoCores,
  pinning,
  privileges,
  rootDirectory,
  statusOfSelf,
  traced,
  tracer,
  type Tried,
  vdso,
  yama,
} from "./findings.ts";
import { runJob } from "./job.ts";
import { loadLayers } from "./layers.ts";
import { DEFAULT_PATH, type Program } from "./program.ts";
import { OWN_ROOT } from "./root.ts";

/** What the doctor says. */
export interface Diagnosis {
  /** Whether programs can be jailed here: the default engine runs, and pins. */
  readonly healthy: boolean;
  /** Whether the kernel alone holds a program here. */
  readonly byKernel: boolean;
  /** Everything that was looked at. */
  readonly findings: readonly Finding[];
}

/** What a policy may ask for besides, and how a shell shows that it holds. */
const ASKED = {
  net: { text: "net: {deny: [192.0.2.1]}", script: "exit 7", ends: 7 },
  sys: {
    text: "sys: {hostname: box, time: 2000-01-01}",
    script: 'test "$(uname -n) $(date -u +%Y)" = "box 2000" && exit 7',
    ends: 7,
  },
  limits: {
    // All of them, so that all is counted; it is ended by the second one.
    text: "limits: {time: 1m, cpu: 20ms, memory: 1GiB, processes: 9, " +
      "written: 1GiB, output: 1GiB, address-space: 1GiB, open-files: 99, " +
      "file-size: 1GiB}",
    script: "while :; do :; done",
    ends: "cpu",
  },
} as const;

/** Examines the machine. It starts a few small programs, in jails and without. */
export async function examine(): Promise<Diagnosis> {
  if (!hasLauncher()) {
    return { healthy: false, byKernel: false, findings: [kernel()] };
  }
  const policy = mergeLayers(
    await loadLayers("minimal", {
      ...{ cwd: "/", home: "/", tmp: "/tmp", program: "/bin/sh" },
    }, "/"),
  );
  const variables = { cwd: "/", program: "/bin/sh" };
  const all = await loadLayers("allow-all", variables, "/");
  const open: Policy = mergeLayers(all);
  const abi = landlockAbi();
  const seccomp = hasSeccompTrace();
  const ran = (engine: EngineChoice): Tried =>
    tryJob(policy, engine, "exit 7", 7);
  const engines = {
    seccomp: seccomp ? ran("seccomp") : "this kernel has no SECCOMP_RET_TRACE",
    ptrace: ran("ptrace"),
  };
  const best: Engine = seccomp ? "seccomp" : "ptrace";
  const noEngine = engines[best] !== undefined;
  const alone = ran("kernel");
  // Two processes at once: paths are pinned only then. Of the machine this needs
  // no more than that: no /dev/null, which `&` opens.
  const pins = tryJob(
    open,
    best,
    "sleep 0.1 | { read -r name </proc/self/status && test -e /; }",
    0,
  );
  const asked = async (key: keyof typeof ASKED): Promise<Tried> => {
    const { text, script, ends } = ASKED[key];
    const layer = await parsePolicy(text, {
      ...{ source: "doctor", variables, trusted: true },
    });
    return tryJob(mergeLayers([...all, layer]), best, script, ends);
  };
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
    kernelEngine(alone),
    untried(pinning(pins), noEngine),
    answers(canAnswer()),
    landlock(abi),
    ...[
      addresses(await asked("net")),
      facts(await asked("sys")),
      limits(await asked("limits")),
    ].map((finding) => untried(finding, noEngine)),
    yama(engines[best]),
    privileges(status),
    container(status),
    tracer(status),
    rootDirectory(),
    cgroup(),
    cores(mayHaveNoCores(status)),
    vdso(),
  ];
  return {
    healthy: !noEngine && pins === undefined,
    byKernel: alone === undefined,
    findings,
  };
}

/** Runs a shell in a jail; what went wrong, if anything. */
function tryJob(
  policy: Policy,
  engine: EngineChoice,
  script: string,
  ends: number | LimitName,
): Tried {
  const program: Program = {
    ...{ name: "/bin/sh", args: ["-c", script] },
    ...{ env: [`PATH=${DEFAULT_PATH}`], cwd: "/" },
    ...{ stdio: [0, 1, 2], keepFds: [] },
  };
  try {
    const outcome = runJob({
      ...{ program, policy, engine, root: OWN_ROOT },
      ...{ onDeny: "errno", waitAll: false },
    }, { started: watched });
    switch (outcome.kind) {
      case "exited":
        return outcome.code === ends
          ? undefined
          : `a shell ended with ${outcome.code} instead of ${ends}`;
      case "signaled":
        return `a shell ended by signal ${outcome.signal}`;
      case "killed-by-policy":
        return "a shell was killed by the policy";
      case "limited":
        return outcome.limit === ends
          ? undefined
          : `a shell was ended by its limit of ${outcome.limit}`;
      case "failed":
        return outcome.reason;
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Watches a program as a run does, which passes signals on. */
function watched(pid: number): Watcher {
  const pidfd = watchProcess(pid);
  return { over: (): void => void close(pidfd) };
}
