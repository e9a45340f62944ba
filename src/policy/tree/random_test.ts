/**
 * Random rules: a tree lets the same be done as `decide()`, or says what it does
 * not.
 */

import { assert } from "@std/assert";
import {
  LANDLOCK_ACCESS_FS_EXECUTE,
  LANDLOCK_ACCESS_FS_READ_FILE,
  LANDLOCK_ACCESS_FS_WRITE_FILE,
} from "../../abi/landlock.ts";
import { compile } from "../compile.ts";
import { floorAllows } from "../floor/floor.ts";
import { type FloorKind, isProc } from "../floor/grants.ts";
import { mergeLayers } from "../merge.ts";
import { parentOf } from "../path/within.ts";
import {
  type Effect,
  EMPTY_LAYER,
  PATH_SECTIONS,
  type PathRule,
} from "../policy.ts";
import { random } from "../random_test.ts";
import { type PolicyTree, treeOf } from "./tree.ts";

const POLICIES = 4000;

const KINDS: Readonly<Record<FloorKind, string>> = {
  directory: "/ /d /d/e /d/e/a /n /n/d /dev /dev/snd /dev/pts /dev/shm /proc " +
    "/proc/sys /proc/sys/kernel /sys /sys/d",
  file: "/d/a /d/k /d/e/k /d/e/a/b /d/e/a/k /n/a /n/d/k /dev/shm/a " +
    "/proc/cpuinfo /proc/kcore /proc/sys/kernel/osrelease /sys/a /sys/d/k",
  device: "/d/disk /dev/null /dev/kmsg /dev/disk /dev/snd/pcm",
  link: "/proc/self /proc/net /l /d/l /n/f /n/x",
  missing: "",
};

const FILES: ReadonlyMap<string, FloorKind> = new Map(
  Object.entries(KINDS).flatMap(([kind, paths]) =>
    paths.split(" ").filter((path) => path !== "")
      .map((path) => [path, kind as FloorKind])
  ),
);

/** Where links lead. */
const TARGETS: ReadonlyMap<string, string> = new Map([
  ["/l", "/d/e"],
  ["/d/l", "/n/d"],
  ["/n/f", "/d/a"],
  ["/n/x", "/gone/x"],
]);

const PATTERNS = [
  ...["/", "/d", "/d/e", "/d/e/a", "/d/a", "/d/e/k", "/n", "/n/d", "/d/*"],
  ...["/**/k", "/**/a", "/d/**/a/**", "/d/**/*", "/*/d", "/{d,n}/a", "/d/?"],
  ...["/d/disk", "/**/disk", "/dev", "/dev/*", "/dev/disk", "/dev/kmsg"],
  ...["/dev/null", "/dev/snd", "/dev/shm", "/dev/s*", "/**/pcm"],
  ...["/proc", "/proc/cpuinfo", "/proc/k*", "/proc/sys", "/proc/sys/kernel"],
  ...["/proc/self", "/proc/net", "/proc/{cpuinfo,kcore}", "/**/kernel/**"],
  ...["/l", "/l/k", "/d/l", "/d/l/k", "/n/f", "/n/x", "/*/l", "/**/f", "/l/*"],
  ...["/sys", "/sys/d", "/sys/d/k"],
  ...["/l/**/k", "/d/l/*", "//d///e/", "/d/.", "/n/./d", "/d/../n", "/*/x"],
];

const below = random(1);

function rules(most: number): PathRule[] {
  return Array.from({ length: below(most) }, () => {
    const pattern = PATTERNS[below(PATTERNS.length)] as string;
    return { pattern, ref: { source: "p.yaml", keys: [], text: pattern } };
  });
}

function section(): Record<Effect, PathRule[]> {
  return { allow: rules(4), deny: rules(3), ignore: rules(2) };
}

