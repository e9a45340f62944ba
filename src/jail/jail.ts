/** The door for programs that embed a jail. */

import { fromText } from "../abi/bytes.ts";
import type { Policy } from "../policy/policy.ts";
import type { EngineChoice } from "../trace/options.ts";
import { currentDirectory } from "./directory.ts";
import { checkKeys, checkObject, checkWord, hasKeys } from "./given.ts";
import { type JailLimits, toLimits } from "./limits.ts";
import type { PolicySpec } from "./load.ts";
import { outputSync } from "./output_sync.ts";
import { type JailPermissions, pathOf, toFlags } from "./permissions.ts";
import { fromDirectory, type Program } from "./program.ts";
import { type JailedProcess, spawn, type SpawnRequest } from "./spawn.ts";
import type { JailOutput } from "./status.ts";
import type { Stdio } from "./stdio.ts";

/** A policy: a built-in one by its name, a YAML or JSON file, or a whole one. */
export type PolicySource = string | URL | Policy;

/** How a program is run. */
export interface JailCommandOptions {
  /** Its arguments. */
  readonly args?: readonly string[] | undefined;
  /** Its working directory; this process's unless given. */
  readonly cwd?: string | URL | undefined;
  /**
   * Its root directory: all paths of the policy are meant in there, and it sees
   * nothing else. Its working directory is `/` where `cwd` lies outside.
   */
  readonly root?: string | URL | undefined;
  /** Environment variables beside those of this process that are UTF-8. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Leave out the variables of this process. */
  readonly clearEnv?: boolean | undefined;
  /** Its input: `null` for `output()` unless given, `inherit` for `spawn()`. */
  readonly stdin?: Stdio | undefined;
  /** Its output: `piped` for `output()` unless given, `inherit` for `spawn()`. */
  readonly stdout?: Stdio | undefined;
  /** Its error output: like `stdout`. */
  readonly stderr?: Stdio | undefined;
  /** Ends the jail, by SIGKILL, when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How calls are caught; `auto`, the fastest that there is, unless given. With
   * `kernel` none is: what is not allowed is not there, a policy that cannot be
   * held so is an `UnsupportedError`, and `denials` stays empty.
   */
  readonly engine?: EngineChoice | undefined;
  /** How much it may use; the smaller one holds of these and the policy's. */
  readonly limits?: JailLimits | undefined;
  /**
   * What a refusal does: what its rule says (`errno`), or end the jail. A call that
   * is refused by its number or its flags fails either way.
   */
  readonly onDeny?: "errno" | "kill" | undefined;
}

const OPTIONS: readonly (keyof JailCommandOptions)[] = [
  ...["args", "cwd", "root", "env", "clearEnv"] as const,
  ...["stdin", "stdout", "stderr", "signal"] as const,
  ...["engine", "limits", "onDeny"] as const,
];

/** A program that can be run in a jail, any number of times. */
export interface JailCommand {
  /**
   * Runs the program to its end. What it writes is kept in memory: `output` of
   * `limits` says how much that may be.
   *
   * @returns how it ended, what it wrote, and what was refused
   * @throws {PolicyError} where the policy cannot be used
   * @throws {LaunchError} where the program could not be started
   * @throws {UnsupportedError} where this machine cannot enforce the policy
   * @throws {TypeError} where an option makes no sense
   */
  output(): Promise<JailOutput>;
  /**
   * Does what {@linkcode JailCommand.output} does, and blocks the thread until the
   * end. So `signal` counts only where it is aborted already.
   *
   * @returns how it ended, what it wrote, and what was refused
   * @throws {PolicyError} where the policy cannot be used
   * @throws {LaunchError} where the program could not be started
   * @throws {UnsupportedError} where this machine cannot enforce the policy
   * @throws {TypeError} where an option makes no sense
   */
  outputSync(): JailOutput;
  /**
   * Starts the program.
   *
   * @returns the program, which is about to run
   * @throws {TypeError} where an option makes no sense
   */
  spawn(): JailedProcess;
}

/**
 * A policy that programs can be run under.
 *
 * Requires `--allow-ffi`, which cannot be narrowed, `--allow-read` for the
 * modules of its Workers, and `--allow-env` unless `clearEnv` is set.
 *
 * @example Read one directory, write another, nothing else
 * ```ts ignore
 * import { Jail } from "@jail/jail";
 *
 * const jail = new Jail("default", { read: ["in"], write: ["out"] });
 * const { success, denials } = await jail.command("make").output();
 * for (const { text, rule } of denials) {
 *   console.log(`${text} was refused by ${rule.source}`);
 * }
 * ```
 */
export class Jail {
  readonly #policy: PolicySpec;

