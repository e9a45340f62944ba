/** What happens to one system call, and which rule says so. */

import type { ErrnoName } from "../abi/errno.ts";
import type { SignalName } from "../abi/signal.ts";

/** Where a rule stands. */
export interface RuleRef {
  /**
   * What the rule is part of: a policy file as the user named it, the name of
   * a built-in policy, a flag (`--allow-read`), or `jail` for what always holds.
   */
  readonly source: string;
  /** The keys and indices that lead to it in that file: `["read", "deny", 2]`. */
  readonly keys: readonly (string | number)[];
  /** The rule as it is written there, for a message. */
  readonly text: string;
}

/** How a call is refused. */
export type Refusal =
  /** It fails. */
  | { readonly kind: "errno"; readonly errno: ErrnoName }
  /** SIGSYS to the whole jail. */
  | { readonly kind: "kill" }
  /** It fails with EPERM, and the process gets this signal. */
  | { readonly kind: "signal"; readonly signal: SignalName }
  /** It is not made, and seems to return this. */
  | { readonly kind: "return"; readonly value: number };

/** What happens to one system call, and which rule says so. */
export type Decision =
  /** It is made. */
  | { readonly kind: "allow"; readonly rule: RuleRef }
  /** It is not. */
  | {
    readonly kind: "refuse";
    readonly refusal: Refusal;
    readonly rule: RuleRef;
    /** Index in `Call.uses` of the use that was refused, or -1 for the call itself. */
    readonly use: number;
    /** No rule speaks of the use, so that a person may be asked. */
    readonly uncovered?: true;
    /** Index in `Call.net` of what was refused, if that was it. */
    readonly end?: number;
    /** It is so common, and so harmless, that a report of it would only be noise. */
    readonly quiet?: true;
  };
