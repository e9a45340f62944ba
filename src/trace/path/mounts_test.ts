/** Where procfs is mounted besides /proc. */

import { assertEquals } from "@std/assert";
import type { Mount } from "../../sys/mount_info.ts";
import {
  couldBeMoved,
  foldingPlaces,
  otherProcs,
  settingsElsewhere,
} from "./mounts.ts";

for (
  const [what, type, device, root, point, others] of [
    ["nowhere else", "tmpfs", "0:60", "/", "/proc/kcore", []],
    ["not where a part is on itself", "proc", "0:21", "/sys", "/proc/sys", []],
    ["at another place", "proc", "0:55", "/", "/mnt", ["/mnt"]],
    ["in part at another place", "proc", "0:21", "/1", "/mnt", ["/mnt"]],
    ["in another part", "proc", "0:21", "/1", "/proc/sys", ["/proc/sys"]],
    ["of another kind", "proc", "0:55", "/sys", "/proc/sys", ["/proc/sys"]],
    ["on itself, of another kind", "proc", "0:55", "/", "/proc", ["/proc"]],
  ] as const
) {
  Deno.test(`otherProcs() finds procfs ${what}`, () => {
    const ids = { id: "", on: "", options: "" };
    const own = { type: "proc", device: "0:21", root: "/", point: "/proc" };
    const mounts = [own, { type, device, root, point }]
      .map((mount) => ({ ...ids, ...mount }));
    assertEquals(otherProcs(mounts, "0:21"), others);
  });
}

/** Mounts of which the type, the place and perhaps options matter. */
function mounted(all: readonly (readonly string[])[]): Mount[] {
  return all.map(([type = "", point = "", options = ""]) => (
    { type, point, options, id: "", on: "", device: "", root: "/" }
  ));
}

Deno.test("settingsElsewhere() finds file systems that set the kernel, but in /proc and /sys", () => {
  const mounts = mounted([
    ...[["sysfs", "/sys"], ["debugfs", "/sys/kernel/debug"], ["tmpfs", "/a"]],
    ...[["sysfs", "/a/sys"], ["configfs", "/config"], ["sysfs", "/a/sys"]],
    ["binfmt_misc", "/proc/sys/fs/binfmt_misc"],
  ]);
  assertEquals(settingsElsewhere(mounts), ["/a/sys", "/config"]);
});

Deno.test("foldingPlaces() finds what does not tell capital letters, by its kind or as it says", () => {
  const mounts = mounted([
    ["vfat", "/a", "rw"],
    ["zfs", "/b", "rw,xattr,noacl,caseinsensitive"],
    ["zfs", "/c", "rw,xattr,noacl,casesensitive"],
    ["zfs", "/d", "rw,casemixed"],
    ["tmpfs", "/e", "rw,casefold=utf8-12.1.0,size=1k"],
    ["overlay", "/f", "rw,lowerdir=/casefold"],
  ]);
  assertEquals(foldingPlaces(mounts), ["/a", "/b", "/d", "/e"]);
});

Deno.test("foldingPlaces() finds discs that do not tell capital letters, and what may come from a machine that does not", () => {
  const mounts = mounted([
    ["fuse.sshfs", "/a", "rw,user_id=0"],
    ["fuse.ciopfs", "/b", "rw,user_id=0"],
    ["iso9660", "/c", "ro,norock,check=r,map=n,blocksize=2048"],
    ["iso9660", "/d", "ro,nojoliet,check=s,map=n,blocksize=2048"],
    ["fuse.overlayfs", "/e", "rw,user_id=0"],
  ]);
  assertEquals(foldingPlaces(mounts), ["/a", "/b", "/c"]);
});

Deno.test("couldBeMoved() knows what is beneath a directory that is no mount point", () => {
  const tree = [
    ["1", "0", "ext4", "/"],
    ["2", "1", "sysfs", "/sys"],
    ["3", "2", "cgroup2", "/sys/fs/cgroup"],
    ["4", "1", "tmpfs", "/run"],
    ["5", "4", "rpc_pipefs", "/run/pipes"],
    ["6", "1", "proc", "/srv/box/proc"],
  ];
  const mounts = tree.map(([id = "", on = "", type = "", point = ""]) => (
    { id, on, type, point, device: id, root: "/", options: "" }
  ));
  const steady = ["/sys/fs/cgroup", "/run/pipes", "/sys"];
  assertEquals(couldBeMoved(mounts, steady), false);
  assertEquals(couldBeMoved(mounts, [...steady, "/srv/box/proc"]), true);
});
