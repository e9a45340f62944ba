/** Standard output and standard error of the command. */

import { EAGAIN, EPIPE, errnoName } from "../abi/errno.ts";
import { SystemCallError } from "../errors.ts";
import { write } from "../sys/files.ts";
import { Output, waitATurn } from "../sys/output.ts";
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

/**
 * Writes data, and a newline, to standard output, while no program runs.
 *
 * @throws {SystemCallError} where it cannot be written, but to who reads no more
 */
export function print(text: string): void {
  const bytes = new TextEncoder().encode(`${text}\n`);
  for (let done = 0; done < bytes.length;) {
    const result = write(STDOUT, bytes.subarray(done));
    if (result === -EAGAIN) waitATurn();
    // Whoever closed the other end does not want to read it.
    else if (result === -EPIPE) return;
    else if (result < 0) throw failure(result);
    else done += result;
  }
}

function failure(errno: number): SystemCallError {
  return new SystemCallError(
    "write to standard output",
    "write()",
    errnoName(-errno),
  );
}

/** Most of what waits to be told, in bytes: a terminal may be stopped for long. */
const MOST = 1 << 16;

let messages: Output | undefined;
let waiting = new Uint8Array();
/** How many messages were dropped behind what waits. */
let lost = 0;

/**
 * Writes a message for a person, and a newline, to standard error. The program
 * may share that and hold it up: then the message waits for the next one, and is
 * dropped where too much waits, which is told in its place.
 */
export function tell(text: string): void {
  const bytes = linesOf(text);
  if (waiting.length === 0 || waiting.length + bytes.length <= MOST) {
    wait(bytes);
  } else lost++;
  tellWaiting();
}

/** Waits once more, for a moment, for messages to be written that wait. */
export function tellRest(): void {
  messages?.renew();
  tellWaiting();
  tellLost();
  tellWaiting();
}

/** Puts what is told behind what waits, and between them how much is missing there. */
function wait(bytes: Uint8Array): void {
  tellLost();
  const both = new Uint8Array(waiting.length + bytes.length);
  both.set(waiting);
  both.set(bytes, waiting.length);
  waiting = both;
}

function tellLost(): void {
  if (lost === 0) return;
  const what = lost === 1 ? "1 message is" : `${lost} messages are`;
  lost = 0;
  wait(linesOf(`jail: ${what} missing here, which nobody took`));
}

function linesOf(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\n`);
}

function tellWaiting(): void {
  if (waiting.length === 0) return;
  messages ??= new Output(STDERR, false);
  // One write: lines of several jails stay whole. Whoever closed the other end
  // does not want to read it, so errors are no concern.
  const done = messages.write(waiting);
  const heldUp = messages.failure === EAGAIN;
  waiting = heldUp ? waiting.slice(done) : new Uint8Array();
}
