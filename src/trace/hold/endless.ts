/** Calls that wait, and that a stop of their thread ends by EINTR. */

import type { SyscallName } from "../../abi/syscalls.ts";
import type { CallArguments } from "../../policy/plan/guard.ts";

/**
 * Whether a call waits for as long as it takes, and yet fails with EINTR once its
 * thread was stopped, though no handler has run: signal(7). It can be made again
 * from its start. One that waits for a time has waited for a part of that.
 *
 * @param name the call
 * @param args its arguments
 */
export function waitsForever(name: SyscallName, args: CallArguments): boolean {
  switch (name) {
    case "epoll_wait":
    case "epoll_pwait":
      return args.uint(3) >= 0x8000_0000;
    case "epoll_pwait2":
    case "semtimedop":
      return args.address(3) === 0;
    case "rt_sigtimedwait":
      return args.address(2) === 0;
    case "io_getevents":
    case "io_pgetevents":
      return args.address(4) === 0;
    case "semop":
      return true;
    default:
      return false;
  }
}
