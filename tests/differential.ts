/**
 * Makes random calls under random rules, in several ways, and compares: what the
 * kernel and the stops do together, what the stops do alone, and what `decide()`
 * says, with the program alone where it allows.
 *
 * Each pair of rules and a call has a directory of its own, so that one policy
 * and one run try hundreds of them.
 */

import { fromText } from "../src/abi/bytes.ts";
import { holdByKernel } from "../src/jail/kernel_plan.ts";
import { loadLayers } from "../src/jail/layers.ts";
import type { Use } from "../src/policy/call.ts";
import { compile } from "../src/policy/compile.ts";
import type { Engine as Decider } from "../src/policy/decide.ts";
import { mergeLayers } from "../src/policy/merge.ts";
import type { Policy } from "../src/policy/policy.ts";
import { random } from "../src/policy/random_test.ts";
import { OWN_VIEW } from "../src/sys/view.ts";
import { fixture, jail, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { modelOf, MODELS } from "./model.ts";

/** What came of a seed. */
export interface Compared {
  /** How many pairs were tried. */
  readonly pairs: number;
  /** How many of them were refused. */
  readonly refused: number;
  /** Where the ways differ; nothing, if jail holds. */
  readonly faults: readonly string[];
}

/** One way to enforce the rules. */
interface Way {
  readonly name: string;
  readonly flags: readonly string[];
}

const WAYS: readonly Way[] = [
  { name: "as planned", flags: [] },
  { name: "by stops", flags: ["--no-landlock", "--report"] },
  { name: "by ptrace", flags: ["--no-landlock", "--engine=ptrace"] },
];

/** Rules, and a call under them. */
interface Pair {
  /** Its directory, beneath the root. */
  readonly name: string;
  /** Rules by section and effect, as patterns beneath its directory. */
  readonly rules: readonly (readonly [string, string, string])[];
  /** The call, as the fixture takes it; paths begin with `%`. */
  readonly call: string;
}

const SECTIONS = ["read", "write", "run"] as const;
const EFFECTS = ["allow", "deny", "ignore"] as const;

/** How what no rule allows is refused. */
const REFUSALS = [
  "default: EACCES\nunseen: ENOENT",
  "default: EPERM",
  "default: EACCES",
  "default: EPERM\nunseen: ENOENT",
];

/** What a rule may name. */
const PATTERNS = [
  ...["", "/d", "/n", "/d/e", "/d/f", "/d/x", "/n/h", "/f", "/d/gone"],
  ...["/d/new", "/*", "/d/*", "/**/h", "/**/x", "/d/**/g", "/{d,n}/x"],
  ...["/d/out", "/d/l", "/n/new"],
];

/** What one that allows may name as well: directories alone. */
const ALONE = ["/.", "/d/."];

/** The directory of the pair itself: in that of another its call would meet theirs. */
const OWN = "@";

/** What a call may name. */
const PATHS = [
  ...["", "/d", "/d/f", "/d/x", "/d/e", "/d/e/g", "/d/l", "/d/out", "/d/gone"],
  ...["/d/out/h", "/d/out/new", "/d/new", "/n", "/n/h", "/n/x", "/n/new", "/f"],
  ...["/new", "/d/e/new", "/d/e/empty", "/d/f/under", "/new/under", "/d/../f"],
  ...["/d/e/../../n/h", "/d/", "/d/f/", "/d/out/", "/d/./x", "/d/gone/"],
  ...["/d/p", "/d/../../", `/../${OWN}/f`],
];

/** What is the machine's, for calls that change nothing. */
const MACHINE = [
  ...[
    "/etc/passwd",
    "/etc/shadow",
    "/etc",
    "/usr/bin/echo",
    "/lib",
    "/nothing",
  ],
  ...["/dev/null", "/dev/full", "/dev/kmsg", "/dev", "/proc", "/proc/1"],
  ...[
    "/proc/1/status",
    "/proc/self/status",
    "/proc/self/exe",
    "/proc/self/cwd",
  ],
  ...["/proc/self/fd/0", "/proc/self/fd/1", "/dev/stdin", "/proc/nothing"],
  ...["/proc/4194304", "/sys", "/"],
];

/** Rules about it, for all pairs of a seed. */
const MACHINE_RULES: readonly (readonly [string, string, string])[] = [
  ...[["read", "allow", "/"], ["read", "allow", "/etc"]] as const,
  ...[["read", "allow", "/proc"], ["read", "allow", "/dev"]] as const,
  ...[["read", "deny", "/etc/passwd"], [
    "read",
    "ignore",
    "/etc/shadow",
  ]] as const,
  ...[["read", "deny", "/proc/self/status"], ["run", "allow", "/usr"]] as const,
  ...[["read", "allow", "/proc/self"], ["write", "allow", "/"]] as const,
  ...[["run", "allow", "/"], ["read", "ignore", "/dev/full"]] as const,
];

/** One in so many calls is about the machine's files. */
const ABROAD = 5;

type Rule = Pair["rules"][number];

function makePairs(
  seed: number,
  count: number,
): { readonly pairs: readonly Pair[]; readonly rules: readonly Rule[] } {
  const below = random(seed);
  const pick = <T>(all: readonly T[]): T => all[below(all.length)] as T;
  const calls = Object.keys(MODELS);
  const rules = Array.from({ length: below(4) }, () => pick(MACHINE_RULES));
  const pairs = Array.from({ length: count }, (_, i) => {
    const rules = Array.from({ length: 1 + below(5) }, () => {
      // Most rules allow something, or little would ever be allowed.
      const effect = below(3) > 0 ? "allow" : pick(EFFECTS);
      const patterns = effect === "allow" ? [...PATTERNS, ...ALONE] : PATTERNS;
      return [pick(SECTIONS), effect, pick(patterns)] as const;
    });
    const call = pick(calls);
    const abroad = MODELS[call]?.harmless === true && below(ABROAD) === 0;
    const words = [call, abroad ? pick(MACHINE) : `%${pick(PATHS)}`];
    if (MODELS[call]?.two === true) words.push(`%${pick(PATHS)}`);
    const name = `p${i}`;
    return { name, rules, call: words.join("=").replaceAll(OWN, name) };
  });
  return { pairs, rules };
}

/** Makes the directory of a pair. */
function makeWorld(root: string): void {
  for (const name of ["", "/d", "/d/e", "/d/e/empty", "/n"]) {
    Deno.mkdirSync(`${root}${name}`);
  }
  for (const name of ["/f", "/d/f", "/d/e/g", "/n/h"]) {
    Deno.writeTextFileSync(`${root}${name}`, "text\n");
  }
  for (const name of ["/d/x", "/n/x"]) {
    Deno.copyFileSync("/usr/bin/echo", `${root}${name}`);
  }
  Deno.symlinkSync("f", `${root}/d/l`);
  Deno.symlinkSync("../n", `${root}/d/out`);
  Deno.symlinkSync("nothing", `${root}/d/gone`);
  Deno.linkSync(`${root}/n/h`, `${root}/d/p`);
}

function policyOf(
  root: string,
  pairs: readonly Pair[],
  machine: readonly Rule[],
  refuse: string,
): string {
  const lines = ["extends: minimal", refuse];
  for (const section of SECTIONS) {
    lines.push(`${section}:`);
    for (const effect of EFFECTS) {
      const isMeant = (rule: Rule): boolean =>
        rule[0] === section && rule[1] === effect;
      const patterns = pairs.flatMap(({ name, rules }) =>
        rules.filter(isMeant).map((rule) => `${root}/${name}${rule[2]}`)
      );
      const all = [...patterns, ...machine.filter(isMeant).map(([, , p]) => p)];
      lines.push(`  ${effect}: ${JSON.stringify(all)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Where a rule's path leads, links to nothing as well. */
const meant = (path: string): string | undefined => OWN_VIEW.meant(path);

/** What `decide()` says: an errno, `OK` where it allows, or nothing to say. */
function decided(decider: Decider, root: string, pair: Pair): string {
  const call = modelOf(`${root}/${pair.name}`, pair.call);
  if (call === undefined) return "";
  const decision = decider.decide(call);
  if (decision.kind === "allow") return "OK";
  const { refusal } = decision;
  return refusal.kind === "errno" ? refusal.errno : refusal.kind;
}

/**
 * Whether all that may be done with a file is to see it in its directory, which may
 * be listed and no rule means with what is in it: a tree does not have the file.
 */
function isListedAlone(decider: Decider, root: string, pair: Pair): boolean {
  const call = modelOf(`${root}/${pair.name}`, pair.call);
  if (call === undefined || call.moves !== undefined) return false;
  return call.uses.every(({ access }) => access === "stat") &&
    (["read", "write", "run"] as const).every((access) => {
      const uses = call.uses.map((use) => ({ ...use, access }));
      return decider.decide({ ...call, uses }).kind === "refuse";
    });
}

/**
 * Whether a call leads through a link that no rule means, or into and out of a
 * directory that none does: a tree does not have these.
 */
function leadsThroughAbsent(
  decider: Decider,
  root: string,
  { name, call }: Pair,
): boolean {
  const [, ...written] = call.split("=");
  return written.some((path) => {
    const parts = path.split("/").slice(1);
    return parts.some((_, i) => {
      const way = [root, name, ...parts.slice(0, i + 1)].join("/");
      const isRefused = (use: Use): boolean =>
        decider.decide({ name: "openat", uses: [use] }).kind === "refuse";
      if (isLink(way)) {
        return isRefused({ access: "read", kind: "link", path: way });
      }
      const path = meant(way);
      return parts[i + 1] === ".." && path !== undefined &&
        SECTIONS.every((access) =>
          isRefused({ access, kind: "directory", path })
        );
    });
  });
}

/**
 * Compares the ways for one seed.
 *
 * @param seed rules and calls depend on it alone
 * @param count how many pairs
 * @param more flags of jail, so that a test can show that what they change shows
 */
export async function compareWays(
  seed: number,
  count: number,
  more: readonly string[] = [],
): Promise<Compared> {
  await using place = await scratch();
  const { pairs, rules } = makePairs(seed, count);
  const refuse = REFUSALS[seed % REFUSALS.length] as string;
  const beside = ["alone", "threads", "shared"][seed % 3] as string;
  const results = new Map<string, readonly string[]>();
  let oracle: readonly string[] = [];
  for (const { name, flags } of [{ name: "alone", flags: [] }, ...WAYS]) {
    const root = `${place.path}/${name.replace(/ /g, "-")}`;
    Deno.mkdirSync(root, { mode: 0o755 });
    for (const pair of pairs) makeWorld(`${root}/${pair.name}`);
    const argv = [
      ...[fixture("try_call"), beside],
      ...pairs.map((pair) => pair.call.replaceAll("%", `${root}/${pair.name}`)),
    ];
    if (name === "alone") {
      results.set(name, resultsOf((await run(argv, { cwd: root })).stdout));
      continue;
    }
    const policy = await place.file(
      "policy.yaml",
      policyOf(root, pairs, rules, refuse),
    );
    if (oracle.length === 0) {
      const variables = { cwd: root, program: fixture("try_call") };
      const layers = await loadLayers(fromText(policy), variables, root);
      const decider = compile(mergeLayers(layers), { realpath: meant });
      oracle = pairs.map((pair) => decided(decider, root, pair));
    }
    const ran = await jail(["-p", policy, ...flags, ...more], argv, {
      cwd: root,
    });
    results.set(name, resultsOf(ran.stdout));
    if (ran.code !== 0) {
      throw new Error(`seed ${seed} ${name}: ${ran.code} ${ran.stderr}`);
    }
  }
  return judge(seed, pairs, rules, results, oracle);
}

/** Calls that only look at a name, or a directory, which a tree may show. */
const LOOKS: ReadonlySet<string> = new Set([
  ...["stat", "lstat", "newfstatat", "statx", "access", "faccessat"],
  ...["faccessat2", "open_path", "chdir", "statfs", "inotify", "listxattr"],
  ...["llistxattr", "getxattr", "lgetxattr"],
]);

/** What a directory that is not allowed may have done to it: only names are seen. */
const LISTS: ReadonlySet<string> = new Set([
  ...["open_read", "open_directory", "openat", "openat2"],
]);

/** What is not there where the kernel alone holds: its arguments are in memory. */
const NOT_THERE: Readonly<Record<string, string>> = { openat2: "ENOSYS" };

/** What tells of the jail alone there, which has numbers of its own for processes. */
const OWN_REGEXP = /=\/(?:proc\/(?:1|self)(?:\/|$)|dev\/stdin$)/;

/** What comes of a place where something is mounted, whatever is allowed there. */
const MOUNTED: ReadonlySet<string> = new Set(["EBUSY", "EROFS", "EXDEV"]);

/** What came of a seed where the kernel alone holds the rules. */
export interface HeldCompared extends Compared {
  /** How many pairs were not tried, as their rules cannot be held so. */
  readonly unheld: number;
  /** How many were allowed, and came to what they come to without a jail. */
  readonly same: number;
}

/**
 * Compares what the kernel alone lets pass with what `decide()` says, for one
 * seed. What is refused must fail, whatever the errno, and what is allowed must come
 * to what it comes to without a jail, but for where something is mounted.
 *
 * @param seed rules and calls depend on it alone
 * @param count how many pairs
 * @param more flags of jail, so that a test can show that what they change shows
 */
export async function compareHeld(
  seed: number,
  count: number,
  more: readonly string[] = [],
): Promise<HeldCompared> {
  await using place = await scratch();
  const root = `${place.path}/held`;
  const alone = `${place.path}/alone`;
  for (const path of [root, alone]) Deno.mkdirSync(path, { mode: 0o755 });
  // What is written has to be read where the kernel alone holds it.
  const made = makePairs(seed, count).pairs.map((pair, i): Pair => ({
    ...pair,
    rules: i % 4 === 0 ? pair.rules : [["read", "allow", ""], ...pair.rules],
  }));
  for (const { name } of made) {
    for (const path of [root, alone]) makeWorld(`${path}/${name}`);
  }
  const program = fixture("try_call");
  const variables = { cwd: root, program };
  const policyFor = async (pairs: readonly Pair[]): Promise<Policy> => {
    const text = policyOf(root, pairs, [], "default: EACCES");
    const file = fromText(await place.file("policy.yaml", text));
    return mergeLayers(await loadLayers(file, variables, root));
  };
  const at = { env: [], cwd: root, program, view: OWN_VIEW };
  const pairs: Pair[] = [];
  for (const pair of made) {
    const { unheld } = holdByKernel(await policyFor([pair]), at);
    if (unheld.length === 0) pairs.push(pair);
  }
  const decider = compile(await policyFor(pairs), { realpath: meant });
  const said = pairs.map((pair) => decided(decider, root, pair));
  const absent = pairs.map((pair) =>
    isListedAlone(decider, root, pair) ||
    leadsThroughAbsent(decider, root, pair)
  );
  const argvIn = (path: string): string[] => [
    ...[program, ["alone", "threads", "shared"][seed % 3] as string],
    ...pairs.map(({ name, call }) => call.replaceAll("%", `${path}/${name}`)),
  ];
  const lists = pairs.map(({ name, call }) =>
    isDirectory(call.split("=")[1]?.replace("%", `${root}/${name}`) ?? "")
  );
  const native = resultsOf((await run(argvIn(alone), { cwd: alone })).stdout);
  const ran = await jail(
    ["--engine=kernel", "-p", `${place.path}/policy.yaml`, ...more],
    argvIn(root),
    { cwd: root },
  );
  if (ran.code !== 0) {
    throw new Error(`seed ${seed}: ${ran.code} ${ran.stderr}`);
  }
  const results = resultsOf(ran.stdout);
  const faults: string[] = [];
  let [refused, same] = [0, 0];
  for (const [i, pair] of pairs.entries()) {
    const decision = said[i] ?? "";
    const rules = pair.rules.map((rule) => rule.join(" ")).join(", ");
    const text = `seed ${seed}, ${pair.call}: ${results[i]}, decide() ` +
      `${decision}, alone ${native[i]}; rules: ${rules}`;
    const [name = ""] = pair.call.split("=");
    if (decision === "OK") {
      if (results[i] === (NOT_THERE[name] ?? native[i])) same++;
      else if (results[i] === "ENOENT" && absent[i] === true) same++;
      else if (!MOUNTED.has(results[i] ?? "")) faults.push(text);
    }
    if (decision === "" || decision === "OK") continue;
    refused++;
    const shown = LOOKS.has(name) || (lists[i] === true && LISTS.has(name)) ||
      OWN_REGEXP.test(pair.call);
    if (results[i] === "OK" && !shown) faults.push(text);
  }
  return {
    ...{ pairs: pairs.length, refused, faults, same },
    unheld: made.length - pairs.length,
  };
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    return false;
  }
}

function resultsOf(output: string): readonly string[] {
  return output.split("\n").filter((line) => line !== "")
    .map((line) => line.replace(/^[^:]*: /, ""));
}

function judge(
  seed: number,
  pairs: readonly Pair[],
  machine: readonly Rule[],
  results: ReadonlyMap<string, readonly string[]>,
  oracle: readonly string[],
): Compared {
  const faults: string[] = [];
  let refused = 0;
  const stops = results.get("by stops") ?? [];
  for (const [i, pair] of pairs.entries()) {
    const said = oracle[i] ?? "";
    const alone = results.get("alone")?.[i] ?? "nothing";
    const wanted = said === "" ? stops[i] : said === "OK" ? alone : said;
    if (said !== "" && said !== "OK") refused++;
    const found = WAYS.map(({ name }) => `${name} ${results.get(name)?.[i]}`);
    const agree = WAYS.every(({ name }) => results.get(name)?.[i] === wanted);
    if (agree) continue;
    const rules = [...pair.rules, ...machine].map((rule) => rule.join(" "))
      .join(", ");
    faults.push(
      `seed ${seed}, ${pair.call}: ${found.join(", ")}, decide() ${said}, ` +
        `alone ${alone}; rules: ${rules}`,
    );
  }
  return { pairs: pairs.length, refused, faults };
}
