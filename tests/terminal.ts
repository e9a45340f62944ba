/** A program at a terminal of its own, and a person who types and reads. */

import { assertMatch } from "@std/assert";
import { fixture, start } from "./harness.ts";

/** A program at a terminal of its own. */
export class Terminal {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #shown = "";

  /** Starts it. */
  constructor(argv: readonly string[], cwd?: string) {
    this.#child = start([fixture("in_terminal"), ...argv], {
      ...cwd === undefined ? {} : { cwd },
      env: {
        // dash looks whether it is where PWD says.
        ...cwd === undefined ? {} : { PWD: cwd },
        PS1: "$ ",
        TERM: "dumb",
        HISTFILE: "",
      },
    });
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.getReader();
  }

  /** Types. */
  async type(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text));
  }

  /** Waits for something to appear after what was waited for before; what it was. */
  async see(pattern: RegExp): Promise<readonly string[]> {
    const found = await this.seeIf(pattern);
    if (found === undefined) assertMatch(this.#shown, pattern);
    return found ?? [];
  }

  /** The same; `undefined` where the program ends, and it has not appeared. */
  async seeIf(pattern: RegExp): Promise<readonly string[] | undefined> {
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    for (;;) {
      const found = pattern.exec(this.#shown);
      if (found !== null) {
        this.#shown = this.#shown.slice(found.index + found[0].length);
        clearTimeout(late);
        return found;
      }
      const { value, done } = await this.#reader.read();
      if (done) {
        clearTimeout(late);
        return undefined;
      }
      this.#shown += new TextDecoder().decode(value);
    }
  }

  /** Waits for the program to end; its exit code. */
  async code(): Promise<number> {
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    while (!(await this.#reader.read()).done);
    const { code } = await this.#child.status;
    clearTimeout(late);
    return code;
  }

  /** Hangs up, and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await this.#writer.abort().catch(() => {});
    await this.#reader.cancel();
    await this.#child.stderr.cancel();
  }
}
