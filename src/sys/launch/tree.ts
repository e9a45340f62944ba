/** A program's own file system tree, in namespaces of its own. */

import { toCString } from "../../abi/bytes.ts";
import { errnoName, ESTALE } from "../../abi/errno.ts";
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH } from "../../abi/fcntl.ts";
import { get } from "../../abi/layout.ts";
import { MNT_DETACH } from "../../abi/mount.ts";
import { RESOLVE_NO_SYMLINKS } from "../../abi/openat2.ts";
import { PR_SET_PDEATHSIG } from "../../abi/prctl.ts";
import {
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_VM,
} from "../../abi/sched.ts";
import { SIGKILL } from "../../abi/signal.ts";
import {
  ST_NODEV,
  ST_NOEXEC,
  ST_NOSUID,
  ST_RDONLY,
  STATFS,
} from "../../abi/stat.ts";
import type { TreeNode } from "../../tree_node.ts";
import { close, fstatfs, isSameFile, typeOf } from "../files.ts";
import { OWN_VIEW, readMounts, View } from "../view.ts";
import { openAbove } from "./held_files.ts";
import { type Init, startInit } from "./init.ts";
import {
  enterSteps,
  type Root,
  type RootFailure,
  type RootKind,
  wasReplaced,
} from "./root.ts";
import { waitStep, wake } from "./spawn.ts";
import type { Step } from "./steps.ts";
import { treeSteps } from "./tree_steps.ts";

/** What a tree is made with. */
export interface TreeOptions {
  /** What is in it. */
  readonly nodes: readonly TreeNode[];
  /** What of it the program does not find there: jail alone opens it. */
  readonly passing?: readonly string[];
  /** Whether its programs have a network of their own, with nothing in it. */
  readonly alone: boolean;
}

/** A root directory with a PID namespace, which the launcher enters by a fork. */
export interface Tree extends Root, Disposable {
  /** The first process of the namespace. */
  readonly init: Init;
  /** The process that has entered, once the one that forked it is gone. */
  entered(): number;
  /** Lets that process go on, which waits. */
  release(): void;
}

/** In a user namespace where that needs no privilege. */
const WAYS: readonly (readonly [kind: RootKind, namespaces: number])[] = [
  ["mount namespace", CLONE_NEWNS],
  ["user namespace", CLONE_NEWUSER + CLONE_NEWNS],
];

const DIRECTORY = O_PATH | O_DIRECTORY | O_CLOEXEC;

/**
 * Makes a tree.
 *
 * @param options what is in it
 * @returns the tree, to be closed when the program is gone, or what was tried in
 * vain
 */
export function openTree(options: TreeOptions): Tree | readonly RootFailure[] {
  const failures: RootFailure[] = [];
  for (const [kind, namespaces] of WAYS) {
    const made = tryWay(
      kind,
      namespaces + (options.alone ? CLONE_NEWNET : 0),
      options,
    );
    if ("steps" in made) return made;
    failures.push(made);
    // Another way would have other rights, and find no other files.
    if (wasReplaced(made)) break;
  }
  return failures;
}

function tryWay(
  kind: RootKind,
  namespaces: number,
  { nodes, passing = [] }: TreeOptions,
): Tree | RootFailure {
  const init = startInit(treeSteps(nodes), namespaces);
  if ("errno" in init) {
    return { kind, call: init.call, errno: errnoName(-init.errno) };
  }
  const fds: number[] = [];
  const end = (): void => {
    fds.forEach(close);
    init.end();
  };
  const fail = (call: string, result: number): RootFailure => {
    end();
    return { kind, call, errno: errnoName(-result) };
  };
  const keep = (name: string, flags = 0): number => {
    const fd = openAbove(`/proc/${init.pid}/${name}`, flags | O_CLOEXEC);
    if (fd >= 0) fds.push(fd);
    return fd;
  };
  const root = keep("root", DIRECTORY);
  if (root < 0) return fail("open", root);
  const view = new View(root, "", { name: "", mounts: readMounts(init.pid) });
  for (const node of nodes) {
    // It was mounted by its name, which may be another file's by then.
    const wanted = node.kind === "bind"
      ? "the same"
      : node.kind === "closed"
      ? "another"
      : undefined;
    if (
      wanted !== undefined && whatIsAt(node, view) !== wanted ||
      node.kind === "bind" && !isHeld(node, view)
    ) return fail("mount", -ESTALE);
  }
  const steps: Step[] = [];
  // The user namespace first, which gives the right to enter the others.
  for (
    const [name, flag] of [
      ["user", CLONE_NEWUSER],
      ["mnt", CLONE_NEWNS],
      ["net", CLONE_NEWNET],
      ["pid", CLONE_NEWPID],
    ] as const
  ) {
    if (((namespaces + CLONE_NEWPID) & flag) === 0) continue;
    const fd = keep(`ns/${name}`);
    if (fd < 0) return fail("open", fd);
    steps.push({ call: "setns", args: [fd, flag] });
  }
  const [tid, go] = [new Int32Array(1), new Int32Array(1)];
  return {
    ...{ kind, view, init },
    steps: [
      ...steps,
      ...enterSteps(root),
      ...passing.map((path): Step => ({
        call: "umount2",
        args: [toCString(path), MNT_DETACH],
      })),
      ...forkSteps(tid, go),
    ],
    entered: () => tid[0] ?? 0,
    release: (): void => wake(go),
    close: end,
    [Symbol.dispose]: end,
  };
}

/**
 * Who enters a PID namespace stays out of it, and its children are in:
 * pid_namespaces(7). The child is made one of jail, shares memory with it until
 * its exec, and ends with it as its parent would. It waits until somebody follows
 * it: whoever signals jail means the program from its first step on.
 */
function forkSteps(tid: Int32Array, go: Int32Array): Step[] {
  const flags = CLONE_VM + CLONE_PARENT + CLONE_PARENT_SETTID;
  return [
    {
      call: "clone",
      args: [flags, 0, new Uint8Array(tid.buffer), 0, 0],
      forks: true,
    },
    { call: "prctl", args: [PR_SET_PDEATHSIG, SIGKILL] },
    waitStep(new Uint8Array(go.buffer)),
  ];
}

/** What has a name in a tree, seen from what has it outside. */
function whatIsAt(
  node: TreeNode,
  view: View,
): "the same" | "another" | "nothing" {
  const flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  const { path } = node;
  const from = node.kind === "bind" ? node.from ?? path : path;
  const outside = OWN_VIEW.open(toCString(from), flags, RESOLVE_NO_SYMLINKS);
  const inside = view.open(toCString(path), flags, RESOLVE_NO_SYMLINKS);
  // Nothing may be said of what is outside (FUSE), and is of what lies over it.
  const found = outside < 0 || inside < 0 || typeOf(inside) < 0
    ? "nothing"
    : isSameFile(outside, inside)
    ? "the same"
    : "another";
  for (const fd of [outside, inside]) if (fd >= 0) close(fd);
  return found;
}

/** Whether the mount that a name leads to is held as it has to be. */
function isHeld(
  { path, is, write, noRun }: Extract<TreeNode, { readonly kind: "bind" }>,
  view: View,
): boolean {
  const fd = view.open(toCString(path), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return false;
  const statfs = new Uint8Array(STATFS.size);
  const result = fstatfs(fd, statfs);
  close(fd);
  const wanted = ST_NOSUID | (is === "device" ? 0 : ST_NODEV) |
    (write && is !== "device" ? 0 : ST_RDONLY) | (noRun ? ST_NOEXEC : 0);
  return result >= 0 && (get(STATFS, statfs, "f_flags") & wanted) === wanted;
}
