/**
 * Tracing: `ptrace(2)`, one function for each request.
 *
 * All of them return 0 or more, or a negative errno. `-ESRCH` is normal life: a
 * tracee may be gone, or not stopped, at any moment.
 */

import { NT_PRSTATUS } from "../../abi/elf.ts";
import { ESRCH } from "../../abi/errno.ts";
import { get } from "../../abi/layout.ts";
import {
  PTRACE_CONT,
  PTRACE_DETACH,
  PTRACE_GET_SYSCALL_INFO,
  PTRACE_GETEVENTMSG,
  PTRACE_GETREGS,
  PTRACE_GETREGSET,
  PTRACE_GETSIGINFO,
  PTRACE_INTERRUPT,
  PTRACE_LISTEN,
  PTRACE_POKEDATA,
  PTRACE_SEIZE,
  PTRACE_SETOPTIONS,
  PTRACE_SETREGS,
  PTRACE_SETREGSET,
  PTRACE_SYSCALL,
} from "../../abi/ptrace.ts";
import { SIGINFO } from "../../abi/signal.ts";
import { addressOf } from "../address.ts";
import { hostArch } from "../host.ts";
import { libc } from "../libc.ts";

/** A word of 0: a number would take the slow path of Deno's calls. */
const NONE = 0n;

const message = new Uint32Array(2);
const piece = new BigUint64Array(2);

/** Attaches to a task without stopping it. */
export function seize(tid: number, options: number): number {
  return libc.ptrace(PTRACE_SEIZE, tid, 0, options);
}

/** Changes the options of a stopped tracee. */
export function setOptions(tid: number, options: number): number {
  return libc.ptrace(PTRACE_SETOPTIONS, tid, 0, options);
}

function word(signal: number): bigint {
  return signal === 0 ? NONE : BigInt(signal);
}

/** Resumes a tracee, and delivers `signal` where that is not 0. */
export function resume(tid: number, signal: number): number {
  return libc.ptrace(PTRACE_CONT, tid, NONE, word(signal));
}

/** Resumes a tracee until it next enters or leaves a call. */
export function resumeToCall(tid: number, signal: number): number {
  return libc.ptrace(PTRACE_SYSCALL, tid, NONE, word(signal));
}

/** Leaves a tracee in its group stop, and hears when that ends. */
export function listen(tid: number): number {
  return libc.ptrace(PTRACE_LISTEN, tid, 0, 0);
}

/** Stops a running tracee. */
export function interrupt(tid: number): number {
  return libc.ptrace(PTRACE_INTERRUPT, tid, 0, 0);
}

/** Lets a stopped tracee go, and delivers `signal` where that is not 0. */
export function detach(tid: number, signal: number): number {
  return libc.ptrace(PTRACE_DETACH, tid, 0, signal);
}

/** Reads the general registers into a buffer of the size of `Arch.regs`. */
export function readRegisters(tid: number, into: Uint8Array): number {
  return hostArch().name === "x86_64"
    ? libc.ptraceBuffer(PTRACE_GETREGS, tid, NONE, into)
    : registerSet(PTRACE_GETREGSET, tid, NT_PRSTATUS, into);
}

/** Writes the general registers. */
export function writeRegisters(tid: number, from: Uint8Array): number {
  return hostArch().name === "x86_64"
    ? libc.ptraceBuffer(PTRACE_SETREGS, tid, NONE, from)
    : registerSet(PTRACE_SETREGSET, tid, NT_PRSTATUS, from);
}

/** Writes a word of a stopped tracee's memory, in a page that it may only read too. */
export function poke(tid: number, address: number, value: bigint): number {
  return libc.ptrace(PTRACE_POKEDATA, tid, BigInt(address), value);
}

function registerSet(
  request: number,
  tid: number,
  set: number,
  bytes: Uint8Array,
): number {
  piece[0] = BigInt(addressOf(bytes));
  piece[1] = BigInt(bytes.length);
  return libc.ptraceBuffer(request, tid, set, piece);
}

/**
 * Reads what the call at this stop is.
 *
 * @param tid the stopped tracee
 * @param into a buffer of the size of `PTRACE_SYSCALL_INFO`
 * @returns how many bytes the kernel has, or a negative errno
 */
export function readCallInfo(tid: number, into: Uint8Array): number {
  return libc.ptraceBuffer(
    PTRACE_GET_SYSCALL_INFO,
    tid,
    BigInt(into.length),
    into,
  );
}

/** Reads what an event is about: a tid, a status, a filter's data. */
export function readEventMessage(tid: number): number {
  const result = libc.ptraceBuffer(PTRACE_GETEVENTMSG, tid, NONE, message);
  return result < 0
    ? result
    : (message[1] as number) * 2 ** 32 + (message[0] as number);
}

/** Whether a tracee is in a stop at this moment, and so alive. */
export function isInStop(tid: number): boolean {
  return readEventMessage(tid) >= 0;
}

/**
 * Whether a request failed since its tracee is gone, or in no stop any more. While
 * functions are called by their addresses an errno may be another call's
 * (`../libc.ts`): so where it says something else, the kernel is asked once more.
 *
 * @param tid the tracee
 * @param result what the request returned, a negative errno
 */
export function isGone(tid: number, result: number): boolean {
  return result === -ESRCH || !isInStop(tid);
}

/** Reads the 128 bytes of the signal that is being delivered. */
export function readSignalInfo(tid: number, into: Uint8Array): number {
  return libc.ptraceBuffer(PTRACE_GETSIGINFO, tid, 0, into);
}

const info = new Uint8Array(SIGINFO.size);

/**
 * Which event a task is stopped for at this moment: ptrace_do_notify().
 *
 * A stop that was waited for may be over: whoever is ended meanwhile, and tells of
 * that, is in another one by now, with another message.
 *
 * @param tid the task
 * @returns `PTRACE_EVENT_*`; another number where it is stopped for none
 */
export function eventOf(tid: number): number {
  return readSignalInfo(tid, info) < 0
    ? -1
    : get(SIGINFO, info, "si_code") >> 8;
}
