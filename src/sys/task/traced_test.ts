/** A tracee for tests. */

import { toCString } from "../../abi/bytes.ts";
import { launch } from "../launch/spawn.ts";
import { seize } from "./ptrace.ts";

/** Starts a process, which waits and is traced: its id. */
export function traced(): number {
  const { pid } = launch({
    file: toCString("/bin/true"),
    argv: ["true"],
    env: [],
    stdio: [0, 1, 2],
    keepFds: [],
    resetSignals: [],
  });
  seize(pid, 0);
  return pid;
}
