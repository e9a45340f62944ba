/**
 * Compares programs alone, in jail and in its neighbours, side by side.
 *
 *     deno task bench                 all of it, in 20 minutes
 *     deno task bench --quick         less of it, in 3
 *     deno task bench --write         and put the tables into the documents
 *     deno task bench --json=FILE     and write all numbers to a file
 *     deno task bench find gcc        the workloads with these words alone
 *     deno task bench --jail=FILE     with a compiled jail in place of a bundle
 *
 * What is not installed, or does not work here, is named with the reason.
 */

// @ts-types="../src/cli/parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { compare, type Patience, type Row } from "./bench/compare.ts";
import { isFailure } from "./bench/compare.ts";
import { NOT_INSTALLED, tryOut } from "./bench/measure.ts";
import { makePlace, type Place } from "./bench/place.ts";
import { measureSizes } from "./bench/sizes.ts";
import { prepareStarts, startWays } from "./bench/starts.ts";
import {
  between,
  fullText,
  type Results,
  shortText,
  toJson,
} from "./bench/tables.ts";
import { type Way, waysWith } from "./bench/ways.ts";
import { FULL, NOTHING, QUICK, START, workloads } from "./bench/workloads.ts";
import { bundle, bundleCommand } from "./bundle.ts";
import { capture, DENO, pass, ROOT, say } from "./parts.ts";

const LONG: Patience = { each: 45_000, run: 60_000, times: 15 };
const BRIEF: Patience = { each: 4000, run: 10_000, times: 5 };

const LONG_SIZES = { quick: false, times: 3, run: 120_000 };
const BRIEF_SIZES = { quick: true, times: 1, run: 20_000 };

/** Where the short table and the long one stand. */
const SHORT_DOCUMENT = "README.md";
const LONG_DOCUMENT = "ARCHITECTURE.md";

const encoder = new TextEncoder();

/** Tells how far it is, apart from the results. */
function tell(line: string): void {
  Deno.stderr.writeSync(encoder.encode(`${line}\n`));
}

/** The ways that work here, and why others do not. */
async function waysHere(
  all: readonly Way[],
  place: Place,
): Promise<{ ways: Way[]; missing: Map<string, string> }> {
  const ways: Way[] = [];
  const missing = new Map<string, string>();
  const options = { cwd: place.path, env: place.env, most: 10_000 };
  for (const way of all) {
    const tried = await tryOut([...way.prefix(place.path), "true"], options);
    if (!isFailure(tried)) {
      ways.push(way);
      continue;
    }
    const { debian } = way;
    const from = tried.reason === NOT_INSTALLED && debian !== undefined
      ? ` (Debian has it in ${debian})`
      : "";
    missing.set(way.name, `${tried.reason}${from}`);
    tell(`${way.name}: ${tried.reason}`);
  }
  return { ways, missing };
}

/** A word, or the path of the file that it names: ways run elsewhere. */
async function absolute(word: string): Promise<string> {
  return await Deno.realPath(word).catch(() => word);
}

/** The words that run the command bundled, as users who wait for it do. */
async function bundled(directory: string): Promise<readonly string[]> {
  if (!await bundle(directory)) throw new Error("Cannot bundle the command");
  return bundleCommand(directory);
}

/** Kernel, processors, versions. */
async function machine(kind: string): Promise<string> {
  const kernel = await capture("uname", ["-srm"]);
  const cpus = navigator.hardwareConcurrency;
  const by = `jail ${kind}, Deno ${Deno.version.deno}`;
  return `${kernel.output.trim()}, ${cpus} processors, ${by}`;
}

/** Puts the tables where documents have them, in the form of the formatter. */
async function write(results: Results): Promise<void> {
  for (
    const [name, text] of [
      [SHORT_DOCUMENT, shortText(results)],
      [LONG_DOCUMENT, fullText(results)],
    ] as const
  ) {
    const file = new URL(name, ROOT);
    const document = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, between(document, text));
  }
  await pass(DENO, ["fmt", "--quiet", SHORT_DOCUMENT, LONG_DOCUMENT]);
}

if (import.meta.main) {
  const options = parseArgs(Deno.args, {
    boolean: ["quick", "write"],
    string: ["json", "jail"],
    unknown: (word) => {
      if (!word.startsWith("-")) return true;
      say(`Cannot use ${word}: options are --quick, --write, --json, --jail`);
      Deno.exit(125);
    },
  });
  const quick = options["quick"] === true;
  const words = (options["_"] as readonly unknown[]).map(String);
  const chosen = workloads(quick ? QUICK : FULL).filter(({ name }) =>
    name === START || words.length === 0 ||
    words.some((word) => name.includes(word))
  );
  await using place = await makePlace();
  const given = options["jail"];
  const kind = typeof given === "string" ? "compiled" : "bundled";
  const jail = typeof given === "string"
    ? await Promise.all(given.split(" ").map(absolute))
    : await bundled(`${place.path}/bundle`);
  const { ways, missing } = await waysHere(waysWith(jail), place);
  const rows: Row[] = [];
  for (const workload of chosen) {
    const start = performance.now();
    rows.push(await compare(workload, ways, place, quick ? BRIEF : LONG));
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    tell(`${workload.name}: ${seconds} s`);
  }
  await prepareStarts(place);
  const starting = startWays(jail, kind);
  const started = { name: START, words: NOTHING };
  const starts = {
    ways: starting,
    row: await compare(started, starting, place, quick ? BRIEF : LONG),
  };
  const sizes = words.length > 0 ? [] : await measureSizes(
    place,
    { ...quick ? BRIEF_SIZES : LONG_SIZES, jail },
    ({ name, size }) => tell(`${size} ${name}`),
  );
  const results: Results = {
    date: new Date().toISOString().slice(0, 10),
    machine: await machine(kind),
    ...{ ways, missing, rows, starts, sizes },
  };
  say(fullText(results));
  const json = options["json"];
  if (typeof json === "string" && json !== "") {
    await Deno.writeTextFile(json, `${toJson(results)}\n`);
  }
  if (options["write"] === true) await write(results);
}
