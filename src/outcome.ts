/** How the program ended, and the exit code that means. */

/** What can be limited. */
export type LimitName =
  /** Time that passes, of the whole jail. */
  | "time"
  /** Processor time, of the whole jail. */
  | "cpu"
  /** Memory in use, of the whole jail. */
  | "memory"
  /** Processes and threads at once, of the whole jail. */
  | "processes"
  /** Open files, of each process. */
  | "open-files"
  /** The size of a file that is written. */
  | "file-size"
  /** Bytes written, of the whole jail. */
  | "written"
  /** Bytes written to the program's output and error output. */
  | "output";

/** How the program ended. */
export type Outcome =
  /** It exited. */
  | { readonly kind: "exited"; readonly code: number }
  /** A signal ended it. */
  | { readonly kind: "signaled"; readonly signal: number }
  /** The policy ended the jail: SIGSYS. */
  | { readonly kind: "killed-by-policy" }
  /** jail ended it because it could not go on itself; `reason` says why. */
  | { readonly kind: "failed"; readonly reason: string };

/** Exit code where jail itself failed. */
export const EXIT_JAIL_FAILED = 125;

const SIGSYS = 31;

/**
 * The exit code of an outcome, as shells count.
 *
 * @param outcome how the program ended
 * @returns 0 to 255: the program's own, 128 + signal, 159, or 125
 */
export function exitCode(outcome: Outcome): number {
  switch (outcome.kind) {
    case "exited":
      return outcome.code;
    case "signaled":
      return 128 + outcome.signal;
    case "killed-by-policy":
      return 128 + SIGSYS;
    case "failed":
      return EXIT_JAIL_FAILED;
  }
}
