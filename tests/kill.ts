/**
 * Kills jail while the program is in the middle of something, and looks for
 * survivors.
 */

import { landlockAbi } from "../src/sys/landlock.ts";
import type { EngineChoice } from "../src/trace/options.ts";
import { ENGINES, fixture, jailArgv, start } from "./harness.ts";
import { scratch } from "./jail.ts";

/** All that hold a program, as far as this machine has them. */
export const HOLDERS: readonly EngineChoice[] = landlockAbi() >= 6
  ? [...ENGINES, "kernel"]
  : ENGINES;

/** What the program is doing when jail is killed. */
export const PHASES = [
  "fork",
  "vfork",
  "exec",
  "threads",
  "exits",
  "mixed",
  "pinned",
  "frozen",
  "waiting",
] as const;

/** One of {@linkcode PHASES}. */
export type Phase = typeof PHASES[number];

/** How long the kernel may take to end what was there. */
const PATIENCE_MS = 5000;

/** The latest moment at which jail is killed, after the program is up. */
const LATEST_MS = 60;

/**
 * Starts a program in a jail, and kills jail with SIGKILL.
 *
 * @param phase what the program does
 * @param engine how calls are caught, or that none is
 * @param moment when, from 0 to 1; before the program is up, if negative
 * @returns the processes that are left
 */
export async function killJail(
  phase: Phase,
  engine: EngineChoice,
  moment: number,
): Promise<number[]> {
  await using directory = await scratch();
  const token = `JAIL_TEST_MARK=${crypto.randomUUID()}`;
  const [name = "", mark = ""] = token.split("=");
  const argv = jailArgv(["-A"], [fixture("storm"), phase], engine);
  const child = start(argv, { cwd: directory.path, env: { [name]: mark } });
  const reader = child.stdout.getReader();
  if (moment >= 0) await reader.read();
  await sleep(LATEST_MS * Math.abs(moment));
  child.kill("SIGKILL");
  await child.status;
  const end = performance.now() + PATIENCE_MS;
  let left = marked(token);
  while (left.length > 0 && performance.now() < end) {
    await sleep(5);
    left = marked(token);
  }
  for (const pid of left) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It was late, and is gone now.
    }
  }
  await reader.cancel();
  await child.stderr.cancel();
  await child.stdin.abort().catch(() => {});
  return left;
}

/** Processes with an item in their environment. */
function marked(item: string): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      const text = Deno.readTextFileSync(`/proc/${name}/environ`);
      if (text.split("\0").includes(item)) found.push(Number(name));
    } catch {
      // It is gone.
    }
  }
  return found;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
