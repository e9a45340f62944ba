/** Where the same part of a disk has other names. */

import { assertEquals } from "@std/assert";
import type { Mount } from "../../sys/mount_info.ts";
import { otherPlaces } from "./inside.ts";

function mount(id: number, on: number, words: string): Mount {
  const [device = "", root = "", point = ""] = words.split(" ");
  return {
    id: `${id}`,
    on: `${on}`,
    device,
    root,
    point,
    type: "",
    options: "",
  };
}

const MOUNTS: readonly Mount[] = [
  mount(1, 0, "8:1 / /"),
  // All of it, a directory of it, what lies in that, and a file.
  mount(2, 1, "8:1 / /disk"),
  mount(3, 1, "8:1 /home /m/home"),
  mount(4, 1, "8:1 /home/me/p/a /m/a"),
  mount(5, 1, "8:1 /home/me/p/f /etc/f"),
  // Another disk with the same names, and one beneath, which is elsewhere as well.
  mount(6, 1, "8:2 /home /other"),
  mount(7, 1, "8:3 / /home/me/p/tmp"),
  mount(8, 1, "8:3 /x /srv/x"),
  // What lies over one hides it.
  mount(9, 1, "8:1 /home/me /hidden"),
  mount(10, 9, "8:4 / /hidden"),
];

for (
  const [path, places] of [
    [
      "/home/me/p",
      ["/disk/home/me/p", "/m/home/me/p", "/m/a", "/etc/f", "/srv/x"],
    ],
    ["/m/a", ["/home/me/p/a", "/disk/home/me/p/a", "/m/home/me/p/a"]],
    ["/srv/x", ["/home/me/p/tmp/x"]],
    ["/other", []],
  ] as const
) {
  Deno.test(`otherPlaces() finds where else ${path} is mounted`, () => {
    assertEquals(otherPlaces(MOUNTS, path).toSorted(), places.toSorted());
  });
}
