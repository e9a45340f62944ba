/** Asks the policy about a stopped call, tells of it, and gives refusals effect. */

import type { Arch } from "../abi/arch.ts";
import { printable } from "../abi/bytes.ts";
import { EIO, EPERM, ERRNO, errnoName } from "../abi/errno.ts";
import {
  PTRACE_SYSCALL_INFO,
  PTRACE_SYSCALL_INFO_ENTRY,
  PTRACE_SYSCALL_INFO_SECCOMP,
} from "../abi/ptrace.ts";
import { SIGKILL, SIGNAL } from "../abi/signal.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import { SystemCallError } from "../errors.ts";
import type { LimitName, Outcome } from "../outcome.ts";
import type { Call } from "../policy/call.ts";
import type { Decision, Refusal, RuleRef } from "../policy/decision.ts";
import { CHOSEN_PORT } from "../policy/fixed.ts";
import type { Listener } from "../sys/task/listener.ts";
import {
  isGone,
  readCallInfo,
  readRegisters,
  writeRegisters,
} from "../sys/task/ptrace.ts";
import { kill } from "../sys/task/wait.ts";
import type { Family } from "./family.ts";
import { CurrentCaller } from "./hold/caller.ts";
import { unmark } from "./hold/marks.ts";
import { type Looked, nothing } from "./look/looked.ts";
import type { CallSpec } from "./look/spec.ts";
import { callText } from "./look/text.ts";
import type { AskedName, TraceOptions } from "./options.ts";
import { Registers } from "./tracee/registers.ts";
import type { Tracee } from "./tracee/tracee.ts";

/** How calls resume a tracee, and end the jail. */
export interface Resumer {
  /** Resumes a tracee; its next stop is whatever the engine asks for. */
  go(tracee: Tracee): void;
  /** Resumes a tracee until the exit of the call that it is in. */
  toExit(tracee: Tracee): void;
  /** A call that is on its way aims at another process by its id. */
  aims(tracee: Tracee): void;
  /** Whether such a call is on its way: no id must become free. */
  aiming(): boolean;
  /** Whether there is room for what a tracee is about to make; it is taken. */
  makesRoom(tracee: Tracee): boolean;
  /** Ends the whole jail because a tracee uses more than a limit. */
  exceeds(tracee: Tracee, limit: LimitName, used: number): void;
  /** Ends the whole jail because the policy says so. */
  kill(outcome: Outcome): void;
  /** Stops all tracees that could run. */
  quiet(): void;
  /** Looks at the limits of the whole jail; whether it is not being ended. */
  goesOn(): boolean;
  /** How many milliseconds are left of the time that is limited. */
  left(): number;
  /** A call is about to show where its tracee may run, at once or at any time. */
  showsCpus(always: boolean): void;
}

/** A decision that refuses. */
type Refused = Extract<Decision, { readonly kind: "refuse" }>;

const [OP] = PTRACE_SYSCALL_INFO.fields.op;

/** What always holds, as a rule. */
export function fixedRule(text: string): RuleRef {
  return { source: "jail", keys: [], text };
}

/** Asks the policy about stopped calls, and gives refusals effect. */
export class Answers {
  /** The registers of the tracee that was read last. */
  readonly registers: Registers;
  /** How many calls were refused. */
  denials = 0;
  readonly #options: TraceOptions;
  readonly #family: Family;
  readonly #resumer: Resumer;
  readonly #caller: CurrentCaller;
  readonly #info = new Uint8Array(PTRACE_SYSCALL_INFO.size);
  readonly #words = new Int32Array(this.#info.buffer);
  /** Whether all registers were read, and not the call alone. */
  #whole = true;
  /** What {@linkcode Answers.refused} let by last. */
  #lastAllowed: Decision | undefined;
  /** What hears of the call in the registers, where that waits for an answer. */
  #listener: Listener | undefined;

  /**
   * Makes one.
   *
   * @param options the run
   * @param arch the machine's half of the calling convention
   * @param family the tracees
   * @param resumer how tracees are resumed
   */
  constructor(
    options: TraceOptions,
    arch: Arch,
    family: Family,
    resumer: Resumer,
  ) {
    this.#options = options;
    this.#family = family;
    this.#resumer = resumer;
    this.registers = new Registers(arch);
    this.#caller = new CurrentCaller(this.registers, family, resumer);
  }

