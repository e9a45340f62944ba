/** Runs a program as jail does, with a say in what tests look at. */

import { fromText } from "../src/abi/bytes.ts";
import { floorFor } from "../src/jail/floor.ts";
import { planLaunch } from "../src/jail/launch.ts";
import { loadSpec } from "../src/jail/load.ts";
import { withNames } from "../src/jail/names/names.ts";
import { netOptions } from "../src/jail/net.ts";
import { findProgram, type Program } from "../src/jail/program.ts";
import { TemporaryDirectory } from "../src/jail/temporary.ts";
import type { Outcome } from "../src/outcome.ts";
import type { Call } from "../src/policy/call.ts";
import { compile } from "../src/policy/compile.ts";
import type { Decision } from "../src/policy/decision.ts";
import { planCalls } from "../src/policy/plan/plan.ts";
import { hostArch } from "../src/sys/host.ts";
import { interfaceIndex } from "../src/sys/interfaces.ts";
import { createRuleset } from "../src/sys/landlock.ts";
import { ownEnvironment } from "../src/sys/proc.ts";
import { assemble } from "../src/trace/bpf/filter.ts";
import type { Engine, NameOptions } from "../src/trace/options.ts";
import { trace } from "../src/trace/tracer.ts";

/** What is not as jail does it. */
export interface Difference {
  /** Without pinning and path lock. */
  readonly unsafe?: boolean;
  /** With Landlock, unless it says false. */
  readonly landlock?: boolean;
  /** What is known of names, in place of what answers for resolvers. */
  readonly names?: NameOptions;
  /** Decides in place of the policy, which it is handed. */
  readonly decide?: (call: Call, ask: (call: Call) => Decision) => Decision;
}

/**
 * Runs a program on this thread.
 *
 * @param engine how calls are caught
 * @param policyFile its policy, which names no `${tmp}`
 * @param argv the program and its arguments
 * @param difference what is not as jail does it
 * @returns how it ended
 */
export async function runTraced(
  engine: Engine,
  policyFile: string,
  [name = "", ...args]: readonly string[],
  { unsafe = false, landlock = true, names, decide }: Difference,
): Promise<Outcome> {
  const cwd = fromText(Deno.cwd());
  const env = ownEnvironment();
  const asked: Program = {
    name: fromText(name),
    args: args.map(fromText),
    env,
    cwd,
    stdio: [0, 1, 2],
    keepFds: [],
  };
  const spec = { policies: [fromText(policyFile)] };
  // These policies name no ${tmp}: nothing is made.
  const temporary = new TemporaryDirectory(env);
  const { policy, program, root } = await loadSpec(
    ...[spec, asked, cwd, temporary] as const,
  );
  const { view } = root;
  const policyEngine = compile(policy, {
    realpath: (path) => view.realpath(path),
    interfaceIndex,
  });
  const ask = (call: Call): Decision => policyEngine.decide(call);
  const plan = planCalls(policy, { observe: false, sockets: "streams" });
  const filter = assemble(plan, hostArch());
  const found = findProgram(program, view);
  const floor = floorFor(
    policy,
    { env, cwd: program.cwd, program: found.real, view },
    true,
  );
  const run = (names: NameOptions | undefined): Outcome =>
    trace({
      engine,
      launch: planLaunch(
        program,
        found,
        env,
        {
          filter: engine === "seccomp" ? filter : undefined,
          rulesets: landlock ? [createRuleset(floor, 2, view)] : [],
          limits: {},
          root,
        },
      ),
      view,
      program: name,
      filter,
      plan,
      net: netOptions(policy, undefined, names),
      decide: decide === undefined
        ? ask
        : (call): Decision => decide(call, ask),
      refuses: (call) => ask(call).kind === "refuse",
      waitAll: false,
      unsafe,
    });
  return names === undefined ? await withNames(policy, view, run) : run(names);
}
