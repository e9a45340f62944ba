/** Standard output and standard error of the command. */

import { EAGAIN, EPIPE, errnoName } from "../abi/errno.ts";
import { SystemCallError } from "../errors.ts";
import { write } from "../sys/files.ts";
import { Output, STDERR, waitATurn } from "../sys/output.ts";
import { COLORED, type Paint, PLAIN } from "./paint.ts";

const STDOUT = 1;

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
/** What waits to be told, and how many messages that is. */
let waiting = new Uint8Array();
let count = 0;
/** How many messages were dropped, and how many of these what waits tells of. */
let lost = 0;
let admitted = 0;

/**
 * Writes a message for a person, and a newline, to standard error. The program
 * may share that and hold it up: then the message waits for the next one, and is
 * dropped where too much waits, or the disk is full, which is told in its place.
 */
export function tell(text: string): void {
  const bytes = linesOf(text);
  if (waiting.length === 0 || waiting.length + bytes.length <= MOST) {
    admitLost();
    wait(bytes);
    count++;
  } else lost++;
  tellWaiting();
}

/**
 * Finds out where messages go; before a program runs, which could keep jail from opening
 * that.
 */
export function prepareToTell(): Output {
  return messages ??= new Output(STDERR, { own: false });
}

/** Waits once more, for a moment, for messages to be written that wait. */
export function tellRest(): void {
  messages?.renew();
  tellWaiting();
  admitLost();
  tellWaiting();
}

/** Puts behind what waits how many messages are missing there. */
function admitLost(): void {
  if (lost === 0) return;
  const what = lost === 1 ? "1 message is" : `${lost} messages are`;
  wait(linesOf(`jail: ${what} missing here, which could not be written`));
  admitted += lost;
  lost = 0;
}

function wait(bytes: Uint8Array): void {
  const both = new Uint8Array(waiting.length + bytes.length);
  both.set(waiting);
  both.set(bytes, waiting.length);
  waiting = both;
}

function linesOf(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\n`);
}

function tellWaiting(): void {
  if (waiting.length === 0) return;
  const output = prepareToTell();
  // One write: lines of several jails stay whole.
  const done = output.write(waiting);
  if (output.failure === EAGAIN) {
    waiting = waiting.slice(done);
    return;
  }
  // Who closed the other end does not want to read it, which is no concern.
  if (output.failure !== 0) lost += admitted + count;
  waiting = new Uint8Array();
  count = 0;
  admitted = 0;
}
