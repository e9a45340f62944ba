/**
 * A control group of its own for what a jail runs, by which the kernel holds the
 * memory of all of it: cgroups(7), version 2, and cgroup-v2.rst of the kernel.
 *
 * It is made in the group that jail is in, or beside that: a group that has
 * processes, unless it is the root of all, has none beneath it whose memory is
 * held. Whoever starts jail must be allowed to make groups there.
 */

import { fromBytes, fromText, toCString } from "../abi/bytes.ts";
import { EAGAIN, EBUSY, ENOENT, errnoName } from "../abi/errno.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  O_CLOEXEC,
  O_RDONLY,
  O_WRONLY,
} from "../abi/fcntl.ts";
import { SystemCallError } from "../errors.ts";
import { eachName } from "./directory.ts";
import {
  close,
  mkdir,
  open,
  pread,
  readFile,
  unlinkat,
  writeAll,
} from "./files.ts";
import { launchSteps } from "./launch/spawn.ts";
import { openLocked } from "./locked.ts";
import { waitATurn } from "./output.ts";
import { reap } from "./task/wait.ts";
import { OWN_VIEW } from "./view.ts";

/** The names of jail's groups: its process, and something that is random. */
const NAME_REGEXP = /^jail-[0-9]+-[0-9a-f]{8}$/;

/** How many groups are tried: another jail may remove a new one as left behind. */
const MAX_TRIES = 8;

/** How long is waited for processes to be gone for good, in milliseconds. */
const PATIENCE_MS = 2000;

/** More than any of the files here has, in bytes. */
const MOST = 2 ** 16;

/** A control group that a jail has for itself. */
export class ControlGroup implements Disposable {
  /** Its directory. */
  readonly fd: number;
  readonly #path: string;
  readonly #memory: number;
  readonly #events: number;
  readonly #text = new Uint8Array(1024);

  /** Takes over a group that was made. */
  constructor(path: string, fd: number, memory: number, events: number) {
    this.fd = fd;
    this.#path = path;
    this.#memory = memory;
    this.#events = events;
  }

