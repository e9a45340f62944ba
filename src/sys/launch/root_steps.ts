/** The calls that give a root directory what programs expect there: /proc, /sys, /dev. */

import { FD_LINKS, PLAIN_DEVICES } from "../../abi/devices.ts";
import { AT_FDCWD } from "../../abi/fcntl.ts";
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_RDONLY,
  MS_BIND,
  MS_NOSUID,
  MS_PRIVATE,
  MS_REC,
} from "../../abi/mount.ts";
import { S_IFREG } from "../../abi/stat.ts";
import { call, hold, mount } from "./mount_steps.ts";
import type { Step } from "./steps.ts";

/**
 * Links: to the descriptors of whoever looks, and to what makes terminals. The
 * node that the machine has for that finds no terminals where it is mounted alone:
 * path_pts() in the kernel's fs/namei.c.
 */
const LINKS: readonly (readonly [to: string, name: string])[] = [
  ["pts/ptmx", "ptmx"],
  ...FD_LINKS,
];

/**
 * What of /proc is about the machine, and may be written: `core_pattern` alone
 * names a program that the kernel runs outside of every root.
 */
const OF_THE_MACHINE: readonly string[] = [
  "acpi",
  "bus",
  "driver",
  "fs",
  "irq",
  "mtrr",
  "scsi",
  "sys",
  "sysrq-trigger",
];

/** Which directories there are for what is mounted. */
export interface Mountpoints {
  /** `proc`, `sys`, `dev`. */
  readonly has: (name: string) => boolean;
  /** Whether this machine has a file at a path. */
  readonly isHere: (path: string) => boolean;
}

/**
 * The calls by which a process with a mount namespace of its own puts a
 * directory at a place that nothing outside has a name for, makes it its root,
 * and mounts there what is of the machine. Its working directory stays outside,
 * so that a relative path means the machine's own file, and an absolute one a
 * file of the root, whatever links are in there.
 *
 * Whoever filled the directory may have put devices of this machine there, under
 * any name: none of them can be opened. What /proc and /sys let be changed of the
 * machine cannot be changed in there.
 *
 * @param directory the directory, a real path
 * @param place a directory that is hidden from the process, a real path
 * @param name the name of the new place in there
 * @param points which directories there are
 */
export function mountSteps(
  directory: string,
  place: string,
  name: string,
  { has, isHere }: Mountpoints,
): Step[] {
  const root = `${place}/${name}`;
  const steps = [
    mount("", "/", "", MS_REC | MS_PRIVATE),
    mount("jail", place, "tmpfs", MS_NOSUID, "mode=755"),
    call("mkdirat", AT_FDCWD, root, 0o755),
    mount(directory, root, "", MS_BIND | MS_REC),
    hold(root, MOUNT_ATTR_NODEV),
    call("chdir", "/"),
    call("chroot", root),
  ];
  if (has("proc") && isHere("/proc")) {
    steps.push(bind("proc"));
    for (const each of OF_THE_MACHINE) {
      const path = `/proc/${each}`;
      if (!isHere(path)) continue;
      steps.push(bind(path.slice(1)), hold(path, MOUNT_ATTR_RDONLY));
    }
  }
  if (has("sys") && isHere("/sys")) {
    steps.push(bind("sys"), hold("/sys", MOUNT_ATTR_RDONLY));
  }
  if (!has("dev")) return steps;
  steps.push(mount("jail", "/dev", "tmpfs", MS_NOSUID, "mode=755"));
  if (isHere("/dev/pts")) {
    steps.push(call("mkdirat", AT_FDCWD, "/dev/pts", 0o755), bind("dev/pts"));
  }
  for (const device of PLAIN_DEVICES) {
    if (!isHere(`/dev/${device}`)) continue;
    steps.push(
      call("mknodat", AT_FDCWD, `/dev/${device}`, S_IFREG | 0o666, 0),
      bind(`dev/${device}`),
    );
  }
  steps.push(
    call("mkdirat", AT_FDCWD, "/dev/shm", 0o777),
    call("fchmodat", AT_FDCWD, "/dev/shm", 0o1777),
  );
  for (const [to, link] of LINKS) {
    steps.push(call("symlinkat", to, AT_FDCWD, `/dev/${link}`));
  }
  return steps;
}

/** Mounts what the machine has at a place at the same place of the root. */
function bind(path: string): Step {
  return mount(path, `/${path}`, "", MS_BIND | MS_REC);
}
