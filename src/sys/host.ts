/** The machine that jail runs on. */

import { AARCH64 } from "../abi/aarch64.ts";
import type { Arch } from "../abi/arch.ts";
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
