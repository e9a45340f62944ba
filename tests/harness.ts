/** Runs whole programs in a jail: a policy and words in, what came out of it back. */

import type { Engine, EngineChoice } from "../src/trace/options.ts";
import { jailCommand } from "./jail.ts";

/** Both ways to catch calls: what a jail promises it keeps with either. */
export const ENGINES: readonly Engine[] = ["seccomp", "ptrace"];

/** How long a program may take, in milliseconds, before it is killed. */
const PATIENCE = 60_000;

/** How a program ended, and what it wrote. */
export interface Ended {
  /** The exit code, or 128 and the signal. */
  readonly code: number;
  /** The signal that ended it. */
  readonly signal: Deno.Signal | null;
  /** Standard output. */
  readonly stdout: string;
  /** Standard error. */
  readonly stderr: string;
}

/** Where a program runs. */
export interface RunOptions {
  /** The working directory. */
  readonly cwd?: string;
  /** More environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it can read from its standard input. */
  readonly stdin?: string;
}

/** Where, and how, a program runs in a jail. */
export interface JailOptions extends RunOptions {
  /** How calls are caught, or that none is. */
  readonly engine?: EngineChoice;
}

/**
 * Runs a program in a jail.
 *
 * @param policy the text of a policy, or flags
 * @param argv the program and its arguments
 * @param options where, and how
 */
export async function jail(
  policy: string | readonly string[],
  argv: readonly string[],
  options: JailOptions = {},
): Promise<Ended> {
  if (typeof policy !== "string") {
    return await run(jailArgv(policy, argv, options.engine), options);
  }
  const file = await Deno.makeTempFile({ prefix: "jail-", suffix: ".yaml" });
  try {
    await Deno.writeTextFile(file, policy);
    // Who runs the command may be somebody else.
    await Deno.chmod(file, 0o644);
    const flags = ["-p", file];
    return await run(jailArgv(flags, argv, options.engine), options);
  } finally {
    await Deno.remove(file);
  }
}

/** The words that run a program in a jail. */
export function jailArgv(
  flags: readonly string[],
  argv: readonly string[],
  engine?: EngineChoice,
): string[] {
  const how = engine === undefined ? [] : [`--engine=${engine}`];
  return [...jailCommand(), ...how, ...flags, "--", ...argv];
}

/** Runs a program as it is, to see what it does without a jail. */
export async function run(
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  const { stdin } = options;
  const child = start(argv, options);
  // A test that hangs should say so, and leave nothing running.
  const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  const writing = feed(child.stdin, stdin ?? "");
  const { code, signal, stdout, stderr } = await child.output();
  clearTimeout(late);
  await writing;
  return { code, signal, stdout: text(stdout), stderr: text(stderr) };
}

/** Starts a program, with pipes for 0, 1 and 2. */
export function start(
  [name = "", ...args]: readonly string[],
  { cwd, env }: RunOptions = {},
): Deno.ChildProcess {
  return new Deno.Command(name, {
    args,
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    ...(cwd === undefined ? {} : { cwd }),
  }).spawn();
}

async function feed(
  stdin: WritableStream<Uint8Array>,
  input: string,
): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch (error) {
    // A program need not read what it is offered.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Bytes as text, one character each where they are not UTF-8. */
function text(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("latin1").decode(bytes);
  }
}

const FIXTURES = new URL("./fixtures/", import.meta.url);
const built = new Map<string, string>();
let folder: string | undefined;

/**
 * The path of one of our own small programs in `tests/fixtures`, built when
 * it is first asked for.
 *
 * @param name its file's name, without `.c`
 * @param flags what else the compiler is told
 */
export function fixture(
  name: string,
  flags: readonly string[] = ["-pthread"],
): string {
  const known = built.get(`${name} ${flags.join(" ")}`);
  if (known !== undefined) return known;
  if (folder === undefined) {
    const made = Deno.makeTempDirSync({ prefix: "jail-fixtures-" });
    Deno.chmodSync(made, 0o755);
    globalThis.addEventListener(
      "unload",
      () => Deno.removeSync(made, { recursive: true }),
    );
    folder = made;
  }
  const program = `${folder}/${name}${
    flags.includes("-static") ? "-alone" : ""
  }`;
  const source = new URL(`${name}.c`, FIXTURES).pathname;
  const { success, stderr } = new Deno.Command("gcc", {
    args: ["-O1", "-Wall", "-Werror", ...flags, "-o", program, source],
  }).outputSync();
  if (!success) throw new Error(text(stderr));
  built.set(`${name} ${flags.join(" ")}`, program);
  return program;
}

/** Ids of the processes that have this word on their command line. */
export function processesWith(word: string): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      const line = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      if (line.split("\0").includes(word)) found.push(Number(name));
    } catch {
      // It is gone.
    }
  }
  return found;
}

/** Waits for something to become true, and says whether it did in time. */
export async function eventually(
  claim: () => boolean,
  milliseconds = 5000,
): Promise<boolean> {
  const end = performance.now() + milliseconds;
  while (!claim()) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}
