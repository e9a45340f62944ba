/** A run whose calls are caught: by stops, or by answers that they wait for. */

import { printable } from "../abi/bytes.ts";
import { UnsupportedError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import { type Floor, holdsNothing, withPorts } from "../policy/floor/floor.ts";
import { reachesUnix, withNetQuestions } from "../policy/net/net.ts";
import { planCalls } from "../policy/plan/plan.ts";
import type { Policy } from "../policy/policy.ts";
import { type ControlGroup, controlGroup } from "../sys/cgroup.ts";
import { close } from "../sys/files.ts";
import { hostArch } from "../sys/host.ts";
import { createRuleset } from "../sys/landlock.ts";
import { hasSeccompTrace } from "../sys/probe.ts";
import { isSocket, isStreamOrNoSocket } from "../sys/socket.ts";
import { canBorrow } from "../sys/task/borrow.ts";
import { writtenBy } from "../sys/task/usage.ts";
import type { View } from "../sys/view.ts";
import { assemble } from "../trace/bpf/filter.ts";
import type { Engine, EngineChoice, NetOptions } from "../trace/options.ts";
import { trace } from "../trace/tracer.ts";
import { cannotListen, mayAnswer } from "./answers.ts";
import { compileHere, realPathsIn } from "./compiled.ts";
import { deciding } from "./deciding.ts";
import { givenEnvironment, programEnvironment } from "./environment.ts";
import { SystemFacts } from "./facts.ts";
import { floorFor } from "./floor.ts";
import { checkServed } from "./handed.ts";
import { heardSockets } from "./heard.ts";
import type { Job, JobHooks } from "./job.ts";
import { planLaunch } from "./launch.ts";
import { netOptions } from "./net.ts";
import { findProgram, handedTo, orAsScript, type Program } from "./program.ts";
import { holdToStrict } from "./strict.ts";

/**
 * Whether a run uses Landlock: the kernel would refuse what a person allows, so
 * asking leaves it out.
 *
 * @param job the run
 * @throws {UnsupportedError} where its policy does not do without
 */
export function usesLandlock(
  { landlock, onDeny, policy }: Pick<Job, "landlock" | "onDeny" | "policy">,
): boolean {
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

/** What is written is counted by the kernel, or it cannot be limited. */
function mustBeCounted({ limits: { written } }: Policy): void {
  if (written === undefined || writtenBy(Deno.pid, Deno.pid) >= 0) return;
  throw new UnsupportedError(
    "Cannot limit what is written: this kernel does not count it",
    'leave out "written", or use a kernel with CONFIG_TASK_IO_ACCOUNTING',
  );
}

/** Sockets are looked at by a descriptor of one's own, or rules of net do not hold. */
function mustBorrow(net: NetOptions | undefined): void {
  if (net === undefined || canBorrow()) return;
  throw new UnsupportedError(
    "Cannot enforce the rules of net: pidfd_getfd(2) is not there, or refused",
    "use Linux 5.6 or newer, and a container that allows the call; net: true and net: false need neither",
  );
}

/** The ruleset of a floor, which no descriptor that the program keeps has. */
function rulesetOf(
  floor: Floor,
  { keepFds }: Program,
  view: View,
): number | undefined {
  return holdsNothing(floor)
    ? undefined
    : createRuleset(floor, Math.max(2, ...keepFds), view);
}

/**
 * Runs a program. The calling thread is blocked until it is gone.
 *
 * @param job what to run, under what
 * @param wanted how calls are caught
 * @param hooks what to hear of it
 * @returns how it ended
 * @throws {LaunchError} where the program could not be started
 * @throws {PolicyError} where the policy cannot be used here
 * @throws {UnsupportedError} where this machine cannot enforce the policy
 */
export function runTraced(
  job: Job,
  wanted: Exclude<EngineChoice, "kernel">,
  hooks: JobHooks,
): Outcome {
  const { program, root } = job;
  const { view } = root;
  using facts = new SystemFacts(job.policy, program.env, view);
  const ask = job.onDeny === "ask" ? hooks.ask : undefined;
  // Where sockets cannot be borrowed nobody is asked about the network.
  const policy = ask !== undefined && canBorrow()
    ? withNetQuestions(facts.policy)
    : facts.policy;
  const engine = engineOf(wanted);
  const found = findProgram(program, view);
  mustBeCounted(policy);
  const made = [job.temporary?.made, facts.made];
  const realpath = realPathsIn(view, program.cwd, made);
  const { decide, refuses, granted } = deciding(
    () => compileHere(policy, view, realpath),
    job.onDeny,
    ask,
  );
  const net = netOptions(policy, granted, job.names);
  mustBorrow(net);
  const at = {
    env: givenEnvironment(job),
    cwd: program.cwd,
    program: found.real,
    view,
    realpath,
  };
  const floor = withPorts(
    floorFor(policy, at, usesLandlock(job)),
    job.names?.standIns.map(({ port }) => port) ?? [],
  );
  const env = programEnvironment(job, policy.env);
  using group = groupFor(policy);
  const given = handedTo(program);
  given.forEach(checkServed);
  const sockets = given.every(isStreamOrNoSocket) ? "streams" : "any";
  const heard = heardSockets(given, policy, job.reports === true);
  const observe = (hooks.observe ?? hooks.measured) !== undefined ||
    job.onDeny === "kill";
  const ruleset = rulesetOf(floor, program, view);
  const follow = (answers: boolean): Outcome => {
    const plan = planCalls(policy, {
      observe,
      sockets,
      heard: new Set(heard.values()),
      answers,
    });
    const filter = assemble(plan, hostArch());
    holdToStrict(policy, plan, floor, at, engine === "seccomp");
    return orAsScript(
      program,
      found,
      view,
      (what, where, hint) =>
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
          heard,
          owned: job.owned,
          net,
          plan,
          decide,
          refuses,
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
        }),
    );
  };
  const answers = engine === "seccomp" && job.owned === true &&
    ask === undefined && mayAnswer(job.policy, view);
  try {
    return follow(answers);
  } catch (error) {
    if (!answers || !cannotListen(error)) throw error;
    return follow(false);
  } finally {
    if (ruleset !== undefined) close(ruleset);
  }
}
