/** Signals from `include/uapi/asm-generic/signal.h` and `siginfo.h`. */

import type { Layout } from "./layout.ts";

export type { FieldType, Layout } from "./layout.ts";

/** The name of a signal, as the kernel spells it. */
export type SignalName =
  | "SIGHUP"
  | "SIGINT"
  | "SIGQUIT"
  | "SIGILL"
  | "SIGTRAP"
  | "SIGABRT"
  | "SIGBUS"
  | "SIGFPE"
  | "SIGKILL"
  | "SIGUSR1"
  | "SIGSEGV"
  | "SIGUSR2"
  | "SIGPIPE"
  | "SIGALRM"
  | "SIGTERM"
  | "SIGSTKFLT"
  | "SIGCHLD"
  | "SIGCONT"
  | "SIGSTOP"
  | "SIGTSTP"
  | "SIGTTIN"
  | "SIGTTOU"
  | "SIGURG"
  | "SIGXCPU"
  | "SIGXFSZ"
  | "SIGVTALRM"
  | "SIGPROF"
  | "SIGWINCH"
  | "SIGIO"
  | "SIGPWR"
  | "SIGSYS";

/** The terminal hung up. */
export const SIGHUP = 1;
/** Interrupt from the keyboard. */
export const SIGINT = 2;
/** Quit from the keyboard. */
export const SIGQUIT = 3;
/** Illegal instruction. */
export const SIGILL = 4;
/** Trace or breakpoint trap. */
export const SIGTRAP = 5;
/** abort(3); also spelled `SIGIOT`. */
export const SIGABRT = 6;
/** Bad memory access. */
export const SIGBUS = 7;
/** Arithmetic error. */
export const SIGFPE = 8;
/** Ends the process; cannot be caught. */
export const SIGKILL = 9;
/** For the program. */
export const SIGUSR1 = 10;
/** Invalid memory reference. */
export const SIGSEGV = 11;
/** For the program. */
export const SIGUSR2 = 12;
/** Write to a pipe that nobody reads. */
export const SIGPIPE = 13;
/** A timer ran out. */
export const SIGALRM = 14;
/** Please end. */
export const SIGTERM = 15;
/** Unused. */
export const SIGSTKFLT = 16;
/** A child stopped, went on or ended. */
export const SIGCHLD = 17;
/** Go on if stopped. */
export const SIGCONT = 18;
/** Stops the process; cannot be caught. */
export const SIGSTOP = 19;
/** Stop from the keyboard. */
export const SIGTSTP = 20;
/** Terminal input wanted in the background. */
export const SIGTTIN = 21;
/** Terminal output wanted in the background. */
export const SIGTTOU = 22;
/** Urgent data at a socket. */
export const SIGURG = 23;
/** CPU time limit passed. */
export const SIGXCPU = 24;
/** File size limit passed. */
export const SIGXFSZ = 25;
/** A virtual timer ran out. */
export const SIGVTALRM = 26;
/** A profiling timer ran out. */
export const SIGPROF = 27;
/** The terminal changed its size. */
export const SIGWINCH = 28;
/** A file descriptor is ready; also spelled `SIGPOLL`. */
export const SIGIO = 29;
/** Power failure. */
export const SIGPWR = 30;
/** Bad system call. */
export const SIGSYS = 31;

/** The first real-time signal as the kernel counts; libc keeps two for itself. */
export const SIGRTMIN = 32;
/** The last real-time signal. */
export const SIGRTMAX = 64;
/** One more than the last signal. */
export const NSIG = 65;

/** The number of each name; it is the same on x86-64 and arm64. */
export const SIGNAL: Readonly<Record<SignalName, number>> = {
  SIGHUP,
  SIGINT,
  SIGQUIT,
  SIGILL,
  SIGTRAP,
  SIGABRT,
  SIGBUS,
  SIGFPE,
  SIGKILL,
  SIGUSR1,
  SIGSEGV,
  SIGUSR2,
  SIGPIPE,
  SIGALRM,
  SIGTERM,
  SIGSTKFLT,
  SIGCHLD,
  SIGCONT,
  SIGSTOP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGXCPU,
  SIGXFSZ,
  SIGVTALRM,
  SIGPROF,
  SIGWINCH,
  SIGIO,
  SIGPWR,
  SIGSYS,
};

const NAMES: readonly SignalName[] = Object.keys(SIGNAL) as SignalName[];

/**
 * The name of a signal, for a person.
 *
 * @param signal its number
 * @returns `"SIGTERM"`, `"SIGRTMIN+3"` (the kernel's SIGRTMIN, 32), or
 *   `"signal 99"` where none has that number
 */
export function signalName(signal: number): string {
  const name = NAMES[signal - 1];
  if (name !== undefined) return name;
  if (signal === SIGRTMIN) return "SIGRTMIN";
  if (signal > SIGRTMIN && signal <= SIGRTMAX) {
    return `SIGRTMIN+${signal - SIGRTMIN}`;
  }
  return `signal ${signal}`;
}

/**
 * Tells whether text is the name of a signal.
 *
 * @param text the text
 * @returns whether {@linkcode SIGNAL} has it
 */
export function isSignalName(text: string): text is SignalName {
  return Object.hasOwn(SIGNAL, text);
}

// include/uapi/asm-generic/signal-defs.h
/** The default disposition. */
export const SIG_DFL = 0;
/** Ignore it. */
export const SIG_IGN = 1;
/** Block more. */
export const SIG_BLOCK = 0;
/** Block less. */
export const SIG_UNBLOCK = 1;
/** Block just these. */
export const SIG_SETMASK = 2;
/** No child waits for its parent once it has ended: sigaction(2). */
export const SA_NOCLDWAIT = 0x0000_0002;
/** The handler takes three arguments. */
export const SA_SIGINFO = 0x0000_0004;
/** `sa_restorer` holds an address; x86 only (`asm/signal.h`). */
export const SA_RESTORER = 0x0400_0000;
/** Restart the call that was interrupted. */
export const SA_RESTART = 0x1000_0000;

/** Size of `sigset_t` in bytes. */
export const SIGSET_SIZE = 8;

/** What to do with a signal: `struct sigaction` of `asm/signal.h`, x86-64. */
export const SIGACTION: Layout<
  "sa_handler" | "sa_flags" | "sa_restorer" | "sa_mask"
> = {
  size: 32,
  // deno-fmt-ignore
  fields: {
    sa_handler:  [ 0, "u64"], // __sighandler_t sa_handler
    sa_flags:    [ 8, "u64"], // unsigned long sa_flags
    sa_restorer: [16, "u64"], // __sigrestore_t sa_restorer
    sa_mask:     [24, "u64"], // sigset_t sa_mask
  },
};

// `siginfo_t.si_code`: who sent it, `asm-generic/siginfo.h`.
/** A process did, by kill(2). */
export const SI_USER = 0;
/** A process did, to one thread. */
export const SI_TKILL = -6;
/** The kernel did. */
export const SI_KERNEL = 0x80;

/** The signals that stop a process unless it does something else with them. */
export const STOP_SIGNALS: readonly number[] = [
  SIGSTOP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
];

/** What is known of a signal: `siginfo_t` of 64-bit machines. */
export const SIGINFO: Layout<"si_signo" | "si_code" | "si_pid" | "si_status"> =
  {
    size: 128,
    // deno-fmt-ignore
    fields: {
    si_signo:  [ 0, "i32"], // int si_signo
    si_code:   [ 8, "i32"], // int si_code
    si_pid:    [16, "i32"], // __kernel_pid_t _sifields._kill._pid
    si_status: [24, "i32"], // int _sifields._sigchld._status
  },
  };
