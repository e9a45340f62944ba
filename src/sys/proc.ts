/** What this process was started with, byte for byte. */

import { fromBytes, fromText, toBytes } from "../abi/bytes.ts";
import { ERANGE } from "../abi/errno.ts";
import { readFile } from "./files.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";
import { told } from "./told.ts";

// More than the kernel lets argv and the environment be together.
const MOST_STRINGS = 2 ** 27;

function strings(bytes: Uint8Array | number): string[] {
  if (typeof bytes === "number" || bytes.length === 0) return [];
  const parts = fromBytes(bytes).split("\0");
  // The last string has a NUL behind it too.
  if (parts.at(-1) === "") parts.pop();
  return parts;
}

/**
 * Reads a file of this process in /proc. Without the environment in there a rule
 * about "~" would mean another directory.
 */
function readOwn(name: string): Uint8Array | number {
  const path = `/proc/self/${name}`;
  const bytes = readFile(path, MOST_STRINGS);
  if (typeof bytes === "number") told(path, bytes);
  return bytes;
}

/**
 * The last arguments that this process was started with.
 *
 * `deno task` puts U+FFFD where an argument is no text. What it was started with
 * itself has the bytes still.
 *
 * @param count how many: `Deno.args.length`
 * @returns byte strings
 */
export function ownArguments(count: number): string[] {
  const all = strings(readOwn("cmdline"));
  const own = all.slice(all.length - count);
  const theirs = strings(
    readFile(`/proc/${Deno.ppid}/cmdline`, MOST_STRINGS),
  );
  return original(own, theirs);
}

/**
 * Arguments as they were before somebody passed them on as text.
 *
 * @param own the arguments, byte strings
 * @param theirs what that somebody was started with: as many arguments at the
 *   end are the same, apart from what is no text
 * @returns byte strings
 */
export function original(
  own: readonly string[],
  theirs: readonly string[],
): string[] {
  const result = [...own];
  for (let back = 1; back <= own.length && back <= theirs.length; back++) {
    const at = own.length - back;
    const before = theirs[theirs.length - back] as string;
    if (fromText(asText(before)) !== own[at]) break;
    result[at] = before;
  }
  return result;
}

function asText(bytes: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(toBytes(bytes));
}

/**
 * The environment that this process was started with.
 *
 * @returns byte strings, `NAME=value` each
 * @throws {SystemCallError} where it cannot be told
 */
export function ownEnvironment(): string[] {
  return strings(readOwn("environ"));
}

/**
 * The working directory.
 *
 * @returns a byte string, or a negative errno: `-ENOENT` where it was removed
 */
export function workingDirectory(): string | number {
  for (let size = 4096;; size *= 2) {
    const into = new Uint8Array(size);
    const length = libc.syscallBII(callNumber("getcwd"), into, size, 0);
    if (length > 0) return fromBytes(into, 0, length - 1);
    if (length !== -ERANGE) return length;
  }
}
