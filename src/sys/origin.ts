/** What started this process, as far as that can be told from outside. */

import { fromBytes } from "../abi/bytes.ts";
import { get } from "../abi/layout.ts";
import { RLIMIT64, RLIMIT_NOFILE } from "../abi/resource.ts";
import { readFile, readLink } from "./files.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";
import { field, hasSignal, statusOf } from "./task/status.ts";

/** More than `/proc/<pid>/limits` has, in bytes. */
const LIMITS_SIZE = 1 << 16;

/** A limit of a resource. */
export interface ResourceLimit {
  /** What holds. */
  readonly soft: number;
  /** What it may be raised to. */
  readonly hard: number;
}

// They change limits and dispositions of their own, and start Deno: `deno task`,
// `npx`.
const RUNTIMES: readonly string[] = ["deno", "node", "npm", "npx"];
// They pass on what they ignore themselves. Others, such as Python, ignore
// SIGPIPE and reset it in what they start.
const SHELLS: readonly string[] = [
  "ash",
  "bash",
  "busybox",
  "dash",
  "ksh",
  "mksh",
  "sh",
  "zsh",
];

/**
 * The limit of open files that this process was started with.
 *
 * Deno raises the soft limit to the hard one when it starts, and keeps no record
 * of it. What started Deno has it still, as a rule: the nearest ancestor that is
 * not itself such a runtime. This is a guess. It is wrong where the limit was
 * changed between that ancestor and this process, by `prlimit --nofile=100:200
 * jail` for example; the hard limit is always right, and the soft one never
 * above it.
 *
 * @returns the limit, or `undefined` where it cannot be read
 */
export function originalOpenFiles(): ResourceLimit | undefined {
  const own = ownOpenFiles();
  // Where it is below the hard one, nobody has raised it.
  if (own === undefined || own.soft < own.hard) return own;
  const pid = starter();
  if (pid === undefined) return own;
  const limits = readFile(`/proc/${pid}/limits`, LIMITS_SIZE);
  const soft = typeof limits === "number"
    ? undefined
    : /^Max open files\s+(\d+)\s/m.exec(fromBytes(limits))?.[1];
  return soft === undefined
    ? own
    : { soft: Math.min(Number(soft), own.hard), hard: own.hard };
}

/**
 * Was this process started by a shell that ignores the signal?
 *
 * Deno ignores SIGPIPE itself, and so hides what it was started with. A shell in
 * which `trap '' PIPE` was said tells it, unless it made way for Deno by `exec`.
 *
 * @param signal the signal's number
 * @returns whether the program should ignore it
 */
export function isIgnoredByShell(signal: number): boolean {
  const pid = starter();
  if (pid === undefined) return false;
  const file = readLink(`/proc/${pid}/exe`);
  if (typeof file === "number" || !SHELLS.includes(baseName(file))) {
    return false;
  }
  return hasSignal(statusOf(pid), "SigIgn", signal);
}

/** The limit of open files of this process; `undefined` where it cannot be read. */
export function ownOpenFiles(): ResourceLimit | undefined {
  const into = new Uint8Array(RLIMIT64.size);
  const result = libc.syscallIIBB(
    callNumber("prlimit64"),
    0,
    RLIMIT_NOFILE,
    null,
    into,
  );
  return result < 0 ? undefined : {
    soft: get(RLIMIT64, into, "rlim_cur"),
    hard: get(RLIMIT64, into, "rlim_max"),
  };
}

/** The nearest ancestor that is not a runtime. */
function starter(): number | undefined {
  const ownFile = readLink("/proc/self/exe");
  let pid = Deno.ppid;
  // 0 is the parent of a namespace's first process.
  while (pid > 0) {
    const file = readLink(`/proc/${pid}/exe`);
    if (typeof file === "number") return pid;
    if (file !== ownFile && !RUNTIMES.includes(baseName(file))) return pid;
    pid = Number(field(statusOf(pid), "PPid") ?? 0);
  }
  return undefined;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