  /**
   * Makes a jail. Nothing is read before a program runs.
   *
   * A text with a slash, or that ends in `.yaml`, `.yml` or `.json`, is a file;
   * any other is the name of a built-in policy. Of several the later ones add to
   * the earlier ones. Given nothing, the built-in policy `default` holds;
   * permissions alone add to `minimal`, which lets the program itself start.
   *
   * @param policy a policy, several, or permissions alone
   * @param permissions permissions that add to the policy: `false` takes back
   *   nothing, and is an error beside a policy that allows such things
   * @throws {TypeError} where permissions are none, or a policy is none
   */
  constructor(
    policy: PolicySource | readonly PolicySource[] | JailPermissions = [],
    permissions?: JailPermissions,
  ) {
    const alone = isPermissions(policy);
    const given = permissions ?? (alone ? policy : undefined);
    this.#policy = {
      policies: alone ? [] : listOf(policy).map(toReference),
      flags: given === undefined ? undefined : toFlags(given),
    };
  }

  /**
   * Names a program to run.
   *
   * @param program its name, which is looked up in `PATH`, or its path
   * @param options how to run it
   * @returns what runs it
   * @throws {TypeError} where there is no such option, or it makes no sense
   */
  command(
    program: string | URL,
    options: JailCommandOptions = {},
  ): JailCommand {
    return new Command(this.#policy, program, options);
  }
}

class Command implements JailCommand {
  readonly #policy: PolicySpec;
  readonly #program: string | URL;
  readonly #options: JailCommandOptions;

  constructor(
    policy: PolicySpec,
    program: string | URL,
    options: JailCommandOptions,
  ) {
    checkKeys(options, OPTIONS, "option");
    // What was looked at is what holds, whoever changes it until a program runs.
    const given: JailCommandOptions = Object.fromEntries(
      OPTIONS.map((key) => [key, options[key]]),
    );
    checkWord("engine", given.engine, [
      "auto",
      "seccomp",
      "ptrace",
      "kernel",
    ]);
    checkWord("onDeny", given.onDeny, ["errno", "kill"]);
    for (const stream of ["stdin", "stdout", "stderr"] as const) {
      checkWord(stream, given[stream], ["piped", "inherit", "null"]);
    }
    if (
      !(given.signal === undefined || given.signal instanceof AbortSignal)
    ) {
      throw new TypeError("Cannot use signal: it is no AbortSignal");
    }
    this.#policy = policy;
    this.#program = program;
    this.#options = given;
  }

  async output(): Promise<JailOutput> {
    this.#mustNotPipe("output");
    return await spawn(this.#request("null", "piped")).output();
  }

  outputSync(): JailOutput {
    this.#mustNotPipe("outputSync");
    return outputSync(this.#request("null", "piped"));
  }

  spawn(): JailedProcess {
    return spawn(this.#request("inherit", "inherit"));
  }

  #mustNotPipe(method: string): void {
    if (this.#options.stdin !== "piped") return;
    throw new TypeError(
      `Cannot pipe "stdin" for ${method}(): use spawn(), and write to it`,
    );
  }

  #request(input: Stdio, output: Stdio): SpawnRequest {
    const { stdin, stdout, stderr, signal, engine, onDeny } = this.#options;
    const { limits = {}, root } = this.#options;
    const here = currentDirectory();
    return {
      program: toProgram(this.#program, this.#options, here),
      policy: {
        ...this.#policy,
        limits: toLimits(limits),
        root: root === undefined ? undefined : directoryOf(root),
      },
      here,
      engine: engine ?? "auto",
      onDeny: onDeny ?? "errno",
      stdio: {
        stdin: stdin ?? input,
        stdout: stdout ?? output,
        stderr: stderr ?? output,
      },
      signal,
    };
  }
}

function isPermissions(
  policy: PolicySource | readonly PolicySource[] | JailPermissions,
): policy is JailPermissions {
  return hasKeys(policy) && !("sources" in policy);
}

function listOf(
  policy: PolicySource | readonly PolicySource[],
): readonly PolicySource[] {
  return Array.isArray(policy) ? policy : [policy as PolicySource];
}

function toReference(policy: PolicySource): string | Policy {
  if (typeof policy === "string" || policy instanceof URL) {
    return fromText(pathOf(policy));
  }
  if (hasKeys(policy) && "sources" in policy) return policy;
  throw new TypeError(
    "Cannot use a policy that is no name, no file and no whole policy: " +
      "permissions are given beside them, as the second argument",
  );
}

function toProgram(
  name: string | URL,
  options: JailCommandOptions,
  here: string,
): Omit<Program, "stdio"> {
  const { args = [], cwd, env = {}, clearEnv = false } = options;
  if (!Array.isArray(args)) {
    throw new TypeError("Cannot use args: it is no list");
  }
  checkObject(env, "this environment");
  const variables = { ...clearEnv ? {} : Deno.env.toObject(), ...env };
  return {
    name: bytesOf(pathOf(name)),
    args: args.map(bytesOf),
    env: Object.entries(variables).map(([name, value]) => {
      if (name === "" || name.includes("=")) {
        throw new TypeError(`Cannot name an environment variable "${name}"`);
      }
      return `${bytesOf(name)}=${bytesOf(value)}`;
    }),
    cwd: cwd === undefined ? here : fromDirectory(here, directoryOf(cwd)),
    keepFds: [],
  };
}

function directoryOf(given: string | URL): string {
  const path = bytesOf(pathOf(given));
  if (path !== "") return path;
  throw new TypeError("Cannot use an empty path for a directory");
}

function bytesOf(text: string): string {
  if (typeof text !== "string") {
    throw new TypeError(`Cannot pass ${text}: it is no text`);
  }
  if (!text.includes("\0")) return fromText(text);
  throw new TypeError(
    `Cannot pass ${JSON.stringify(text)}: it has a NUL in it`,
  );
}
