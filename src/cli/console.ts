/** Standard output and standard error of the command. */

import { EAGAIN } from "../abi/errno.ts";
import { writeAll } from "../sys/files.ts";
import { COLORED, type Paint, PLAIN } from "./paint.ts";

const STDOUT = 1;
const STDERR = 2;

/** The colours for standard error: some on a terminal, none elsewhere. */
export function stderrPaint(): Paint {
  const plain = Deno.noColor || Deno.env.get("TERM") === "dumb" ||
    !Deno.stderr.isTerminal();
  return plain ? PLAIN : COLORED;
}

/** The colours for standard output, by the same rules. */
export function stdoutPaint(): Paint {
  const plain = Deno.noColor || Deno.env.get("TERM") === "dumb" ||
    !Deno.stdout.isTerminal();
  return plain ? PLAIN : COLORED;
}

/** Writes data, and a newline, to standard output. */
export function print(text: string): void {
  put(STDOUT, text);
}

/** Writes a message for a person, and a newline, to standard error. */
export function tell(text: string): void {
  put(STDERR, text);
}

// The program shares these files and may have made them non-blocking. It must
// not hold up the jail for longer than this.
const PATIENCE = 50;

function put(fd: number, text: string): void {
  const bytes = new TextEncoder().encode(`${text}\n`);
  // One write: lines of several jails stay whole. Whoever closed the other end
  // does not want to read it, so other errors are no concern.
  for (let tries = 0; tries < PATIENCE; tries++) {
    if (writeAll(fd, bytes) !== -EAGAIN) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}
