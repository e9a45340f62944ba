/** What the kernel tells about another task by its id. */

import { fromBytes } from "../../abi/bytes.ts";
import {
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_KILL,
  hasCapability,
} from "../../abi/capability.ts";
import { ENOENT, ESRCH } from "../../abi/errno.ts";
import { KCMP_FILES, KCMP_VM } from "../../abi/kcmp.ts";
import { SIGCONT } from "../../abi/signal.ts";
import { eachName } from "../directory.ts";
import { readFile, readLink } from "../files.ts";
import { callNumber } from "../host.ts";
import { libc, rareLibc } from "../libc.ts";
import { statusOf } from "./status.ts";
import { kill } from "./wait.ts";

/** More than `/proc/<pid>/stat` has, in bytes. */
const STAT_SIZE = 4096;
/** A page, as much as procfs tells of it. */
const LABEL_SIZE = 4096;
/** More than the ids of the children that are looked at, in bytes. */
const CHILDREN_SIZE = 1 << 20;

/** Where {@linkcode statOf} has the number of threads. */
const THREADS = 17;

/** What lets a task use files that it may not use by its ids. */
const FILE_CAPABILITIES: readonly number[] = [
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
];

let getpgidNumber = 0;
let getsidNumber = 0;
let kcmpNumber = 0;

/**
 * The process group of a process.
 *
 * @param pid the process
 * @returns its group's id, or a negative errno
 */
export function getpgid(pid: number): number {
  getpgidNumber ||= callNumber("getpgid");
  return libc.syscallIII(getpgidNumber, pid, 0, 0);
}

/**
 * The session of a process.
 *
 * @param pid the process; 0 for this one
 * @returns its session's id, or a negative errno
 */
export function getsid(pid: number): number {
  getsidNumber ||= callNumber("getsid");
  return libc.syscallIII(getsidNumber, pid, 0, 0);
}

/**
 * The fields of `/proc/<pid>/stat` from the third on, proc_pid_stat(5): state,
 * parent and so on; none where there is no such task, `?` where that cannot be
 * told. A name, which is before them, may have any character.
 */
function statOf(tid: number): string[] {
  const stat = readFile(`/proc/${tid}/stat`, STAT_SIZE);
  if (stat === -ENOENT || stat === -ESRCH) return [];
  if (typeof stat === "number") return ["?"];
  return fromBytes(stat).split(") ").at(-1)?.split(" ") ?? [];
}

/**
 * The parent of a process, which may have ended.
 *
 * @param pid the process
 * @returns its parent's id; 0 where there is none, or no such process; negative
 * where it cannot be told
 */
export function parentOf(pid: number): number {
  const [state, parent = "0"] = statOf(pid);
  return state === "?" ? -1 : Number(parent);
}

/**
 * Which terminal a process is controlled by.
 *
 * @param pid the process
 * @returns its device; 0 where there is none; `undefined` where it cannot be told
 */
export function terminalOf(pid: number): number | undefined {
  const [, , , , device] = statOf(pid);
  return device === undefined ? undefined : Number(device);
}

/**
 * Which group is in front of the terminal that a process is controlled by.
 *
 * @param pid the process
 * @returns the group's id; not positive where there is none; `undefined` where it
 * cannot be told
 */
export function frontOf(pid: number): number | undefined {
  const [, , , , , front] = statOf(pid);
  return front === undefined ? undefined : Number(front);
}

/**
 * Whose child a process is that has ended, and that nobody has waited for. A first
 * thread that has left looks the same while others of its process go on.
 *
 * @param pid the process
 * @returns its parent's id; `undefined` where it lives, is gone, or cannot be seen
 */
export function parentOfEnded(pid: number): number | undefined {
  const stat = statOf(pid);
  const [state, parent] = stat;
  return state === "Z" && stat[THREADS] === "1" ? Number(parent) : undefined;
}

/**
 * What a task does, as proc_pid_stat(5) has it: `R` it runs, `S` it sleeps, and a
 * signal would end that, `D` none would, and so on.
 *
 * @param tid the task
 */
export function stateOf(tid: number): string {
  return statOf(tid)[0] ?? "X";
}

/**
 * Whether a task is stopped, by a signal or for its tracer; `false` as soon as
 * it is continued, though it has not run yet.
 *
 * @param tid the task
 */
export function isStopped(tid: number): boolean {
  const [state] = statOf(tid);
  return state === "T" || state === "t";
}

/**
 * Whether a process has a timer, by which it may have itself continued once it has
 * stopped; `true` where the kernel does not tell (CONFIG_CHECKPOINT_RESTORE).
 *
 * @param pid the process
 */
export function hasTimer(pid: number): boolean {
  const timers = readFile(`/proc/${pid}/timers`, 1);
  return typeof timers === "number" || timers.length > 0;
}

/**
 * The children of a process, of all its threads, proc_tid_children(5); none where
 * the kernel does not tell (CONFIG_PROC_CHILDREN).
 *
 * @param pid the process
 * @param until when to look no further, by `performance.now()`: who makes threads by
 * the thousand, which compute, keeps this one from each look for long
 */
