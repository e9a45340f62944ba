/** What goes between an embedder's thread and the Worker that traces. */

import type { ErrnoName } from "../abi/errno.ts";
import {
  LaunchError,
  PolicyError,
  type Position,
  SystemCallError,
  UnsupportedError,
  UsageError,
} from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import type { Usage } from "../trace/limits/accounts.ts";
import type { EngineChoice } from "../trace/options.ts";
import type { Denial } from "./denial.ts";
import type { PolicySpec } from "./load.ts";
import type { Program } from "./program.ts";

/** What the Worker is to run. */
export interface WorkerRequest {
  /** The program. */
  readonly program: Program;
  /** What its policy is made of. */
  readonly policy: PolicySpec;
  /** What names of policies and values of flags are relative to. */
  readonly here: string;
  /** How calls are caught. */
  readonly engine: EngineChoice;
  /** The thread that waits for the end. */
  readonly caller: number;
  /** What a refusal does. */
  readonly onDeny: "errno" | "kill";
  /**
   * Where a thread that is blocked hears the Worker: the end of a pipe that gets
   * each message as a line of JSON. Without it, messages are posted.
   */
  readonly answers?: number | undefined;
}

/** What the Worker tells. The last message is `ended` or `failed`. */
export type WorkerMessage =
  /** The Worker is there. It is told through a pipe alone, and first. */
  | { readonly kind: "ready" }
  /** The program is about to run. The receiver owns the pidfd; posted alone. */
  | { readonly kind: "started"; readonly pid: number; readonly pidfd: number }
  /** A call was refused. */
  | { readonly kind: "denied"; readonly denial: Denial }
  /** The program is gone, and all that it started. */
  | {
    readonly kind: "ended";
    readonly outcome: Outcome;
    /** How many calls were refused. */
    readonly denied: number;
    /** What was used. */
    readonly usage: Usage;
  }
  /** There was no jail, or it fell. */
  | { readonly kind: "failed"; readonly error: PlainError };

/** An error as data: a message between threads keeps no class. */
export type PlainError =
  | {
    readonly kind: "policy";
    readonly message: string;
    readonly position: Position | undefined;
    readonly snippet: string | undefined;
    readonly length: number;
    readonly hint: string | undefined;
  }
  | {
    readonly kind: "launch";
    readonly message: string;
    readonly call: string;
    readonly errno: ErrnoName;
    readonly exitCode: number;
    readonly hint: string | undefined;
  }
  | {
    readonly kind: "system-call";
    readonly message: string;
    readonly call: string;
    readonly errno: ErrnoName;
    readonly hint: string | undefined;
  }
  | {
    readonly kind: "unsupported" | "usage";
    readonly message: string;
    readonly hint: string | undefined;
  }
  | {
    readonly kind: "other";
    readonly message: string;
    readonly stack: string | undefined;
  };

/** Makes data of an error. */
export function toPlain(error: unknown): PlainError {
  if (error instanceof PolicyError) {
    const { message, position, snippet, length, hint } = error;
    return { kind: "policy", message, position, snippet, length, hint };
  }
  if (error instanceof LaunchError) {
    const { message, call, errno, exitCode, hint } = error;
    return { kind: "launch", message, call, errno, exitCode, hint };
  }
  if (error instanceof SystemCallError) {
    const { message, call, errno, hint } = error;
    return { kind: "system-call", message, call, errno, hint };
  }
  if (error instanceof UnsupportedError) {
    return { kind: "unsupported", message: error.message, hint: error.hint };
  }
  if (error instanceof UsageError) {
    return { kind: "usage", message: error.message, hint: error.hint };
  }
  return error instanceof Error
    ? { kind: "other", message: error.message, stack: error.stack }
    : { kind: "other", message: String(error), stack: undefined };
}

/** Makes the error again, of its class. */
export function fromPlain(plain: PlainError): Error {
  const error = make(plain);
  // Constructors put messages together; this one is complete.
  error.message = plain.message;
  return error;
}

function make(plain: PlainError): Error {
  switch (plain.kind) {
    case "policy":
      return new PolicyError("", plain);
    case "launch":
      return new LaunchError(
        "",
        plain.call,
        plain.errno,
        plain.exitCode,
        plain.hint,
      );
    case "system-call":
      return new SystemCallError("", plain.call, plain.errno, plain.hint);
    case "unsupported":
      return new UnsupportedError("", plain.hint);
    case "usage":
      return new UsageError("", plain.hint);
    case "other": {
      const error = new Error(plain.message);
      if (plain.stack !== undefined) error.stack = plain.stack;
      return error;
    }
  }
}
