/** A network of its own for a test: servers, a resolver, and a jail in it. */

import { run } from "./harness.ts";
import type { Needs } from "./needs.ts";
import { needs } from "./needs.ts";

const LAB = new URL("./fixtures/names_lab.py", import.meta.url).pathname;

/** How to get a network of one's own: as root, or as root of a namespace. */
const WAYS: readonly (readonly string[])[] = [
  ["unshare", "-mn"],
  ["unshare", "-Umnr"],
];

const way = WAYS.find(([name = "", ...args]) => {
  try {
    return new Deno.Command(name, {
      args: [...args, "true"],
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
});

/** A question that the resolver was asked. */
export interface Asked {
  /** The name. */
  readonly name: string;
  /** The type of records. */
  readonly type: number;
  /** Whether by TCP. */
  readonly tcp: boolean;
  /** The whole message, in hex. */
  readonly bytes: string;
}

/** What became of a command in the lab. */
export interface LabEnded {
  /** Its exit code. */
  readonly code: number;
  /** What it wrote. */
  readonly stdout: string;
  /** What it wrote to standard error. */
  readonly stderr: string;
  /** What the resolver was asked. */
  readonly questions: readonly Asked[];
  /** Which servers were reached: `127.1.0.1:8080`. */
  readonly reached: readonly string[];
}

/** Skips a test visibly where there can be no lab. */
export function needsLab(commands: readonly string[], name: string): Needs {
  const found = needs(["python3", "mount", ...commands], name);
  return found.ignore || way !== undefined ? found : {
    name: `${name} (needs a network namespace)`,
    ignore: true,
  };
}

/**
 * Runs a command in the lab.
 *
 * @param argv the command
 * @param flags those of the lab
 */
export async function inLab(
  argv: readonly string[],
  flags: readonly string[] = [],
): Promise<LabEnded> {
  const ended = await run([
    ...[...way ?? [], "python3", LAB, ...flags],
    ...["env", "NO_COLOR=1", "DENO_NO_UPDATE_CHECK=1", ...argv],
  ]);
  if (ended.code !== 0) throw new Error(ended.stderr);
  return JSON.parse(ended.stdout);
}