  /**
   * Asks the policy, and applies a refusal; whether the call goes on, or has to
   * be looked at again.
   */
  allowed(
    tracee: Tracee,
    spec: CallSpec,
    looked: Looked,
  ): boolean | "again" {
    const decision = this.#decide(tracee, spec, looked);
    if (decision === "again") return decision;
    this.#observe(tracee, spec, looked, decision);
    if (decision.kind === "allow") {
      this.#lastAllowed = decision;
      return true;
    }
    this.#apply(tracee, spec, decision, looked);
    return false;
  }

  /**
   * Asks the policy about a call that may be looked at again before it is made:
   * applies a refusal, and tells of nothing else yet; whether it is refused.
   */
  refused(tracee: Tracee, spec: CallSpec, looked: Looked): boolean {
    const decision = this.#decide(tracee, spec, looked);
    if (decision === "again") return false;
    if (decision.kind === "allow") {
      this.#lastAllowed = decision;
      return false;
    }
    this.#observe(tracee, spec, looked, decision);
    this.#apply(tracee, spec, decision, looked);
    return true;
  }

  /** Whether the call that was allowed last may have a port, though by no rule. */
  get hasChosenPort(): boolean {
    return this.#lastAllowed?.rule === CHOSEN_PORT;
  }

  /** Tells of a call that was not refused just now, and is not looked at again. */
  tellAllowed(tracee: Tracee, spec: CallSpec, looked: Looked): void {
    const decision = this.#lastAllowed;
    if (decision !== undefined) this.#observe(tracee, spec, looked, decision);
  }

