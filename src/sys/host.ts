/** The machine that jail runs on. */

import { AARCH64 } from "../abi/aarch64.ts";
import type { Arch, ArchName } from "../abi/arch.ts";
import { type SyscallName, SYSCALLS } from "../abi/syscalls.ts";
import { X86_64 } from "../abi/x86_64.ts";
import { UnsupportedError } from "../errors.ts";

/** How this machine makes system calls. */
export function hostArch(): Arch {
  switch (Deno.build.arch) {
    case "x86_64":
      return X86_64;
    case "aarch64":
      return AARCH64;
  }
}

/** Whether there is code to start programs with, by which jail runs: `launch_code.ts`. */
export function hasLauncher(arch: ArchName = hostArch().name): boolean {
  return arch === "x86_64";
}

/**
 * Refuses to go on where there is no code to start a program with.
 *
 * @param arch the machine's
 * @throws {UnsupportedError} where there is none
 */
export function checkLauncher(arch: ArchName = hostArch().name): void {
  if (hasLauncher(arch)) return;
  throw new UnsupportedError(
    `Cannot start a program: there is no launcher for ${arch}`,
    "use an x86-64 machine",
  );
}

/**
 * The number of a call on this machine.
 *
 * @param name the call
 * @returns its number
 * @throws {UnsupportedError} where this machine has no such call
 */
export function callNumber(name: SyscallName): number {
  const arch = hostArch();
  const number = SYSCALLS[name][arch.name];
  if (number === undefined) {
    throw new UnsupportedError(`Cannot call ${name} on ${arch.name}`);
  }
  return number;
}
