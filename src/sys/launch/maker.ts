/** A process that makes namespaces, and what is in them, and waits to be ended. */

import { toCString } from "../../abi/bytes.ts";
import { EINTR, EIO, ENOSYS } from "../../abi/errno.ts";
import { O_CLOEXEC, O_WRONLY } from "../../abi/fcntl.ts";
import { CLONE_NEWUSER } from "../../abi/sched.ts";
import { SIGKILL } from "../../abi/signal.ts";
import { close, open, pipe2, read, writeAll } from "../files.ts";
import { ownGroup, ownUser } from "../ids.ts";
import { kill, reap } from "../task/wait.ts";
import { launchSteps } from "./spawn.ts";
import type { Step } from "./steps.ts";

/** A process that has made its calls, and stays until it is ended. */
export interface Maker {
  /** Its process id. */
  readonly pid: number;
  /** Ends it. */
  end(): void;
}

/** It waits for ever; its end comes with that of the thread that started it. */
const WAIT: Step = { call: "ppoll", args: [0, 0, 0, 0] };

/**
 * Starts a process that makes calls, and waits until it has made them.
 *
 * @param steps the calls
 * @param namespaces `CLONE_NEW*` for the namespaces that it gets; in a user
 * namespace it has the ids that it has outside
 * @returns the process, or the call that failed and its negative errno
 */
export function startMaker(
  steps: readonly Step[],
  namespaces: number,
): Maker | { readonly call: string; readonly errno: number } {
  const ends = pipe2(O_CLOEXEC);
  if (typeof ends === "number") return { call: "pipe2", errno: ends };
  const [reader, writer] = ends;
  const done = new Uint8Array(1);
  const launched = launchSteps(
    [...steps, { call: "write", args: [writer, done, 1] }, WAIT],
    [steps],
    namespaces,
  );
  // From here on it alone has it, so that its end is the end of the pipe.
  close(writer);
  if (typeof launched === "number") {
    close(reader);
    return { call: "clone3", errno: launched };
  }
  const { pid } = launched;
  const end = (): void => {
    kill(pid, SIGKILL);
    reap(pid);
    launched.dispose();
  };
  const mapped = (namespaces & CLONE_NEWUSER) === 0 ? 0 : mapIds(pid);
  if (mapped < 0) {
    close(reader);
    end();
    return { call: "uid_map", errno: mapped };
  }
  launched.release();
  let result: number;
  do result = read(reader, done); while (result === -EINTR);
  close(reader);
  if (result === 1) return { pid, end };
  reap(pid);
  const failure = launched.failure();
  launched.dispose();
  return failure === undefined
    ? { call: "clone3", errno: -EIO }
    : { call: failure.step, errno: -(failure.errno || ENOSYS) };
}

/**
 * Gives a process in a user namespace the ids that it has outside.
 *
 * @param pid the process
 * @returns 0, or a negative errno
 */
export function mapIds(pid: number): number {
  // user_namespaces(7): whoever has no privilege maps its own ids alone.
  const map = (id: number): string => `${id} ${id} 1\n`;
  for (
    const [file, text] of [
      ["setgroups", "deny"],
      ["uid_map", map(ownUser())],
      ["gid_map", map(ownGroup())],
    ] as const
  ) {
    const fd = open(toCString(`/proc/${pid}/${file}`), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return fd;
    const written = writeAll(fd, new TextEncoder().encode(text));
    close(fd);
    if (written < 0) return written;
  }
  return 0;
}
