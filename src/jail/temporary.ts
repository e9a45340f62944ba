/** The temporary directory of one run, which is nobody else's. */

import { fromBytes, fromText, printable, toCString } from "../abi/bytes.ts";
import { EAGAIN, ENOENT, errnoName } from "../abi/errno.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
} from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { RESOLVE_NO_SYMLINKS } from "../abi/openat2.ts";
import { STAT } from "../abi/stat.ts";
import { SystemCallError } from "../errors.ts";
import type { Refusal } from "../policy/decision.ts";
import { escapeGlob } from "../policy/path/glob.ts";
import { isTemporary } from "../policy/path/temporary.ts";
import { EMPTY_LAYER, type Layer } from "../policy/policy.ts";
import { eachName } from "../sys/directory.ts";
import { close, fstat, mkdir, readFile, unlinkat } from "../sys/files.ts";
import { ownUser } from "../sys/ids.ts";
import { isInUse, keepInUse, openLocked } from "../sys/locked.ts";
import { holdDirectory, removeTree } from "../sys/remove.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";
import { fromDirectory, variable } from "./program.ts";

/** Where temporary files go where `TMPDIR` says nothing. */
const DEFAULT = "/tmp";

/** A text of the kernel's own, another one after each start of the machine. */
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** How long a start may take to remove what others have left, in milliseconds. */
const PATIENCE_MS = 1000;

/** How many names are tried: another jail may remove a new one as left behind. */
const MAX_TRIES = 8;

/** What changing the directory itself fails with. */
const IN_USE: Refusal = { kind: "errno", errno: "EBUSY" };

/** A temporary directory that is there. */
interface Made {
  /** The real path that it was made at, as the program sees it, a byte string. */
  readonly path: string;
  /** An fd of it, by which it is found wherever it is moved. */
  readonly held: number;
}

/**
 * The temporary directory of one run: what `${tmp}` stands for.
 *
 * It is made when a policy first names it, in `TMPDIR` or `/tmp`, for its owner
 * alone, and becomes the program's `TMPDIR`. It goes with the run.
 */
export class TemporaryDirectory {
  readonly #env: readonly string[];
  #view: View;
  #made: Made | undefined;

  /**
   * Makes nothing yet.
   *
   * @param env the environment that says where, `NAME=value` each
   * @param view where the program's paths begin
   */
  constructor(env: readonly string[], view: View = OWN_VIEW) {
    this.#env = env;
    this.#view = view;
  }

  /**
   * From now on it is in another root directory.
   *
   * @param view where the program's paths begin
   * @throws {SystemCallError} where it was made, and something of it stays
   */
  enter(view: View): void {
    this.remove();
    this.#view = view;
  }

  /**
   * Its real path, a byte string.
   *
   * @throws {SystemCallError} where it cannot be made
   */
  get path(): string {
    return this.#get().path;
  }

  /**
   * A path by which this process reaches it, a byte string: whoever may write beside
   * it, another jail too, can put a link in its place.
   *
   * @throws {SystemCallError} where it cannot be made
   */
  get own(): string {
    return `/proc/self/fd/${this.#get().held}`;
  }

  /** The same where it was made, and `undefined` where it was not. */
  get made(): string | undefined {
    return this.#made?.path;
  }

