/** Constants from `include/uapi/linux/wait.h`, and what a wait status says. */

/** Do not wait: 0 where nothing is ready. */
export const WNOHANG = 0x0000_0001;
/** Stops too, of children that are not traced. */
export const WUNTRACED = 0x0000_0002;
/** Exits too; waitid(2). */
export const WEXITED = 0x0000_0004;
/** Continuations too. */
export const WCONTINUED = 0x0000_0008;
/** Leave it to be waited for again; waitid(2). */
export const WNOWAIT = 0x0100_0000;
/** Only children of the calling thread. */
export const __WNOTHREAD = 0x2000_0000;
/** Children of every kind. */
export const __WALL = 0x4000_0000;
/** Tracees; and of other children those alone whose end is told by no SIGCHLD. */
export const __WCLONE = 0x8000_0000;

/** waitid(2): any child. */
export const P_ALL = 0;
/** waitid(2): the one with this id. */
export const P_PID = 1;

// include/uapi/asm-generic/siginfo.h: what `si_code` of SIGCHLD says.
/** It exited. */
export const CLD_EXITED = 1;
/** A signal ended it. */
export const CLD_KILLED = 2;
/** A signal ended it, and a core was dumped. */
export const CLD_DUMPED = 3;

// The layout of a status is the C library's `bits/waitstatus.h`.

/** Did it exit? */
export function WIFEXITED(status: number): boolean {
  return (status & 0x7f) === 0;
}

/** The code that it exited with. */
export function WEXITSTATUS(status: number): number {
  return (status >> 8) & 0xff;
}

/** The signal that ended it. */
export function WTERMSIG(status: number): number {
  return status & 0x7f;
}

/** Is it stopped? */
export function WIFSTOPPED(status: number): boolean {
  return (status & 0xff) === 0x7f;
}

/** The signal of a stop; bit 7 is set at a call under `PTRACE_O_TRACESYSGOOD`. */
export function WSTOPSIG(status: number): number {
  return (status >> 8) & 0xff;
}

/** The status of a stop by a signal; a ptrace(2) event is in its bits from 16 on. */
export function W_STOPCODE(signal: number): number {
  return signal << 8 | 0x7f;
}
