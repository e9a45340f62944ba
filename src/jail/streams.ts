/** Web streams over the pipes of a program. */

import { EPOLLIN, EPOLLOUT } from "../abi/epoll.ts";
import { EAGAIN, EINTR, EPIPE, errnoName } from "../abi/errno.ts";
import { SystemCallError } from "../errors.ts";
import { close, read, write } from "../sys/files.ts";
import { heldIn } from "../sys/pipe.ts";
import { forget, ready } from "../sys/readiness.ts";

/** Bytes that nobody shares. */
export type Bytes = Uint8Array<ArrayBuffer>;

// What a pipe holds, as a rule.
const CHUNK = 64 * 1024;
/** What a pipe can hold at most, in bytes, unless the administrator allows more. */
export const MOST_KEPT = 1024 * 1024;

const scratch = new Uint8Array(new ArrayBuffer(CHUNK));

/**
 * What a program writes, until the jail ends; all of it at once by the methods of
 * `Deno.ChildProcess`.
 */
export interface OutputStream extends ReadableStream<Bytes> {
  /** Reads all of it. */
  bytes(): Promise<Bytes>;
  /** Reads all of it, as a buffer. */
  arrayBuffer(): Promise<ArrayBuffer>;
  /** Reads all of it, as UTF-8. */
  text(): Promise<string>;
  /** Reads all of it, as JSON. */
  json(): Promise<unknown>;
}

/** What the program writes. */
export class OutputPipe {
  /** The stream. It reads only what is asked for. */
  readonly stream: OutputStream;
  #fd: number;
  #kept: Bytes[] = [];
  /** None once the stream has failed, or nobody wants to read it any more. */
  #controller: ReadableByteStreamController | undefined;

  /** Takes over the end of a pipe, whose reads do not wait. */
  constructor(fd: number) {
    this.#fd = fd;
    this.stream = withReaders(
      new ReadableStream({
        type: "bytes",
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => {
          this.#controller = undefined;
          return this.close();
        },
      }, { highWaterMark: 0 }),
    );
  }

  /**
   * The jail is no more. What it wrote can still be read, and needs no
   * descriptor. Nobody waits for more: the program may have sent its end to
   * somebody outside, who never closes it.
   */
  ended(): void {
    for (let left = heldIn(this.#fd); left > 0;) {
      const chunk = this.#readNow();
      if (chunk === "later" || chunk === undefined) break;
      this.#kept.push(chunk);
      left -= chunk.length;
    }
    this.#closePipe();
  }

  /** Lets whoever reads have an error. */
  fail(error: Error): void {
    this.#controller?.error(error);
    this.#controller = undefined;
  }

  /** Closes the pipe. What was not read is lost: whoever reads has the end. */
  async close(): Promise<void> {
    this.#kept = [];
    await this.#closePipe();
  }

  async #pull(): Promise<void> {
    const chunk = this.#kept.shift() ?? await this.#read() ??
      this.#kept.shift();
    if (chunk !== undefined) return this.#controller?.enqueue(chunk);
    this.#controller?.close();
    this.#controller?.byobRequest?.respond(0);
  }

  /** The next bytes of the pipe, or `undefined` at its end. */
  async #read(): Promise<Bytes | undefined> {
    while (this.#fd >= 0) {
      // Even where there is something: a program that writes without a pause
      // must not keep the event loop from its timers.
      await ready(this.#fd, EPOLLIN);
      const chunk = this.#readNow();
      if (chunk !== "later") return chunk;
    }
    return undefined;
  }

  #readNow(): Bytes | "later" | undefined {
    if (this.#fd < 0) return undefined;
    const count = read(this.#fd, scratch);
    if (count > 0) return scratch.slice(0, count);
    if (count === -EAGAIN || count === -EINTR) return "later";
    this.#closePipe();
    if (count === 0) return undefined;
    throw new SystemCallError("read the output", "read()", errnoName(-count));
  }

  async #closePipe(): Promise<void> {
    const fd = this.#fd;
    if (fd < 0) return;
    this.#fd = -1;
    const forgotten = forget(fd);
    close(fd);
    await forgotten;
  }
}

/** What the program reads. */
export class InputPipe {
  /** The stream. */
  readonly stream: WritableStream<Bytes>;
  #fd: number;

  /** Takes over the end of a pipe, whose writes do not wait. */
  constructor(fd: number) {
    this.#fd = fd;
    this.stream = new WritableStream({
      start: (controller) => {
        controller.signal.addEventListener("abort", () => this.close());
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.close(),
    });
  }

  /** Closes the pipe: the program reads the end of its input. */
  async close(): Promise<void> {
    const fd = this.#fd;
    if (fd < 0) return;
    this.#fd = -1;
    const forgotten = forget(fd);
    close(fd);
    await forgotten;
  }

  async #write(chunk: unknown): Promise<void> {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError('Cannot write to "stdin": it takes Uint8Array');
    }
    for (let done = 0; done < chunk.length;) {
      if (this.#fd >= 0) await ready(this.#fd, EPOLLOUT);
      const count = this.#fd < 0
        ? -EPIPE
        : write(this.#fd, chunk.subarray(done));
      if (count === -EAGAIN || count === -EINTR) continue;
      if (count === -EPIPE) {
        this.close();
        throw new Deno.errors.BrokenPipe(
          'Cannot write to "stdin": the program reads it no more',
        );
      }
      if (count < 0) {
        this.close();
        throw new SystemCallError(
          "write the input",
          "write()",
          errnoName(-count),
        );
      }
      done += count;
    }
  }
}

/** Gives a stream the methods that read all of it. */
function withReaders(stream: ReadableStream<Bytes>): OutputStream {
  const bytes = (): Promise<Bytes> => readAll(stream);
  const text = async (): Promise<string> =>
    new TextDecoder().decode(await bytes());
  return Object.assign(stream, {
    bytes,
    text,
    arrayBuffer: async () => (await bytes()).buffer,
    json: async (): Promise<unknown> => JSON.parse(await text()),
  });
}

/**
 * Reads a stream to its end.
 *
 * @param stream the stream, which nobody else reads
 * @returns all of its bytes
 */
export async function readAll(
  stream: ReadableStream<Bytes>,
): Promise<Bytes> {
  const chunks: Bytes[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return joined(chunks);
}

/**
 * Joins bytes that were read one after another.
 *
 * @param chunks the bytes
 * @returns all of them
 */
export function joined(chunks: readonly Bytes[]): Bytes {
  if (chunks.length === 1) return chunks[0] as Bytes;
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
