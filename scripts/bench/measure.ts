/** Runs a command and measures it: its time, what it printed, the memory it took. */

/** Why a command has no time. */
export interface Failure {
  /** In a few words. */
  readonly reason: string;
}

/** Why a command has no time that nobody has here. */
export const NOT_INSTALLED = "it is not installed";

/** One run of a command. */
export interface Run {
  /** Milliseconds from its start to its end. */
  readonly ms: number;
  /** The most memory that its first process took, in bytes; 0 unless asked. */
  readonly memory: number;
}

/** How a command is run. */
export interface RunOptions {
  /** Where. */
  readonly cwd: string;
  /** Its environment, and nothing else. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds before it is killed, with all that it started. */
  readonly most: number;
  /** Whether to look at its memory. */
  readonly memory?: boolean;
}

/** How often memory is looked at, in milliseconds: the kernel keeps the peak. */
const LOOK_MS = 25;

/** Runs a command, and throws away what it writes. */
export async function run(
  words: readonly string[],
  options: RunOptions,
): Promise<Run | Failure> {
  const started = begin(words, options, "null");
  if (!(started instanceof Deno.ChildProcess)) return started;
  const start = performance.now();
  const late = setTimeout(() => killTree(started.pid), options.most);
  let memory = 0;
  const look = options.memory === true
    ? setInterval(() => {
      memory = Math.max(memory, peakOf(started.pid));
    }, LOOK_MS)
    : undefined;
  const status = await started.status;
  const ms = performance.now() - start;
  clearTimeout(late);
  clearInterval(look);
  if (status.success) return { ms, memory };
  return { reason: ms >= options.most ? over(options) : ended(status) };
}

/**
 * Runs a command once, to warm what is cached and to see what it does.
 *
 * @returns how many lines it printed, and how long it took
 */
export async function tryOut(
  words: readonly string[],
  options: RunOptions,
): Promise<{ readonly lines: number; readonly ms: number } | Failure> {
  const started = begin(words, options, "piped");
  if (!(started instanceof Deno.ChildProcess)) return started;
  const start = performance.now();
  const late = setTimeout(() => killTree(started.pid), options.most);
  const { stdout, stderr, ...status } = await started.output();
  clearTimeout(late);
  const ms = performance.now() - start;
  if (status.success) {
    return { lines: stdout.reduce((n, byte) => n + +(byte === 10), 0), ms };
  }
  if (ms >= options.most) return { reason: over(options) };
  const [line = ""] = new TextDecoder().decode(stderr).trim().split("\n");
  return { reason: line === "" ? ended(status) : line.slice(0, 120) };
}

function begin(
  [command = "", ...args]: readonly string[],
  { cwd, env }: RunOptions,
  output: "null" | "piped",
): Deno.ChildProcess | Failure {
  try {
    return new Deno.Command(command, {
      ...{ args, cwd, env, clearEnv: true },
      ...{ stdin: "null", stdout: output, stderr: output },
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { reason: NOT_INSTALLED };
    }
    throw error;
  }
}

function over({ most }: RunOptions): string {
  return `it took over ${(most / 1000).toFixed(0)} s`;
}

function ended({ code, signal }: Deno.CommandStatus): string {
  return signal === null ? `it ended with ${code}` : `it ended by ${signal}`;
}

/** The most memory that a process has had, in bytes; 0 where it is gone. */
function peakOf(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Ends a process and all that it started: tracers leave theirs behind. */
function killTree(pid: number): void {
  const children = new Map<number, number[]>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const parent = parentOf(name);
    children.set(parent, [...children.get(parent) ?? [], Number(name)]);
  }
  const all = [pid];
  for (let at = 0; at < all.length; at++) {
    all.push(...children.get(all[at] as number) ?? []);
  }
  for (const one of all) {
    try {
      Deno.kill(one, "SIGKILL");
    } catch {
      // It is gone.
    }
  }
}

function parentOf(pid: string): number {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return 0;
  }
}

/** The middle of some numbers, of an even count the upper one; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}
