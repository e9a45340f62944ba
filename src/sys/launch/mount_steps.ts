/** Calls that mount something, for the launcher to carry out. */

import { toCString } from "../../abi/bytes.ts";
import { AT_FDCWD, AT_RECURSIVE } from "../../abi/fcntl.ts";
import { set } from "../../abi/layout.ts";
import { MOUNT_ATTR } from "../../abi/mount.ts";
import type { Step } from "./steps.ts";

/**
 * Takes away what can be done with a mount.
 *
 * @param path where it is mounted
 * @param attributes `MOUNT_ATTR_*`
 * @param flags `AT_RECURSIVE` for all that are beneath as well, or 0
 */
export function hold(
  path: string,
  attributes: number,
  flags: number = AT_RECURSIVE,
): Step {
  const attr = new Uint8Array(MOUNT_ATTR.size);
  set(MOUNT_ATTR, attr, "attr_set", attributes);
  return {
    call: "mount_setattr",
    args: [AT_FDCWD, toCString(path), flags, attr, attr.length],
  };
}

/**
 * Mounts something.
 *
 * @param from what: a path, or a name
 * @param to where, a path
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
