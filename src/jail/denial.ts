/** What was refused, as a program that embeds a jail sees it. */

import { toBytes, toText } from "../abi/bytes.ts";
import type { ErrnoName } from "../abi/errno.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import type { Position } from "../errors.ts";
import type { Use } from "../policy/call.ts";
import type { Refusal, RuleRef } from "../policy/decision.ts";
import type { Observation } from "../trace/options.ts";

/** The rule that refused a call. */
export interface DenialRule {
  /** A policy's file or name, a flag, or `jail` for what always holds. */
  readonly source: string;
  /** The rule as it is written there. */
  readonly text: string;
  /** Where it stands, if that is in a policy file. */
  readonly position: Position | undefined;
}

/** A call that was refused. */
export interface Denial {
  /** When it was made first, in milliseconds since the epoch. */
  readonly time: number;
  /** The process that made it. */
  readonly pid: number;
  /** The thread that made it. */
  readonly tid: number;
  /** The program that the process ran. */
  readonly program: string;
  /** The call's name. */
  readonly call: SyscallName;
  /** The call as a person reads it: `openat("/etc/shadow", O_RDONLY)`. */
  readonly text: string;
  /**
   * What it would have done to files, by their real paths. In these and in
   * `program`, what is not UTF-8 is U+FFFD.
   */
  readonly uses: readonly Use[];
  /** The one of `uses` that was refused; `undefined` for the call as such. */
  readonly use: Use | undefined;
  /** How it was refused. */
  readonly refusal: Refusal;
  /** What it failed with, if it failed. */
  readonly errno: ErrnoName | undefined;
  /** The rule that refused it. */
  readonly rule: DenialRule;
}

// A program can make up new names forever; memory is finite.
const MOST = 1000;

/** The refusals of one run: each different one once, and how many there were. */
export class DenialLog {
  readonly #seen = new Set<string>();
  readonly #position: (rule: RuleRef) => Position | undefined;
  #count = 0;

  /**
   * Makes an empty one.
   *
   * @param position where a rule stands
   */
  constructor(position: (rule: RuleRef) => Position | undefined) {
    this.#position = position;
  }

  /** How many calls were refused. */
  get count(): number {
    return this.#count;
  }

  /**
   * Takes note of a decision.
   *
   * @param event the decision
   * @returns the denial, if it is one, and a new one
   */
  add(event: Observation): Denial | undefined {
    const { call, decision, program, text } = event;
    if (decision.kind === "allow" || decision.quiet === true) return undefined;
    this.#count++;
    if (this.#seen.size >= MOST) return undefined;
    const { refusal, rule } = decision;
    const key = [program, text, rule.source, ...rule.keys].join("\0");
    if (this.#seen.has(key)) return undefined;
    this.#seen.add(key);
    const uses = call.uses.map((use) => ({ ...use, path: asText(use.path) }));
    return {
      time: event.time,
      pid: event.pid,
      tid: event.tid,
      program: asText(program),
      call: call.name,
      text,
      uses,
      use: uses[decision.use],
      refusal,
      errno: errnoOf(refusal),
      rule: {
        source: rule.source,
        text: rule.text,
        position: this.#position(rule),
      },
    };
  }
}

function errnoOf(refusal: Refusal): ErrnoName | undefined {
  switch (refusal.kind) {
    case "errno":
      return refusal.errno;
    case "signal":
      return "EPERM";
    case "kill":
    case "return":
      return undefined;
  }
}

function asText(name: string): string {
  return toText(name) ?? new TextDecoder().decode(toBytes(name));
}
