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
  /** Address space, of each process. */
  | "address-space"
  /** Open files, of each process. */
  | "open-files"
  /** The size of a file that is written. */
  | "file-size"
  /** Bytes written, of the whole jail. */
  | "written"
  /** Bytes written to the program's output and error output. */
  | "output";

/** The rule by which jail ended the program. */
export interface EndingRule {
  /** A policy's file or name, a flag, or `jail` for what always holds. */
  readonly source: string;
  /** The keys and indices that lead to it in that file. */
  readonly keys: readonly (string | number)[];
  /** The rule as it is written there. */
  readonly text: string;
}

/** Where such a rule stands. */
export interface EndingPosition {
  /** The file as the user named it, or a built-in policy's name. */
  readonly file: string;
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1. */
  readonly column: number;
}

/** A rule of which nothing is known: what ended the program was none. */
export const NO_ENDING_RULE: EndingRule = { source: "", keys: [], text: "" };

/** How the program ended. */
export type Outcome =
  /** It exited. */
  | { readonly kind: "exited"; readonly code: number }
  /** A signal ended it. */
  | { readonly kind: "signaled"; readonly signal: number }
  /** The policy ended the jail: SIGSYS. */
  | {
    readonly kind: "killed-by-policy";
    /** The call as a person reads it: `openat("/etc/shadow", O_RDONLY)`. */
    readonly call: string;
    /** The real path that was refused, as a byte string; none where none was. */
    readonly path?: string | undefined;
    /** The rule that refused it. */
    readonly rule: EndingRule;
    /** Where that stands, if it stands in a policy file. */
    readonly position?: EndingPosition | undefined;
    /** The program that made it, as a byte string. */
    readonly program: string;
    /** Its process. */
    readonly pid: number;
  }
  /** It used more than a limit, and jail ended it. */
  | {
    readonly kind: "limited";
    /** Which limit. */
    readonly limit: LimitName;
    /** The limit: milliseconds, bytes, or how many. */
    readonly most: number;
    /** What was used when that was seen. */
    readonly used: number;
    /** The rule that set it. */
    readonly rule: EndingRule;
    /** Where that stands, if it stands in a policy file. */
    readonly position?: EndingPosition | undefined;
    /** The real path of the program that used the most, as a byte string. */
    readonly program: string;
    /** Its process; 0 where it is gone. */
    readonly pid: number;
  }
  /** jail ended it because it could not go on itself; `reason` says why. */
  | { readonly kind: "failed"; readonly reason: string };

/** Exit code where jail itself failed. */
export const EXIT_JAIL_FAILED = 125;

/** Exit code where the time limit ended the program. */
export const EXIT_TIME = 124;

/** Exit code where another limit did. */
export const EXIT_LIMITED = 123;

const SIGSYS = 31;

/**
 * The exit code of an outcome, as shells count.
 *
 * @param outcome how the program ended
 * @returns 0 to 255: the program's own, 128 + signal, 159, 124, 123 or 125
 */
export function exitCode(outcome: Outcome): number {
  switch (outcome.kind) {
    case "exited":
      return outcome.code;
    case "signaled":
      return 128 + outcome.signal;
    case "killed-by-policy":
      return 128 + SIGSYS;
    case "limited":
      return outcome.limit === "time" ? EXIT_TIME : EXIT_LIMITED;
    case "failed":
      return EXIT_JAIL_FAILED;
  }
}
