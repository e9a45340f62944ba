/**
 * Signals to a process that cannot be mistaken for another one, and its
 * descriptors.
 */

import { errnoName, ESRCH } from "../../abi/errno.ts";
import { SystemCallError } from "../../errors.ts";
import { close } from "../files.ts";
import { callNumber } from "../host.ts";
import { libc } from "../libc.ts";

/**
 * Opens a process. The descriptor names it even when it is gone.
 *
 * @param pid a process that is not yet waited for
 * @returns a descriptor, or a negative errno
 */
export function pidfdOpen(pid: number): number {
  return libc.syscallIII(callNumber("pidfd_open"), pid, 0, 0);
}

/**
 * Opens a process whose signals are jail's to pass on.
 *
 * @param pid a process that is not yet waited for
 * @returns a descriptor
 * @throws {SystemCallError} where it cannot be opened, or be sent any signal
 */
export function watchProcess(pid: number): number {
  const pidfd = pidfdOpen(pid);
  if (pidfd < 0) throw unwatched(pid, "pidfd_open", pidfd);
  // Whoever passes a signal on, in a handler, cannot tell that it may not.
  const result = pidfdSendSignal(pidfd, 0);
  if (result >= 0 || result === -ESRCH) return pidfd;
  close(pidfd);
  throw unwatched(pid, "pidfd_send_signal", result);
}

function unwatched(pid: number, call: string, errno: number): SystemCallError {
  return new SystemCallError(`watch process ${pid}`, call, errnoName(-errno));
}

/**
 * Sends a signal to a process.
 *
 * @param pidfd the process
 * @param signal the signal's number
 * @returns 0, or a negative errno: `-ESRCH` where it is gone
 */
export function pidfdSendSignal(pidfd: number, signal: number): number {
  return libc.syscallIIBB(
    callNumber("pidfd_send_signal"),
    pidfd,
    signal,
    null,
    null,
  );
}

/**
 * Takes a descriptor of a process, as if by dup(2); exec closes it.
 *
 * @param pidfd the process
 * @param fd which of its descriptors
 * @returns a descriptor of this process, or a negative errno
 */
export function pidfdGetFd(pidfd: number, fd: number): number {
  return libc.syscallIII(callNumber("pidfd_getfd"), pidfd, fd, 0);
}
