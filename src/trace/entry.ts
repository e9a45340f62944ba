/**
 * What the filter would say of a call at whose entry a tracee is stopped.
 *
 * The ptrace engine has no filter in the kernel; it runs the same one here, so
 * that both engines decide alike.
 */

import { errnoName } from "../abi/errno.ts";
import { get } from "../abi/layout.ts";
import {
  PTRACE_SYSCALL_INFO,
  PTRACE_SYSCALL_INFO_ENTRY,
} from "../abi/ptrace.ts";
import {
  SECCOMP_DATA,
  SECCOMP_RET_ACTION_FULL,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_DATA,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_TRACE,
} from "../abi/seccomp.ts";
import { SystemCallError } from "../errors.ts";
import { isGone, readCallInfo } from "../sys/task/ptrace.ts";
import { interpret } from "./bpf/interpret.ts";
import { stopKind } from "./tracee/stop.ts";
import type { Tracee } from "./tracee/tracee.ts";

/** What happens at a stop for a call. */
export type EntryAction =
  /** It is the exit of a call, or nothing is to be done. */
  | { readonly kind: "exit" }
  /** It is made. */
  | { readonly kind: "allow"; readonly nr: number }
  /** It fails. */
  | { readonly kind: "errno"; readonly errno: number; readonly nr: number }
  /** It has to be looked at. */
  | { readonly kind: "trace"; readonly nr: number }
  /** The process ends. */
  | { readonly kind: "kill"; readonly nr: number };

const EXIT: EntryAction = { kind: "exit" };

/**
 * Whether a stop is at the entry of a call that has to be looked at.
 *
 * @param tracee who has stopped
 * @param status the stop
 * @param entry what the filter says, where the kernel does not run it
 */
export function isLookedAt(
  { tid, inFlight }: Tracee,
  status: number,
  entry: Entry | undefined,
): boolean {
  if (inFlight !== undefined) return false;
  return entry === undefined
    ? stopKind(status) === "seccomp"
    : stopKind(status) === "syscall" && entry.actionOf(tid).kind === "trace";
}

/** Runs the filter at the entry of calls. */
export class Entry {
  readonly #filter: Uint8Array;
  readonly #info = new Uint8Array(PTRACE_SYSCALL_INFO.size);
  readonly #data = new Uint8Array(SECCOMP_DATA.size);

  /**
   * Makes one.
   *
   * @param filter an array of `struct sock_filter`
   */
  constructor(filter: Uint8Array) {
    this.#filter = filter;
  }

  /** What happens at the stop that a tracee is in. */
  actionOf(tid: number): EntryAction {
    const length = readCallInfo(tid, this.#info);
    if (length < 0 && isGone(tid, length)) return EXIT;
    const field = (
      name: "op" | "nr" | "arch" | "instruction_pointer" | "arg0",
    ) => PTRACE_SYSCALL_INFO.fields[name][0];
    if (length < 0) {
      throw new SystemCallError(
        "look at a call",
        "ptrace(PTRACE_GET_SYSCALL_INFO)",
        errnoName(-length),
      );
    }
    if (this.#info[field("op")] !== PTRACE_SYSCALL_INFO_ENTRY) {
      return EXIT;
    }
    const into = (name: "nr" | "arch" | "instruction_pointer" | "arg0") =>
      SECCOMP_DATA.fields[name][0];
    this.#copy(field("nr"), into("nr"), 4);
    this.#copy(field("arch"), into("arch"), 4);
    this.#copy(field("instruction_pointer"), into("instruction_pointer"), 8);
    this.#copy(field("arg0"), into("arg0"), 48);
    const nr = get(SECCOMP_DATA, this.#data, "nr");
    const returned = interpret(this.#filter, this.#data);
    switch ((returned & SECCOMP_RET_ACTION_FULL) >>> 0) {
      case SECCOMP_RET_ALLOW:
        return { kind: "allow", nr };
      case SECCOMP_RET_ERRNO:
        return { kind: "errno", errno: returned & SECCOMP_RET_DATA, nr };
      case SECCOMP_RET_TRACE:
        return { kind: "trace", nr };
    }
    return { kind: "kill", nr };
  }

  #copy(from: number, to: number, length: number): void {
    this.#data.set(this.#info.subarray(from, from + length), to);
  }
}
