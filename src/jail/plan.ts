/** What would enforce a policy on this machine, without running anything. */

import type { PolicyError } from "../errors.ts";
import { compile } from "../policy/compile.ts";
import { droppedNames } from "../policy/env.ts";
import {
  type CallCounts,
  countCalls,
  type GradedRule,
} from "../policy/grade.ts";
import { planCalls } from "../policy/plan/plan.ts";
import type { Unheld } from "../policy/plan/unasked.ts";
import { whyNoControlGroup } from "../sys/cgroup.ts";
import { interfaceIndex } from "../sys/interfaces.ts";
import { landlockAbi } from "../sys/landlock.ts";
import type { RootKind } from "../sys/launch/root.ts";
import { hasSeccompTrace } from "../sys/probe.ts";
import { ownEnvironment } from "../sys/proc.ts";
import { mayAnswer } from "./answers.ts";
import { currentDirectory } from "./directory.ts";
import { floorFor, type FloorPlace } from "./floor.ts";
import { whyNoTree } from "./held_tree.ts";
import { linksOut } from "./inside.ts";
import { beyondKernel, LEAST_ABI } from "./kernel.ts";
import { holdByKernel } from "./kernel_plan.ts";
import { type Loaded, loadSpec, type PolicySpec } from "./load.ts";
import { type Locate, locator } from "./locate.ts";
import { netOptions } from "./net.ts";
import { findProgram } from "./program.ts";
import type { RunRequest } from "./run.ts";
import { gradedRules, strictError } from "./strict.ts";
import { type TemporaryDirectory, withTemporary } from "./temporary.ts";
import { usesLandlock } from "./traced.ts";

/** What would enforce a policy. */
export interface PolicyPlan {
  /** Its rules, and what enforces each. */
  readonly rules: readonly GradedRule[];
  /** How calls are treated. */
  readonly calls: CallCounts;
  /** How they are where refusals are told of, counted, or end the jail. */
  readonly watched: CallCounts;
  /** The version of Landlock's ABI, 0 for none. */
  readonly abi: number;
  /** The program that it was planned for. */
  readonly program: string;
  /** The root directory that it has, by its path outside, if it has one. */
  readonly root: string | undefined;
  /** How it is made the root. */
  readonly rootKind: RootKind;
  /** Finds where a rule stands. */
  readonly locate: Locate;
  /** The names of the variables of jail's environment that it does not get. */
  readonly dropped: readonly string[];
  /** Why the policy cannot be used as strict as it is, if it cannot. */
  readonly notStrict: PolicyError | undefined;
  /** What `--engine=kernel` cannot do, so that it cannot be used. */
  readonly beyond: string | undefined;
  /** What it does not hold; `undefined` where it cannot be used. */
  readonly unheld: readonly Unheld[] | undefined;
  /** What it holds by refusing more than is said. */
  readonly stricter: readonly Unheld[];
  /** What a run would warn of: what refuses less, or allows more, than it seems. */
  readonly doubts: readonly string[];
}

/** What is planned: a policy, and the program that would run under it. */
export type PlanRequest =
  & PolicySpec
  & Pick<
    RunRequest,
    "program" | "args" | "engine" | "landlock" | "onDeny" | "report" | "audit"
  >;

/**
 * Plans what would enforce a policy.
 *
 * @param request the policy, and what would run under it
 * @returns the plan
 * @throws {PolicyError} where the policy cannot be used
 * @throws {LaunchError} where the program is not found
 */
export async function planPolicy(request: PlanRequest): Promise<PolicyPlan> {
  return await withTemporary(
    ownEnvironment(),
    (temporary) => planWith(temporary, request),
  );
}

async function planWith(
  temporary: TemporaryDirectory,
  request: PlanRequest,
): Promise<PolicyPlan> {
  const env = ownEnvironment();
  const { program: name, args } = request;
  const loaded = await loadSpec(
    request,
    {
      ...{ name, args, env, cwd: currentDirectory() },
      ...{ stdio: [0, 1, 2], keepFds: [] },
    },
    currentDirectory(),
    temporary,
  );
  try {
    return await planLoaded(
      loaded,
      temporary.environment(env),
      request,
    );
  } finally {
    loaded.root.close();
  }
}

async function planLoaded(
  { policy, program, root, doubts }: Loaded,
  env: readonly string[],
  request: PlanRequest,
): Promise<PolicyPlan> {
  const { view, kind } = root;
  const { engine, landlock, onDeny, report, audit } = request;
  const { real } = findProgram(program, view);
  compile(policy, { interfaceIndex });
  netOptions(policy);
  const at: FloorPlace = { env, cwd: program.cwd, program: real, view };
  const filtered = engine !== "ptrace" && hasSeccompTrace();
  const answers = filtered && onDeny !== "ask" && mayAnswer(policy, view);
  const options = { sockets: "streams", answers } as const;
  const plan = planCalls(policy, { observe: false, ...options });
  const rules = gradedRules(
    policy,
    plan,
    floorFor(policy, at, usesLandlock({ landlock, onDeny, policy })),
    at,
    filtered,
    policy.limits.memory !== undefined && whyNoControlGroup() === undefined,
  );
  const observed = report || audit !== undefined;
  const unable = landlockAbi() < LEAST_ABI
    ? "do without a newer Landlock"
    : beyondKernel({ onDeny, landlock, root }, observed);
  const held = unable === undefined ? holdByKernel(policy, at) : undefined;
  const why = held?.unheld.length === 0
    ? whyNoTree({ nodes: held.tree.nodes, alone: policy.net === "none" })
    : undefined;
  const beyond = why === undefined ? unable : `make its mounts: ${why}`;
  return {
    rules,
    calls: countCalls(plan),
    watched: countCalls(
      planCalls(policy, { observe: true, ...options }),
    ),
    abi: landlockAbi(),
    program: real,
    root: view.directory,
    rootKind: kind,
    locate: await locator(policy),
    dropped: droppedNames(policy.env, program.env),
    notStrict: strictError(policy, rules),
    beyond,
    unheld: beyond === undefined ? held?.unheld : undefined,
    stricter: held?.tree.stricter ?? [],
    doubts: [...doubts, ...linksOut(policy, program.cwd, view)],
  };
}
