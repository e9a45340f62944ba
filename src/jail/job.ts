/** One run of one program under one policy, on the calling thread. */

import { printable } from "../abi/bytes.ts";
import { UnsupportedError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import type { Call } from "../policy/call.ts";
import { compile } from "../policy/decide.ts";
import type { Decision } from "../policy/decision.ts";
import { passed, withValues } from "../policy/env.ts";
import { holdsNothing, withPorts } from "../policy/floor.ts";
import { reachesUnix, withNetQuestions } from "../policy/net.ts";
import { planCalls } from "../policy/plan.ts";
import type { Policy } from "../policy/policy.ts";
import { remembered } from "../policy/remembered.ts";
import { close } from "../sys/files.ts";
import { hostArch } from "../sys/host.ts";
import { interfaceIndex } from "../sys/interfaces.ts";
import { canBorrow } from "../sys/borrow.ts";
import { type ControlGroup, controlGroup } from "../sys/cgroup.ts";
import { createRuleset } from "../sys/landlock.ts";
import type { Root } from "../sys/root.ts";
import { hasSeccompTrace } from "../sys/probe.ts";
import { isSocket, isStreamOrNoSocket } from "../sys/socket.ts";
import { writtenBy } from "../sys/usage.ts";
import type { Usage } from "../trace/accounts.ts";
import { assemble } from "../trace/filter.ts";
import type {
  Engine,
  EngineChoice,
  LogFile,
  NameOptions,
  Observation,
  Watcher,
} from "../trace/options.ts";
import { trace } from "../trace/tracer.ts";
import { cannotListen, mayAnswer } from "./answers.ts";
import { type Ask, asking } from "./ask.ts";
import { SystemFacts } from "./facts.ts";
import { runByKernel } from "./kernel.ts";
import { floorFor } from "./floor.ts";
import { checkServed } from "./handed.ts";
import { netOptions } from "./net.ts";
import { holdToStrict } from "./plan.ts";
import {
  findProgram,
  type FoundProgram,
  orAsScript,
  planLaunch,
  type Program,
} from "./program.ts";
import type { TemporaryDirectory } from "./temporary.ts";

/** What to run, under what. */
export interface Job {
  /** What to run. */
  readonly program: Program;
  /** The policy, with everything that it extends. */
  readonly policy: Policy;
  /** What the program has as its root directory. */
  readonly root: Root;
  /** How calls are caught; `auto` takes what this kernel has. */
  readonly engine: EngineChoice;
  /** What a refusal does: what the rule says, end the jail, or ask first. */
  readonly onDeny: "errno" | "kill" | "ask";
  /** Wait for everything that the program started. */
  readonly waitAll: boolean;
  /** What `${tmp}` stands for in the policy, and the program's then. */
  readonly temporary?: TemporaryDirectory;
  /** What is known of names, where rules name hosts. */
  readonly names?: NameOptions | undefined;
  /** Put what Landlock can hold under the stops; so unless it says false. */
  readonly landlock?: boolean;
  /** The audit log, if there is one. */
  readonly log?: LogFile | undefined;
  /**
   * Whether this process is jail's own, and its SIGCHLD the tracer's: then calls
   * may wait for an answer in place of a stop.
   */
  readonly owned?: boolean;
}

/** What the one who runs a job wants to hear, while the thread is blocked. */
export interface JobHooks {
  /** Told of decisions; calls that the filter alone refuses stop for it too. */
  readonly observe?: ((observation: Observation) => void) | undefined;
  /** Asks a person, where the job says so. */
  readonly ask?: Ask | undefined;
  /** Told at the end what was used; refusals stop for it, to be counted. */
  readonly measured?: ((usage: Usage) => void) | undefined;
  /** Whether nobody waits for the end any more; asked now and then. */
  readonly abandoned?: (() => boolean) | undefined;
  /** The program is about to run. */
  readonly started?: ((pid: number) => Watcher) | undefined;
  /** The program was stopped by a job-control signal, and `still` is, or not. */
  readonly stopped?:
    | ((signal: number, still: () => boolean) => void)
    | undefined;
}

const KILL = { kind: "kill" } as const;

/** Makes every refusal end the jail. */
function deadly(decide: (call: Call) => Decision): (call: Call) => Decision {
  return (call) => {
    const decision = decide(call);
    return decision.kind === "allow" || decision.quiet === true
      ? decision
      : { ...decision, refusal: KILL };
  };
}

/** The kernel would refuse what a person allows, so asking leaves it out. */
function usesLandlock({ landlock, onDeny, policy }: Job): boolean {
  const [required] = policy.require;
  if (onDeny === "ask" && required !== undefined) {
    throw new UnsupportedError(
      `Cannot ask under this policy: ${
        printable(required.source)
      } requires Landlock, which holds whatever the answer is`,
      "leave out --on-deny=ask",
    );
  }
  return onDeny !== "ask" && (landlock ?? true);
}

/** What holds the memory that a policy limits, where this machine lets us. */
function groupFor({ limits: { memory } }: Policy): ControlGroup | undefined {
  if (memory === undefined) return undefined;
  const group = controlGroup(memory.most);
  return typeof group === "string" ? undefined : group;
}

function engineOf(wanted: Exclude<EngineChoice, "kernel">): Engine {
  if (wanted === "ptrace") return wanted;
  if (hasSeccompTrace()) return "seccomp";
  if (wanted === "auto") return "ptrace";
  throw new UnsupportedError(
    "Cannot use --engine=seccomp: this kernel has no SECCOMP_RET_TRACE",
    "--engine=ptrace works without it",
  );
}

/**
 * Runs a program. The calling thread is blocked until it is gone.
 *
 * @param job what to run, under what
 * @param hooks what to hear of it
 * @returns how it ended
 * @throws {LaunchError} where the program could not be started
 * @throws {UnsupportedError} where this machine cannot enforce the policy
 */
export function runJob(job: Job, hooks: JobHooks): Outcome {
  const { engine: wanted } = job;
  return wanted === "kernel"
    ? runByKernel(job, hooks)
    : runTraced(job, wanted, hooks);
}

function runTraced(
  job: Job,
  wanted: Exclude<EngineChoice, "kernel">,
  hooks: JobHooks,
): Outcome {
  const { program, root } = job;
  const { view } = root;
  using facts = new SystemFacts(job.policy, program.env, view);
  const asks = job.onDeny === "ask" && hooks.ask !== undefined;
  // Where sockets cannot be borrowed nobody is asked about the network.
  const policy = asks && canBorrow()
    ? withNetQuestions(facts.policy)
    : facts.policy;
  const engine = engineOf(wanted);
  const found = findProgram(program, view);
  if (policy.limits.written !== undefined && writtenBy("self") < 0) {
    throw new UnsupportedError(
      "Cannot limit what is written: this kernel does not count it",
      'leave out "written", or use a kernel with CONFIG_TASK_IO_ACCOUNTING',
    );
  }
  const realpath = remembered((path) => view.meant(path));
  const policyEngine = compile(policy, {
    realpath,
    links: (path) => view.links(path),
    closedOnTheWay: (path, known) => view.closedOnTheWay(path, known),
    interfaceIndex,
  });
  const decide = (call: Call): Decision => policyEngine.decide(call);
  const asked = hooks.ask && asks ? asking(decide, hooks.ask) : undefined;
  const net = netOptions(policy, asked?.granted, job.names);
  if (net !== undefined && !canBorrow()) {
    throw new UnsupportedError(
      "Cannot enforce the rules of net: pidfd_getfd(2) is not there, or refused",
      "use Linux 5.6 or newer, and a container that allows the call; net: true and net: false need neither",
    );
  }
  const withTemporary = (env: readonly string[]): readonly string[] =>
    job.temporary?.environment(env) ?? env;
  const at = {
    env: withTemporary(program.env),
    cwd: program.cwd,
    program: found.real,
    view,
    realpath,
  };
  const floor = withPorts(
    floorFor(policy, at, usesLandlock(job)),
    job.names?.standIns.map(({ port }) => port) ?? [],
  );
  const env = withValues(
    policy.env,
    withTemporary(passed(policy.env, program.env)),
  );
  using group = groupFor(policy);
  const ruleset = holdsNothing(floor)
    ? undefined
    : createRuleset(floor, Math.max(2, ...program.keepFds), view);
  const given = [...program.stdio, ...program.keepFds];
  given.forEach(checkServed);
  const sockets = given.every(isStreamOrNoSocket) ? "streams" : "any";
  const observe = (hooks.observe ?? hooks.measured) !== undefined ||
    job.onDeny === "kill";
  const follow = (answers: boolean): Outcome => {
    const plan = planCalls(policy, { observe, sockets, answers });
    const filter = assemble(plan, hostArch());
    holdToStrict(policy, plan, floor, at, engine === "seccomp");
    const start = (
      what: Program,
      where: FoundProgram,
      hint?: string,
    ): Outcome =>
      trace({
        engine,
        launch: {
          ...planLaunch(what, where, env, {
            filter: engine === "seccomp" ? filter : undefined,
            rulesets: ruleset === undefined ? [] : [ruleset],
            limits: policy.limits,
            steps: facts.steps,
            root,
            cgroup: group?.fd,
          }),
          listens: answers,
        },
        view,
        program: printable(program.name),
        hint,
        filter,
        answers,
        receives: reachesUnix(policy.net) || given.some(isSocket),
        owned: job.owned,
        net,
        plan,
        decide: job.onDeny === "kill"
          ? deadly(decide)
          : asked?.decide ?? decide,
        sys: facts.options,
        log: job.log,
        limits: policy.limits,
        controlGroup: group,
        measured: hooks.measured,
        abandoned: hooks.abandoned,
        observe: hooks.observe,
        waitAll: job.waitAll,
        started: hooks.started,
        stopped: hooks.stopped,
      });
    return orAsScript(program, found, view, start);
  };
  const answers = engine === "seccomp" && job.owned === true && !asks &&
    mayAnswer(job.policy, view);
  try {
    return follow(answers);
  } catch (error) {
    if (!answers || !cannotListen(error)) throw error;
    return follow(false);
  } finally {
    if (ruleset !== undefined) close(ruleset);
  }
}
