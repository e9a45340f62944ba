/** How the program ended, and the exit code that means. */

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