  #decide(
    tracee: Tracee,
    spec: CallSpec,
    looked: Looked,
  ): Decision | "again" {
    this.#caller.become(tracee, spec, looked);
    return looked.never !== undefined
      ? {
        kind: "refuse",
        refusal: { kind: "errno", errno: "EPERM" },
        rule: fixedRule(looked.never),
        use: -1,
      }
      : this.#options.decide(callOf(spec.syscall.name, looked), this.#caller);
  }

  /** Refuses a call without asking, and tells of it. */
  refuse(
    tracee: Tracee,
    spec: CallSpec,
    refusal: Refusal,
    rule: RuleRef,
  ): void {
    const decision = { kind: "refuse", refusal, rule, use: -1 } as const;
    this.#observe(tracee, spec, undefined, decision);
    this.#apply(tracee, spec, decision, undefined);
  }

  /**
   * Tells of a question for a name, which jail has answered by now: what it
   * refused was not passed on.
   *
   * @param pid the program's process, which may be gone
   * @param question what was asked
   */
  asked(pid: number, { call, text }: AskedName): void {
    const decision = this.#options.decide(call, this.#caller);
    if (decision === "again") return;
    const process = this.#family.processes.get(pid);
    if (decision.kind === "refuse") this.denials++;
    this.#options.observe?.({
      ...{ time: Date.now(), pid, tid: pid, call, text, decision },
      program: process?.program ?? "",
    });
    if (decision.kind === "allow") return;
    const { refusal, rule } = decision;
    if (refusal.kind === "kill") {
      const program = process?.program ?? "";
      const kind = "killed-by-policy";
      this.#resumer.kill({ kind, call: text, rule, program, pid });
    }
    if (refusal.kind === "signal" && process !== undefined) {
      this.#family.signal(process, SIGNAL[refusal.signal]);
    }
  }

  /**
   * Tells of a new image that was ended before it ran.
   *
   * @param tracee whose image it is
   * @param path what was to be executed
   * @param why what is wrong with it
   */
  ended({ process, tid }: Tracee, path: string, why: string): void {
    this.denials++;
    this.#options.observe?.({
      ...{ time: Date.now(), pid: process.pid, tid, program: process.program },
      call: { name: "execve", uses: [{ access: "run", path, kind: "file" }] },
      text: `execve(${printable(path)})`,
      decision: {
        kind: "refuse",
        refusal: { kind: "signal", signal: "SIGKILL" },
        rule: fixedRule(`the new image is not what was allowed: ${why}`),
        use: 0,
      },
    });
  }

  /** Gives a call a result without making it. */
  answer(tracee: Tracee, result: number): void {
    const { registers } = this;
    tracee.until = undefined;
    if (this.#listener !== undefined) return this.#listener.answer(result);
    if (!this.#whole && !this.read(tracee)) return;
    registers.nr = -1;
    registers.result = result;
    unmark(tracee, registers);
    if (this.write(tracee)) this.#resumer.go(tracee);
  }

  /** Takes the call that waits for an answer, in place of a stopped tracee's. */
  hear(listener: Listener): void {
    this.registers.takeNotice(listener.notice);
    this.#listener = listener;
    this.#whole = false;
  }

  /** Reads a stopped tracee's registers; `false` where it is gone. */
  read(tracee: Tracee): boolean {
    this.#listener = undefined;
    this.#whole = true;
    const result = readRegisters(tracee.tid, this.registers.bytes);
    return alive(tracee, result, "read registers");
  }

  /**
   * Reads what the call is that a tracee is stopped before, which costs less
   * than all of its registers; `false` where it is gone. Who changes the call
   * goes by {@linkcode Answers.save} first, which reads the rest.
   */
  readCall(tracee: Tracee): boolean {
    const result = readCallInfo(tracee.tid, this.#info);
    const op = this.#info[OP];
    const before = op === PTRACE_SYSCALL_INFO_SECCOMP ||
      op === PTRACE_SYSCALL_INFO_ENTRY;
    // A kernel before Linux 5.3 has all registers alone.
    if (result < 0 || !before) return this.read(tracee);
    this.#listener = undefined;
    this.registers.take(this.#words);
    this.#whole = false;
    return true;
  }

  /** Keeps a tracee's registers before they are changed; `false` where it is gone. */
  save(tracee: Tracee): boolean {
    if (!this.#whole && !this.read(tracee)) return false;
    const { saved } = tracee;
    saved.copy(this.registers);
    unmark(tracee, saved);
    return true;
  }

  /** Writes a stopped tracee's registers; `false` where it is gone. */
  write(tracee: Tracee): boolean {
    if (!this.#whole) {
      throw new Error("Cannot write registers: not all are read");
    }
    const result = writeRegisters(tracee.tid, this.registers.bytes);
    if (result === -EIO) {
      // Registers of its own that the kernel hands out and does not take back.
      kill(tracee.process.pid, SIGKILL);
      return false;
    }
    return alive(tracee, result, "write registers");
  }

  #apply(
    tracee: Tracee,
    spec: CallSpec,
    { refusal, rule, use }: Refused,
    looked: Looked | undefined,
  ): void {
    switch (refusal.kind) {
      case "errno":
        return this.answer(tracee, -ERRNO[refusal.errno]);
      case "return":
        return this.answer(tracee, refusal.value);
      case "signal":
        // While a person was asked it may have died, and been waited for.
        this.#family.signal(tracee.process, SIGNAL[refusal.signal]);
        return this.answer(tracee, -EPERM);
      case "kill":
        return this.#resumer.kill({
          kind: "killed-by-policy",
          call: callText(tracee.tid, this.registers, spec, looked),
          path: looked?.uses[use]?.path,
          rule,
          program: tracee.process.program,
          pid: tracee.process.pid,
        });
    }
  }

  #observe(
    tracee: Tracee,
    spec: CallSpec,
    looked: Looked | undefined,
    decision: Decision,
  ): void {
    if (decision.kind === "refuse" && decision.quiet !== true) this.denials++;
    const { observe } = this.#options;
    if (observe === undefined) return;
    observe({
      time: Date.now(),
      pid: tracee.process.pid,
      tid: tracee.tid,
      program: tracee.process.program,
      call: callOf(spec.syscall.name, looked ?? nothing()),
      text: callText(tracee.tid, this.registers, spec, looked),
      decision,
    });
  }
}

/** Whether a request reached a tracee; one that is gone is normal life. */
function alive({ tid }: Tracee, result: number, action: string): boolean {
  if (result >= 0) return true;
  if (isGone(tid, result)) return false;
  throw new SystemCallError(action, "ptrace()", errnoName(-result));
}

function callOf(name: SyscallName, looked: Looked): Call {
  const { uses, moves, names, net, setsId, folds } = looked;
  if (net.length > 0) return { name, uses, net, setsId };
  return moves.length + names.length === 0
    ? { name, uses, setsId, folds }
    : { name, uses, moves, names, setsId };
}
