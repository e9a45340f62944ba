import { assert, assertEquals } from "@std/assert";
import { fromText, toCString } from "../../abi/bytes.ts";
import {
  EACCES,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
} from "../../abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../../abi/fcntl.ts";
import { RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS } from "../../abi/openat2.ts";
import { close, open } from "../../sys/files.ts";
import { libc } from "../../sys/libc.ts";
import { OWN_VIEW, View } from "../../sys/view.ts";
import { look } from "./magic.ts";
import { normalize, type Place, place, processOf } from "./place.ts";
import { resolve, withCrossed } from "./resolve.ts";
import { resolveHow } from "./resolve_how.ts";

// Deno 2.4 counts a library that a test opens as a leak of that test.
libc.__errno_location();

const SELF = { pid: Deno.pid, tid: Deno.pid, view: OWN_VIEW };

function find(path: string, follow = true, view = OWN_VIEW): Place {
  return resolve(
    { ...SELF, view },
    AT_FDCWD,
    fromText(path),
    follow,
    (id) => id === Deno.pid,
  );
}

/**
 * A directory with a file, a directory, and links of all kinds.
 *
 * @param test what is done with it
 * @param rooted whether it is to be a root directory: what absolute links mean
 */
async function tree(
  test: (root: string) => void,
  rooted = false,
): Promise<void> {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(`${root}/dir/sub`, { recursive: true });
    await Deno.writeTextFile(`${root}/file`, "x");
    await Deno.writeTextFile(`${root}/gone (deleted)`, "x");
    await Deno.symlink("file", `${root}/link`);
    await Deno.symlink("dir/sub", `${root}/deep`);
    await Deno.symlink(`${rooted ? "" : root}/dir`, `${root}/absolute`);
    await Deno.symlink("..", `${root}/dir/up`);
    await Deno.symlink("../dir/sub", `${root}/dir/beside`);
    await Deno.symlink("nothing/here", `${root}/hangs`);
    await Deno.symlink("new", `${root}/dangling`);
    await Deno.symlink("loop", `${root}/loop`);
    test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const CASES: readonly {
  readonly what: string;
  readonly path: string;
  readonly follow?: boolean;
  readonly real: string;
  readonly kind: Place["kind"];
  readonly errno?: number;
}[] = [
  { what: "a file", path: "/file", real: "/file", kind: "file" },
  {
    what: "slashes and dots",
    path: "//./dir/..//file",
    real: "/file",
    kind: "file",
  },
  { what: "a link", path: "/link", real: "/file", kind: "file" },
  {
    what: "a link itself",
    path: "/link",
    follow: false,
    real: "/link",
    kind: "link",
  },
  {
    what: "a link in the middle",
    path: "/absolute/sub",
    real: "/dir/sub",
    kind: "directory",
  },
  {
    what: ".. behind a link",
    path: "/deep/../x",
    real: "/dir/x",
    kind: "missing",
  },
  {
    what: "a missing name",
    path: "/dir/new",
    real: "/dir/new",
    kind: "missing",
  },
  {
    what: "where a link that hangs leads",
    path: "/dangling",
    real: "/new",
    kind: "missing",
  },
  {
    what: "a missing directory",
    path: "/no/x",
    real: "/no/x",
    kind: "missing",
    errno: ENOENT,
  },
  {
    what: "a link into nowhere",
    path: "/hangs",
    real: "/nothing/here",
    kind: "missing",
    errno: ENOENT,
  },
  {
    what: "a file as a directory",
    path: "/file/x",
    real: "/file/x",
    kind: "missing",
    errno: ENOTDIR,
  },
  {
    what: "a file with a slash",
    path: "/file/",
    real: "/file",
    kind: "missing",
    errno: ENOTDIR,
  },
  { what: "a loop", path: "/loop", real: "/loop", kind: "link", errno: ELOOP },
  {
    what: "a name that looks removed",
    path: "/gone (deleted)",
    real: "/gone (deleted)",
    kind: "file",
  },
];

for (const { what, path, follow, real, kind, errno } of CASES) {
  Deno.test(`resolve() finds ${what}`, () =>
    tree((root) => {
      const place = find(root + path, follow);
      assertEquals(
        [place.path, place.kind, place.errno],
        [fromText(root + real), kind, errno ?? 0],
      );
    }));
}

/** Does something with a directory as the root. */
function within(root: string, test: (view: View) => void): void {
  const fd = open(toCString(fromText(root)), O_PATH | O_CLOEXEC);
  try {
    test(new View(fd, fromText(root)));
  } finally {
    close(fd);
  }
}

const ROOTED: typeof CASES = [
  ...CASES,
  { what: "the top", path: "/", real: "/", kind: "directory" },
  { what: ".. at the top", path: "/../..", real: "/", kind: "directory" },
  {
    what: "a file beyond the top",
    path: "/dir/../../../../file",
    real: "/file",
    kind: "file",
  },
  {
    what: "a link beyond the top",
    path: "/beyond",
    real: "/file",
    kind: "file",
  },
  {
    what: "nothing that is outside alone",
    path: "/etc/passwd",
    real: "/etc/passwd",
    kind: "missing",
    errno: ENOENT,
  },
];

for (const { what, path, follow, real, kind, errno } of ROOTED) {
  Deno.test(`resolve() finds ${what} in another root`, () =>
    tree((root) => {
      Deno.symlinkSync("../../../../../../file", `${root}/beyond`);
      within(root, (view) => {
        const place = find(path, follow, view);
        assertEquals(
          [place.path, place.kind, place.errno],
          [real, kind, errno ?? 0],
        );
      });
    }, true));
}

Deno.test("resolve() gives what lies outside of the root no path in it", () =>
  tree((root) =>
    within(`${root}/dir`, (view) => {
      const outside = `outside:${fromText(Deno.cwd())}`;
      const cwd = find("/proc/self/cwd", true, view);
      // There is no /proc in this root.
      assertEquals([cwd.kind, cwd.errno], ["missing", ENOENT]);
      const there = find(".", true, view);
      assertEquals(
        [there.path, there.kind, there.via],
        [outside, "directory", `/proc/${Deno.pid}/cwd`],
      );
      for (const name of ["deno.json", "..", "../x", "./deno.json"]) {
        const beneath = find(name, true, view);
        assertEquals(
          [beneath.path, beneath.kind, beneath.errno],
          [`${outside}/${name}`, "missing", EACCES],
        );
      }
    })
  ));

Deno.test("resolve() says that an empty path names nothing", () => {
  assertEquals(find("").errno, ENOENT);
});

Deno.test("resolve() takes /proc/self for the process whose path it is", () => {
  assertEquals(find("/proc/self/status").path, `/proc/${Deno.pid}/status`);
  assertEquals(
    find("/proc/thread-self/comm").path,
    `/proc/${Deno.pid}/task/${Deno.pid}/comm`,
  );
});

Deno.test("resolve() follows a magic link of a process of the jail", () => {
  assertEquals(find("/proc/self/root/etc/passwd").path, "/etc/passwd");
});

Deno.test("resolve() goes through no magic link of what is no directory", () => {
  for (const rest of ["..", ".", "", "../x", "//.././"]) {
    const { kind, errno } = find(`/proc/self/exe/${rest}`);
    assertEquals([rest, kind, errno], [rest, "missing", ENOTDIR]);
  }
});

Deno.test("resolve() does not follow a magic link of another process", () => {
  const place = find("/proc/1/root/etc/passwd");
  assertEquals(place.path, "/proc/1/root/etc/passwd");
});

Deno.test("resolve() finds the same file through the magic link of a directory", () =>
  tree((root) => {
    using directory = Deno.openSync(root);
    assertEquals(directory.statSync().isDirectory, true);
    const link = [...Deno.readDirSync("/proc/self/fd")]
      .map(({ name }) => `/proc/self/fd/${name}`)
      .find((name) => {
        try {
          return Deno.readLinkSync(name) === root;
        } catch {
          return false;
        }
      });
    assertEquals(find(`${link}/link`).path, fromText(`${root}/file`));
  }));

const TEXTS: readonly (readonly [string, string])[] = [
  ["/", "/"],
  ["/a/b", "/a/b"],
  ["//a///b/", "/a/b"],
  ["/a/./b/../c", "/a/c"],
  ["/../..", "/"],
  ["/a/.b", "/a/.b"],
  ["/a/...", "/a/..."],
];

for (const [path, result] of TEXTS) {
  Deno.test(`normalize() makes ${result} of ${path}`, () => {
    assertEquals(normalize(path), result);
  });
}

Deno.test("processOf() finds the process in a path of /proc, and none elsewhere", () => {
  const paths = [
    "/proc/12",
    "/proc/12/fd",
    "/proc/12x",
    "/proc/self",
    "/x/proc/1",
  ];
  assertEquals(paths.map(processOf), [12, 12, 0, 0, 0]);
});

Deno.test("resolve() finds what lies behind links with many names on the way", async () => {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    const many = "/d".repeat(40);
    const half = "/d".repeat(20);
    await Deno.mkdir(`${root}${many}`, { recursive: true });
    await Deno.writeTextFile(`${root}${many}/file`, "x");
    await Deno.symlink(`${root}${half}`, `${root}${half}/back`);
    await Deno.symlink(`.${half}/./d/../back${half}`, `${root}/all`);
    const there = { path: `${root}${many}/file`, kind: "file", errno: 0 };
    const back = `${root}${half}/back`;
    const paths: readonly [string, unknown][] = [
      [`${root}${many}/file`, there],
      [`${back}${half}/file`, there],
      [`${back}${"/back/d/..".repeat(15)}${half}/file`, there],
      [`${root}/all/file`, there],
      [`${root}/all/..${"/d/..".repeat(30)}/d/file`, there],
      [`${back}${half}/none`, {
        path: `${root}${many}/none`,
        kind: "missing",
        errno: 0,
      }],
      [`${back}${half}/none${half}`, {
        path: `${root}${many}/none${half}`,
        kind: "missing",
        errno: ENOENT,
      }],
      [`${back}${half}/file${half}`, {
        path: `${root}${many}/file${half}`,
        kind: "missing",
        errno: ENOTDIR,
      }],
    ];
    for (const [path, want] of paths) {
      const { path: real, kind, errno } = find(path);
      assertEquals({ path: real, kind, errno } as unknown, want, path);
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

/** A view that counts how often it was looked into. */
class Counted extends View {
  looks = 0;
  override open(path: Uint8Array, flags: number, resolve = 0): number {
    this.looks++;
    return super.open(path, flags, resolve);
  }
}

Deno.test("withCrossed() looks seldom where links lead to and fro in a root, and never leads out of it", async () => {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(`${root}/d/d`, { recursive: true });
    await Deno.symlink("d/../".repeat(500), `${root}/l`);
    await Deno.symlink(`${"../".repeat(500)}d/./../d`, `${root}/up`);
    const view = new Counted(-1);
    const nothing = place("", "missing", false, ENOENT);
    for (
      const [path, want] of [
        ["/l".repeat(30) + "/d/none", "/d/none"],
        ["/up".repeat(10) + "/d/none", "/d/up/up/up/up/up/up/up/up/up/d/none"],
        ["/d" + "/..".repeat(100) + "/d/./d/none", "/d/d/none"],
        ["/d/d" + "/../d".repeat(100) + "/../../../up/d/none", "/d/d/none"],
      ] as const
    ) {
      const { path: real } = withCrossed(
        nothing,
        { ...SELF, view },
        root,
        path,
        true,
        () => false,
        RESOLVE_IN_ROOT,
      );
      assertEquals(real, `${root}${want}`);
    }
    assert(view.looks < 1000, `${view.looks} looks`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

const CROSSED:
  readonly (readonly [path: string, crossed: readonly string[]])[] = [
    ["/file", []],
    ["/dir/sub/../..x", ["/dir/sub"]],
    ["/dir/../file", ["/dir"]],
    ["/dir/sub/../../file", ["/dir/sub"]],
    ["/dir/../dir/sub", ["/dir"]],
    ["/dir/../none", ["/dir"]],
    ["/none/../file", ["/none"]],
    ["/none/more/../../file", ["/none/more"]],
    ["/file/../dir", ["/file"]],
    ["/file/more/../../dir", ["/file/more"]],
    ["/file/a/../b/../c", ["/file/a", "/file/b"]],
    // A link tells of the directories that it lies in.
    ["/deep/../../file", ["/dir/sub"]],
    ["/dir/up", []],
    ["/dir/up/../file", []],
    // Where a link leads back into one, it would lead nowhere without that.
    ["/dir/sub/../../deep", ["/dir/sub"]],
    ["/dir/beside/../../file", ["/dir/sub"]],
    ["/absolute/sub/../x", ["/dir/sub"]],
    [`/dir${"/sub/..".repeat(20)}/../file`, ["/dir/sub"]],
    [`/deep/..${"/sub/..".repeat(20)}/../file`, ["/dir/sub"]],
  ];

Deno.test("resolve() tells which directories a path leads through and leaves", async () => {
  await tree((root) => {
    for (const [path, crossed] of CROSSED) {
      const found = find(`${root}${path}`).crossed ?? [];
      assertEquals([path, found], [path, crossed.map((at) => `${root}${at}`)]);
    }
  });
});

Deno.test("resolve() follows no path that leads out of far too much", () =>
  tree((root) => {
    const path = (turns: number): string =>
      `${root}/dir/${
        Array.from({ length: turns }, (_, at) => `n${at}/..`).join("/")
      }`;
    assertEquals(find(path(20)).errno, ENOENT);
    for (let at = 0; at < 400; at++) Deno.mkdirSync(`${root}/dir/n${at}`);
    assertEquals(find(path(20)).path, fromText(`${root}/dir`));
    assertEquals(find(path(400)).errno, ENAMETOOLONG);
  }));

Deno.test("resolve() does not tell of the way up from the working directory", () => {
  const crossed = (path: string): unknown =>
    resolve(SELF, AT_FDCWD, path, true, () => true).crossed;
  assertEquals(crossed("../".repeat(40)), undefined);
  assertEquals(crossed("./.././../none"), undefined);
});

Deno.test("resolveHow() judges a link by its place in the root that no path leads out of", () =>
  tree((root) => {
    const flags = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
    const path = fromText(`${root}/dir`);
    Deno.symlinkSync("file", `${root}/dir/link`);
    const fd = look(OWN_VIEW, path);
    try {
      const isOwn = (): boolean => true;
      const how = [SELF, fd, "../link", true, false, flags, isOwn] as const;
      const found = resolveHow(...how);
      assertEquals([found.errno, found.path], [ELOOP, `${path}/link`]);
    } finally {
      close(fd);
    }
  }));
