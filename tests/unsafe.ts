/**
 * Runs a program as jail does, but with pinning and the path lock switched off:
 * the control of the race tests, which must be able to fail.
 *
 *     deno run -A tests/unsafe.ts ENGINE POLICY PROGRAM [ARG...]
 */

import { fromText } from "../src/abi/bytes.ts";
import type { Outcome } from "../src/outcome.ts";
import { compile } from "../src/policy/decide.ts";
import { planCalls } from "../src/policy/plan.ts";
import { loadSpec } from "../src/jail/load.ts";
import { findProgram, planLaunch, type Program } from "../src/jail/program.ts";
import { TemporaryDirectory } from "../src/jail/temporary.ts";
import { realpath } from "../src/sys/files.ts";
import { hostArch } from "../src/sys/host.ts";
import { ownEnvironment } from "../src/sys/proc.ts";
import { assemble } from "../src/trace/filter.ts";
import type { Engine } from "../src/trace/options.ts";
import { trace } from "../src/trace/tracer.ts";

async function runUnsafely(
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
  const spec = { policies: [fromText(policyFile)] };
  // These policies name no ${tmp}: nothing is made.
  const temporary = new TemporaryDirectory(program.env);
  const policy = await loadSpec(spec, program, cwd, temporary);
  const policyEngine = compile(policy, { realpath });
  const plan = planCalls(policy, { observe: false, sockets: "streams" });
  const filter = assemble(plan, hostArch());
  return trace({
    engine,
    launch: planLaunch(
      program,
      findProgram(program),
      program.env,
      engine === "seccomp" ? filter : undefined,
    ),
    program: name,
    filter,
    plan,
    decide: (call) => policyEngine.decide(call),
    waitAll: false,
    unsafe: true,
  });
}

if (import.meta.main) {
  const [engine, policy = "", ...argv] = Deno.args;
  const outcome = await runUnsafely(
    engine === "ptrace" ? "ptrace" : "seccomp",
    policy,
    argv,
  );
  Deno.exit(outcome.kind === "exited" ? outcome.code : 125);
}
