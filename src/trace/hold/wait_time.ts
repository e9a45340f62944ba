/** Calls that wait, and that a stop of their thread ends by EINTR: for how long. */

import { getBig, set } from "../../abi/layout.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import { TIMESPEC } from "../../abi/time.ts";
import { readMemory, storeBelowStack } from "../../sys/task/memory.ts";
import type { Registers } from "../tracee/registers.ts";

/** The argument that says how long a call waits. */
interface TimeArgument {
  /** Which one it is; -1 where there is none, and it waits for as long as it takes. */
  readonly index: number;
  /** Whether it is a number of milliseconds, and no address of a time. */
  readonly plain?: true;
}

/**
 * Calls that fail with EINTR once their thread was stopped, though no handler has run:
 * signal(7). A timer of theirs begins anew where they are made again.
 */
const WAITS: Partial<Readonly<Record<SyscallName, TimeArgument>>> = {
  epoll_pwait: { index: 3, plain: true },
  epoll_pwait2: { index: 3 },
  epoll_wait: { index: 3, plain: true },
  io_getevents: { index: 4 },
  io_pgetevents: { index: 4 },
  rt_sigtimedwait: { index: 2 },
  semop: { index: -1 },
  semtimedop: { index: 3 },
};

/**
 * Calls that do so where the socket has a timeout (SO_RCVTIMEO, SO_SNDTIMEO), which is
 * that of their first argument.
 */
const SOCKET_WAITS: Partial<Readonly<Record<SyscallName, "receive" | "send">>> =
  {
    accept: "receive",
    accept4: "receive",
    read: "receive",
    readv: "receive",
    recvfrom: "receive",
    recvmmsg: "receive",
    recvmsg: "receive",
    sendfile: "send",
    sendmmsg: "send",
    sendmsg: "send",
    sendto: "send",
    write: "send",
    writev: "send",
  };

/**
 * By which timeout of its socket a call waits.
 *
 * @param name the call
 */
export function socketWait(name: SyscallName): "receive" | "send" | undefined {
  return SOCKET_WAITS[name];
}

/** Index of what a call writes from, or reads into, where it may do so in part. */
export const BUFFER = 1;
/** Index of how much. */
export const BYTES = 2;

/** Nobody waits for longer than this, in seconds. */
const MOST = 2 ** 31;

const time = new Uint8Array(TIMESPEC.size);

/**
 * For how long a call waits.
 *
 * @param tid who makes it
 * @param name the call
 * @param registers its arguments
 * @returns milliseconds, infinite where it waits for as long as it takes; `undefined`
 * for a call that the kernel itself makes again, or that does not wait
 */
export function waitTime(
  tid: number,
  name: SyscallName,
  registers: Pick<Registers, "int" | "address">,
): number | undefined {
  const argument = WAITS[name];
  if (argument === undefined) return undefined;
  const { index, plain } = argument;
  if (index < 0) return Infinity;
  if (plain === true) {
    const milliseconds = registers.int(index);
    return milliseconds < 0 ? Infinity : milliseconds;
  }
  const address = registers.address(index);
  if (address === 0) return Infinity;
  const read = readMemory(tid, address, time, time.length);
  return read === time.length ? millisecondsOf(time) : undefined;
}

/**
 * Has a call wait for another time. Its thread may change that again below its stack,
 * as it may where it waits for.
 *
 * @param tid who is about to make it
 * @param name a call of which {@linkcode waitTime} says how long it waits
 * @param registers its arguments, which are changed
 * @param milliseconds how long it is to wait; what is below 0 is over
 */
export function setWaitTime(
  tid: number,
  name: SyscallName,
  registers: Pick<Registers, "setArgument" | "sp">,
  milliseconds: number,
): void {
  const argument = WAITS[name];
  if (argument === undefined) return;
  const { index, plain } = argument;
  if (plain === true) {
    registers.setArgument(index, Math.ceil(Math.max(0, milliseconds)));
    return;
  }
  setMilliseconds(time, milliseconds);
  const place = storeBelowStack(tid, registers.sp, time, time.length);
  if (place >= 0) registers.setArgument(index, place);
}

/**
 * How long a time is.
 *
 * @param time a `struct timespec`, or one whose second field has another unit
 * @param unit how much of that field is a millisecond
 * @returns milliseconds; infinite where it is years
 */
export function millisecondsOf(time: Uint8Array, unit = 1e6): number {
  const seconds = Number(getBig(TIMESPEC, time, "tv_sec"));
  const rest = Number(getBig(TIMESPEC, time, "tv_nsec"));
  return seconds < MOST ? 1e3 * seconds + rest / unit : Infinity;
}

/** The same the other way round: what is below 0 becomes 0. */
export function setMilliseconds(
  time: Uint8Array,
  milliseconds: number,
  unit = 1e6,
): void {
  const left = Math.max(0, milliseconds);
  set(TIMESPEC, time, "tv_sec", Math.floor(left / 1e3));
  set(TIMESPEC, time, "tv_nsec", Math.floor(left % 1e3 * unit));
}
