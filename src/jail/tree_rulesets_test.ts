import { assertEquals } from "@std/assert";
import { toCString } from "../abi/bytes.ts";
import {
  O_APPEND,
  O_CLOEXEC,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from "../abi/fcntl.ts";
import {
  accessesOfAbi,
  LANDLOCK_ACCESS_FS_WRITE_FILE,
} from "../abi/landlock.ts";
import { compile } from "../policy/compile.ts";
import { READ, RUN, WRITE } from "../policy/floor/grants.ts";
import { EMPTY_LAYER, type Policy } from "../policy/policy.ts";
import { close, open, pipe2 } from "../sys/files.ts";
import { leadsNowhere } from "./handed.ts";
import { treeRulesets } from "./tree_rulesets.ts";

const NONE: Policy = { ...EMPTY_LAYER, net: "none", sys: {} };

const FLOOR = {
  handledFs: accessesOfAbi(6),
  rules: [
    { path: "/", access: READ },
    { path: "/out", access: WRITE },
    { path: "/usr/bin", access: RUN },
  ],
};

const HELD = {
  ...{ floor: FLOOR, policy: NONE, engine: compile(NONE) },
  runsEverything: false,
};

/** Does something with descriptors, and closes them. */
function withFds(fds: readonly number[], act: () => void): void {
  try {
    act();
  } finally {
    fds.forEach(close);
  }
}

function opened(path: string, flags: number): number {
  const fd = open(toCString(path), flags | O_CLOEXEC);
  if (fd < 0) throw new Error(`Cannot open ${path}: ${fd}`);
  return fd;
}

/** What a descriptor is of, how it is open, and whether more comes of it. */
const DESCRIPTORS: readonly (readonly [
  what: string,
  path: string,
  flags: number,
  leads: boolean,
])[] = [
  ["the null device, to be read", "/dev/null", O_RDONLY, false],
  ["the null device, to be written", "/dev/null", O_WRONLY, false],
  ["a device for all, to be written", "/dev/full", O_WRONLY, false],
  ["what makes terminals", "/dev/ptmx", O_RDWR, true],
  ["a file, to be read", "FILE", O_RDONLY, true],
  ["a file, to be written", "FILE", O_WRONLY | O_APPEND, true],
  ["a file, for both", "FILE", O_RDWR, true],
  ["a file's name", "FILE", O_PATH, true],
  ["a directory", "/", O_RDONLY, true],
];

for (const [what, path, flags, leads] of DESCRIPTORS) {
  Deno.test(`leadsNowhere() says that ${what} ${leads ? "leads on" : "does not"}`, async () => {
    const file = await Deno.makeTempFile();
    const fd = opened(path === "FILE" ? file : path, flags);
    withFds([fd], () => assertEquals(leadsNowhere(fd), !leads));
    await Deno.remove(file);
  });
}

Deno.test("leadsNowhere() tells a pipe from one that has a name", async () => {
  const pipe = pipe2(O_CLOEXEC);
  if (typeof pipe === "number") throw new Error(`pipe2: ${pipe}`);
  withFds(pipe, () => assertEquals(pipe.map(leadsNowhere), [true, true]));
  const directory = await Deno.makeTempDir();
  const path = `${directory}/pipe:[1]`;
  await new Deno.Command("mkfifo", { args: [path] }).output();
  const named = opened(path, O_RDWR);
  withFds([named], () => assertEquals(leadsNowhere(named), false));
  await Deno.remove(directory, { recursive: true });
});

Deno.test("treeRulesets() asks for nothing at an open that reads, where all else is outside", () => {
  const fd = opened("/dev/null", O_RDWR);
  withFds([fd], () => {
    const rulesets = treeRulesets({ ...HELD, fds: [fd] });
    const [only] = rulesets;
    assertEquals(rulesets.length, 1);
    assertEquals((only?.handledFs ?? 0) & READ, 0);
    // A rule that allows nothing of what is handled the kernel does not take.
    const paths = only?.rules.map(({ path }) => path);
    assertEquals(paths, ["/out", "/usr/bin"]);
    const access = LANDLOCK_ACCESS_FS_WRITE_FILE;
    assertEquals(only?.open, [{ fd, access }]);
  });
});

Deno.test("treeRulesets() holds all beneath the root where a descriptor leads on, or one may come", async () => {
  const file = await Deno.makeTempFile();
  const fd = opened(file, O_RDONLY);
  const write = {
    ...NONE.write,
    allow: [{
      pattern: "/",
      ref: { source: "flags", keys: [], text: "--allow-write" },
    }],
  };
  withFds([fd], () => {
    for (
      const [policy, fds] of [
        [NONE, [fd]],
        [{ ...NONE, net: "all", write }, []],
      ] as const
    ) {
      const rulesets = treeRulesets({ ...HELD, policy, fds });
      const { handledFs } = FLOOR;
      assertEquals(rulesets.map((one) => one.handledFs), [
        handledFs,
        handledFs,
      ]);
      assertEquals(rulesets[0]?.rules, [{ path: "/", access: handledFs }]);
    }
  });
  await Deno.remove(file);
});
