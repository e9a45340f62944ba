/**
 * Runs a program as jail does, but with every decision about files an allow:
 * what is refused then is refused by Landlock alone.
 *
 *     deno run -A tests/floor_only.ts ENGINE POLICY PROGRAM [ARG...]
 */

import { fromText } from "../src/abi/bytes.ts";
import type { Outcome } from "../src/outcome.ts";
import { planCalls } from "../src/policy/plan.ts";
import { floorFor } from "../src/jail/floor.ts";
import { loadSpec } from "../src/jail/load.ts";
import { findProgram, planLaunch, type Program } from "../src/jail/program.ts";
import { TemporaryDirectory } from "../src/jail/temporary.ts";
import { hostArch } from "../src/sys/host.ts";
import { createRuleset } from "../src/sys/landlock.ts";
import { ownEnvironment } from "../src/sys/proc.ts";
import { assemble } from "../src/trace/filter.ts";
import type { Engine } from "../src/trace/options.ts";
import { trace } from "../src/trace/tracer.ts";

async function runOnFloor(
  engine: Engine,
  policyFile: string,
  [name = "", ...args]: readonly string[],
): Promise<Outcome> {
  const cwd = fromText(Deno.cwd());
  const program: Program = {
    name: fromText(name),
    args: args.map(fromText),
    env: ownEnvironment(),
    cwd,
    stdio: [0, 1, 2],
    keepFds: [],
  };
  const policy = await loadSpec(
    { policies: [fromText(policyFile)] },
    program,
    cwd,
    // These policies name no ${tmp}: nothing is made.
    new TemporaryDirectory(program.env),
  );
  const plan = planCalls(policy, { observe: false, sockets: "streams" });
  const filter = assemble(plan, hostArch());
  const found = findProgram(program);
  const { env } = program;
  const floor = floorFor(policy, { env, cwd, program: found.real }, true);
  return trace({
    engine,
    launch: planLaunch(
      program,
      found,
      env,
      engine === "seccomp" ? filter : undefined,
      createRuleset(floor, 2),
    ),
    program: name,
    filter,
    plan,
    decide: () => ({
      kind: "allow",
      rule: { source: "test", keys: [], text: "everything" },
    }),
    waitAll: false,
  });
}

if (import.meta.main) {
  const [engine, policy = "", ...argv] = Deno.args;
  const outcome = await runOnFloor(
    engine === "ptrace" ? "ptrace" : "seccomp",
    policy,
    argv,
  );
  Deno.exit(outcome.kind === "exited" ? outcome.code : 125);
}
