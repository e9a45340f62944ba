/** The first process of a PID namespace: making it, and what comes of its end. */

import { toCString } from "../../abi/bytes.ts";
import { CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_END } from "../../abi/close_range.ts";
import { EINTR, EIO, ENOSYS } from "../../abi/errno.ts";
import { AT_EMPTY_PATH, O_CLOEXEC, O_RDONLY } from "../../abi/fcntl.ts";
import { set } from "../../abi/layout.ts";
import { MFD_CLOEXEC, MFD_EXEC } from "../../abi/memfd.ts";
import { CLONE_NEWPID, CLONE_NEWUSER } from "../../abi/sched.ts";
import {
  SIG_IGN,
  SIGACTION,
  SIGCHLD,
  SIGKILL,
  SIGSET_SIZE,
} from "../../abi/signal.ts";
import { close, open, pipe2, read, writeAll } from "../files.ts";
import { callNumber } from "../host.ts";
import { libc } from "../libc.ts";
import { kill, reap } from "../task/wait.ts";
import { initImage } from "./init_code.ts";
import { mapIds } from "./maker.ts";
import { launchSteps } from "./spawn.ts";
import { type Step, stringArray } from "./steps.ts";

/** The first process of a PID namespace. With it the kernel ends all in there. */
export interface Init {
  /** Its process id, outside. */
  readonly pid: number;
  /** Tells it to exit when nobody is left. It does not wait for that. */
  leave(): void;
  /** It is gone, and was waited for. */
  gone(): void;
  /** Ends it, and waits until nobody in the namespace is left. */
  end(): void;
}

/** Its standard input. */
const STDIN = 0;
const NO_FD = -1;

/**
 * Makes a PID namespace, and its first process, which makes calls before it
 * becomes what it is.
 *
 * @param steps the calls
 * @param namespaces `CLONE_NEW*` for the other namespaces that it gets; in a user
 * namespace it has the ids that it has outside
 * @returns the process, or the call that failed and its negative errno
 */
export function startInit(
  steps: readonly Step[],
  namespaces: number,
): Init | { readonly call: string; readonly errno: number } {
  const image = openImage();
  if (image < 0) return { call: "memfd_create", errno: image };
  const [asking, answering] = [pipe2(O_CLOEXEC), pipe2(O_CLOEXEC)];
  const fds = [image, asking, answering].flat();
  if (typeof asking === "number" || typeof answering === "number") {
    fds.forEach(closeOne);
    return { call: "pipe2", errno: Math.min(...fds) };
  }
  const [told, tell] = asking;
  const [done, doing] = answering;
  const [argv, env] = [stringArray(["init"]), stringArray([])];
  const launched = launchSteps(
    [
      ...steps,
      ...beginSteps(told),
      {
        call: "execveat",
        args: [
          image,
          toCString(""),
          argv.pointers,
          env.pointers,
          AT_EMPTY_PATH,
        ],
      },
    ],
    [steps, argv, env],
    CLONE_NEWPID + namespaces,
  );
  // From here on it alone has its ends, so that an exec is the end of a pipe.
  [image, told, doing].forEach(closeOne);
  if (typeof launched === "number") {
    [tell, done].forEach(closeOne);
    return { call: "clone3", errno: launched };
  }
  const { pid } = launched;
  let writer = tell;
  const leave = (): void => {
    closeOne(writer);
    writer = NO_FD;
  };
  let isGone = false;
  const gone = (): void => {
    isGone = true;
  };
  const end = (): void => {
    leave();
    if (!isGone) {
      kill(pid, SIGKILL);
      reap(pid);
    }
    isGone = true;
    launched.dispose();
  };
  const mapped = (namespaces & CLONE_NEWUSER) === 0 ? 0 : mapIds(pid);
  if (mapped < 0) {
    close(done);
    end();
    return { call: "uid_map", errno: mapped };
  }
  launched.release();
  let result: number;
  do result = read(done, new Uint8Array(1)); while (result === -EINTR);
  close(done);
  const failure = launched.failure();
  if (failure === undefined && result === 0) return { pid, leave, gone, end };
  end();
  return failure === undefined
    ? { call: "execveat", errno: -EIO }
    : { call: failure.step, errno: -(failure.errno || ENOSYS) };
}

/** What it does before it executes its program. */
function beginSteps(stdin: number): Step[] {
  const ignored = new Uint8Array(SIGACTION.size);
  set(SIGACTION, ignored, "sa_handler", SIG_IGN);
  return [
    // A parent that ignores SIGCHLD leaves no zombies: sigaction(2).
    { call: "rt_sigaction", args: [SIGCHLD, ignored, 0, SIGSET_SIZE] },
    { call: "dup3", args: [stdin, STDIN, 0] },
    {
      call: "close_range",
      args: [STDIN + 1, CLOSE_RANGE_END, CLOSE_RANGE_CLOEXEC],
    },
  ];
}

/** Its program, in memory; or a negative errno. */
function openImage(): number {
  const flags = MFD_CLOEXEC | MFD_EXEC;
  const written = libc.syscallBII(
    callNumber("memfd_create"),
    toCString("init"),
    flags,
    0,
  );
  if (written < 0) return written;
  const result = writeAll(written, initImage());
  // What is open for writing is not executed: execve(2), ETXTBSY.
  const image = result < 0 ? result : open(
    toCString(`/proc/self/fd/${written}`),
    O_RDONLY | O_CLOEXEC,
  );
  close(written);
  return image;
}

function closeOne(fd: number): void {
  if (fd >= 0) close(fd);
}