export function childrenOf(pid: number, until = Infinity): number[] {
  const children: number[] = [];
  for (const tid of eachName(`/proc/${pid}/task`)) {
    if (performance.now() > until) break;
    const text = readFile(`/proc/${pid}/task/${tid}/children`, CHILDREN_SIZE);
    if (typeof text === "number") continue;
    for (const id of fromBytes(text).split(" ")) {
      if (id !== "") children.push(Number(id));
    }
  }
  return children;
}

/**
 * Which PID namespace a process is in, namespaces(7): a number; negative where it
 * cannot be told.
 *
 * @param pid the process
 */
export function pidNamespaceOf(pid: number): number {
  const link = readLink(`/proc/${pid}/ns/pid`);
  return typeof link === "number" ? link : Number(/\d+/.exec(link)?.[0] ?? -1);
}

/**
 * The number of the call that a task waits in, proc_pid_syscall(5); `undefined`
 * where it runs, or that cannot be told. What waits outside of a call, for memory
 * perhaps, may say any number.
 *
 * @param tid the task
 */
export function waitingIn(tid: number): number | undefined {
  const text = readFile(`/proc/${tid}/syscall`, STAT_SIZE);
  if (typeof text === "number") return undefined;
  const nr = /^\d+ /.exec(fromBytes(text))?.[0];
  return nr === undefined ? undefined : Number(nr);
}

/**
 * What a security module such as AppArmor or SELinux calls the confinement of a
 * task, a byte string; "" where there is none, or it cannot be told.
 *
 * @param tid the task, or `self`
 */
export function confinementOf(tid: number | "self"): string {
  const text = readFile(`/proc/${tid}/attr/current`, LABEL_SIZE);
  return typeof text === "number" ? "" : fromBytes(text);
}

/** What of `/proc/<pid>/status` says whose files a task may use, and how. */
const RIGHTS_REGEXP = /^(?:Uid|Gid|Groups):.*$/gm;
const EFFECTIVE_REGEXP = /^CapEff:\s*([0-9a-f]+)$/m;

/**
 * What a task may do to files: two with the same rights may do the same.
 *
 * @param tid the task, or `self`
 */
export function fileRightsOf(tid: number | "self"): string {
  const status = statusOf(tid);
  if (typeof status === "number") return `${status}`;
  const capabilities = effectiveOf(status);
  const file = FILE_CAPABILITIES.filter((one) =>
    hasCapability(capabilities, one)
  );
  return `${status.match(RIGHTS_REGEXP)} ${file}`;
}

/** The capabilities that a task may use, by its status. */
function effectiveOf(status: string): number {
  return parseInt(EFFECTIVE_REGEXP.exec(status)?.[1] ?? "0", 16);
}

const IDS_REGEXP = /^Uid:\s+(\d+)\s+(\d+)\s+(\d+)/m;

/**
 * Whether a task may signal a process of another user, or its own one's:
 * check_kill_permission() in the kernel's kernel/signal.c. What a security module
 * says of it is not known.
 *
 * @param sender the task
 * @param pid the process
 * @param signal which signal
 */
export function maySignal(
  sender: number,
  pid: number,
  signal: number,
): boolean {
  const own = statusOf(sender);
  const other = statusOf(pid);
  if (typeof own === "number" || typeof other === "number") return false;
  const [, real, effective] = IDS_REGEXP.exec(own) ?? [];
  const [, theirs, , saved] = IDS_REGEXP.exec(other) ?? [];
  return [real, effective].some((id) => id === theirs || id === saved) ||
    hasCapability(effectiveOf(own), CAP_KILL) ||
    signal === SIGCONT && getsid(sender) === getsid(pid);
}

/**
 * Whether there is nobody of an id: kill(2) says ESRCH, with no signal.
 *
 * @param id a task, or a group as a negative number
 */
export function isNobody(id: number): boolean {
  return kill(id, 0) === -ESRCH;
}

/** Whether a process has ended, and nobody has waited for it; or may have. */
export function isZombie(pid: number): boolean {
  const [state] = statOf(pid);
  return state === "Z" || state === "?";
}

/** Whether a task runs no more: a zombie, or gone. */
export function isOver(tid: number): boolean {
  const [state] = statOf(tid);
  return state === undefined || state === "Z" || state === "X";
}

function same(a: number, b: number, type: number): boolean | undefined {
  kcmpNumber ||= callNumber("kcmp");
  const result = rareLibc().syscallIIIBB(kcmpNumber, a, b, type, null, null);
  return result < 0 ? undefined : result === 0;
}

/** Whether two tasks share their memory; `undefined` where it cannot be told. */
export function shareMemory(a: number, b: number): boolean | undefined {
  return same(a, b, KCMP_VM);
}

/** Whether two tasks share their descriptors; `undefined` where it cannot be told. */
export function shareFiles(a: number, b: number): boolean | undefined {
  return same(a, b, KCMP_FILES);
}
