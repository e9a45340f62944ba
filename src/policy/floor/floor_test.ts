import { assert, assertEquals } from "@std/assert";
import * as landlock from "../../abi/landlock.ts";
import type { Access, Call, FileKind } from "../call.ts";
import { compile } from "../compile.ts";
import { parsePolicy } from "../file/parse.ts";
import { mergeLayers } from "../merge.ts";
import { isWithin, parentOf } from "../path/within.ts";
import type { Policy } from "../policy.ts";
import { type Floor, floorAllows, floorOf } from "./floor.ts";
import {
  type FloorFacts,
  type FloorKind,
  type Grant,
  READ,
  RUN,
  WRITE,
} from "./grants.ts";
import { heldRules } from "./held.ts";

const FILES: Readonly<Record<string, FloorKind>> = {
  "/": "directory",
  "/dev": "directory",
  "/dev/null": "device",
  "/etc": "directory",
  "/etc/passwd": "file",
  "/etc/secret": "file",
  "/lib": "link",
  "/proc": "directory",
  "/usr": "directory",
  "/usr/bin": "directory",
  "/usr/bin/gs": "file",
  "/usr/lib": "directory",
  "/usr/lib/ld.so": "file",
  "/w": "directory",
  "/w/out": "directory",
  "/w/config": "file",
  "/x": "directory",
};

function facts(more: Partial<FloorFacts> = {}): FloorFacts {
  return {
    abi: 7,
    realpath: (path) =>
      isWithin(path, "/lib")
        ? path.replace("/lib", "/usr/lib")
        : path in FILES
        ? path
        : undefined,
    kind: (path) => FILES[path] ?? "missing",
    stays: (path) => path === "/w" || parentOf(path) === "/" || path === "/",
    changes: (path) => isWithin(path, "/w"),
    loaders: ["/usr/lib/ld.so"],
    ...more,
  };
}

async function policyOf(text: string): Promise<Policy> {
  const layer = await parsePolicy(text, { source: "p.yaml", variables: {} });
  return mergeLayers([layer]);
}

const FILE_READ = landlock.LANDLOCK_ACCESS_FS_READ_FILE;
const DIR_READ = landlock.LANDLOCK_ACCESS_FS_READ_DIR;
const EXECUTE = landlock.LANDLOCK_ACCESS_FS_EXECUTE;
const FILE_WRITE = landlock.LANDLOCK_ACCESS_FS_WRITE_FILE |
  landlock.LANDLOCK_ACCESS_FS_TRUNCATE;

interface Case {
  readonly name: string;
  readonly policy: string;
  readonly rules: Readonly<Record<string, number>>;
}

const CASES: readonly Case[] = [
  {
    name: "holds a directory and all beneath it",
    policy: "read: [/etc]",
    rules: { "/etc": READ },
  },
  {
    name: "gives a file no rights of directories",
    policy: "read: [/etc/passwd]",
    rules: { "/etc/passwd": FILE_READ },
  },
  {
    name: "follows a link to where it leads",
    policy: "read: [/lib]",
    rules: { "/usr/lib": READ, "/usr/lib/ld.so": EXECUTE },
  },
  {
    name: "lets what may be run be read, since the kernel reads it",
    policy: "run: [/usr/bin/gs]",
    rules: { "/usr/bin/gs": RUN },
  },
  {
    name: "holds a glob where its first names lead",
    policy: `read: ["/etc/**/*.conf"]`,
    rules: { "/etc": READ },
  },
  {
    name: "knows no exception beneath what is allowed",
    policy: "read: {allow: [/etc], deny: [/etc/secret]}",
    rules: { "/etc": READ },
  },
  {
    name: "holds all of /proc for a file there",
    policy: "read: [/proc/self/maps]",
    rules: { "/proc": READ },
  },
  {
    name: "lets a directory alone be listed with those beneath",
    policy: "read: [/etc/.]",
    rules: { "/etc": DIR_READ },
  },
  {
    name: "holds a device by itself",
    policy: "write: [/dev/null]",
    rules: { "/dev/null": FILE_WRITE },
  },
  {
    name: "holds what may be removed by the directory above",
    policy: "write: [/w/out]",
    rules: { "/w": WRITE },
  },
  {
    name: "holds what does not exist by the directory above",
    policy: "write: [/x/new/file]",
    rules: { "/x": WRITE },
  },
  {
    name: "does not hold what is not there to read",
    policy: "read: [/usr/none, /etc/passwd]",
    rules: { "/etc/passwd": FILE_READ },
  },
  {
    name: "holds a file that others replace by its directory",
    policy: "read: [/w/config]",
    rules: { "/w": READ },
  },
  {
    name: "allows in all that is written what is allowed in one of them",
    policy: "{write: [/w, /x], run: [/w], read: [/w/out]}",
    rules: { "/w": WRITE | READ | RUN, "/x": WRITE | READ | RUN },
  },
  {
    name: "drops a rule within another that allows the same",
    policy: "read: [/usr, /usr/lib, /usr/bin/gs]",
    rules: { "/usr": READ, "/usr/lib/ld.so": EXECUTE },
  },
];

