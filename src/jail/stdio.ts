/** What the program's input and outputs are connected with. */

import { close } from "../sys/files.ts";
import { openNull, openPipe } from "../sys/pipe.ts";
import { InputPipe, OutputPipe } from "./streams.ts";

/**
 * What an input or an output is connected with: a stream, the same as in this
 * process, or nothing.
 */
export type Stdio = "piped" | "inherit" | "null";

/** The connections of one program. */
export interface StdioOptions {
  /** Its input. */
  readonly stdin: Stdio;
  /** Its output. */
  readonly stdout: Stdio;
  /** Its error output. */
  readonly stderr: Stdio;
}

/** The descriptors of one connection. */
export interface Connected {
  /** What the program gets. */
  readonly theirs: number;
  /** The end of a pipe that this process keeps, whose calls do not wait. */
  readonly own?: number;
}

/**
 * Opens one connection.
 *
 * @param stdio what with
 * @param inherited the descriptor of this process that is inherited
 * @param reading whether this process reads what is piped, or writes it
 * @param theirs where the descriptor for the program is added, if it is a new one
 * @returns the descriptors
 * @throws {SystemCallError} where there are too many open files
 */
export function connect(
  stdio: Stdio,
  inherited: number,
  reading: boolean,
  theirs: number[],
): Connected {
  if (stdio === "inherit") return { theirs: inherited };
  const connected = stdio === "null"
    ? { theirs: openNull() }
    : openPipe(reading);
  theirs.push(connected.theirs);
  return connected;
}

/** The open connections of one program. */
export class Connections {
  /** The stream to its input, where that is piped. */
  readonly stdin: InputPipe | undefined;
  /** The stream from its output, where that is piped. */
  readonly stdout: OutputPipe | undefined;
  /** The stream from its error output, where that is piped. */
  readonly stderr: OutputPipe | undefined;
  /** Which descriptors become its 0, 1 and 2. */
  readonly fds: readonly [number, number, number];
  #theirs: number[] = [];

  /**
   * Opens them.
   *
   * @throws {SystemCallError} where there are too many open files
   */
  constructor(options: StdioOptions) {
    try {
      const stdin = connect(options.stdin, 0, false, this.#theirs);
      if (stdin.own !== undefined) this.stdin = new InputPipe(stdin.own);
      const stdout = connect(options.stdout, 1, true, this.#theirs);
      if (stdout.own !== undefined) this.stdout = new OutputPipe(stdout.own);
      const stderr = connect(options.stderr, 2, true, this.#theirs);
      if (stderr.own !== undefined) this.stderr = new OutputPipe(stderr.own);
      this.fds = [stdin.theirs, stdout.theirs, stderr.theirs];
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Closes what the program has by now, so that it alone holds it. */
  handedOver(): void {
    for (const fd of this.#theirs) close(fd);
    this.#theirs = [];
  }

  /** The jail is no more: what was written can still be read. */
  ended(): void {
    this.handedOver();
    this.stdin?.close();
    this.stdout?.ended();
    this.stderr?.ended();
  }

  /** There was no jail: whoever reads gets the error. */
  async failed(error: Error): Promise<void> {
    this.stdout?.fail(error);
    this.stderr?.fail(error);
    await this.close();
  }

  /** Closes everything. */
  async close(): Promise<void> {
    this.handedOver();
    await Promise.all([
      this.stdin?.close(),
      this.stdout?.close(),
      this.stderr?.close(),
    ]);
  }
}
