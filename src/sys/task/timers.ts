/** Which clock a timer of a process counts by, as /proc tells. */

import { fromBytes } from "../../abi/bytes.ts";
import { readFile } from "../files.ts";

/** The most that is read of a file of /proc, in bytes. */
const MOST = 1 << 20;

/**
 * The clock of a timer of timer_create(2): proc(5), `/proc/pid/timers`.
 *
 * @param pid the process
 * @param id the timer
 * @returns `CLOCK_*`, or `undefined` where that cannot be told
 */
export function clockOfTimer(pid: number, id: number): number | undefined {
  const text = textOf(`/proc/${pid}/timers`);
  const found = new RegExp(`^ID: ${id}$[^]*?^ClockID: (-?\\d+)$`, "m")
    .exec(text);
  return found === null ? undefined : Number(found[1]);
}

/**
 * The clock of a descriptor of timerfd_create(2): proc(5), `/proc/pid/fdinfo/`.
 *
 * @param tid the task
 * @param fd the descriptor
 * @returns `CLOCK_*`, or `undefined` where it is none
 */
export function clockOfFd(tid: number, fd: number): number | undefined {
  const found = /^clockid: (\d+)$/m.exec(textOf(`/proc/${tid}/fdinfo/${fd}`));
  return found === null ? undefined : Number(found[1]);
}

function textOf(path: string): string {
  const bytes = readFile(path, MOST);
  return typeof bytes === "number" ? "" : fromBytes(bytes);
}
