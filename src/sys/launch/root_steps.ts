/**
 * The calls that give a root directory what programs expect there: /proc, /sys,
 * /dev.
 */

import { FD_LINKS, PLAIN_DEVICES } from "../../abi/devices.ts";
import { AT_FDCWD } from "../../abi/fcntl.ts";
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_RDONLY,
  MS_NOSUID,
} from "../../abi/mount.ts";
import { S_IFREG } from "../../abi/stat.ts";
import { beginMounts, bind, call, mount } from "./mount_steps.ts";
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

/** Which directories there are for what is mounted. */
export interface Mountpoints {
  /** `proc`, `sys`, `dev`. */
  readonly has: (name: string) => boolean;
  /** Whether this machine has a file at a path. */
  readonly isHere: (path: string) => boolean;
  /** The names in /proc of what is about the machine, and may be written. */
  readonly ofTheMachine: () => readonly string[];
}

/**
 * The calls by which a process with a mount namespace of its own puts a directory
 * at a place that nothing outside has a name for, mounts there what is of the
 * machine, and makes it its root.
 *
 * Whoever filled the directory may have put devices of this machine there, under
 * any name: none of them can be opened. What /proc and /sys let be changed of the
 * machine cannot be changed in there. All is made beside the directory, where
 * nobody can put anything in its way, and comes to where it belongs as a whole.
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
  { has, isHere, ofTheMachine }: Mountpoints,
): Step[] {
  const root = `${place}/${name}`;
  const steps = [
    ...beginMounts(),
    mount("jail", place, "tmpfs", MS_NOSUID, "mode=755"),
    make(root),
    ...bind(directory, root, MOUNT_ATTR_NODEV),
  ];
  if (has("proc") && isHere("/proc")) {
    const proc = `${place}/proc`;
    steps.push(make(proc), ...bind("/proc", proc));
    for (const each of ofTheMachine()) {
      const path = `/proc/${each}`;
      steps.push(...bind(path, `${place}${path}`, MOUNT_ATTR_RDONLY));
    }
    steps.push(...bind(proc, `${root}/proc`));
  }
  if (has("sys") && isHere("/sys")) {
    steps.push(...bind("/sys", `${root}/sys`, MOUNT_ATTR_RDONLY));
  }
  if (has("dev")) {
    const dev = `${place}/dev`;
    steps.push(...deviceSteps(dev, isHere), ...bind(dev, `${root}/dev`));
  }
  return [...steps, call("chdir", "/"), call("chroot", root)];
}

/** Makes a directory of devices. */
function deviceSteps(dev: string, isHere: Mountpoints["isHere"]): Step[] {
  const steps = [make(dev)];
  if (isHere("/dev/pts")) {
    steps.push(make(`${dev}/pts`), ...bind("/dev/pts", `${dev}/pts`));
  }
  for (const device of PLAIN_DEVICES) {
    const path = `${dev}/${device}`;
    if (!isHere(`/dev/${device}`)) continue;
    steps.push(
      call("mknodat", AT_FDCWD, path, S_IFREG | 0o666, 0),
      ...bind(`/dev/${device}`, path),
    );
  }
  steps.push(
    make(`${dev}/shm`),
    call("fchmodat", AT_FDCWD, `${dev}/shm`, 0o1777),
  );
  for (const [to, link] of LINKS) {
    steps.push(call("symlinkat", to, AT_FDCWD, `${dev}/${link}`));
  }
  return steps;
}

function make(directory: string): Step {
  return call("mkdirat", AT_FDCWD, directory, 0o755);
}