  #get(): Made {
    return this.#made ??= make(this.#env, this.#view);
  }

  /**
   * What holds of it whatever a policy allows: the program does what it may in
   * there, but the directory itself it can neither remove, move nor replace.
   */
  get layers(): readonly Layer[] {
    if (this.#made === undefined) return [];
    const ref = {
      source: "jail",
      keys: ["tmp"],
      text: "the temporary directory itself",
    };
    const pattern = `${escapeGlob(this.#made.path)}/.`;
    const deny = [{ pattern, ref, refusal: IN_USE }];
    return [{ ...EMPTY_LAYER, write: { ...EMPTY_LAYER.write, deny } }];
  }

  /** The environment of a program that uses it, if there is one. */
  environment(env: readonly string[]): readonly string[] {
    if (this.#made === undefined) return env;
    const others = env.filter((item) => !item.startsWith("TMPDIR="));
    return [...others, `TMPDIR=${this.#made.path}`];
  }

  /**
   * Removes it with all that is in it. Nobody may use it any more.
   *
   * @param giveUp asked again and again whether to leave the rest
   * @throws {SystemCallError} where something of it stays
   */
  remove(giveUp?: () => boolean): void {
    if (this.#made === undefined) return;
    const { path, held } = this.#made;
    this.#made = undefined;
    const result = removeTree(held, giveUp);
    close(held);
    if (result >= 0) return;
    throw new SystemCallError(
      `remove the temporary directory ${printable(path)}`,
      "unlinkat()",
      errnoName(-result),
    );
  }
}

/**
 * Does something with a temporary directory, and removes it.
 *
 * @param env the environment that says where, `NAME=value` each
 * @param work what is done
 * @param giveUp asked again and again whether to leave the rest of the directory
 * @returns what comes of it
 * @throws {SystemCallError} where something of the directory stays
 */
export async function withTemporary<T>(
  env: readonly string[],
  work: (temporary: TemporaryDirectory) => Promise<T>,
  giveUp?: () => boolean,
): Promise<T> {
  const temporary = new TemporaryDirectory(env);
  try {
    return await work(temporary);
  } finally {
    temporary.remove(giveUp);
  }
}

function make(env: readonly string[], view: View): Made {
  const parent = parentOf(env, view);
  const real = view.realpath(parent) ?? parent;
  const directory = view.open(
    toCString(real),
    O_PATH | O_DIRECTORY | O_CLOEXEC,
    RESOLVE_NO_SYMLINKS,
  );
  const own = `/proc/self/fd/${directory}`;
  const boot = bootOf();
  try {
    if (directory >= 0 && boot !== "") sweep(own, boot);
    for (let tries = 1;; tries++) {
      const random = crypto.randomUUID().slice(boot.length);
      const name = fromText(`jail-${boot}${random}`);
      const path = fromDirectory(real, name);
      const inOwn = toCString(`${own}/${name}`);
      const result = directory < 0 ? directory : mkdir(inOwn, 0o700);
      if (result < 0) {
        throw new SystemCallError(
          `make a temporary directory in ${printable(parent)}`,
          "mkdir()",
          errnoName(-result),
          "set TMPDIR to a directory that you may write to",
        );
      }
      const locked = openLocked(`${own}/${name}`);
      if (locked >= 0) {
        keepInUse(locked);
        return { path, held: locked };
      }
      // Another jail took it for one that had been left.
      const swept = locked === -EAGAIN || locked === -ENOENT;
      // Some file systems lock nothing: nobody removes what is left there.
      const held = swept ? locked : holdDirectory(`${own}/${name}`);
      if (held >= 0) return { path, held };
      unlinkat(AT_FDCWD, inOwn, AT_REMOVEDIR);
      if (swept && tries < MAX_TRIES) continue;
      throw new SystemCallError(
        `open the temporary directory ${printable(path)}`,
        "openat()",
        errnoName(-held),
      );
    }
  } finally {
    if (directory >= 0) close(directory);
  }
}

/**
 * What the names of this kernel begin with: on a disk that machines share, nobody
 * sees what is locked by another one.
 */
function bootOf(): string {
  const bytes = readFile(BOOT_ID, 64);
  const id = typeof bytes === "number" ? "" : fromBytes(bytes);
  return /^[0-9a-f]{8}/.exec(id)?.[0] ?? "";
}

/**
 * Removes temporary directories of this user that jails have left which were killed,
 * or some of what is in them: a start does not wait for long.
 */
function sweep(parent: string, boot: string): void {
  const end = performance.now() + PATIENCE_MS;
  const isLate = (): boolean => performance.now() > end;
  for (const name of eachName(parent)) {
    if (isLate()) return;
    const isOurs = name.startsWith(`jail-${boot}`) && isTemporary(name);
    if (!isOurs) continue;
    const fd = openLocked(`${parent}/${name}`, isLeft);
    if (fd < 0) continue;
    removeTree(fd, isLate);
    close(fd);
  }
}

/** Whether a directory was made by a jail of this user that is gone. */
function isLeft(fd: number): boolean {
  const status = new Uint8Array(STAT.size);
  return fstat(fd, status) >= 0 &&
    get(STAT, status, "st_uid") === ownUser() && !isInUse(fd);
}

/** Where it is made: what `TMPDIR` says may not be there in another root. */
function parentOf(env: readonly string[], view: View): string {
  const named = variable(env, "TMPDIR");
  if (!named?.startsWith("/")) return DEFAULT;
  return view.isOwn || view.realpath(named) !== undefined ? named : DEFAULT;
}
