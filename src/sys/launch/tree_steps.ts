/**
 * The calls that build a file system tree which holds only what a program may see.
 *
 * A process with a mount namespace of its own carries them out. All that the
 * machine has becomes `/old` there, the tree grows at `/new`, and at the end it is
 * the root and the rest is gone from the namespace: no name leads to it, no `..`,
 * and no privilege is left that could mount it again.
 */

import { AT_FDCWD } from "../../abi/fcntl.ts";
import {
  MNT_DETACH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
} from "../../abi/mount.ts";
import { S_IFCHR, S_IFREG } from "../../abi/stat.ts";
import type { TreeNode } from "../../tree_node.ts";
import { beginMounts, bind, call, hold, mount } from "./mount_steps.ts";
import type { Step } from "./steps.ts";

const OLD = "/old";
const NEW = "/new";
/** What lies over what is closed. */
const CLOSED = {
  directory: "/closed-directory",
  file: "/closed-file",
  link: "/closed-link",
} as const;
/** What that says: nothing has this name in a tree, and nobody makes it. */
const NOWHERE = "/.jail-closed";
/** Where the tree is built: any directory will do, and jail needs this one anyway. */
const PLACE = "/proc";

const QUIET = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
const HELD = MS_NOSUID | MS_NODEV;

/**
 * The calls that build a tree, and make it the root.
 *
 * @param nodes what is in it
 */
export function treeSteps(nodes: readonly TreeNode[]): Step[] {
  const steps = [
    ...beginMounts(),
    mount("jail", PLACE, "tmpfs", HELD, "mode=755"),
    call("chdir", PLACE),
    call("mkdirat", AT_FDCWD, "old", 0o755),
    call("mkdirat", AT_FDCWD, "new", 0o755),
    call("mkdirat", AT_FDCWD, "closed-directory", 0),
    // A device whose numbers are 0, which anybody may make: no driver has it, and
    // it is not opened where devices are not, whoever asks.
    call("mknodat", AT_FDCWD, "closed-file", S_IFCHR, 0),
    call("symlinkat", NOWHERE, AT_FDCWD, "closed-link"),
    call("pivot_root", ".", "old"),
    call("chdir", "/"),
    mount("jail", NEW, "tmpfs", HELD, "mode=755"),
  ];
  for (const node of nodes) steps.push(...nodeSteps(node));
  steps.push(
    // Only now, when all is in place.
    hold(NEW, MOUNT_ATTR_RDONLY),
    call("chdir", NEW),
    // pivot_root(2): the old root comes to lie over the new one, and is let go.
    call("pivot_root", ".", "."),
    call("umount2", ".", MNT_DETACH),
    call("chdir", "/"),
  );
  return steps;
}

function nodeSteps(node: TreeNode): Step[] {
  const path = at(NEW, node.path);
  switch (node.kind) {
    case "directory":
      return [directory(path)];
    case "link":
      return [call("symlinkat", node.to, AT_FDCWD, path)];
    case "bind":
      return [
        ...point(path, node.is, node.there),
        ...bind(
          at(OLD, node.from ?? node.path),
          path,
          MOUNT_ATTR_NOSUID |
            (node.is === "device" ? 0 : MOUNT_ATTR_NODEV) |
            // A device is written all the same, and is not changed itself.
            (node.write && node.is !== "device" ? 0 : MOUNT_ATTR_RDONLY) |
            (node.noRun ? MOUNT_ATTR_NOEXEC : 0),
        ),
      ];
    case "closed":
      return bind(CLOSED[node.is], path, QUIET | MOUNT_ATTR_RDONLY, {
        isLink: node.is === "link",
      });
    case "processes":
      return [
        directory(path),
        mount(
          "proc",
          path,
          "proc",
          HELD | MS_NOEXEC,
          node.alone ? "subset=pid" : "",
        ),
        hold(path, MOUNT_ATTR_RDONLY),
      ];
    case "terminals":
      return [
        directory(path),
        mount(
          "devpts",
          path,
          "devpts",
          MS_NOSUID | MS_NOEXEC,
          "newinstance,ptmxmode=0666,mode=620",
        ),
      ];
  }
}

/** Makes what something can be mounted on, where it is not there. */
function point(
  path: string,
  is: "directory" | "file" | "device",
  there: boolean,
): Step[] {
  if (there) return [];
  return is === "directory"
    ? [directory(path)]
    : [call("mknodat", AT_FDCWD, path, S_IFREG | 0o444, 0)];
}

function directory(path: string): Step {
  return call("mkdirat", AT_FDCWD, path, 0o755);
}

function at(place: string, path: string): string {
  return path === "/" ? place : `${place}${path}`;
}
