/** What an architecture must answer. */

import type { Layout } from "./layout.ts";

/** An architecture that jail knows, as `Deno.build.arch` spells it. */
export type ArchName = "x86_64" | "aarch64";

/** One architecture's half of the system-call convention. */
export interface Arch {
  /** Its name, and its column in the table of calls. */
  readonly name: ArchName;
  /** `AUDIT_ARCH_*`: what `seccomp_data.arch` is for a native call. */
  readonly audit: number;
  /** `EM_*`: what `e_machine` is in a program of its own. */
  readonly elfMachine: number;
  /** The register block that `PTRACE_GETREGSET` fills for `NT_PRSTATUS`. */
  readonly regs: Layout<string>;
  /** Registers of arguments 0 to 5. */
  readonly args: readonly string[];
  /** The register of the result. */
  readonly result: string;
  /** The register from which the kernel tells the call's number at a stop. */
  readonly number: string;
  /**
   * The register set that must be written to change the number, where writing
   * {@linkcode Arch.number} does not: one `int` for `PTRACE_SETREGSET`.
   */
  readonly numberRegset: number | undefined;
  /** The instruction pointer. */
  readonly ip: string;
  /** The stack pointer. */
  readonly sp: string;
  /** Size in bytes of the instruction that makes a call. */
  readonly syscallInstruction: number;
}
