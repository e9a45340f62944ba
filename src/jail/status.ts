/** How a jail ended, in the shape of Deno's own commands. */

import { isSignalName, type SignalName, signalName } from "../abi/signal.ts";
import { exitCode, type Outcome } from "../outcome.ts";
import type { Usage } from "../trace/limits/accounts.ts";
import type { Denial } from "./denial.ts";
import type { Bytes } from "./streams.ts";

/** How a jail ended. It has the same shape whether the program failed or not. */
export interface JailStatus {
  /** Whether the program exited with 0. */
  readonly success: boolean;
  /** The exit code as shells count: 128 and the number of a signal. */
  readonly code: number;
  /**
   * The signal that ended the program; `SIGSYS` where that was the policy.
   * `null` where none did, or a real-time one, which only `outcome` has.
   */
  readonly signal: SignalName | null;
  /** How the program ended, exactly. */
  readonly outcome: Outcome;
  /** What was refused: the first thousand different calls, each once. */
  readonly denials: readonly Denial[];
  /** How many calls were refused in all. */
  readonly denied: number;
  /** What was used from the start to the end; nothing where nothing ran. */
  readonly usage: Usage;
}

/** How a jail ended, and what the program wrote. */
export interface JailOutput extends JailStatus {
  /** What it wrote to its output; empty where that was not piped. */
  readonly stdout: Bytes;
  /** What it wrote to its error output; empty where that was not piped. */
  readonly stderr: Bytes;
}

/**
 * Makes a status.
 *
 * @param outcome how the program ended
 * @param denials what was refused
 * @param denied how many calls were refused in all
 * @param usage what was used
 * @returns the status
 */
export function toStatus(
  outcome: Outcome,
  denials: readonly Denial[],
  denied: number,
  usage: Usage,
): JailStatus {
  const code = exitCode(outcome);
  return {
    success: outcome.kind === "exited" && code === 0,
    code,
    signal: signalOf(outcome),
    outcome,
    denials,
    denied,
    usage,
  };
}

function signalOf(outcome: Outcome): SignalName | null {
  switch (outcome.kind) {
    case "exited":
    case "limited":
    case "failed":
      return null;
    case "killed-by-policy":
      return "SIGSYS";
    case "signaled": {
      const name = signalName(outcome.signal);
      return isSignalName(name) ? name : null;
    }
  }
}
