/** Calls that mount something, for the launcher to carry out. */

import { toCString } from "../../abi/bytes.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_PATH,
} from "../../abi/fcntl.ts";
import { set } from "../../abi/layout.ts";
import {
  MOUNT_ATTR,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  OPEN_TREE_CLONE,
} from "../../abi/mount.ts";
import { OPEN_HOW, RESOLVE_NO_SYMLINKS } from "../../abi/openat2.ts";
import type { Step } from "./steps.ts";

/** The numbers of the descriptors that a process opens first, in turn. */
const [FROM, TREE, TO] = [0, 1, 2];

/**
 * The steps before all mounts. From then on nobody else sees a mount, files are
 * made with the mode that is given, and the first descriptors are free.
 */
export function beginMounts(): Step[] {
  return [
    call("umask", 0o022),
    call("close_range", FROM, TO, 0),
    mount("", "/", "", MS_REC | MS_PRIVATE),
  ];
}

/**
 * Mounts what is at one place at another one as well, with all that is mounted
 * beneath, so that less can be done with it.
 *
 * Whoever may write there could put a link in the place of a directory that was
 * looked at, by which anything would be mounted anywhere: none is followed. A link
 * itself is mounted on another one alone.
 *
 * @param from where it is, a real path
 * @param to the other place, a real path
 * @param attributes `MOUNT_ATTR_*`
 * @param options whether both are links
 */
export function bind(
  from: string,
  to: string,
  attributes = 0,
  { isLink = false }: { readonly isLink?: boolean } = {},
): Step[] {
  const attr = attributesOf(attributes);
  return [
    find(from, isLink),
    call("open_tree", FROM, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE),
    {
      call: "mount_setattr",
      args: [
        TREE,
        toCString(""),
        AT_EMPTY_PATH | AT_RECURSIVE,
        attr,
        attr.length,
      ],
    },
    find(to, isLink),
    call(
      "move_mount",
      ...[TREE, "", TO, ""],
      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH,
    ),
    call("close_range", FROM, TO, 0),
  ];
}

/** Opens what has a path with no link in it, but what it leads to, where that is one. */
function find(path: string, isLink: boolean): Step {
  const how = new Uint8Array(OPEN_HOW.size);
  set(OPEN_HOW, how, "flags", O_PATH | O_CLOEXEC | (isLink ? O_NOFOLLOW : 0));
  set(OPEN_HOW, how, "resolve", RESOLVE_NO_SYMLINKS);
  return {
    call: "openat2",
    args: [AT_FDCWD, toCString(path), how, how.length],
  };
}

function attributesOf(attributes: number): Uint8Array {
  const attr = new Uint8Array(MOUNT_ATTR.size);
  set(MOUNT_ATTR, attr, "attr_set", attributes);
  return attr;
}

/**
 * Takes away what can be done with a mount of this process's own.
 *
 * @param path where it is mounted
 * @param attributes `MOUNT_ATTR_*`
 */
export function hold(path: string, attributes: number): Step {
  const attr = attributesOf(attributes);
  return {
    call: "mount_setattr",
    args: [AT_FDCWD, toCString(path), 0, attr, attr.length],
  };
}

/**
 * Mounts something new.
 *
 * @param from its name
 * @param to where, a path that nobody else can change
 * @param type the type of the file system, or ""
 * @param flags `MS_*`
 * @param data options of the file system
 */
export function mount(
  from: string,
  to: string,
  type: string,
  flags: number,
  data = "",
): Step {
  return call("mount", from, to, type, flags, data);
}

/** A call; a text is an argument that is a C string. */
export function call(name: Step["call"], ...args: (number | string)[]): Step {
  return {
    call: name,
    args: args.map((arg) => typeof arg === "string" ? toCString(arg) : arg),
  };
}
