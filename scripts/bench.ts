/**
 * Compares programs alone, in a jail and under strace, side by side.
 *
 *     deno task bench                 each five times
 *     deno task bench --runs=11 ls    the workloads with "ls" in their name
 *
 * The ways take turns, so that what else the machine does falls on all alike.
 * A row shows the median of each way, and how many times that of the program
 * alone it is. Starting Deno is part of what a jail costs, and is in it.
 */

// @ts-types="../src/cli/parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { capture, DENO, ROOT, say } from "./parts.ts";

interface Workload {
  readonly name: string;
  readonly words: readonly string[];
}

interface Way {
  readonly name: string;
  readonly prefix: readonly string[];
}

const STAT = "import os\nfor i in range(20000): os.stat('/usr/bin')";

const WORKLOADS: readonly Workload[] = [
  { name: "true", words: ["true"] },
  { name: "ls -lR /usr/share", words: ["ls", "-lR", "/usr/share"] },
  { name: "find /usr", words: ["find", "/usr"] },
  { name: "python3, 20,000 stat", words: ["python3", "-c", STAT] },
  {
    name: "sh, 200 programs",
    words: ["sh", "-c", "for i in $(seq 200); do /bin/true; done"],
  },
  {
    name: "gcc, a small file",
    words: ["sh", "-c", "echo 'int main(){}' | gcc -x c -c -o /dev/null -"],
  },
];

const JAIL = [
  DENO,
  "run",
  "-A",
  "--no-check",
  new URL("main.ts", ROOT).pathname,
];

const WAYS: readonly Way[] = [
  { name: "alone", prefix: [] },
  { name: "jail -A", prefix: [...JAIL, "-A", "--"] },
  {
    name: "jail --engine=ptrace",
    prefix: [...JAIL, "-A", "--engine=ptrace", "--"],
  },
  {
    name: "strace -f --seccomp-bpf",
    prefix: ["strace", "-f", "--seccomp-bpf", "-e", "%file", "-o", "/dev/null"],
  },
];

/** Milliseconds of one run, or `undefined` where it failed. */
async function time(words: readonly string[]): Promise<number | undefined> {
  const [command = "", ...args] = words;
  const start = performance.now();
  try {
    const { success } = await new Deno.Command(command, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn().status;
    return success ? performance.now() - start : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

async function compare(workload: Workload, runs: number): Promise<void> {
  const times = WAYS.map((): number[] => []);
  // The first round warms caches, and is not counted.
  for (let round = 0; round <= runs; round++) {
    for (const [i, way] of WAYS.entries()) {
      const ms = await time([...way.prefix, ...workload.words]);
      if (round > 0 && ms !== undefined) times[i]?.push(ms);
    }
  }
  const alone = median(times[0] ?? []);
  const cells = times.map((all, i) => {
    if (all.length < runs) return "not run";
    const ms = median(all);
    const ratio = i === 0 ? "" : ` (${(ms / alone).toFixed(2)})`;
    return `${ms.toFixed(1)} ms${ratio}`;
  });
  say(`| ${[workload.name, ...cells].join(" | ")} |`);
}

if (import.meta.main) {
  const options = parseArgs(Deno.args, { string: ["runs"] });
  const runs = Number(options["runs"] ?? 5);
  const words = (options["_"] as readonly unknown[]).map(String);
  const kernel = await capture("uname", ["-srm"]);
  say(`${kernel.output.trim()}, Deno ${Deno.version.deno}, ${runs} runs each`);
  say("");
  say(`| workload | ${WAYS.map(({ name }) => name).join(" | ")} |`);
  say(`| --- | ${WAYS.map(() => "---").join(" | ")} |`);
  for (const workload of WORKLOADS) {
    if (words.every((word) => workload.name.includes(word))) {
      await compare(workload, runs);
    }
  }
}
