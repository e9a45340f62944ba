/** Running the parts of a gate, and adding up what they count. */

/** How many passed, failed and were skipped. */
export interface Counts {
  /** What passed. */
  readonly passed: number;
  /** What failed. */
  readonly failed: number;
  /** What was not run. */
  readonly skipped: number;
}

/** Adds up. */
export function sum(all: readonly Counts[]): Counts {
  return all.reduce((a, b) => ({
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  }), { passed: 0, failed: 0, skipped: 0 });
}

/** The closing line: `12 passed, 0 failed`, and what was skipped, if any. */
export function countsLine({ passed, failed, skipped }: Counts): string {
  const more = skipped > 0 ? `, ${skipped} skipped` : "";
  return `${passed} passed, ${failed} failed${more}`;
}

const COUNTS_REGEXP = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm;

/** The last closing line in an output. */
export function readCounts(output: string): Counts | undefined {
  const match = [...output.matchAll(COUNTS_REGEXP)].at(-1);
  return match === undefined ? undefined : {
    passed: Number(match[1]),
    failed: Number(match[2]),
    skipped: Number(match[3] ?? 0),
  };
}

/** Writes a line to standard output. */
export function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** What a command did. */
export interface Ran {
  /** Whether it exited with 0. */
  readonly success: boolean;
  /** What it wrote to standard output and standard error, in that order. */
  readonly output: string;
}

/** Runs a command in the repository, and keeps what it writes. */
export async function capture(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const child = new Deno.Command(command, {
    args: [...args],
    cwd: ROOT,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = new AbortController();
  const written = Promise.all([
    readUntil(child.stdout, ended.signal),
    readUntil(child.stderr, ended.signal),
  ]);
  const { success } = await child.status;
  // Whatever it left behind may hold its output for ever.
  const patience = setTimeout(() => ended.abort(), LEFT_BEHIND);
  const [stdout, stderr] = await written;
  clearTimeout(patience);
  return { success, output: stdout + stderr };
}

/** How long the output of a command that has ended may go on, in milliseconds. */
const LEFT_BEHIND = 10_000;

/** What is written until the end, or until nobody waits for that any more. */
async function readUntil(
  stream: ReadableStream<Uint8Array>,
  ended: AbortSignal,
): Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  ended.addEventListener("abort", () => reader.cancel());
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
  }
}

/** Runs a command in the repository, and lets it write to the terminal. */
export async function pass(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const { success } = await new Deno.Command(command, {
    args: [...args],
    cwd: ROOT,
    env,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  return success;
}

/** The repository. */
export const ROOT = new URL("../", import.meta.url);

/** The Deno that runs this. */
export const DENO: string = Deno.execPath();
