/** A program that runs in a jail to its end while the calling thread is blocked. */

import { POLLIN } from "../abi/poll.ts";
import { UnsupportedError } from "../errors.ts";
import { close, read } from "../sys/files.ts";
import { heldIn, openPipe } from "../sys/pipe.ts";
import { waitForAny } from "../sys/poll.ts";
import { ownThread } from "../sys/thread.ts";
import type { Denial } from "./denial.ts";
import { fromPlain, type WorkerMessage } from "./messages.ts";
import { type SpawnRequest, startWorker, takenBack, WORKER } from "./spawn.ts";
import { type JailOutput, type JailStatus, toStatus } from "./status.ts";
import { connect, type Connected } from "./stdio.ts";
import { type Bytes, joined, MOST_KEPT } from "./streams.ts";

/**
 * How long a Worker may take to be there, in milliseconds: one that cannot be loaded
 * says so to no thread that is blocked.
 */
const PATIENCE_MS = 30_000;

/** The same where its module may not be read, unless it is part of a program. */
const UNREADABLE_PATIENCE_MS = 3000;

const scratch = new Uint8Array(new ArrayBuffer(64 * 1024));

/**
 * Runs a program in a jail, and blocks the thread until its end.
 *
 * The Worker that traces has a thread of its own. What it tells comes through a
 * pipe, since a thread that is blocked hears no message.
 *
 * @param request what to run
 * @returns how it ended, and what it wrote
 * @throws {SystemCallError} where there are too many open files
 * @throws {UnsupportedError} where there is no Worker
 */
export function outputSync(request: SpawnRequest): JailOutput {
  if (request.signal?.aborted) {
    return { ...takenBack(), stdout: joined([]), stderr: joined([]) };
  }
  using run = new BlockingRun(request);
  return run.output();
}

/** An output of the program, and what it has brought so far. */
interface Collected {
  /** The pipe; -1 where it is not piped. */
  readonly fd: number;
  readonly chunks: Bytes[];
}

class BlockingRun implements Disposable {
  /** All descriptors to close, of which the program gets some. */
  readonly #opened: number[] = [];
  readonly #answers: number;
  readonly #stdout: Collected;
  readonly #stderr: Collected;
  readonly #denials: Denial[] = [];
  readonly #decoder = new TextDecoder();
  #worker: Worker | undefined;
  #line = "";
  #isReady = false;

  constructor({ program, stdio, signal: _, ...rest }: SpawnRequest) {
    try {
      const answers = openPipe(true);
      this.#opened.push(answers.own, answers.theirs);
      this.#answers = answers.own;
      const stdin = connect(stdio.stdin, 0, false, this.#opened);
      const stdout = connect(stdio.stdout, 1, true, this.#opened);
      this.#stdout = this.#collecting(stdout);
      const stderr = connect(stdio.stderr, 2, true, this.#opened);
      this.#stderr = this.#collecting(stderr);
      const fds = [stdin.theirs, stdout.theirs, stderr.theirs] as const;
      this.#worker = startWorker({
        ...rest,
        caller: ownThread(),
        program: { ...program, stdio: fds },
        answers: answers.theirs,
      });
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #collecting({ own = -1 }: Connected): Collected {
    if (own >= 0) this.#opened.push(own);
    return { fd: own, chunks: [] };
  }

  output(): JailOutput {
    const piped = [this.#stdout, this.#stderr].filter(({ fd }) => fd >= 0);
    const fds = [this.#answers, ...piped.map(({ fd }) => fd)];
    const waited = new Map(fds.map((fd) => [fd, POLLIN]));
    const mayRead = mayReadWorker();
    const patience = mayRead ? PATIENCE_MS : UNREADABLE_PATIENCE_MS;
    const until = performance.now() + patience;
    for (;;) {
      waitForAny(waited, this.#isReady ? -1 : patience);
      piped.forEach((one) => collect(one));
      const status = this.#hear();
      if (status !== undefined) {
        // It was told of after all that the program wrote. By splice(2) a pipe can hold
        // more than it has room for.
        for (const one of piped) collect(one, heldIn(one.fd));
        return {
          ...status,
          stdout: joined(this.#stdout.chunks),
          stderr: joined(this.#stderr.chunks),
        };
      }
      if (!this.#isReady && performance.now() > until) {
        // It may come yet, and must find no other files under these numbers.
        this.#opened.length = 0;
        throw new UnsupportedError(
          "Cannot start the Worker that traces: it does not answer",
          mayRead ? undefined : "let its module be read by --allow-read",
        );
      }
    }
  }

  /** Hears what the Worker has told; how the jail ended, if it has. */
  #hear(): JailStatus | undefined {
    for (const chunk of readAvailable(this.#answers)) {
      this.#line += this.#decoder.decode(chunk, { stream: true });
    }
    const lines = this.#line.split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) {
      const message: WorkerMessage = JSON.parse(line);
      switch (message.kind) {
        case "ready":
          this.#isReady = true;
          break;
        case "started":
          break;
        case "denied":
          this.#denials.push(message.denial);
          break;
        case "ended": {
          const { outcome, denied, usage } = message;
          return toStatus(outcome, this.#denials, denied, usage);
        }
        case "failed":
          throw fromPlain(message.error);
      }
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#worker?.terminate();
    for (const fd of this.#opened) close(fd);
  }
}

function mayReadWorker(): boolean {
  if (WORKER.protocol !== "file:") return true;
  const read = { name: "read", path: WORKER } as const;
  return Deno.permissions.querySync(read).state === "granted";
}

function collect({ fd, chunks }: Collected, most?: number): void {
  for (const chunk of readAvailable(fd, most)) chunks.push(chunk);
}

/**
 * What can be read of a pipe at once, but no more than it has room for: a program that
 * writes without a pause must not keep what the Worker tells from being heard.
 *
 * @param fd the pipe, whose reads do not wait
 * @param most how many bytes are enough
 */
export function* readAvailable(
  fd: number,
  most: number = MOST_KEPT,
): Generator<Bytes> {
  for (let left = most; left > 0;) {
    const count = read(fd, scratch);
    if (count <= 0) return;
    left -= count;
    yield scratch.slice(0, count);
  }
}
