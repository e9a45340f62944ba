import { assertEquals } from "@std/assert";
import { EACCES } from "../../abi/errno.ts";
import { set } from "../../abi/layout.ts";
import { S_IFDIR, S_IFLNK, S_IFREG, STAT } from "../../abi/stat.ts";
import { libc } from "../../sys/libc.ts";
import { OWN_VIEW } from "../../sys/view.ts";
import { isGuardedLink, isKeptByOthers, isLeftByOthers } from "./sticky.ts";

function stat(mode: number, owner: number): Uint8Array {
  const bytes = new Uint8Array(STAT.size);
  set(STAT, bytes, "st_mode", mode);
  set(STAT, bytes, "st_uid", owner);
  return bytes;
}

// The table of may_follow_link() in fs/namei.c.
for (
  const [what, mode, directory, link, reader, expected] of [
    ["somebody's link in a sticky directory of root", 0o1777, 0, 7, 8, true],
    ["one's own link there", 0o1777, 0, 8, 8, false],
    ["a link of whoever has the directory", 0o1777, 7, 7, 8, false],
    [
      "somebody's link in a directory that others cannot write",
      0o1775,
      0,
      7,
      8,
      false,
    ],
    [
      "somebody's link in a directory that is not sticky",
      0o777,
      0,
      7,
      8,
      false,
    ],
    ["somebody's link, read by nobody known", 0o1777, 0, 7, undefined, true],
  ] as const
) {
  Deno.test(`isLeftByOthers() is ${expected} for ${what}`, () => {
    assertEquals(
      isLeftByOthers(
        stat(S_IFLNK | 0o777, link),
        stat(S_IFDIR | mode, directory),
        () => reader,
      ),
      expected,
    );
  });
}

Deno.test("isKeptByOthers() keeps a file of somebody else's from who meant to make one", () => {
  // The table of may_create_in_sticky() in fs/namei.c.
  for (
    const [what, mode, directory, file, opener, level, expected] of [
      ["where anybody can write", 0o1777, 0, 7, 8, 1, true],
      ["one's own there", 0o1777, 0, 8, 8, 1, false],
      ["that of whoever has the directory", 0o1777, 7, 7, 8, 1, false],
      ["where a group can write", 0o1775, 0, 7, 8, 1, false],
      ["the same, at the second level", 0o1775, 0, 7, 8, 2, true],
      ["where nobody else can write", 0o1755, 0, 7, 8, 2, false],
      ["opened by nobody known", 0o1777, 0, 7, undefined, 1, true],
    ] as const
  ) {
    const kept = isKeptByOthers(
      stat(S_IFREG | 0o644, file),
      stat(S_IFDIR | mode, directory),
      level,
      () => opener,
    );
    assertEquals([what, kept], [what, expected]);
  }
});

Deno.test("isGuardedLink() keeps a link of somebody else's from its reader where root alone may know the rule", () => {
  const calls = libc as { open: typeof libc.open };
  const { open } = calls;
  calls.open = (): number => -EACCES;
  try {
    const link = stat(S_IFLNK | 0o777, 7);
    const owner = { pid: Deno.pid, tid: Deno.pid, view: OWN_VIEW };
    assertEquals(isGuardedLink(link, "/tmp", owner), true);
  } finally {
    calls.open = open;
  }
});
