/** Raw system calls as data, for the launcher to carry out. */

import { toCString } from "../../abi/bytes.ts";
import { set } from "../../abi/layout.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import { addressOf } from "../address.ts";
import { callNumber } from "../host.ts";
import {
  FORKS,
  IN_VAIN,
  LAUNCH_BLOCK,
  LAUNCH_RECORD,
  MAY_FAIL,
  WAITS,
} from "../launch_code.ts";

/** One call that the new process makes before it becomes the program. */
export interface Step {
  /** The call, and its name in a message. */
  readonly call: SyscallName;
  /** Its arguments; of an array, its address. */
  readonly args: readonly (number | Uint8Array)[];
  /** Go on if it fails? */
  readonly mayFail?: boolean;
  /** Repeat it while the word at argument 0 has the value of argument 2? */
  readonly waits?: boolean;
  /** Does it make a process, which alone goes on? */
  readonly forks?: boolean;
  /** Must it fail? It goes on where it does. */
  readonly inVain?: boolean;
}

/** Calls, laid out for the launcher. */
export interface LaidOut {
  /** A `LAUNCH_BLOCK` and its records. */
  readonly block: Uint8Array<ArrayBuffer>;
  /** The calls in it. */
  readonly steps: readonly Step[];
}

const ARGS = ["arg0", "arg1", "arg2", "arg3", "arg4", "arg5"] as const;

/**
 * Lays out the block that the launcher reads.
 *
 * What the arguments and `cloneArgs` point to must stay referenced as long as
 * the block is in use.
 *
 * @param cloneArgs a `CLONE_ARGS`
 * @param build makes the calls, given the address of the word they may wait on
 * @returns the block, and the calls in it
 */
export function layOut(
  cloneArgs: Uint8Array,
  build: (go: number) => readonly Step[],
): LaidOut {
  // The block's address is an argument of a record in it, so count first.
  const count = build(0).length;
  const block = new Uint8Array(LAUNCH_BLOCK.size + count * LAUNCH_RECORD.size);
  const steps = build(addressOf(block) + LAUNCH_BLOCK.fields.go[0]);
  set(LAUNCH_BLOCK, block, "clone_args", addressOf(cloneArgs));
  set(LAUNCH_BLOCK, block, "count", count);
  set(LAUNCH_BLOCK, block, "failed", -1);
  steps.forEach((step, index) => {
    const start = LAUNCH_BLOCK.size + index * LAUNCH_RECORD.size;
    writeRecord(block.subarray(start, start + LAUNCH_RECORD.size), step);
  });
  return { block, steps };
}

function writeRecord(record: Uint8Array, step: Step): void {
  set(LAUNCH_RECORD, record, "number", callNumber(step.call));
  step.args.forEach((arg, index) => {
    const value = typeof arg === "number" ? arg : addressOf(arg);
    set(LAUNCH_RECORD, record, ARGS[index] as typeof ARGS[number], value);
  });
  set(
    LAUNCH_RECORD,
    record,
    "flags",
    (step.mayFail ? MAY_FAIL : 0) | (step.waits ? WAITS : 0) |
      (step.forks ? FORKS : 0) | (step.inVain ? MAY_FAIL | IN_VAIN : 0),
  );
}

/**
 * Lays out a NULL-terminated array of C strings, as `execve` takes it.
 *
 * @param strings byte strings
 * @returns the pointers, and the bytes that they point into
 */
export function stringArray(
  strings: readonly string[],
): { readonly pointers: Uint8Array; readonly bytes: Uint8Array } {
  let length = 1;
  for (const text of strings) length += text.length + 1;
  const bytes = new Uint8Array(length);
  const pointers = new BigUint64Array(strings.length + 1);
  let at = 0;
  strings.forEach((text, index) => {
    pointers[index] = BigInt(addressOf(bytes) + at);
    bytes.set(toCString(text), at);
    at += text.length + 1;
  });
  return { pointers: new Uint8Array(pointers.buffer), bytes };
}
