/** Runs the fuzzer in a jail, and looks at jail and at the machine from outside. */

import type { Engine } from "../src/trace/options.ts";
import { fixture, jailArgv, start } from "./harness.ts";
import { scratch } from "./jail.ts";

/** What a run of the fuzzer came to. */
export interface Fuzzed {
  /** How many calls were made. */
  readonly calls: number;
  /** How often a worker died of them. */
  readonly deaths: number;
  /** What is wrong; nothing, if jail holds. */
  readonly faults: readonly string[];
  /** How many more descriptors jail holds at the end than at the beginning. */
  readonly descriptors: number;
  /** How many more kilobytes it takes at the end than at the beginning. */
  readonly kilobytes: number;
}

/** How long a run may take beyond its own time. */
const GRACE_MS = 30_000;

/** Jail keeps some descriptors of what is gone until the next stop. */
const MOST_DESCRIPTORS = 16;

/** What the heap may grow by until it is collected. */
const MOST_KILOBYTES = 200_000;

/** What the fuzzer tries to make outside. */
const OUTSIDE = [
  "/fuzz-made",
  "/tmp/fuzz-made",
  "/dev/shm/fuzz-made",
  "/etc/fuzz-made",
];

/**
 * Runs the fuzzer.
 *
 * @param seed what it does depends on this alone, but for who comes first
 * @param seconds for how long
 * @param engine how calls are caught
 */
export async function fuzz(
  seed: number,
  seconds: number,
  engine: Engine,
): Promise<Fuzzed> {
  await using directory = await scratch();
  const home = directory.path;
  for (const name of ["open", "closed"]) await Deno.mkdir(`${home}/${name}`);
  await Deno.chmod(`${home}/open`, 0o777);
  await directory.file("closed/flag", "closed\n", 0o666);
  await directory.file("flag", "closed\n", 0o666);
  await Deno.symlink("../closed", `${home}/open/out`);
  await Deno.symlink("b", `${home}/open/link`);
  await Deno.symlink("loop", `${home}/open/loop`);
  const policy = await directory.file(
    "policy.yaml",
    `extends: base
read: ["${home}/open"]
write: ["${home}/open"]
run: ["${home}/open", /usr/bin/true]
`,
  );
  const victim = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  try {
    const before = await machine(home, victim.pid);
    const ran = await runFuzz(
      ["-p", policy],
      [String(seed), String(Math.round(seconds * 1000)), String(victim.pid)],
      `${home}/open`,
      engine,
      seconds * 1000 + GRACE_MS,
    );
    const after = await machine(home, victim.pid);
    const changes = Object.keys(before).filter((key) =>
      before[key] !== after[key]
    ).map((key) => `${key} changed: ${before[key]} => ${after[key]}`);
    return { ...ran, faults: [...ran.faults, ...changes] };
  } finally {
    try {
      victim.kill("SIGKILL");
    } catch {
      // It is gone, which the comparison has told.
    }
    await victim.status;
    for (const path of OUTSIDE) {
      await Deno.remove(path, { recursive: true }).catch(() => {});
    }
  }
}

async function runFuzz(
  flags: readonly string[],
  words: readonly string[],
  cwd: string,
  engine: Engine,
  patience: number,
): Promise<Fuzzed> {
  const faults: string[] = [];
  const child = start(
    jailArgv(flags, [fixture("fuzz"), ...words, String(Deno.pid)], engine),
    { cwd },
  );
  const timer = setTimeout(() => {
    faults.push("it hangs");
    child.kill("SIGKILL");
  }, patience);
  const complaint = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  const writer = child.stdin.getWriter();
  let said = "";
  const hear = async (end: RegExp): Promise<void> => {
    while (!end.test(said)) {
      const { value, done } = await reader.read();
      if (done) return;
      said += new TextDecoder().decode(value);
    }
  };
  const go = (): Promise<void> =>
    writer.write(new TextEncoder().encode("x")).catch(() => {});
  await hear(/up\n/);
  const before = sizeOf(child.pid);
  await go();
  await hear(/calls .*\n/);
  const after = sizeOf(child.pid);
  await go();
  await writer.close().catch(() => {});
  const { code } = await child.status;
  clearTimeout(timer);
  await reader.cancel();
  const text = await complaint;
  if (code !== 0) faults.push(`it ended with ${code}`);
  if (text !== "") faults.push(`it said ${JSON.stringify(text)}`);
  const counts = /calls (\d+) deaths (\d+) foreign (\d+)\n/.exec(said) ?? [];
  const [, calls, deaths, foreign] = counts.map(Number);
  if (foreign !== 0) faults.push("a call by a 32-bit entry was made");
  const descriptors = after.descriptors - before.descriptors;
  const kilobytes = after.kilobytes - before.kilobytes;
  if (descriptors > MOST_DESCRIPTORS) {
    faults.push(`it leaks ${descriptors} descriptors`);
  }
  if (kilobytes > MOST_KILOBYTES) faults.push(`it leaks ${kilobytes} kB`);
  return {
    calls: calls ?? 0,
    deaths: deaths ?? 0,
    faults,
    descriptors,
    kilobytes,
  };
}

/** What a process holds. */
function sizeOf(pid: number): { descriptors: number; kilobytes: number } {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return {
      descriptors: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
      kilobytes: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0),
    };
  } catch {
    return { descriptors: 0, kilobytes: 0 };
  }
}

/** What no program in the jail may change. */
async function machine(
  home: string,
  victim: number,
): Promise<Readonly<Record<string, string>>> {
  const own = await Promise.all(
    [victim, Deno.pid].map((pid) => lookOf(pid)),
  );
  return {
    "the closed tree": await output("find", [
      ...["closed", "flag", "policy.yaml"].map((name) => `${home}/${name}`),
      ...["-printf", "%p %y %m %n %i %s %T@ %C@ %U %G\\n"],
    ]),
    "the tree": [...Deno.readDirSync(home)].map(({ name }) => name).toSorted()
      .join(" "),
    "the outside": (await Promise.all(OUTSIDE.map(exists))).join(" "),
    "the other process": own[0] ?? "",
    "this process": own[1] ?? "",
    "the name of the machine": Deno.hostname(),
  };
}

/** What others could change of a process. */
async function lookOf(pid: number): Promise<string> {
  const read = async (name: string): Promise<string> =>
    await Deno.readTextFile(`/proc/${pid}/${name}`).catch(() => "gone");
  const status = await read("status");
  const stat = (await read("stat")).replace(/^.*\) /, "").split(" ");
  const kept = /^(Uid|Gid|Cpus_allowed|TracerPid):.*$/gm;
  return [
    // Running or sleeping: not stopped, not dead.
    /^State:\s+[RSD]/m.test(status) ? "alive" : "not alive",
    ...status.match(kept) ?? [],
    // Group, session, priority, nice value, policy.
    ...[2, 3, 15, 16, 38].map((at) => stat[at]),
    await read("limits"),
    await read("oom_score_adj"),
  ].join("\n");
}

async function output(
  name: string,
  args: readonly string[],
): Promise<string> {
  const { stdout } = await new Deno.Command(name, { args: [...args] }).output();
  return new TextDecoder().decode(stdout);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
