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

import type { Decision } from "../src/policy/decision.ts";
import { Calls } from "../src/trace/calls.ts";
import type { Engine } from "../src/trace/options.ts";
import type { Tracee } from "../src/trace/tracee/tracee.ts";
import { scriptCommand } from "./jail.ts";
import { runTraced } from "./traced.ts";

/** What a run can do without. */
export type Part = "pinning" | "waiting" | "decisions";

const ALLOWED: Decision = {
  kind: "allow",
  rule: { source: "test", keys: [], text: "everything" },
};

/** Makes nobody wait until a new image has been looked at. */
function endWaiting(): void {
  const { drop } = Calls.prototype;
  let started = false;
  Calls.prototype.forget = function (tracee: Tracee): void {
    const { process } = tracee;
    // Told of each thread of a process, and only then is the image looked at.
    if (process.executing !== tracee) return;
    process.executing = undefined;
    // The exec of the program itself has nobody beside it.
    if (!started) {
      started = true;
      return;
    }
    drop.call(this, tracee);
  };
}

/** The words that run a program without something. */
export function withoutArgv(
  part: Part,
  engine: Engine,
  policy: string,
  argv: readonly string[],
): string[] {
  return [...scriptCommand("without"), part, engine, policy, ...argv];
}

if (import.meta.main) {
  const [part, engine, policy = "", ...argv] = Deno.args;
  if (part === "waiting") endWaiting();
  const outcome = await runTraced(
    engine === "ptrace" ? engine : "seccomp",
    policy,
    argv,
    part === "pinning" || part === "waiting"
      ? { unsafe: part === "pinning", landlock: false }
      : { decide: () => ALLOWED },
  );
  Deno.exit(outcome.kind === "exited" ? outcome.code : 125);
}