function asRecord(rules: readonly Grant[]): Record<string, number> {
  return Object.fromEntries(rules.map(({ path, access }) => [path, access]));
}

for (const c of CASES) {
  Deno.test(`floorOf() ${c.name}`, async () => {
    const floor = floorOf(await policyOf(c.policy), facts());
    assertEquals(asRecord(floor.rules), c.rules);
    assertEquals(floor.handledFs, 0x7fff);
  });
}

Deno.test("floorOf() does not handle what is allowed everywhere", async () => {
  const all = floorOf(
    await policyOf("{read: true, write: true, run: true, net: true}"),
    facts(),
  );
  assertEquals(all, {
    handledFs: 0,
    handledNet: 0,
    scoped: landlock.LANDLOCK_SCOPE_SIGNAL,
    ports: [],
    rules: [],
  });
  const read = floorOf(await policyOf("{read: true, run: [/usr]}"), facts());
  assertEquals(read.handledFs, 0x7fff & ~READ);
  assertEquals(asRecord(read.rules), { "/usr": EXECUTE });
});

Deno.test("floorOf() lets files be moved where writing is allowed everywhere", async () => {
  const floor = floorOf(await policyOf("{write: true, read: [/etc]}"), facts());
  assertEquals(asRecord(floor.rules), {
    "/": landlock.LANDLOCK_ACCESS_FS_REFER,
  });
  assertEquals(
    floor.handledFs,
    EXECUTE | landlock.LANDLOCK_ACCESS_FS_REFER,
  );
});

Deno.test("floorOf() asks an ABI for what it knows alone", async () => {
  const policy = await policyOf("{read: [/etc], write: [/w]}");
  const handled = [0, 1, 2, 3, 4, 5, 6, 7].map((abi) => {
    const floor = floorOf(policy, facts({ abi }));
    return [floor.handledFs, floor.handledNet, floor.scoped];
  });
  assertEquals(handled, [
    [0, 0, 0],
    [0, 0, 0],
    [0x3fff, 0, 0],
    [0x7fff, 0, 0],
    [0x7fff, 3, 0],
    [0x7fff, 3, 0],
    [0x7fff, 3, 3],
    [0x7fff, 3, 3],
  ]);
});

const HELD: readonly (readonly [string, readonly string[]])[] = [
  ["read: [/etc]", ["exactly"]],
  ["read: {allow: [/etc], deny: [/etc/secret]}", ["partly", "no"]],
  ["read: {allow: [/etc], deny: [/usr]}", ["exactly", "exactly"]],
  ["read: {allow: [/etc/passwd], deny: [/etc]}", ["partly", "partly"]],
  [`read: ["/etc/*"]`, ["partly"]],
  ["read: [/none]", ["partly"]],
  ["read: true", ["no"]],
  ["write: [/w/out]", ["partly"]],
  ["write: [/w]", ["exactly"]],
  ["{write: [/w, /x], run: [/x]}", ["exactly", "exactly", "partly"]],
];

for (const [text, want] of HELD) {
  Deno.test(`heldRules() says how much is held of ${text}`, async () => {
    const policy = await policyOf(text);
    const floor = floorOf(policy, facts());
    const held = heldRules(policy, facts(), floor);
    assertEquals([...held.values()].map(({ extent }) => extent), want);
  });
}

