/** Random rules: a tree lets nothing be done that `decide()` does not allow. */

import { assert } from "@std/assert";
import {
  LANDLOCK_ACCESS_FS_EXECUTE,
  LANDLOCK_ACCESS_FS_READ_FILE,
  LANDLOCK_ACCESS_FS_WRITE_FILE,
} from "../abi/landlock.ts";
import { compile } from "./decide.ts";
import { floorAllows } from "./floor.ts";
import { type FloorKind, isProc, parentOf } from "./grants.ts";
import { mergeLayers } from "./merge.ts";
import {
  type Effect,
  EMPTY_LAYER,
  PATH_SECTIONS,
  type PathRule,
} from "./policy.ts";
import { random } from "./random_test.ts";
import { type PolicyTree, treeOf } from "./tree.ts";

const POLICIES = 4000;

const KINDS: Readonly<Record<FloorKind, string>> = {
  directory: "/ /d /d/e /d/e/a /n /n/d /dev /dev/snd /dev/pts /dev/shm /proc " +
    "/proc/sys /proc/sys/kernel",
  file: "/d/a /d/k /d/e/k /d/e/a/b /d/e/a/k /n/a /n/d/k /dev/shm/a " +
    "/proc/cpuinfo /proc/kcore /proc/sys/kernel/osrelease",
  device: "/d/disk /dev/null /dev/kmsg /dev/disk /dev/snd/pcm",
  link: "/proc/self /proc/net",
  missing: "",
};

const FILES: ReadonlyMap<string, FloorKind> = new Map(
  Object.entries(KINDS).flatMap(([kind, paths]) =>
    paths.split(" ").filter((path) => path !== "")
      .map((path) => [path, kind as FloorKind])
  ),
);

const PATTERNS = [
  ...["/", "/d", "/d/e", "/d/e/a", "/d/a", "/d/e/k", "/n", "/n/d", "/d/*"],
  ...["/**/k", "/**/a", "/d/**/a/**", "/d/**/*", "/*/d", "/{d,n}/a", "/d/?"],
  ...["/d/disk", "/**/disk", "/dev", "/dev/*", "/dev/disk", "/dev/kmsg"],
  ...["/dev/null", "/dev/snd", "/dev/shm", "/dev/s*", "/**/pcm"],
  ...["/proc", "/proc/cpuinfo", "/proc/k*", "/proc/sys", "/proc/sys/kernel"],
  ...["/proc/self", "/proc/net", "/proc/{cpuinfo,kcore}", "/**/kernel/**"],
];

const below = random(1);

function rules(most: number): PathRule[] {
  return Array.from({ length: below(most) }, () => {
    const pattern = PATTERNS[below(PATTERNS.length)] as string;
    return { pattern, ref: { source: "p.yaml", keys: [], text: pattern } };
  });
}

function section(): Record<Effect, PathRule[]> {
  return { allow: rules(4), deny: rules(3), ignore: [] };
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
    if (!isProc(path) && enters(from, name)) walk(path, enters);
  }
}

const FACTS: Parameters<typeof treeOf>[1] = {
  ...{ abi: 7, loaders: [], procs: [], groups: [], foundBy: [] },
  realpath: (path) => FILES.has(path) ? path : undefined,
  kind: (path) => FILES.get(path) ?? "missing",
  isOutOfReach: () => false,
  links: () => [],
  target: () => undefined,
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

Deno.test("treeOf() lets nothing be done that decide() does not allow, of random rules", () => {
  let held = 0;
  let allowed = 0;
  for (let i = 0; i < POLICIES; i++) {
    const [read, write, run] = [section(), section(), section()];
    const policy = mergeLayers([{ ...EMPTY_LAYER, read, write, run }]);
    const tree = treeOf(policy, FACTS);
    if (tree.unheld.length > 0) continue;
    held++;
    const { realpath } = FACTS;
    const engine = compile(policy, { realpath });
    for (const [path, kind] of FILES) {
      if (kind !== "file" && kind !== "device") continue;
      for (const access of PATH_SECTIONS) {
        if (!canUse(tree, path, access)) continue;
        allowed++;
        const uses = [{ access, path, kind }];
        const decision = engine.decide({ name: "openat", uses });
        const at = JSON.stringify({ access, path, read, write, run });
        assert(decision.kind === "allow", at);
      }
    }
  }
  assert(held > POLICIES / 10 && allowed > held);
});
