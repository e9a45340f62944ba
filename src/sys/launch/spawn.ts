/**
 * Starting the program.
 *
 * JavaScript must not run in a forked child of a process with threads, so the
 * new process runs a few instructions of machine code, which carry out a list of
 * raw system calls that was prepared here. It shares this process's memory until
 * its `execve`: nothing is copied, and what failed is simply read.
 */

import { SOCK_FILTER, SOCK_FPROG } from "../../abi/bpf.ts";
import { fromBytes, printable, toCString } from "../../abi/bytes.ts";
import { CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_END } from "../../abi/close_range.ts";
import { errnoName } from "../../abi/errno.ts";
import { F_SETFD } from "../../abi/fcntl.ts";
import { FUTEX_WAIT_PRIVATE, FUTEX_WAKE_PRIVATE } from "../../abi/futex.ts";
import { get, set } from "../../abi/layout.ts";
import { PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG } from "../../abi/prctl.ts";
import { RLIMIT64, RLIMIT_NOFILE } from "../../abi/resource.ts";
import {
  CLONE_ARGS,
  CLONE_CLEAR_SIGHAND,
  CLONE_INTO_CGROUP,
  CLONE_VM,
} from "../../abi/sched.ts";
import { LISTENER_FLAGS, SECCOMP_SET_MODE_FILTER } from "../../abi/seccomp.ts";
import { SIGACTION, SIGCHLD, SIGKILL, SIGSET_SIZE } from "../../abi/signal.ts";
import { LaunchError, UnsupportedError } from "../../errors.ts";
import { EXIT_JAIL_FAILED } from "../../outcome.ts";
import { addressOf } from "../address.ts";
import { codePage } from "../code_page.ts";
import { close, duplicate } from "../files.ts";
import { callNumber } from "../host.ts";
import { LAUNCH_BLOCK } from "../launch_code.ts";
import { libc } from "../libc.ts";
import type { ResourceLimit } from "../origin.ts";
import { workingDirectory } from "../proc.ts";
import { checkOwn, triedInVain } from "./made.ts";
import { type LaidOut, layOut, type Step, stringArray } from "./steps.ts";

export type { Step } from "./steps.ts";

/** What to start, and how. */
export interface LaunchPlan {
  /** The file to execute, a C string. */
  readonly file: Uint8Array;
  /** Its arguments, from `argv[0]` on, as byte strings. */
  readonly argv: readonly string[];
  /** Its environment, `NAME=value` each, as byte strings. */
  readonly env: readonly string[];
  /** How it enters the root directory that it has. */
  readonly root?: readonly Step[] | undefined;
  /** Its working directory, a byte string; this process's where not given. */
  readonly cwd?: string | undefined;
  /** Which fds of this process become its 0, 1 and 2. */
  readonly stdio: readonly [number, number, number];
  /** Which fds above 2 it has too, under the same numbers. */
  readonly keepFds: readonly number[];
  /** Signals that this process ignores and the program must not. */
  readonly resetSignals: readonly number[];
  /** Its limit of open files; this process's where not given. */
  readonly nofile?: ResourceLimit | undefined;
  /** An array of `struct sock_filter`. */
  readonly filter?: Uint8Array | undefined;
  /** Does the filter have a listener (`task/listener.ts`)? */
  readonly listens?: boolean | undefined;
  /** Calls to make just before the filter. */
  readonly extra?: readonly Step[] | undefined;
  /** The directory of the control group that it is made in, as an fd. */
  readonly cgroup?: number | undefined;
  /** Is it traced once it is released, and ends with this thread by that alone? */
  readonly traced?: boolean | undefined;
}

/** A new process that waits to become the program. */
export interface Launched {
  /** Its process id. */
  readonly pid: number;
  /** Lets it go on. */
  release(): void;
  /**
   * What it could not do, once it has exited with 127 and no exec was seen. The errno
   * is 0 of a call that only seems to be made.
   */
  failure(): { readonly step: string; readonly errno: number } | undefined;
  /**
   * Gives back the memory that it shares with this process. Must only be called
   * after its exec, or its end.
   */
  dispose(): void;
}

// The new process waits this long for release(). It ends of SIGKILL when this
// thread does; the time is for a thread that ended before that was set.
const PATIENCE_SECONDS = 60n;
// Nothing uses the stack, but clone3 with CLONE_VM is given one of its own.
const STACK_SIZE = 4096;

// What processes between clone and exec use, so that it is not collected.
const inUse = new Set<readonly unknown[]>();

/**
 * Starts a process that waits, so that it can be traced from its first step.
 *
 * @param plan what to start
 * @returns the process, before any of the plan's steps
 * @throws {LaunchError} if no process can be made
 * @throws {UnsupportedError} if this kernel or machine cannot do it
 */
