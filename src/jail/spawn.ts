/** A program that runs in a jail, seen from the thread that asked for it. */

import { ESRCH } from "../abi/errno.ts";
import {
  isSignalName,
  SIGKILL,
  SIGNAL,
  type SignalName,
} from "../abi/signal.ts";
import { UnsupportedError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import { close } from "../sys/files.ts";
import { pidfdSendSignal } from "../sys/task/pidfd.ts";
import { ownThread } from "../sys/thread.ts";
import { NOTHING_USED } from "../trace/limits/accounts.ts";
import type { Denial } from "./denial.ts";
import {
  fromPlain,
  type WorkerMessage,
  type WorkerRequest,
} from "./messages.ts";
import type { Program } from "./program.ts";
import { type JailOutput, type JailStatus, toStatus } from "./status.ts";
import { Connections, type StdioOptions } from "./stdio.ts";
import { type Bytes, type OutputStream, readAll } from "./streams.ts";

/**
 * A program that runs in a jail.
 *
 * Other than a `Deno.ChildProcess` it has no `ref()` and `unref()`: it never outlives
 * the thread that started it, and that waits for it.
 */
export interface JailedProcess extends AsyncDisposable {
  /**
   * The program's process id, once it runs; `undefined` where it never did. The
   * promise is never rejected.
   */
  readonly pid: Promise<number | undefined>;
  /**
   * How the jail ended. Rejected where there was none: with a `PolicyError`, a
   * `LaunchError`, an `UnsupportedError` or another error of this module.
   */
  readonly status: Promise<JailStatus>;
  /** The program's input. Throws a `TypeError` where it is not piped. */
  readonly stdin: WritableStream<Bytes>;
  /** The program's output. Throws a `TypeError` where it is not piped. */
  readonly stdout: OutputStream;
  /** Its error output. Throws a `TypeError` where it is not piped. */
  readonly stderr: OutputStream;
  /** What was refused so far: the first thousand different calls, each once. */
  readonly denials: readonly Denial[];
  /**
   * Sends a signal to the program; when it ends of that, the jail does. One that
   * is sent before the program runs reaches it as soon as it does.
   *
   * @param signal its name; `SIGTERM` unless given
   * @throws {TypeError} where the program is gone
   */
  kill(signal?: SignalName): void;
  /**
   * Waits for the end, and collects what the program wrote. Asked again, it gives
   * the same.
   *
   * @returns the status, and the bytes of what is piped
   * @throws {TypeError} where somebody reads a piped stream already
   */
  output(): Promise<JailOutput>;
  /** Ends the jail, and waits until nothing of it is left. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What to run, without its connections, and for whom. */
export interface SpawnRequest
  extends Omit<WorkerRequest, "caller" | "program"> {
  /** The program. */
  readonly program: Omit<Program, "stdio">;
  /** Its connections. */
  readonly stdio: StdioOptions;
  /** Ends the jail. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts a jail in a Worker.
 *
 * @param request what to run
 * @returns the program, which is about to start
 * @throws {SystemCallError} where there are too many open files
 */
export function spawn(request: SpawnRequest): JailedProcess {
  return new Spawned(request);
}

/** What comes of a program that its caller has taken back before it ran. */
export function takenBack(): JailStatus {
  return toStatus(KILLED, [], 0, NOTHING_USED);
}

const KILLED: Outcome = { kind: "signaled", signal: SIGKILL };

/** The module of the Worker. */
export const WORKER: URL = new URL("./worker.ts", import.meta.url);

/**
 * Starts a Worker that traces.
 *
 * @param request what it is to run
 * @returns the Worker
 * @throws {Error} where the request cannot be sent to it
 */
export function startWorker(request: WorkerRequest): Worker {
  const worker = new Worker(WORKER, { type: "module" });
  try {
    worker.postMessage(request);
    return worker;
  } catch (error) {
    // It would wait for a request for ever.
    worker.terminate();
    throw error;
  }
}

class Spawned implements JailedProcess {
  readonly pid: Promise<number | undefined>;
  readonly status: Promise<JailStatus>;
  readonly #denials: Denial[] = [];
  readonly #connections: Connections;
  readonly #signal: AbortSignal | undefined;
  readonly #started = Promise.withResolvers<number | undefined>();
  readonly #ended = Promise.withResolvers<JailStatus>();
  readonly #abort = (): void => {
    this.#send(SIGKILL);
  };
  #worker: Worker | undefined;
  /** What {@linkcode JailedProcess.output} gives, once it was asked for. */
  #output: Promise<JailOutput> | undefined;
  /** Signals that wait for the program to run. */
  #pending: number[] = [];
  #pidfd = -1;
  #over = false;

  constructor({ program, stdio, signal, ...rest }: SpawnRequest) {
    this.pid = this.#started.promise;
    this.status = this.#ended.promise;
    // Whoever reads a stream first learns of an error there, and asks for the
    // status later.
    this.status.catch(() => {});
    this.#connections = new Connections(stdio);
    this.#signal = signal;
    if (signal?.aborted) {
      this.#finish(takenBack());
      return;
    }
    signal?.addEventListener("abort", this.#abort);
    try {
      this.#start({
        ...rest,
        caller: ownThread(),
        program: { ...program, stdio: this.#connections.fds },
      });
    } catch (error) {
      this.#release();
      this.#connections.close();
      throw error;
    }
  }

  get stdin(): WritableStream<Bytes> {
    return piped("stdin", this.#connections.stdin).stream;
  }

  get stdout(): OutputStream {
    return piped("stdout", this.#connections.stdout).stream;
  }

  get stderr(): OutputStream {
    return piped("stderr", this.#connections.stderr).stream;
  }

  get denials(): readonly Denial[] {
    return this.#denials;
  }

  kill(signal: SignalName = "SIGTERM"): void {
    if (!isSignalName(signal)) {
      throw new TypeError(`Cannot send "${signal}": there is no such signal`);
    }
    if (this.#over || this.#send(SIGNAL[signal]) === -ESRCH) {
      throw new TypeError(`Cannot send ${signal}: the program is gone`);
    }
  }

  async output(): Promise<JailOutput> {
    if (this.#output !== undefined) return await this.#output;
    const { stdout, stderr } = this.#connections;
    for (const [name, pipe] of [["stdout", stdout], ["stderr", stderr]]) {
      if (typeof pipe === "object" && pipe.stream.locked) {
        throw new TypeError(`Cannot collect "${name}": it is being read`);
      }
    }
    this.#output = this.#collect();
    return await this.#output;
  }

  async #collect(): Promise<JailOutput> {
    const { stdout, stderr } = this.#connections;
    const [status, out, err] = await Promise.all([
      this.status,
      collect(stdout?.stream),
      collect(stderr?.stream),
    ]);
    return { ...status, stdout: out, stderr: err };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#send(SIGKILL);
    try {
      await this.status;
    } catch {
      // Then nothing ran; who wanted to know why has asked for the status.
    }
    await this.#connections.close();
  }

  #start(request: WorkerRequest): void {
    const worker = startWorker(request);
    this.#worker = worker;
    worker.onmessage = (event: MessageEvent<WorkerMessage>): void =>
      this.#hear(event.data);
    worker.onerror = (event): void => {
      event.preventDefault();
      this.#fail(
        new UnsupportedError(
          `Cannot start the Worker that traces: ${event.message}`,
        ),
      );
    };
  }

  #hear(message: WorkerMessage): void {
    switch (message.kind) {
      case "ready":
        return;
      case "started":
        this.#pidfd = message.pidfd;
        this.#connections.handedOver();
        this.#started.resolve(message.pid);
        for (const signal of this.#pending) this.#send(signal);
        this.#pending = [];
        return;
      case "denied":
        this.#denials.push(message.denial);
        return;
      case "ended":
        return this.#finish(
          toStatus(
            message.outcome,
            this.#denials,
            message.denied,
            message.usage,
          ),
        );
      case "failed":
        return this.#fail(fromPlain(message.error));
    }
  }

  /** Sends a signal to the program now, or when it runs. */
  #send(signal: number): number {
    if (this.#over) return -ESRCH;
    if (this.#pidfd >= 0) return pidfdSendSignal(this.#pidfd, signal);
    this.#pending.push(signal);
    return 0;
  }

  #finish(status: JailStatus): void {
    this.#release();
    this.#connections.ended();
    this.#ended.resolve(status);
  }

  #fail(error: Error): void {
    this.#release();
    this.#connections.failed(error)
      .finally(() => this.#ended.reject(error));
  }

  #release(): void {
    this.#over = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#worker?.terminate();
    this.#started.resolve(undefined);
    if (this.#pidfd >= 0) close(this.#pidfd);
    this.#pidfd = -1;
  }
}

function piped<T>(name: string, pipe: T | undefined): T {
  if (pipe !== undefined) return pipe;
  throw new TypeError(`Cannot get "${name}": it is not piped`);
}

async function collect(
  stream: ReadableStream<Bytes> | undefined,
): Promise<Bytes> {
  return stream === undefined ? new Uint8Array() : await readAll(stream);
}
