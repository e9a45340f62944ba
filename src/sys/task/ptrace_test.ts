import { assertEquals } from "@std/assert";
import { toCString } from "../../abi/bytes.ts";
import { ENOENT } from "../../abi/errno.ts";
import { SIGKILL } from "../../abi/signal.ts";
import { launch } from "../launch/spawn.ts";
import { interrupt, isGone, seize } from "./ptrace.ts";
import { kill, reap, waitFor } from "./wait.ts";

Deno.test("isGone() knows who is gone, though an errno says something else", () => {
  const { pid } = launch({
    file: toCString("/bin/true"),
    argv: ["true"],
    env: [],
    stdio: [0, 1, 2],
    keepFds: [],
    resetSignals: [],
    noNewPrivs: true,
  });
  seize(pid, 0);
  interrupt(pid);
  waitFor(pid, new Int32Array(1));
  const stopped = isGone(pid, -ENOENT);
  kill(pid, SIGKILL);
  reap(pid);
  assertEquals([stopped, isGone(pid, -ENOENT)], [false, true]);
});
