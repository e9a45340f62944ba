/**
 * Runs everything that the gate runs, each part by name.
 *
 *     deno task ok               all of it
 *     deno task ok check lint    these parts
 */

import {
  capture,
  type Counts,
  countsLine,
  DENO,
  pass,
  readCounts,
  say,
  sum,
} from "./parts.ts";

interface Part {
  readonly name: string;
  readonly args: readonly string[];
}

const PARTS: readonly Part[] = [
  { name: "check", args: ["check", "."] },
  { name: "lint", args: ["lint"] },
  { name: "fmt", args: ["fmt", "--check"] },
  {
    name: "doc",
    args: ["doc", "--lint", "src/mod.ts", "src/policy/mod.ts", "main.ts"],
  },
  {
    name: "layers",
    args: ["test", "-A", "--no-check", "tests/layers_test.ts"],
  },
  { name: "table", args: ["run", "-A", "scripts/syscalls.ts"] },
  { name: "publish", args: ["publish", "--dry-run", "--allow-dirty"] },
];

async function runPart({ name, args }: Part): Promise<Counts> {
  const start = performance.now();
  const { success, output } = await capture(DENO, args, { NO_COLOR: "1" });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  say(`${success ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (!success) say(output.replace(/^/gm, "    "));
  return { passed: Number(success), failed: Number(!success), skipped: 0 };
}

/** The tests write as they go, and close with a line that counts. */
async function runTests(): Promise<Counts> {
  const file = await Deno.makeTempFile({ prefix: "jail-counts-" });
  try {
    const success = await pass(DENO, ["run", "-A", "scripts/test.ts"], {
      JAIL_COUNTS: file,
    });
    const counts = readCounts(await Deno.readTextFile(file));
    return counts ?? { passed: Number(success), failed: 1, skipped: 0 };
  } finally {
    await Deno.remove(file);
  }
}

if (import.meta.main) {
  const wanted = Deno.args;
  const chosen = (name: string): boolean =>
    wanted.length === 0 || wanted.includes(name);
  const known = [...PARTS.map(({ name }) => name), "test"];
  const strange = wanted.filter((name) => !known.includes(name));
  if (strange.length > 0) {
    say(`Cannot run ${strange.join(", ")}: parts are ${known.join(", ")}`);
    Deno.exit(125);
  }
  const parts = PARTS.filter(({ name }) => chosen(name));
  const counts = await Promise.all(parts.map(runPart));
  if (chosen("test")) counts.push(await runTests());
  const total = sum(counts);
  say(countsLine(total));
  Deno.exit(total.failed > 0 ? 1 : 0);
}