function names(directory: string): string[] {
  return [...FILES.keys()].filter((path) =>
    path !== "/" && parentOf(path) === directory
  ).map((path) => path.slice(path.lastIndexOf("/") + 1));
}

function walk(
  from: string,
  enters: (directory: string, name: string) => boolean,
): void {
  for (const name of names(from)) {
    const path = `${from === "/" ? "" : from}/${name}`;
    if (path !== "/proc" && enters(from, name)) walk(path, enters);
  }
}

/** Where a path leads, and by which links. */
function follow(path: string): { real: string; links: string[] } {
  const links: string[] = [];
  const rest = path.split("/").filter((name) => name !== "").reverse();
  let real = "";
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    real += `/${name}`;
    const target = TARGETS.get(real);
    if (target === undefined) continue;
    links.push(real);
    rest.push(...target.slice(1).split("/").reverse());
    real = "";
  }
  return { real: real || "/", links };
}

const FACTS: Parameters<typeof treeOf>[1] = {
  ...{ abi: 7, loaders: [], procs: [], groups: [], settings: [], folding: [] },
  ...{
    isSetByReaders: () => false,
    foundBy: [],
    written: [],
    overProc: [],
    mounted: [],
    unlisted: () => new Map(),
    alsoAt: () => [],
    devices: () => [],
  },
  realpath: (path) => {
    const { real } = follow(path);
    return FILES.has(real) || TARGETS.has(path) ? real : undefined;
  },
  kind: (path) => FILES.get(path) ?? "missing",
  isOutOfReach: () => false,
  links: (path) => follow(path).links,
  target: (path) => TARGETS.get(path),
  ...{ names, walk },
  pipe: () => undefined,
  alone: true,
  cwd: "/",
};

const MARKS = {
  read: LANDLOCK_ACCESS_FS_READ_FILE,
  write: LANDLOCK_ACCESS_FS_WRITE_FILE,
  run: LANDLOCK_ACCESS_FS_EXECUTE,
} as const;

/** Whether a file can be used so in a tree. */
function canUse(
  { nodes, floor }: PolicyTree,
  path: string,
  access: keyof typeof MARKS,
): boolean {
  const isDevice = FILES.get(path) === "device";
  const byPath = new Map(nodes.map((node) => [node.path, node]));
  let at = path;
  while (!byPath.has(at) && at !== "/") at = parentOf(at);
  const node = byPath.get(at);
  if (!floorAllows(floor, path, MARKS[access])) return false;
  if (node?.kind === "processes") return access === "read";
  if (node?.kind !== "bind" || (isDevice && at !== path)) return false;
  if (access === "run") return !isDevice && !node.noRun;
  return access === "read" || node.write || isDevice;
}

Deno.test("treeOf() lets be done what decide() allows, and nothing else, of random rules", () => {
  let held = 0;
  let allowed = 0;
  for (let i = 0; i < POLICIES; i++) {
    const [read, write, run] = [section(), section(), section()];
    const policy = mergeLayers([{ ...EMPTY_LAYER, read, write, run }]);
    const tree = treeOf(policy, FACTS);
    if (tree.unheld.length > 0) continue;
    held++;
    const { realpath, links } = FACTS;
    const engine = compile(policy, { realpath, links });
    for (const [path, kind] of FILES) {
      if (kind !== "file" && kind !== "device") continue;
      for (const access of PATH_SECTIONS) {
        const can = canUse(tree, path, access);
        if (can) allowed++;
        const uses = [{ access, path, kind }];
        const decision = engine.decide({ name: "openat", uses });
        const at = JSON.stringify({ access, path, read, write, run });
        if (can) assert(decision.kind === "allow", at);
        // No device and nothing in /proc is executed.
        else if (access !== "run" || (kind === "file" && !isProc(path))) {
          const isSaid = tree.stricter.length > 0;
          assert(decision.kind === "refuse" || isSaid, at);
        }
      }
    }
  }
  assert(held > POLICIES / 20 && allowed > held);
});