  /**
   * From now on the memory is held. At a page too much the kernel kills all that
   * is in the group, and whoever shares memory with it.
   *
   * @throws {SystemCallError} where it cannot be
   */
  hold(): void {
    const file = `${this.#path}/memory.max`;
    const result = put(file, String(Math.floor(this.#memory)));
    if (result >= 0) return;
    throw new SystemCallError(
      "hold the memory of the program",
      `write(${file})`,
      errnoName(-result),
    );
  }

  /** Whether more memory was wanted than there may be. */
  isExceeded(): boolean {
    const text = this.#text;
    const length = pread(this.#events, text, text.length, 0);
    if (length < 0) return false;
    // Not "oom_kill", which counts what is killed for all of the machine, too.
    return /^oom [1-9]/m.test(fromBytes(text.subarray(0, length)));
  }

  /**
   * Kills what is in the group, and removes it.
   *
   * @throws {SystemCallError} where it stays
   */
  [Symbol.dispose](): void {
    close(this.#events);
    put(`${this.#path}/cgroup.kill`, "1");
    const end = performance.now() + PATIENCE_MS;
    let result: number;
    // A process that was waited for may be in it for a moment still.
    while ((result = remove(this.#path)) === -EBUSY) {
      if (performance.now() > end) break;
      waitATurn();
    }
    close(this.fd);
    if (result >= 0 || result === -ENOENT) return;
    throw new SystemCallError(
      "remove the program's control group",
      `rmdir(${this.#path})`,
      errnoName(-result),
    );
  }
}

/**
 * Makes a control group that holds memory, once it is told to.
 *
 * @param memory how much there may be, in bytes
 * @returns the group, empty; or why there can be none
 */
export function controlGroup(memory: number): ControlGroup | string {
  const own = ownGroup();
  if (typeof own === "string") return own;
  let why = "";
  for (const parent of own.places) {
    const made = makeIn(parent, memory);
    if (typeof made !== "string") return made;
    why = made;
  }
  return why;
}

/** Why no control group can hold memory here; `undefined` where one can. */
export function whyNoControlGroup(): string | undefined {
  const group = controlGroup(Infinity);
  if (typeof group === "string") return group;
  group[Symbol.dispose]();
  return undefined;
}

/** The directories in which a group may be made, the best one first. */
function ownGroup(): { readonly places: readonly string[] } | string {
  const text = read("/proc/self/cgroup");
  const own = /^0::(\/.*)$/m.exec(text)?.[1];
  if (own === undefined) return "there is no cgroup v2";
  for (const { type, root, point } of OWN_VIEW.mounts().toReversed()) {
    if (type !== "cgroup2") continue;
    const top = root === "/" ? "" : root;
    if (own !== root && !own.startsWith(`${top}/`)) continue;
    const at = `${point}${own.slice(top.length)}`.replace(/\/+$/, "");
    if (!read(`${at}/cgroup.controllers`).split(/\s/).includes("memory")) {
      return "cgroup v2 holds no memory here";
    }
    const above = at.slice(0, at.lastIndexOf("/"));
    return { places: at === point ? [at] : [at, above] };
  }
  return "cgroup v2 is not mounted";
}

function makeIn(parent: string, memory: number): ControlGroup | string {
  const control = `${parent}/cgroup.subtree_control`;
  if (!read(control).split(/\s/).includes("memory")) {
    const enabled = put(control, "+memory");
    if (enabled < 0) return failed("write", control, enabled);
  }
  sweep(parent);
  for (let tries = 1;; tries++) {
    const id = crypto.randomUUID().slice(0, 8);
    const path = `${parent}/jail-${Deno.pid}-${id}`;
    const made = mkdir(toCString(path), 0o755);
    if (made < 0) return failed("mkdir", path, made);
    const fd = openLocked(path);
    if (fd >= 0) return setUp(path, fd, memory);
    remove(path);
    // Another jail took it for one that had been left.
    const swept = fd === -EAGAIN || fd === -ENOENT;
    if (!swept || tries === MAX_TRIES) return failed("open", path, fd);
  }
}

/** Sets up a group that was made; why it is of no use otherwise, and gone again. */
function setUp(
  path: string,
  fd: number,
  memory: number,
): ControlGroup | string {
  const events = open(
    toCString(`${path}/memory.events`),
    O_RDONLY | O_CLOEXEC,
  );
  const group = new ControlGroup(path, fd, memory, events);
  const why = events < 0
    ? failed("open", `${path}/memory.events`, events)
    : settings(path) ?? start(fd);
  if (why === undefined) return group;
  group[Symbol.dispose]();
  return why;
}

/** What holds for all of a group. */
function settings(path: string): string | undefined {
  for (
    const [name, value, need] of [
      ["memory.max", "max", true],
      // All of it ends, or nothing: nobody would tell of what is left.
      ["memory.oom.group", "1", true],
      // Without swap, or a kernel that counts it, there is no such file.
      ["memory.swap.max", "0", false],
      ["cgroup.max.descendants", "0", false],
    ] as const
  ) {
    const result = put(`${path}/${name}`, value);
    if (result >= 0 || !need && result === -ENOENT) continue;
    return failed("write", `${path}/${name}`, result);
  }
  return undefined;
}

/** Whether a process can be made in a group, found out by making one. */
function start(fd: number): string | undefined {
  const launched = launchSteps([], [], 0, fd);
  if (typeof launched === "number") return failed("clone3", "", launched);
  launched.release();
  reap(launched.pid);
  launched.dispose();
  return undefined;
}

/**
 * Removes groups that jails have left which were killed. One that is in use is
 * locked by its jail, or has processes.
 */
function sweep(parent: string): void {
  for (const name of eachName(parent)) {
    if (!NAME_REGEXP.test(name)) continue;
    const fd = openLocked(`${parent}/${name}`);
    if (fd < 0) continue;
    remove(`${parent}/${name}`);
    close(fd);
  }
}

function remove(path: string): number {
  return unlinkat(AT_FDCWD, toCString(path), AT_REMOVEDIR);
}

function put(path: string, text: string): number {
  const fd = open(toCString(path), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  const written = writeAll(fd, toCString(fromText(text)).subarray(0, -1));
  close(fd);
  return written;
}

function read(path: string): string {
  const bytes = readFile(path, MOST);
  return typeof bytes === "number" ? "" : fromBytes(bytes);
}

function failed(call: string, what: string, result: number): string {
  return `${call}(${what}) failed with ${errnoName(-result)}`;
}