/** Numbers that look random and are the same each time. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed;;) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5 | 0;
    yield ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  }
}

class Chance {
  readonly #numbers: Generator<number, never>;
  constructor(seed: number) {
    this.#numbers = numbers(seed);
  }
  below(limit: number): number {
    return Math.floor(this.#numbers.next().value * limit);
  }
  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
  path(names: readonly string[], depth = 3): string {
    const path = Array.from(
      { length: 1 + this.below(depth) },
      () => this.one(names),
    );
    return `/${path.join("/")}`;
  }
}

const NAMES = ["a", "b", "c"];
const PATTERNS = [...NAMES, ...NAMES, "*", "[ab]", "**"];

/** A policy of a few rules, with wildcards, exceptions and directories alone. */
function randomPolicy(chance: Chance): string {
  const list = (most: number, alone = false): string =>
    JSON.stringify(
      Array.from(
        { length: chance.below(most + 1) },
        () =>
          chance.path(chance.below(2) === 0 ? NAMES : PATTERNS) +
          (alone && chance.below(8) === 0 ? "/." : ""),
      ).filter((path) => !(path.endsWith("/.") && /[*[]/.test(path))),
    );
  return ["read", "write", "run"].map((section) =>
    `${section}: {allow: ${list(3, true)}, deny: ${list(1)}, ignore: ${
      list(1)
    }}`
  ).join("\n");
}

interface World extends FloorFacts {
  readonly files: ReadonlyMap<string, FloorKind>;
}

function randomWorld(chance: Chance): World {
  const files = new Map<string, FloorKind>([["/", "directory"]]);
  const locked = new Set<string>();
  for (let i = 0; i < 12; i++) {
    const path = chance.path(NAMES);
    if (files.get(parentOf(path)) !== "directory" || files.has(path)) continue;
    files.set(path, chance.below(3) === 0 ? "file" : "directory");
    if (chance.below(4) === 0) locked.add(path);
  }
  const kind = (path: string): FloorKind => files.get(path) ?? "missing";
  return {
    files,
    abi: 7,
    realpath: (path) => files.has(path) ? path : undefined,
    kind,
    stays: (path) => {
      let above = parentOf(path);
      while (kind(above) !== "directory") above = parentOf(above);
      return locked.has(above);
    },
    changes: () => false,
    loaders: [],
  };
}

/** What the floor allows once these places are other files. */
function after(floor: Floor, replaced: readonly string[]): Floor {
  return {
    ...floor,
    rules: floor.rules.filter(({ path }) =>
      !replaced.some((place) => isWithin(path, place))
    ),
  };
}

function callOf(access: Access, path: string, kind: FileKind): Call {
  return { name: "openat", uses: [{ access, path, kind }] };
}

const ROUNDS = 3000;

Deno.test("floorOf() allows whatever decide() allows", async () => {
  let checked = 0;
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const chance = new Chance(seed);
    const text = randomPolicy(chance);
    const world = randomWorld(chance);
    const policy = await policyOf(text);
    const engine = compile(policy, world);
    const allows = (access: Access, path: string, kind: FileKind): boolean =>
      engine.decide(callOf(access, path, kind)).kind === "allow";
    const floor = floorOf(policy, world);
    const made = (path: string): boolean =>
      !world.stays(path) && allows("write", path, "missing");
    const replaced = [0, 1].map(() => chance.path(NAMES)).filter(made);
    const now = after(floor, replaced);
    const at = (): string =>
      `seed ${seed}: ${text} ${JSON.stringify(replaced)}`;
    for (let i = 0; i < 30; i++) {
      const path = chance.path(NAMES, 4);
      const above = parentOf(path);
      const isNew = replaced.some((place) => isWithin(path, place));
      const there = world.kind(path);
      const kind = isNew || there === "missing"
        ? chance.one<FloorKind>(["file", "directory"])
        : there;
      if (kind !== "file" && kind !== "directory") continue;
      // Nobody but the program itself makes what was not there.
      const exists = isNew || there !== "missing" || made(path);
      if (!exists) continue;
      checked++;
      if (allows("read", path, kind)) {
        const read = kind === "file" ? FILE_READ : DIR_READ;
        assert(floorAllows(now, path, read), `read ${path} ${kind}; ${at()}`);
      }
      if (kind === "file" && allows("run", path, kind)) {
        assert(floorAllows(now, path, RUN), `run ${path}; ${at()}`);
      }
      if (!allows("write", path, kind)) continue;
      if (kind === "file") {
        assert(floorAllows(now, path, FILE_WRITE), `write ${path}; ${at()}`);
      }
      const parentThere = world.kind(above) === "directory" || isNew;
      if (!parentThere || !isNew && world.stays(path)) continue;
      assert(floorAllows(now, above, WRITE), `make ${path}; ${at()}`);
      const to = chance.path(NAMES, 4);
      if (world.kind(to) !== "missing" || !made(to)) continue;
      if (world.kind(parentOf(to)) !== "directory") continue;
      const move = { from: path, to, tree: kind === "directory" };
      const moved = engine.decide({
        name: "renameat2",
        uses: [
          { access: "write", path, kind },
          { access: "write", path: to, kind: "missing" },
        ],
        moves: [move],
      });
      if (moved.kind !== "allow") continue;
      for (let bit = 1; bit < 0x8000; bit *= 2) {
        const gains = floorAllows(now, parentOf(to), bit) &&
          !floorAllows(now, above, bit);
        assert(!gains, `move ${path} to ${to} gains ${bit}; ${at()}`);
      }
    }
  }
  assert(checked > 10_000, `${checked}`);
});
