/** The errors that a jail throws. */

import type { ErrnoName } from "./abi/errno.ts";

/** A place in a policy file, or what stands for one. */
export interface Position {
  /** The file as the user named it, or a flag such as `--allow-read`. */
  readonly file: string;
  /** Line, from 1. */
  readonly line: number;
  /** Column in characters, from 1. */
  readonly column: number;
}

/** What is wrong with a policy, and where. */
export interface PolicyErrorOptions {
  /** Where it is wrong, if that is one place. */
  readonly position?: Position | undefined;
  /** The line of the file that {@linkcode PolicyErrorOptions.position} names. */
  readonly snippet?: string | undefined;
  /** How many characters of the line are meant, for the marks under it. */
  readonly length?: number | undefined;
  /** What to do about it. */
  readonly hint?: string | undefined;
}

/**
 * A policy that cannot be used.
 *
 * The message is one sentence that names file, line and column.
 */
export class PolicyError extends SyntaxError {
  /** `"PolicyError"`. */
  override readonly name = "PolicyError";
  /** Where it is wrong, if that is one place. */
  readonly position: Position | undefined;
  /** The line of the file that is wrong. */
  readonly snippet: string | undefined;
  /** How many characters of {@linkcode PolicyError.snippet} are meant. */
  readonly length: number;
  /** What to do about it. */
  readonly hint: string | undefined;

  /**
   * Makes one.
   *
   * @param message one sentence: `Cannot read policy "x.yaml": unknown key "wirte"`
   * @param options where, and what to do
   */
  constructor(message: string, options: PolicyErrorOptions = {}) {
    const { position } = options;
    super(
      position === undefined
        ? message
        : `${message} at line ${position.line}, column ${position.column}`,
    );
    this.position = position;
    this.snippet = options.snippet;
    this.length = options.length ?? 1;
    this.hint = options.hint;
  }
}

/** A call of our own to the kernel that failed. */
export class SystemCallError extends Error {
  /** `"SystemCallError"`, or that of a class that extends it. */
  override readonly name: string = "SystemCallError";
  /** The call, as its manual names it: `ptrace(PTRACE_SEIZE)`. */
  readonly call: string;
  /** Why it failed. */
  readonly errno: ErrnoName;
  /** What to do about it. */
  readonly hint: string | undefined;

  /**
   * Makes one. The message is `Cannot ACTION: CALL failed with ERRNO`.
   *
   * @param action what was being done: `attach to process 4242`
   * @param call the call, as its manual names it
   * @param errno why it failed
   * @param hint what to do about it
   */
  constructor(
    action: string,
    call: string,
    errno: ErrnoName,
    hint?: string,
  ) {
    super(`Cannot ${action}: ${call} failed with ${errno}`);
    this.call = call;
    this.errno = errno;
    this.hint = hint;
  }
}

/** The program could not be started. */
export class LaunchError extends SystemCallError {
  /** `"LaunchError"`. */
  override readonly name = "LaunchError";
  /** The exit code that shells give it: 126, 127, or 125 where jail is at fault. */
  readonly exitCode: number;

  /**
   * Makes one.
   *
   * @param program the program, quoted for a person
   * @param call the step that failed
   * @param errno why it failed
   * @param exitCode what the command exits with
   * @param hint what to do about it
   */
  constructor(
    program: string,
    call: string,
    errno: ErrnoName,
    exitCode: number,
    hint?: string,
  ) {
    super(`start ${program}`, call, errno, hint);
    this.exitCode = exitCode;
  }
}

/** Something that this machine, or this version of jail, cannot do. */
export class UnsupportedError extends Error {
  /** `"UnsupportedError"`. */
  override readonly name = "UnsupportedError";
  /** What to do about it. */
  readonly hint: string | undefined;

  /**
   * Makes one.
   *
   * @param message one sentence that starts with `Cannot`
   * @param hint what to do about it
   */
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** A command line that makes no sense. */
export class UsageError extends Error {
  /** `"UsageError"`. */
  override readonly name = "UsageError";
  /** What to do about it. */
  readonly hint: string | undefined;

  /**
   * Makes one.
   *
   * @param message one sentence
   * @param hint what to do about it
   */
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}