export function launch(plan: LaunchPlan): Launched {
  const stdio: number[] = [];
  try {
    for (const fd of plan.stdio) stdio.push(moveAway(plan, fd, stdio.length));
    const { steps, memory } = programSteps(plan, stdio);
    checkOwn(plan.traced === true);
    const launched = launchSteps(steps, memory, 0, plan.cgroup);
    if (typeof launched !== "number") return launched;
    throw launchError(plan, "clone3", launched);
  } finally {
    // The new process has copies of its own.
    stdio.forEach((fd, target) => {
      if (fd !== plan.stdio[target]) close(fd);
    });
  }
}

/**
 * Starts a process that waits, and then makes calls. Where none of them is an
 * `execve`, it has exited with 127 when it has made them.
 *
 * @param steps the calls
 * @param memory what their arguments point to, beside the arrays in them
 * @param namespaces `CLONE_NEW*` for the namespaces that it gets
 * @param cgroup the directory of the control group that it is made in, as an fd
 * @returns the process, before the first of the calls, or a negative errno
 */
export function launchSteps(
  steps: readonly Step[],
  memory: readonly unknown[] = [],
  namespaces = 0,
  cgroup = -1,
): Launched | number {
  const page = codePage();
  const cloneArgs = new Uint8Array(CLONE_ARGS.size);
  const stack = new Uint8Array(STACK_SIZE);
  const grouped = cgroup >= 0;
  const flags = CLONE_VM + CLONE_CLEAR_SIGHAND + namespaces +
    (grouped ? CLONE_INTO_CGROUP : 0);
  set(CLONE_ARGS, cloneArgs, "flags", flags);
  if (grouped) set(CLONE_ARGS, cloneArgs, "cgroup", cgroup);
  set(CLONE_ARGS, cloneArgs, "exit_signal", SIGCHLD);
  set(CLONE_ARGS, cloneArgs, "stack", addressOf(stack));
  set(CLONE_ARGS, cloneArgs, "stack_size", STACK_SIZE);
  const tried = triedInVain([...waitSteps(0), ...steps]);
  const laidOut = layOut(cloneArgs, (go) => [
    ...waitSteps(go),
    ...tried,
    ...steps,
  ]);
  const pid = page.launch(laidOut.block);
  return pid < 0 ? pid : new NewProcess(pid, laidOut, [
    ...[cloneArgs, stack],
    ...memory,
  ]);
}

class NewProcess implements Launched {
  readonly pid: number;
  readonly #block: Uint8Array<ArrayBuffer>;
  readonly #steps: readonly Step[];
  readonly #memory: readonly unknown[];

