/**
 * Files that a program is handed from outside of its tree, made files of the tree.
 *
 * Whoever has a file open changes it (fchmod(2), futimens(3)): its mode, its owner,
 * its times, whatever it is open for. Only a mount keeps him from that, so a file that
 * is handed to be read, a device, and a pipe that has a name are mounted in the tree, to
 * be read alone, and opened there; one that may be written so that nothing of it is
 * executed. A file that came to be written is not: no such mount lets it be.
 * One to be read that cannot be mounted, and could be changed, is not handed in, nor is
 * another device.
 */

import { toCString } from "../abi/bytes.ts";
import { DEVICE_NUMBERS, isTerminalDevice } from "../abi/devices.ts";
import { ENXIO } from "../abi/errno.ts";
import {
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
} from "../abi/fcntl.ts";
import { RESOLVE_NO_SYMLINKS } from "../abi/openat2.ts";
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFREG } from "../abi/stat.ts";
import type { Engine } from "../policy/decide.ts";
import {
  close,
  flagsOf,
  isSameFile,
  offsetOf,
  readLink,
  setFlags,
  setOffset,
  typeOf,
} from "../sys/files.ts";
import { terminalOf } from "../sys/output.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";
import type { TreeNode } from "../tree_node.ts";
import { checkUnmounted, deviceOf, isDoor, isPlainDevice } from "./handed.ts";

/**
 * Where such files are in a tree, until the program enters it. No machine has a
 * directory of this name.
 */
const PLACE = "/.jail-handed";

/** A file that is handed in, as it is in a tree. */
export interface TreeFile {
  /** The descriptor of this process that it comes by. */
  readonly fd: number;
  /** Its path in the tree. */
  readonly path: string;
  /** Whether it may be changed there. */
  readonly write: boolean;
}

/**
 * What puts files that are handed in into a tree.
 *
 * @param fds descriptors of this process
 * @param engine what the policy says: what may be written may be changed
 * @returns the nodes, and which file is where; none for what needs no place, or has
 *   no name by which it could be mounted
 * @throws {UnsupportedError} where that one could be changed
 */
export function treeFiles(
  fds: readonly number[],
  engine: Engine,
): {
  readonly nodes: readonly TreeNode[];
  readonly files: readonly TreeFile[];
} {
  const nodes: TreeNode[] = [];
  const files: TreeFile[] = [];
  for (const fd of new Set(fds)) {
    const from = nameToMount(fd);
    if (!from.startsWith("/")) {
      if (typeOf(fd) === S_IFCHR) checkUnmounted(fd);
      continue;
    }
    const path = `${PLACE}/${fd}`;
    const type = typeOf(fd);
    const is = type === S_IFCHR || type === S_IFBLK ? "device" : "file";
    const may = (access: "write" | "run"): boolean => {
      const uses = [{ access, path: from, kind: is }] as const;
      return engine.decide({ name: "openat", uses }).kind === "allow";
    };
    // A device is changed by nobody.
    const write = is === "file" && may("write");
    if (write && may("run")) continue;
    if (!isAt(from, fd)) {
      if (!write) checkUnmounted(fd);
      continue;
    }
    const held = { there: false, write, noRun: true } as const;
    nodes.push({ kind: "bind", path, from, is, ...held });
    files.push({ fd, path, write });
  }
  if (nodes.length > 0) nodes.unshift({ kind: "directory", path: PLACE });
  return { nodes, files };
}

/** The path of what is handed in and is to be mounted; nothing for what is not. */
function nameToMount(fd: number): string {
  const flags = flagsOf(fd);
  const type = typeOf(fd);
  const isMeant = flags >= 0 && (flags & O_PATH) === 0 &&
    (type === S_IFREG && (flags & O_ACCMODE) === O_RDONLY ||
      type === S_IFIFO || type === S_IFBLK ||
      type === S_IFCHR && mayOpenAgain(fd));
  const name = isMeant ? readLink(`/proc/self/fd/${fd}`) : "";
  return typeof name === "string" ? name : "";
}

/** Whether what a descriptor is of is still at a path. */
function isAt(path: string, fd: number): boolean {
  const found = OWN_VIEW.open(
    toCString(path),
    O_PATH | O_NOFOLLOW | O_CLOEXEC,
    RESOLVE_NO_SYMLINKS,
  );
  if (found < 0) return false;
  const isSame = isSameFile(found, fd);
  close(found);
  return isSame;
}

/** What makes a terminal each time that it is opened. */
const MAKER = DEVICE_NUMBERS.get("/dev/ptmx");

/** Whether a device may mean the same when it is opened once more. */
function mayOpenAgain(fd: number): boolean {
  const device = deviceOf(fd);
  return isPlainDevice(device) ||
    isTerminalDevice(device) && device !== MAKER;
}

/** Whether both are of one terminal, where the first is of what leads to one. */
function leadsToSame(fd: number, own: number): boolean {
  return typeOf(fd) !== S_IFCHR || !isDoor(deviceOf(fd)) ||
    terminalOf(fd) === terminalOf(own);
}

/**
 * Opens the files of a tree in place of those that were handed in.
 *
 * @param files which ones, by {@linkcode treeFiles}
 * @param view the tree
 * @returns the descriptors by those that they are in place of, to be given back by
 *   {@linkcode closeTreeFiles}
 */
export function openTreeFiles(
  files: readonly TreeFile[],
  view: View,
): ReadonlyMap<number, number> {
  const opened = new Map<number, number>();
  for (const { fd, path } of files) {
    const flags = flagsOf(fd) & (O_ACCMODE | O_APPEND | O_NONBLOCK);
    // A line without a carrier is not waited for, nor the other end of a pipe.
    const open = (flags: number): number =>
      view.open(toCString(path), flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    let own = open(flags);
    if (own === -ENXIO) {
      // Nobody reads a pipe any more: to be opened it needs somebody.
      const reader = open(O_RDONLY);
      own = open(flags);
      if (reader >= 0) close(reader);
    }
    if (own < 0) continue;
    if (!leadsToSame(fd, own)) {
      close(own);
      continue;
    }
    setFlags(own, flags);
    setOffset(own, offsetOf(fd));
    opened.set(fd, own);
  }
  return opened;
}

/**
 * Closes them, and has those that were handed in go on where the program stopped: who
 * started jail may read on.
 *
 * @param opened what {@linkcode openTreeFiles} returned
 */
export function closeTreeFiles(opened: ReadonlyMap<number, number>): void {
  for (const [fd, own] of opened) {
    setOffset(fd, offsetOf(own));
    close(own);
  }
}
