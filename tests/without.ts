/**
 * Runs a program as jail does, without one of the things that hold it: the
 * control of a test, which must be able to fail.
 *
 *     deno run -A tests/without.ts pinning ENGINE POLICY PROGRAM [ARG...]
 *     deno run -A tests/without.ts waiting ENGINE POLICY PROGRAM [ARG...]
 *     deno run -A tests/without.ts decisions ENGINE POLICY PROGRAM [ARG...]
 *
 * Without `pinning` there is no path lock either, and no Landlock. Without
 * `waiting` nobody waits until an exec's image has been looked at: what the old
 * image held is free before, and a call that a thread of it had made is answered
 * then; there is no Landlock either. Without `decisions` every decision about
 * files is an allow: what is refused then is refused by Landlock alone.
 */

import { fromText } from "../src/abi/bytes.ts";
import type { Outcome } from "../src/outcome.ts";
import { compile } from "../src/policy/decide.ts";
import type { Decision } from "../src/policy/decision.ts";
import { planCalls } from "../src/policy/plan.ts";
import { floorFor } from "../src/jail/floor.ts";
import { loadSpec } from "../src/jail/load.ts";
import { netOptions } from "../src/jail/net.ts";
import { findProgram, planLaunch, type Program } from "../src/jail/program.ts";
import { TemporaryDirectory } from "../src/jail/temporary.ts";
import { realpath } from "../src/sys/files.ts";
import { hostArch } from "../src/sys/host.ts";
import { interfaceIndex } from "../src/sys/interfaces.ts";
import { createRuleset } from "../src/sys/landlock.ts";
import { ownEnvironment } from "../src/sys/proc.ts";
import { Calls } from "../src/trace/calls.ts";
import { assemble } from "../src/trace/filter.ts";
import type { Engine } from "../src/trace/options.ts";
import type { Tracee } from "../src/trace/tracee.ts";
import { trace } from "../src/trace/tracer.ts";

/** What a run can do without. */
export type Part = "pinning" | "waiting" | "decisions";

const ALLOWED: Decision = {
  kind: "allow",
  rule: { source: "test", keys: [], text: "everything" },
};

/** Makes nobody wait until a new image has been looked at. */
function endWaiting(): void {
  const { drop } = Calls.prototype;
  Calls.prototype.forget = function (tracee: Tracee): void {
    const { process } = tracee;
    // Told of each thread of a process, and only then is the image looked at.
    if (process.executing !== tracee) return;
    process.executing = undefined;
    drop.call(this, tracee);
  };
}

async function runWithout(
  part: Part,
  engine: Engine,
  policyFile: string,
  [name = "", ...args]: readonly string[],
): Promise<Outcome> {
  const cwd = fromText(Deno.cwd());
  const env = ownEnvironment();
  const program: Program = {
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
  const policy = await loadSpec(spec, program, cwd, temporary);
  const policyEngine = compile(policy, { realpath, interfaceIndex });
  const plan = planCalls(policy, { observe: false, sockets: "streams" });
  const filter = assemble(plan, hostArch());
  const found = findProgram(program);
  if (part === "waiting") endWaiting();
  const floor = floorFor(policy, { env, cwd, program: found.real }, true);
  return trace({
    engine,
    launch: planLaunch(
      program,
      found,
      env,
      engine === "seccomp" ? filter : undefined,
      part === "decisions" ? createRuleset(floor, 2) : undefined,
    ),
    program: name,
    filter,
    plan,
    net: netOptions(policy),
    decide: part === "decisions"
      ? (): Decision => ALLOWED
      : (call): Decision => policyEngine.decide(call),
    waitAll: false,
    unsafe: part === "pinning",
  });
}

/** The words that run a program without something. */
export function withoutArgv(
  part: Part,
  engine: Engine,
  policy: string,
  argv: readonly string[],
): string[] {
  const self = new URL(import.meta.url).pathname;
  const deno = [Deno.execPath(), "run", "-A", "--no-check"];
  return [...deno, self, part, engine, policy, ...argv];
}

if (import.meta.main) {
  const [part, engine, policy = "", ...argv] = Deno.args;
  const outcome = await runWithout(
    part === "pinning" || part === "waiting" ? part : "decisions",
    engine === "ptrace" ? engine : "seccomp",
    policy,
    argv,
  );
  Deno.exit(outcome.kind === "exited" ? outcome.code : 125);
}
