/** What a process of the jail has used: processor time, memory, bytes written. */

import { fromBytes } from "../../abi/bytes.ts";
import { EACCES, ENOENT, errnoName, ESRCH } from "../../abi/errno.ts";
import { get } from "../../abi/layout.ts";
import { CPUCLOCK_SCHED, TIMESPEC } from "../../abi/time.ts";
import { SystemCallError } from "../../errors.ts";
import { readFile } from "../files.ts";
import { callNumber } from "../host.ts";
import { libc } from "../libc.ts";
import { statusOf } from "./status.ts";

/** More than any other of the files here has, in bytes. */
const MOST = 2 ** 16;

/** The first byte of a file that says no. */
const ZERO = 0x30;

const time = new Uint8Array(TIMESPEC.size);
let clockGettime = 0;

/**
 * The processor time of a process: of all its threads, those that are gone too,
 * and not of its children.
 *
 * @param pid the process, which may be a zombie
 * @returns milliseconds; 0 where it is gone
 */
export function cpuOf(pid: number): number {
  clockGettime ||= callNumber("clock_gettime");
  // A process's clock: include/linux/posix-timers.h, MAKE_PROCESS_CPUCLOCK.
  const clock = (~pid << 3) | CPUCLOCK_SCHED;
  if (libc.syscallIB(clockGettime, clock, time) < 0) return 0;
  return get(TIMESPEC, time, "tv_sec") * 1000 +
    get(TIMESPEC, time, "tv_nsec") / 1e6;
}

/**
 * The memory of a task that a file could not give back: what is its own, what is
 * shared memory, what is swapped out, huge pages, tables of pages, what is locked of
 * files at the least. Memory that others share is counted in full.
 *
 * @param tid a thread
 * @returns bytes; `undefined` where it has no memory any more
 * @throws {SystemCallError} where the kernel does not say
 */
export function memoryOf(tid: number): number | undefined {
  const status = statusOf(tid);
  const memory = sum(tid, status, STATUS_REGEXP);
  return memory && memory + lockedOfFiles(status, STATUS_LOCKED);
}

/**
 * The part of {@linkcode memoryOf} that is the task's own, unless it comes from
 * the process that made its own by fork(2), or the kernel merges pages.
 *
 * @param tid a thread
 * @returns bytes; `undefined` where it has no memory any more
 * @throws {SystemCallError} where the kernel does not say
 */
export function ownOf(tid: number): number | undefined {
  return sum(tid, statusOf(tid), OWN_REGEXP);
}

let merges: boolean | undefined;

/** Whether the kernel looks for pages that are the same, and merges them. */
export function mergesPages(): boolean {
  if (merges === undefined) {
    const run = readFile("/sys/kernel/mm/ksm/run", MOST);
    merges = typeof run === "number" ? run !== -ENOENT : run[0] !== ZERO;
  }
  return merges;
}

/**
 * The same as {@linkcode memoryOf}, where each page is counted in shares: half
 * of what two processes have in common. It takes the kernel milliseconds for
 * each gigabyte.
 *
 * @param tid a thread
 * @returns bytes; `undefined` where it has no memory any more, or hides that
 * @throws {SystemCallError} where the kernel does not say
 */
export function shareOf(tid: number): number | undefined {
  const rollup = readFile(`/proc/${tid}/smaps_rollup`, MOST);
  const text = typeof rollup === "number" ? rollup : fromBytes(rollup);
  const shares = sum(tid, text, ROLLUP_REGEXP);
  if (shares === undefined) return undefined;
  return shares + (sum(tid, statusOf(tid), TABLES_REGEXP) ?? 0) +
    lockedOfFiles(text, ROLLUP_LOCKED);
}

/** The lines that tell how much is locked, and how much there is of each kind. */
type LockedLines = Readonly<
  Record<"locked" | "file" | "anonymous" | "shared", RegExp>
>;

/** How much memory of files is locked, at the least, in bytes. */
function lockedOfFiles(text: string | number, lines: LockedLines): number {
  if (typeof text === "number") return 0;
  const of = (line: RegExp): number => Number(line.exec(text)?.[1] ?? 0);
  const all = of(lines.locked);
  if (all === 0) return 0;
  const others = of(lines.anonymous) + of(lines.shared);
  return Math.min(of(lines.file), Math.max(0, all - others)) * 1024;
}

// proc_pid_status(5) and proc_pid_smaps(5).
const STATUS_REGEXP =
  /^(?:RssAnon|RssShmem|VmPTE|VmSwap|HugetlbPages):\s+(\d+) kB$/gm;
const OWN_REGEXP = /^(?:RssAnon|VmPTE|VmSwap):\s+(\d+) kB$/gm;
const STATUS_LOCKED: LockedLines = {
  locked: /^VmLck:\s+(\d+) kB$/m,
  file: /^RssFile:\s+(\d+) kB$/m,
  anonymous: /^RssAnon:\s+(\d+) kB$/m,
  shared: /^RssShmem:\s+(\d+) kB$/m,
};
const ROLLUP_LOCKED: LockedLines = {
  locked: /^Locked:\s+(\d+) kB$/m,
  file: /^Pss_File:\s+(\d+) kB$/m,
  anonymous: /^Pss_Anon:\s+(\d+) kB$/m,
  shared: /^Pss_Shmem:\s+(\d+) kB$/m,
};
const TABLES_REGEXP = /^VmPTE:\s+(\d+) kB$/gm;
const ROLLUP_REGEXP =
  /^(?:Pss_Anon|Pss_Shmem|SwapPss|Shared_Hugetlb|Private_Hugetlb):\s+(\d+) kB$/gm;

function sum(
  tid: number,
  text: string | number,
  lines: RegExp,
): number | undefined {
  if (text === -ENOENT || text === -ESRCH || text === -EACCES) return undefined;
  if (typeof text === "number") {
    throw new SystemCallError(
      "see what the program uses",
      `open(/proc/${tid})`,
      errnoName(-text),
    );
  }
  let found: number | undefined;
  for (const [, kilobytes] of text.matchAll(lines)) {
    found = (found ?? 0) + Number(kilobytes) * 1024;
  }
  return found;
}

/**
 * How much a task has written: what it gave to write(2) and its like, or what it
 * changed in files on disks through mappings and otherwise, whichever is more.
 *
 * @param pid its process
 * @param tid the task
 * @returns bytes, or a negative errno where it cannot be read
 */
export function writtenBy(pid: number, tid: number): number {
  const bytes = readFile(`/proc/${pid}/task/${tid}/io`, MOST);
  if (typeof bytes === "number") return bytes;
  const text = fromBytes(bytes);
  // proc_pid_io(5)
  const of = (name: string): number =>
    Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  return Math.max(of("wchar"), of("write_bytes"));
}
