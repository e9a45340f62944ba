/** The temporary directory of one run, which is nobody else's. */

import { fromText, printable, toCString } from "../abi/bytes.ts";
import { errnoName } from "../abi/errno.ts";
import { SystemCallError } from "../errors.ts";
import { mkdir, realpath } from "../sys/files.ts";
import { removeTree } from "../sys/remove.ts";
import { fromDirectory, variable } from "./program.ts";

/** Where temporary files go where `TMPDIR` says nothing. */
const DEFAULT = "/tmp";

/**
 * The temporary directory of one run: what `${tmp}` stands for.
 *
 * It is made when a policy first names it, in `TMPDIR` or `/tmp`, for its owner
 * alone, and becomes the program's `TMPDIR`. It goes with the run.
 */
export class TemporaryDirectory {
  readonly #env: readonly string[];
  #path: string | undefined;

  /**
   * Makes nothing yet.
   *
   * @param env the environment that says where, `NAME=value` each
   */
  constructor(env: readonly string[]) {
    this.#env = env;
  }

  /**
   * Its real path, a byte string.
   *
   * @throws {SystemCallError} where it cannot be made
   */
  get path(): string {
    return this.#path ??= make(this.#env);
  }

  /** The environment of a program that uses it, if there is one. */
  environment(env: readonly string[]): readonly string[] {
    if (this.#path === undefined) return env;
    const others = env.filter((item) => !item.startsWith("TMPDIR="));
    return [...others, `TMPDIR=${this.#path}`];
  }

  /**
   * Removes it with all that is in it. Nobody may use it any more.
   *
   * @throws {SystemCallError} where something of it stays
   */
  remove(): void {
    if (this.#path === undefined) return;
    const result = removeTree(this.#path);
    if (result >= 0) return;
    throw new SystemCallError(
      `remove the temporary directory ${printable(this.#path)}`,
      "unlinkat()",
      errnoName(-result),
    );
  }
}

function make(env: readonly string[]): string {
  const named = variable(env, "TMPDIR");
  const parent = named?.startsWith("/") ? named : DEFAULT;
  const name = fromText(`jail-${crypto.randomUUID()}`);
  const path = fromDirectory(realpath(parent) ?? parent, name);
  const result = mkdir(toCString(path), 0o700);
  if (result >= 0) return path;
  throw new SystemCallError(
    `make a temporary directory in ${printable(parent)}`,
    "mkdir()",
    errnoName(-result),
    "set TMPDIR to a directory that you may write to",
  );
}
