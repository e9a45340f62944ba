import { assertEquals } from "@std/assert";
import { toCString } from "../abi/bytes.ts";
import { SIGKILL } from "../abi/signal.ts";
import { WNOHANG } from "../abi/wait.ts";
import { launch } from "./launch/spawn.ts";
import { libc } from "./libc.ts";
import { kill, waitFor } from "./task/wait.ts";
import { Watchdog } from "./watchdog.ts";

/** A process that never ends by itself. */
function sleeper(): number {
  const launched = launch({
    file: toCString("/bin/sleep"),
    argv: ["sleep", "1000"],
    env: [],
    stdio: [0, 1, 2],
    keepFds: [],
    resetSignals: [],
  });
  launched.release();
  return launched.pid;
}

/** How a process was ended: by which signal, or 0 as long as it runs. */
function endOf(pid: number): number {
  const status = new Int32Array(1);
  return waitFor(pid, status, WNOHANG) === pid ? (status[0] ?? 0) & 0x7f : 0;
}

Deno.test("a watchdog kills while the thread that watches is blocked, and whom it knows alone", () => {
  const [known, removed, added] = [sleeper(), sleeper(), sleeper()];
  const watchdog = new Watchdog(100, 100);
  watchdog.add(known);
  watchdog.add(removed);
  watchdog.remove(removed);
  watchdog.add(added);
  // No signal ends it: this thread blocks the only one that comes.
  libc.poll(null, 0, 1000);
  watchdog.remove(known);
  watchdog.remove(added);
  const { hasBitten } = watchdog;
  watchdog.stop();
  const ends = [known, removed, added].map(endOf);
  kill(removed, SIGKILL);
  waitFor(removed, new Int32Array(1));
  assertEquals([ends, hasBitten], [[SIGKILL, 0, SIGKILL], true]);
});

Deno.test("a watchdog that was stopped in time kills nobody", () => {
  const pid = sleeper();
  const watchdog = new Watchdog(100, 100);
  watchdog.add(pid);
  watchdog.stop();
  libc.poll(null, 0, 300);
  const end = endOf(pid);
  kill(pid, SIGKILL);
  waitFor(pid, new Int32Array(1));
  assertEquals(end, 0);
});