  constructor(pid: number, laidOut: LaidOut, memory: readonly unknown[]) {
    this.pid = pid;
    this.#block = laidOut.block;
    this.#steps = laidOut.steps;
    this.#memory = [laidOut, memory];
    inUse.add(this.#memory);
  }

  release(): void {
    wake(new Int32Array(this.#block.buffer, LAUNCH_BLOCK.fields.go[0], 1));
  }

  failure(): { readonly step: string; readonly errno: number } | undefined {
    const step = this.#steps[get(LAUNCH_BLOCK, this.#block, "failed")];
    return step === undefined ? undefined : {
      step: step.call,
      errno: step.inVain ? 0 : -get(LAUNCH_BLOCK, this.#block, "result"),
    };
  }

  dispose(): void {
    inUse.delete(this.#memory);
  }
}

// Fds below this may be among those that are still to be moved.
const FIRST_FREE_FD = 10;

function moveAway(plan: LaunchPlan, fd: number, target: number): number {
  if (fd === target) return fd;
  const moved = duplicate(fd, FIRST_FREE_FD);
  if (moved < 0) throw launchError(plan, "fcntl", moved);
  return moved;
}

/** What the new process does first: wait until it is traced. */
function waitSteps(go: number): Step[] {
  return [
    { call: "prctl", args: [PR_SET_PDEATHSIG, SIGKILL] },
    waitStep(go),
  ];
}

/**
 * A step that waits for {@linkcode wake}, but not for ever.
 *
 * @param go where the word is that it waits on, which is 0
 */
export function waitStep(go: number | Uint8Array): Step {
  const time = new Uint8Array(new BigInt64Array([PATIENCE_SECONDS, 0n]).buffer);
  const args = [go, FUTEX_WAIT_PRIVATE, 0, time];
  return { call: "futex", args, waits: true };
}

/** Wakes whoever waits on a word. */
export function wake(go: Int32Array): void {
  Atomics.store(go, 0, 1);
  libc.syscallBII(callNumber("futex"), go, FUTEX_WAKE_PRIVATE, 1);
}

/** What it does to become the program, and the memory that this needs. */
function programSteps(
  plan: LaunchPlan,
  stdio: readonly number[],
): { readonly steps: readonly Step[]; readonly memory: readonly unknown[] } {
  const argv = stringArray(plan.argv);
  const env = stringArray(plan.env);
  const steps: Step[] = [];
  // It could see that (PR_GET_PDEATHSIG), and needs it no more.
  if (plan.traced) steps.push({ call: "prctl", args: [PR_SET_PDEATHSIG, 0] });
  for (const signal of plan.resetSignals) {
    const byDefault = new Uint8Array(SIGACTION.size);
    steps.push({
      call: "rt_sigaction",
      args: [signal, byDefault, 0, SIGSET_SIZE],
    });
  }
  steps.push(...fdSteps(plan, stdio));
  const { root = [] } = plan;
  steps.push(...root);
  if (plan.cwd !== undefined) {
    // Whoever is in a directory already stays there, though its path is closed.
    const mayFail = root.length === 0 && plan.cwd === workingDirectory();
    steps.push({ call: "chdir", args: [toCString(plan.cwd)], mayFail });
  }
  if (plan.nofile !== undefined) {
    const limit = new Uint8Array(RLIMIT64.size);
    set(RLIMIT64, limit, "rlim_cur", plan.nofile.soft);
    set(RLIMIT64, limit, "rlim_max", plan.nofile.hard);
    steps.push({ call: "prlimit64", args: [0, RLIMIT_NOFILE, limit, 0] });
  }
  // It never gains rights by exec; a filter needs that.
  steps.push({ call: "prctl", args: [PR_SET_NO_NEW_PRIVS, 1] });
  steps.push(...plan.extra ?? []);
  if (plan.filter !== undefined) {
    // Its listener is one more descriptor, whose number has a limit.
    if (plan.listens) steps.push(...closeSteps(plan.keepFds));
    steps.push(filterStep(plan.filter, plan.listens === true));
  }
  steps.push({
    call: "execve",
    args: [plan.file, argv.pointers, env.pointers],
  });
  return { steps, memory: [argv, env, plan] };
}

function fdSteps(plan: LaunchPlan, stdio: readonly number[]): Step[] {
  const steps: Step[] = stdio.map((fd, target) =>
    fd === target
      ? { call: "fcntl", args: [fd, F_SETFD, 0], mayFail: true }
      : { call: "dup3", args: [fd, target, 0] }
  );
  steps.push({
    call: "close_range",
    args: [3, CLOSE_RANGE_END, CLOSE_RANGE_CLOEXEC],
  });
  for (const fd of plan.keepFds) {
    steps.push({ call: "fcntl", args: [fd, F_SETFD, 0] });
  }
  return steps;
}

/** Closes what the exec would close, once no step needs it any more. */
function closeSteps(keepFds: readonly number[]): Step[] {
  const steps: Step[] = [];
  let from = 3;
  for (const fd of keepFds.toSorted((a, b) => a - b)) {
    if (fd > from) {
      steps.push({ call: "close_range", args: [from, fd - 1, 0] });
    }
    from = fd + 1;
  }
  return [...steps, { call: "close_range", args: [from, CLOSE_RANGE_END, 0] }];
}

function filterStep(filter: Uint8Array, listens: boolean): Step {
  const program = new Uint8Array(SOCK_FPROG.size);
  set(SOCK_FPROG, program, "len", filter.length / SOCK_FILTER.size);
  set(SOCK_FPROG, program, "filter", addressOf(filter));
  const flags = listens ? LISTENER_FLAGS : 0;
  return { call: "seccomp", args: [SECCOMP_SET_MODE_FILTER, flags, program] };
}

function launchError(
  plan: LaunchPlan,
  call: string,
  result: number,
): LaunchError | UnsupportedError {
  const name = printable(fromBytes(plan.file, 0, plan.file.indexOf(0)));
  const errno = errnoName(-result);
  // A container's filter answers EPERM or ENOSYS, an old kernel ENOSYS, EINVAL.
  return call === "clone3" && errno !== "EAGAIN" && errno !== "ENOMEM"
    ? new UnsupportedError(
      `Cannot start ${name}: clone3 failed with ${errno}`,
      "use Linux 5.11 or newer; a container must allow clone3, and a jail does not",
    )
    : new LaunchError(
      name,
      call,
      errno,
      EXIT_JAIL_FAILED,
      errno === "EAGAIN"
        ? "raise the limit of processes: ulimit -u"
        : undefined,
    );
}
