import { assertEquals } from "@std/assert";
import { heedMove } from "./mounted.ts";
import { OWN_VIEW, View } from "./view.ts";

const PLAIN = new View(99, "/srv/box");
const MOUNTED = new View(99, "/srv/box", {
  name: "/run/jail-1",
  mounts: [
    "50 1 0:5 /box / rw - ext4 /dev/sda rw",
    "51 50 0:6 / /proc rw shared:1 - proc proc rw",
    "52 50 0:7 / /my\\040dir rw - proc none rw",
    "53 50 broken",
  ].join("\n"),
});

// What the kernel says, and what that is for the program: without another root,
// in a root in the same namespace, and in one with mounts of its own.
const NAMES: readonly (readonly [string, string, string, string])[] = [
  ["/", "/", "outside:/", "outside:/"],
  ["/etc/x", "/etc/x", "outside:/etc/x", "outside:/etc/x"],
  ["/srv/box", "/srv/box", "/", "outside:/srv/box"],
  ["/srv/box/a", "/srv/box/a", "/a", "outside:/srv/box/a"],
  ["/srv/boxes", "/srv/boxes", "outside:/srv/boxes", "outside:/srv/boxes"],
  [
    "/run/jail-1/a (deleted)",
    "/run/jail-1/a (deleted)",
    "outside:/run/jail-1/a (deleted)",
    "/a (deleted)",
  ],
  ["pipe:[1]", "pipe:[1]", "pipe:[1]", "pipe:[1]"],
  [
    "/memfd:x (deleted)",
    "/memfd:x (deleted)",
    "/memfd:x (deleted)",
    "/memfd:x (deleted)",
  ],
  ["/memfd:x", "/memfd:x", "outside:/memfd:x", "outside:/memfd:x"],
];

for (const [name, own, plain, mounted] of NAMES) {
  Deno.test(`View.nameOf() says what ${name} is in a root`, () => {
    assertEquals(
      [OWN_VIEW, PLAIN, MOUNTED].map((view) => view.nameOf(name)),
      [own, plain, mounted],
    );
  });
}

Deno.test("View.outerName() undoes View.nameOf() for what is inside", () => {
  for (const view of [OWN_VIEW, PLAIN, MOUNTED]) {
    for (
      const path of ["/", "/a", "/a/b c", "/memfd:x (deleted)", "pipe:[1]"]
    ) {
      assertEquals(view.nameOf(view.outerName(path)), path);
    }
  }
});

Deno.test("View.likelyPath() says where to look for what was opened outside", () => {
  const likely = (name: string): unknown => MOUNTED.likelyPath(name);
  assertEquals(likely("outside:/srv/box/a"), "/a");
  assertEquals(likely("outside:/dev/null"), "/dev/null");
  assertEquals(likely("/a"), undefined);
  assertEquals(likely("pipe:[1]"), undefined);
});

Deno.test("View.mounts() reads where file systems are", () => {
  assertEquals(
    MOUNTED.mounts().map(({ type, device, point }) => [type, device, point]),
    [["ext4", "0:5", "/"], ["proc", "0:6", "/proc"], [
      "proc",
      "0:7",
      "/my dir",
    ]],
  );
});

Deno.test("View.links() finds the links on the way, where links lead, and what they lead out of", async () => {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  try {
    const at = (path: string): string => `${directory}/${path}`;
    await Deno.mkdir(at("one/two"), { recursive: true });
    await Deno.symlink("../three/../four", at("one/link"));
    await Deno.symlink(at("one"), at("four"));
    await Deno.mkdir(at("three"));
    await Deno.symlink("loop", at("loop"));
    const links = OWN_VIEW.links(at("one/./link/two/missing"));
    const left = [at("one"), at("three")];
    assertEquals(links, [at("one/link"), at("four"), ...left]);
    assertEquals(OWN_VIEW.links(at("one/two")), []);
    assertEquals(OWN_VIEW.links(at("loop")).length, 40);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("View.meant() follows links to what is not there", async () => {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  try {
    const at = (path: string): string => `${directory}/${path}`;
    await Deno.mkdir(at("one"));
    await Deno.symlink("link", at("first"));
    await Deno.symlink("one/../one/missing/too", at("link"));
    await Deno.symlink("loop", at("loop"));
    assertEquals(OWN_VIEW.meant(at("one/.")), at("one"));
    assertEquals(OWN_VIEW.meant(at("first")), at("one/missing/too"));
    assertEquals(OWN_VIEW.meant(at("one/missing")), undefined);
    assertEquals(OWN_VIEW.meant(at("loop")), undefined);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("View.closedOnTheWay() tells of the way to what was not found a moment ago", async () => {
  const path = await Deno.realPath(
    await Deno.makeTempDir({ prefix: "jail-test-" }),
  );
  await Deno.mkdir(`${path}/deep`);
  await Deno.writeTextFile(`${path}/file`, "");
  await Deno.symlink("../file", `${path}/deep/link`);
  const told = (name: string, known?: string): readonly string[] =>
    OWN_VIEW.closedOnTheWay(`${path}/${name}`, known)
      .filter((directory) => directory.startsWith(path));
  const found = {
    known: told("deep/link", `${path}/file`),
    unknown: told("deep/link"),
    other: told("deep/link", `${path}/deep/link`),
    missing: told("deep/none"),
  };
  await Deno.remove(path, { recursive: true });
  const way = [path, `${path}/deep`];
  assertEquals(found, { known: [], unknown: way, other: way, missing: [] });
});

Deno.test("View.mounts() reads anew where they are, once one may have been moved", () => {
  const mounts = "50 1 0:5 /box / rw - ext4 /dev/sda rw";
  const view = new View(99, "/srv/box", { name: "/run/jail-1", mounts });
  view.renew(Deno.pid);
  const before = view.mounts().map(({ id }) => id);
  heedMove();
  const after = view.mounts().map(({ id }) => id);
  const own = OWN_VIEW.mounts().map(({ id }) => id);
  assertEquals([before, after], [["50"], own]);
});
