/** What this process was started with, byte for byte. */

import { fromBytes } from "../abi/bytes.ts";
import { ERANGE } from "../abi/errno.ts";
import { readFile } from "./files.ts";
import { callNumber } from "./host.ts";
import { libc, outcome } from "./libc.ts";

// More than the kernel lets argv and the environment be together.
const MOST_STRINGS = 2 ** 27;

function strings(path: string): string[] {
  const bytes = readFile(path, MOST_STRINGS);
  if (typeof bytes === "number" || bytes.length === 0) return [];
  const parts = fromBytes(bytes).split("\0");
  // The last string has a NUL behind it too.
  if (parts.at(-1) === "") parts.pop();
  return parts;
}

/**
 * The last arguments that this process was started with.
 *
 * @param count how many: `Deno.args.length`
 * @returns byte strings
 */
export function ownArguments(count: number): string[] {
  const all = strings("/proc/self/cmdline");
  return all.slice(all.length - count);
}

/**
 * The environment that this process was started with.
 *
 * @returns byte strings, `NAME=value` each
 */
export function ownEnvironment(): string[] {
  return strings("/proc/self/environ");
}

/**
 * The working directory.
 *
 * @returns a byte string, or a negative errno: `-ENOENT` where it was removed
 */
export function workingDirectory(): string | number {
  for (let size = 4096;; size *= 2) {
    const into = new Uint8Array(size);
    const length = outcome(libc().syscallBI(callNumber("getcwd"), into, size));
    if (length > 0) return fromBytes(into, 0, length - 1);
    if (length !== -ERANGE) return length;
  }
}
