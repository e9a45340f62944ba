import { assertEquals } from "@std/assert";

const IMPORTS = `
import { toCString } from "${import.meta.resolve("../abi/bytes.ts")}";
import { launch } from "${import.meta.resolve("./launch/spawn.ts")}";
import * as signals from "${import.meta.resolve("./signals.ts")}";
import { waitFor } from "${import.meta.resolve("./task/wait.ts")}";
const status = new Int32Array(1);
function start(script) {
  const launched = launch({
    file: toCString("/bin/sh"),
    argv: ["sh", "-c", script],
    env: [],
    stdio: [0, 1, 2],
    keepFds: [],
    resetSignals: [13],
  });
  launched.release();
  return launched.pid;
}
`;

/** Another Deno that runs `code`, and what it prints. */
class Other {
  readonly child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(code: string) {
    this.child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=ts", "--no-check", IMPORTS + code],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
    }).spawn();
    this.#lines = this.child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  /** Waits for more output that ends with a line. */
  async line(): Promise<string> {
    while (!this.#text.includes("\n")) {
      const { done, value } = await this.#lines.read();
      if (done) break;
      this.#text += value;
    }
    const end = this.#text.indexOf("\n") + 1 || this.#text.length;
    const line = this.#text.slice(0, end).trim();
    this.#text = this.#text.slice(end);
    return line;
  }

  /** Closes it, and says how it ended. */
  async end(): Promise<Deno.CommandStatus> {
    const result = await this.child.status;
    await this.#lines.cancel();
    return result;
  }
}

const TRAPS = `trap 'echo got TERM; exit 3' TERM; trap 'echo got HUP' HUP;
  echo ready; while :; do sleep 0.02; done`;

Deno.test("forwardSignals() passes on what a process sends, and the wait goes on", async () => {
  const other = new Other(`
    const pid = start(${JSON.stringify(TRAPS)});
    const change = signals.forwardSignals(pid, [1, 15]);
    console.log("waiting");
    const result = waitFor(pid, status);
    change.stop();
    console.log(result === pid, status[0] >> 8);
  `);
  // The order of these two is not fixed.
  assertEquals([await other.line(), await other.line()].sort(), [
    "ready",
    "waiting",
  ]);
  other.child.kill("SIGHUP");
  assertEquals(await other.line(), "got HUP");
  other.child.kill("SIGTERM");
  assertEquals(await other.line(), "got TERM");
  assertEquals(await other.line(), "true 3");
  assertEquals((await other.end()).code, 0);
});

Deno.test("forwardSignals() leaves the signals without effect at last, and counts them", async () => {
  const other = new Other(`
    const pid = start("exit 0");
    const forwarding = signals.forwardSignals(pid, [2, 15]);
    waitFor(pid, status);
    forwarding.stop();
    console.log("stopped");
    while (signals.countUnheard() < 2) Deno.statSync(".");
    console.log("on");
    signals.dieOf(15);
  `);
  assertEquals(await other.line(), "stopped");
  other.child.kill("SIGINT");
  other.child.kill("SIGTERM");
  assertEquals(await other.line(), "on");
  assertEquals((await other.end()).signal, "SIGTERM");
});

Deno.test("forwardSignals() kills another process by what asks for the end, once there is one", async () => {
  const other = new Other(`
    const pid = start("exit 0");
    const forwarding = signals.forwardSignals(pid, [10, 15]);
    waitFor(pid, status);
    const next = start("trap '' TERM; while :; do sleep 0.02; done");
    const before = forwarding.endBy(next);
    console.log("waiting");
    waitFor(next, status);
    console.log(before, status[0], forwarding.endBy(0));
  `);
  assertEquals(await other.line(), "waiting");
  other.child.kill("SIGUSR1");
  other.child.kill("SIGTERM");
  assertEquals(await other.line(), "0 9 15");
  assertEquals((await other.end()).code, 0);
});

Deno.test("forwardSignals() leaves a signal ignored that is", async () => {
  const other = new Other(`
    signals.ignoreSignals([1]);
    const pid = start("trap 'echo got TERM; exit' TERM; trap - HUP; echo ready; while :; do sleep 0.02; done");
    signals.forwardSignals(pid, [1, 15]);
    console.log("waiting");
    waitFor(pid, status);
    console.log("end");
  `);
  await other.line();
  await other.line();
  other.child.kill("SIGHUP");
  other.child.kill("SIGTERM");
  assertEquals(await other.line(), "got TERM");
  assertEquals(await other.line(), "end");
  assertEquals((await other.end()).success, true);
});

const FATAL = [
  ["SIGTERM", 15],
  ["SIGKILL", 9],
  ["SIGPIPE", 13],
  ["SIGSEGV", 11],
  ["SIGSYS", 31],
] as const;
for (const [name, signal] of FATAL) {
  Deno.test(`dieOf() ends this process by ${name}`, async () => {
    const other = new Other(`signals.dieOf(${signal}); console.log("alive")`);
    assertEquals(await other.line(), "");
    assertEquals((await other.end()).signal, name);
  });
}

for (const [name, signal] of [["SIGSTOP", 19], ["SIGTTIN", 21]] as const) {
  Deno.test(`stopSelf() goes on where there is no reason any more: ${name}`, async () => {
    const other = new Other(
      `signals.stopSelf(${signal}, () => false); console.log("on")`,
    );
    assertEquals(await other.line(), "on");
    assertEquals((await other.end()).code, 0);
  });

  Deno.test(`stopSelf() goes on where it is continued while it looks: ${name}`, async () => {
    const other = new Other(
      `signals.stopSelf(${signal}, () => {
        Deno.kill(Deno.pid, "SIGCONT");
        return ${signal} !== 19;
      }); console.log("on")`,
    );
    assertEquals(await other.line(), "on");
    assertEquals((await other.end()).code, 0);
  });

  Deno.test(`stopSelf() stops until it is continued: ${name}`, async () => {
    // The process that waits for it sees the signal; it prints that.
    const other = new Other(`
      import { waitFor as wait } from "${
      import.meta.resolve("./task/wait.ts")
    }";
      const code = ${JSON.stringify(IMPORTS)} +
        'signals.stopSelf(${signal}, () => true); console.log("back")';
      const { ownEnvironment } = await import("${
      import.meta.resolve("./proc.ts")
    }");
      const launched = launch({
        file: toCString(Deno.execPath()),
        argv: ["deno", "eval", "--ext=ts", "--no-check", code],
        env: ownEnvironment(),
        stdio: [0, 1, 2],
        keepFds: [],
        resetSignals: [13],
        extra: [{ call: "setpgid", args: [0, 0] }],
      });
      launched.release();
      wait(launched.pid, status, 2);
      console.log(status[0] & 0xff, status[0] >> 8);
      Deno.kill(launched.pid, "SIGCONT");
      wait(launched.pid, status);
      console.log(status[0]);
    `);
    assertEquals(await other.line(), `${0x7f} ${signal}`);
    assertEquals(await other.line(), "back");
    assertEquals(await other.line(), "0");
    assertEquals((await other.end()).code, 0);
  });
}
